"""What a compressor is to the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from toolkit.arrays import Array, contiguous, namespace
from toolkit.compressors._input import messages, vectors
from toolkit.constants import CompressorConstants
from toolkit.errors import WrongUse
from toolkit.layout import Field, Numbers, Positions
from toolkit.parameters import Parametrised, scheduled, swept

if TYPE_CHECKING:
    from toolkit.wire import Codec

__all__ = ["Compressor"]


class Compressor(Parametrised):
    """A map C that shortens vectors; subclass it, give its fields, and write `message`, or `parts` and `assemble`.

    `message` is the mathematics, on arrays of shape ``(run, worker, coordinate)``. A compressor whose messages are more
    than some of the numbers of the vector says what they consist of (`layout`), what is in them (`parts`) and how they
    are decoded (`assemble`); `message` then follows, and so do the bytes. Everything else has a default. A swept field
    arrives as an array of shape ``(run, 1, 1)``.

    Attributes
    ----------
    random : bool
        Whether it needs a draw.
    shared : bool
        Whether the workers of a run must draw the same numbers.
    correlated : bool
        Whether the number of workers enters their messages, so that those of all workers are made and decoded together.
    summable : bool
        Whether messages can be added without decoding them: the parts of a sum are the sums of the parts.
    homogeneous : bool
        Whether C(tx) = t·C(x) for t > 0, with the same draw, up to rounding.
    symmetric : bool
        Whether C treats all coordinates alike: permuting them permutes the message, in law and up to ties.
    fixes_zero : bool
        Whether C(0) = 0, as δ and ω imply; a raw sign need not.
    keeps_zeros : bool
        Whether every zero coordinate is sent as zero.
    selects : bool
        Whether every coordinate is sent as it is or as zero, so that C(x) is orthogonal to C(x) − x.
    state : tuple of str
        The fields that change from message to message, dotted if in a compressor inside, as in ``compressor.warm``;
        their initial values broadcast against those of `after`.

    Examples
    --------
    >>> import numpy as np
    >>> class Halve(Compressor):
    ...     def message(self, x, draw):
    ...         return x / 2
    >>> Halve().compress(np.array([2.0, 4.0]))
    array([1., 2.])
    """

    random: ClassVar[bool] = False
    shared: ClassVar[bool] = False
    correlated: ClassVar[bool] = False
    summable: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = False
    symmetric: ClassVar[bool] = False
    fixes_zero: ClassVar[bool] = True
    keeps_zeros: ClassVar[bool] = False
    selects: ClassVar[bool] = False
    state: ClassVar[tuple[str, ...]] = ()

    # The mathematics --------------------------------------------------------------------------------------------------

    def message(self, x: Array, draw: Any) -> Array:
        """Return C(x) of finite `x`, shape ``(run, worker, coordinate)``: a new array, or `x` itself if all is sent."""
        if type(self).parts is Compressor.parts:
            raise TypeError(f"{type(self).__name__} does not say how it compresses: define message(x, draw)")
        return self.assemble(self.parts(x, draw), draw, x.shape[-1], x.dtype)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        """Return the fields of a message in dimension `d`; by default the entries that are not +0, and where they are.

        Parameters
        ----------
        d : int
            The dimension.
        dtype : dtype
            Of the vectors.
        """
        return Positions("sent", d), Numbers("value", d, at="sent")

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        """Return the contents of the fields of `layout`, arrays of shape ``(run, worker, size)``."""
        xp, sent = namespace(x), self.message(x, draw)
        return {"sent": (sent != 0) | xp.signbit(sent), "value": sent}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        """Return the decoded messages, shape ``(run, worker, d)``, from their parts."""
        value = parts["value"]
        return namespace(value).where(parts["sent"], value, namespace(value).zeros_like(value))

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        """Return the contents of the fields that the receiver draws (``Positions(…, drawn=True)``), for its decoder."""
        return {}

    def after(self, parts: Mapping[str, Array]) -> dict[str, Array]:
        """Return the fields named in `state` as they are for the next message, known to sender and receiver."""
        return {}

    # For users --------------------------------------------------------------------------------------------------------

    def compress(self, x: Array, draw: Any = None) -> Array:
        """Return C(x), checked: the coordinate axis is the last one of any batch, also of a plain vector.

        Parameters
        ----------
        x : array, shape (d,), (worker, d) or (run, worker, d)
            Finite numbers; never written to.
        draw : Draw, optional
            Required by a random compressor; its runs and workers broadcast against those of `x`.

        Returns
        -------
        array
            The decoded message, a new array of the shape of `x` (of the draw's runs and workers where those are more).

        Raises
        ------
        WrongUse
            If `x` has no coordinates, or an infinity or NaN; if a draw is missing or has other runs or workers; if a
            field is a swept set or a schedule, which only `simulate` resolves.
        """
        sent = self.message(self.batch(x, draw), draw)
        xp, shape = namespace(sent), np.shape(x)
        return xp.asarray(xp.reshape(sent, shape) if sent.size == np.prod(shape) else sent, copy=True)

    def encode(self, x: Array, draw: Any = None, codec: Codec | None = None) -> Any:
        """Return the messages of `x` as bytes.

        Parameters
        ----------
        x, draw
            As in `compress`.
        codec : Codec, optional
            The codes; by default `Compressor.codec`.

        Returns
        -------
        bytes, or list of bytes, or list of lists
            For `x` of shape (d,), (worker, d) or (run, worker, d).

        Raises
        ------
        WrongUse
            As `compress`, and if a code cannot code what it is given.

        Examples
        --------
        >>> from toolkit.compressors import TopK
        >>> data = TopK(k=1).encode(np.array([3.0, -5.0, 1.0]))
        >>> len(data)
        10
        >>> TopK(k=1).decode(data, 3)
        array([ 0., -5.,  0.])
        """
        from toolkit.wire import chosen, seed_of, write

        batch = self.batch(x, draw)
        parts = self.parts(batch, draw)
        layout, codec = self.layout(batch.shape[-1], batch.dtype), chosen(codec, self.codec)

        def message(run: int, worker: int) -> bytes:
            contents = {name: np.asarray(part)[run, worker] for name, part in parts.items()}
            return b"".join(one.data for one in write(layout, contents, batch.dtype, codec, seed_of(draw, run)))

        messages = [[message(run, worker) for worker in range(batch.shape[1])] for run in range(batch.shape[0])]
        axes = np.ndim(x)
        return messages if axes == 3 else messages[0] if axes == 2 else messages[0][0]

    def decode(self, data: Any, d: int, dtype: Any = np.float64, draw: Any = None, codec: Codec | None = None) -> Array:
        """Return what `compress` returned for the vectors whose messages are `data`, bit for bit.

        Parameters
        ----------
        data : bytes, or list of bytes, or list of lists
            What `encode` returned.
        d : int
            Dimension.
        dtype : dtype
            Of the vectors.
        draw, codec
            Those of `encode`.

        Returns
        -------
        array, shape (d,), (worker, d) or (run, worker, d)

        Raises
        ------
        WrongUse
            If the data are not messages of this compressor.
        """
        from toolkit.wire import chosen, read, seed_of

        asked = f"{self!r}.decode(data, {d}, {np.dtype(dtype)})"
        by_run, axes = messages(data, asked)
        if not (isinstance(d, (int, np.integer)) and d >= 1 and np.dtype(dtype).kind == "f"):
            raise WrongUse(asked, "there are no such vectors", "pass their dimension and their type, as float32")
        self.check(d)
        shape = (len(by_run), len(by_run[0]), d)
        layout, codec = self.layout(d, np.dtype(dtype)), chosen(codec, self.codec)
        drawn = self.redraw(shape, draw) if draw is not None else {}

        def contents(run: int, worker: int) -> dict[str, Array]:
            own = {
                name: np.broadcast_to(part, (*shape[:2], part.shape[-1]))[run, worker] for name, part in drawn.items()
            }
            return read(layout, by_run[run][worker], dtype, codec, own, seed_of(draw, run))

        rows = [[contents(run, worker) for worker in range(shape[1])] for run in range(shape[0])]
        parts = {name: np.array([[one[name] for one in row] for row in rows]) for name in rows[0][0]}
        sent = self.assemble(parts, draw, d, np.dtype(dtype))
        return sent if axes == 3 else sent[0] if axes == 2 else sent[0, 0]

    @property
    def codec(self) -> Codec:
        """The codes it uses unless told."""
        from toolkit.wire import Codec

        return Codec()

    def batch(self, x: Array, draw: Any = None) -> Array:
        """Return `x` checked, as a contiguous batch (run, worker, d) that fits the draw; see `compress`."""
        asked = f"{self!r}.compress(x)"
        for path in (*swept(self), *scheduled(self)):
            raise WrongUse(asked, f"{'.'.join(path)} is not one value but a set or a schedule", "give it one value")
        x = vectors(x, asked)
        self.check(x.shape[-1])
        xp = namespace(x)
        batch = xp.reshape(x, (1,) * (3 - x.ndim) + tuple(x.shape))
        if not self.random:
            return contiguous(batch)
        if not hasattr(draw, "of"):
            wrong = "got no draw" if draw is None else f"got {draw!r}, which is no draw"
            remedy = "pass draw=Draw(seed), from toolkit import Draw"
            raise WrongUse(asked, f"this compressor is random and {wrong}", remedy)
        if self.shared and draw.shape[1] > 1:
            raise WrongUse(
                asked, "its workers must draw the same numbers, and this draw is per worker", "pass the draw itself"
            )
        try:
            batch = xp.broadcast_to(batch, np.broadcast_shapes(batch.shape, (*draw.shape, 1)))
        except ValueError:
            raise WrongUse(
                asked,
                f"x has (runs, workers) = {tuple(batch.shape[:2])} and the draw has {tuple(draw.shape)}",
                "pass a draw of as many runs and workers",
            ) from None
        return contiguous(batch)

    def check(self, d: int) -> None:
        """Refuse a dimension this compressor cannot work in; the default accepts all."""

    def message_with_memory(self, memory: Array, v: Array, scale: Any, draw: Any) -> tuple[Array, Array, Array]:
        """Error feedback: with p = memory + scale·v, return C(p), p − C(p) and ‖p − C(p)‖² per run and worker.

        A compressor may do this in one pass over the data; the three results must not change by it.
        """
        from toolkit import kernels

        p = contiguous(memory + scale * v)
        sent = self.message(p, draw)
        return sent, p - sent, kernels.sum_sq_difference(p, sent)

    def take_from(
        self, memory: Array, v: Array, scale: Any, draw: Any, threads: int, into: Any = None
    ) -> tuple[Any, Array] | None:
        """Error feedback where it lies, for long vectors: as `message_with_memory`, but p − C(p) goes into `memory`.

        Parameters
        ----------
        memory, v, scale, draw
            As of `message_with_memory`.
        threads : int
            How many may work on it.
        into : message, optional
            A former message whose arrays may be written over.

        Returns
        -------
        message, error
            C(p) as a message of `toolkit.kernels.messages`, and ‖p − C(p)‖² per run and worker; the numbers are those
            of `message_with_memory`, bit for bit. None, and `memory` untouched, if there is no such kernel.
        """
        return None

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        """Return the constants that exist in dimension `d` with `n` workers; by default none is known."""
        return CompressorConstants()

    def domain(self, d: int, dtype: Any) -> tuple[float, float]:
        """Return the least and the largest magnitude of non-zero coordinates for which the constants hold.

        By default everything but what is so large that sums or multiples may overflow: from 0 to 10⁻⁶/d times the
        largest number, where messages up to 10⁶ times as large as x are still finite.
        """
        return 0.0, 1e-6 * float(np.finfo(dtype).max) / d

    def expected_error(self, x: Array) -> Array | None:
        """Return the exact E‖C(x) − x‖² of each row of `x`, shape ``(run, worker, d)``, or None if it is not known."""
        return None

    def price(self, n: int, d: int, dtype: Any) -> Any:
        """Return the formula count of bits of one message of one of `n` workers, or None if it depends on the message.

        By default every value is sent at the width of `dtype`. Where a swept field enters, an array (run, 1, 1).
        """
        return float(d * 8 * np.dtype(dtype).itemsize)

    def price_of(self, message: Array) -> Array:
        """Return the formula count of bits of each message, shape ``(run, worker)``; asked only if `price` is None."""
        raise TypeError(f"{type(self).__name__}.price is None, so it must define price_of(message)")

    def price_of_parts(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        """Return the same from the parts of the messages, for a compressor that cannot tell it from what is decoded."""
        return self.price_of(self.assemble(parts, draw, d, dtype))

    def for_messages(self, unit: str, stepsize: Any) -> Compressor:
        """Return the compressor for messages in `unit` ('iterate' or 'gradient') at this step size; by default itself.

        A compressor with a magnitude of its own, such as a threshold in gradient units, rescales it here.
        """
        return self
