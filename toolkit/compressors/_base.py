"""What a compressor is to the program."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array, contiguous, namespace
from toolkit.constants import CompressorConstants
from toolkit.errors import WrongUse
from toolkit.parameters import Parametrised, scheduled, swept

__all__ = ["Compressor"]


class Compressor(Parametrised):
    """A map C that shortens vectors; subclass it, give its fields and write `message`.

    `message` is the mathematics, on arrays of shape ``(run, worker, coordinate)``; everything else has a default. A
    swept field arrives in `message` as an array of shape ``(run, 1, 1)``.

    Attributes
    ----------
    random : bool
        Whether `message` needs a draw.

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

    def message(self, x: Array, draw: Any) -> Array:
        """Return C(x) of finite `x`, shape ``(run, worker, coordinate)``: a new array, or `x` itself if all is sent."""
        raise TypeError(f"{type(self).__name__} does not say how it compresses: define message(x, draw)")

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
        asked = f"{self!r}.compress(x)"
        for path in (*swept(self), *scheduled(self)):
            raise WrongUse(asked, f"{'.'.join(path)} is not one value but a set or a schedule", "give it one value")
        x = self._checked(x, asked)
        xp = namespace(x)
        batch = xp.reshape(x, (1,) * (3 - x.ndim) + tuple(x.shape))
        if self.random:
            if draw is None:
                raise WrongUse(
                    asked,
                    "this compressor is random and got no draw",
                    "pass draw=Draw(seed), from toolkit import Draw",
                )
            try:
                batch = xp.broadcast_to(batch, np.broadcast_shapes(batch.shape, (*draw.shape, 1)))
            except ValueError:
                raise WrongUse(
                    asked,
                    f"x has (runs, workers) = {tuple(batch.shape[:2])} and the draw has {tuple(draw.shape)}",
                    "pass a draw of as many runs and workers",
                ) from None
        sent = self.message(contiguous(batch), draw)
        return xp.asarray(xp.reshape(sent, x.shape) if sent.size == x.size else sent, copy=True)

    def _checked(self, x: Any, asked: str) -> Array:
        """Return `x` as an array of finite floating-point numbers in a dimension this compressor can work in."""
        x = np.asarray(x, dtype=float) if isinstance(x, (list, tuple)) else x
        xp = namespace(x)
        if x.ndim not in (1, 2, 3) or x.size == 0:
            raise WrongUse(
                f"{asked} with x of shape {tuple(x.shape)}",
                "x must be a non-empty vector or a batch of them",
                "pass shape (d,), (worker, d) or (run, worker, d)",
            )
        if xp.isdtype(x.dtype, ("bool", "integral")):
            x = xp.astype(x, xp.float64)
        if not xp.isdtype(x.dtype, "real floating"):
            raise WrongUse(asked, f"x holds values of type {x.dtype}", "pass real numbers")
        if not bool(xp.all(xp.isfinite(x))):
            flat = np.asarray(x).ravel()
            first = int(np.flatnonzero(~np.isfinite(flat))[0])
            raise WrongUse(asked, f"x holds {flat[first]} at flat position {first}", "pass finite numbers only")
        self.check(x.shape[-1])
        return x

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

    def constants(self, d: int) -> CompressorConstants:
        """Return the constants that exist in dimension `d`; by default none is known."""
        return CompressorConstants()

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

    def for_messages(self, unit: str, stepsize: Any) -> Compressor:
        """Return the compressor for messages in `unit` ('iterate' or 'gradient') at this step size; by default itself.

        A compressor with a magnitude of its own, such as a threshold in gradient units, rescales it here.
        """
        return self
