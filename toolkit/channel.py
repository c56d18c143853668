"""The only way a vector leaves a worker: compresses it, charges its bits, records its error."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, contiguous
from toolkit.compressors import Compressor
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.parameters import bind

__all__ = ["Channel"]

_COUNTED = ("entropy", "encoded", "values", "indices", "side", "padding")  # beside the formula, where there is a codec


class Channel:
    """The communication of one batch of runs.

    Parameters
    ----------
    up, down : Compressor
        What compresses messages to the server and messages to the workers.
    topology : Topology, optional
        The graph that `exchange` and `mix` use.
    codec : Codec, optional
        With one, the entropy and the encoded bytes of every message are counted as well; see `toolkit.ledger`.

    Attributes
    ----------
    bits_up, bits_down : float or array, shape (run,)
        Formula count of bits so far, mean per worker.
    total_error, total_error_down : float or array, shape (run,)
        Σ_t (1/n) Σ_i ‖p − C(p)‖² so far.
    in_place : int
        With how many threads `send_with_memory` may write to the memory it is given and to what it returned before;
        0: not at all. The numbers are the same.
    ledger_up, ledger_down : dict of str to float or array, shape (run,)
        The other counts of bits so far, mean per worker, by the names of the fields of `toolkit.ledger.Ledger`.
    """

    def __init__(self, up: Compressor, down: Compressor, topology: Any = None, codec: Any = None) -> None:
        self.up, self.down, self.topology, self.codec = up, down, topology, codec
        self.bits_up: Any = 0.0
        self.bits_down: Any = 0.0
        self.total_error: Any = 0.0
        self.total_error_down: Any = 0.0
        self.in_place = 0
        self._written: dict[str, tuple[Any, Any, Array]] = {}
        self.ledger_up: dict[str, Any] = dict.fromkeys(() if codec is None else _COUNTED, 0.0)
        self.ledger_down: dict[str, Any] = dict(self.ledger_up)
        self._states: dict[tuple[str, str], dict[tuple[str, ...], Array]] = {}
        self._prices: dict[tuple[int, int, Any, bool], tuple[Compressor, Any]] = {}
        self._draw: Draw | None = None
        self._messages = 0
        self._spoke_down = False

    def begin(self, draw: Draw) -> None:
        """Start a step: its messages draw from `draw` and are numbered from 0."""
        self._draw = draw
        self._messages = 0
        self._spoke_down = False

    def end(self, x: Array) -> None:
        """End a step: one uncompressed vector like `x` went down to every worker unless the method sent its own."""
        if not self._spoke_down:
            self._charge("down", _full(x, self.codec is not None))

    def send(self, v: Array, *, exact: Any = False, active: Any = None, purpose: str | None = None) -> Array:
        """Send one vector per worker to the server.

        Parameters
        ----------
        v : array, shape (run, worker, d)
            What the workers compress.
        exact : bool or array of bool, shape (run, 1, 1)
            Rows that go uncompressed at full price, without error.
        active : array of bool, shape (run, worker or 1, 1), optional
            Rows that are sent; the others cost nothing and arrive as zero.
        purpose : str, optional
            Names the randomness, to share it between messages; by default every message of a step has its own.

        Returns
        -------
        array, shape (run, worker, d)
            What arrives.
        """
        return self._transmit("up", v, exact, active, purpose)

    def send_with_memory(
        self, memory: Array, v: Array, scale: Any, *, exact: Any = False, active: Any = None, purpose: str | None = None
    ) -> tuple[Array, Array]:
        """Error feedback: with p = memory + scale·v, send C(p) and return what arrives and p − C(p)."""
        if exact is False and active is None and not self._needs_parts(self.up, v):
            name = self._name(purpose)
            draw = self._draw_of(self.up, v, name)
            sent, rest, error = (self.in_place and self._in_place(memory, v, scale, draw, name)) or (
                self.up.message_with_memory(memory, v, scale, draw)
            )
            _check_message(self.up, sent, rest.shape, np.result_type(memory.dtype, v.dtype))
            self._charge("up", {"formula": self._bits(self.up, sent)})
            self.total_error = self.total_error + _mean(error)
            return sent, rest
        p = memory + scale * v
        sent = self.send(p, exact=exact, active=active, purpose=purpose)
        return sent, p - sent

    def _in_place(self, memory: Array, v: Array, scale: Any, draw: Any, name: str) -> tuple[Array, Array, Array] | None:
        """Do error feedback where the memory lies, and write the message where the last one of this name lies."""
        memory = contiguous(memory)
        alike = memory.dtype == v.dtype == getattr(scale, "dtype", v.dtype)
        if not (alike and memory.flags.writeable):
            return None
        last, older, out = self._written.get(name, (None, None, None))
        taken = self.up.take_from(memory, v, scale, draw, self.in_place, older)
        if taken is None:
            return None
        message, error = taken
        if out is None or out.shape != memory.shape or out.dtype != memory.dtype:
            last, out = None, np.empty_like(memory)
        # The last message says what `out` holds; only the one before it has no more use.
        self._written[name] = message, last, message.write(out, last, self.in_place)
        return out, memory, error

    def broadcast(self, v: Array, *, exact: Any = False, purpose: str | None = None) -> Array:
        """Send one message, shape ``(run, 1, d)``, from the server to all workers; they hold what is returned."""
        return self._down(v, exact, None, purpose)

    def scatter(self, v: Array, *, exact: Any = False, active: Any = None, purpose: str | None = None) -> Array:
        """Send an own message, shape ``(run, worker, d)``, from the server to each worker."""
        return self._down(v, exact, active, purpose)

    def exchange(self, v: Array, *, exact: Any = False, purpose: str | None = None) -> Array:
        """Send one message per worker to each of its neighbours; its price counts once per neighbour."""
        self._spoke_down = True
        return self._transmit("up", v, exact, None, purpose, self._graph.degrees)

    def mix(self, v: Array, own: Array | None = None) -> Array:
        """Return Σ_j w_ij (v_j − v_i) = Wv − v on public copies, which costs nothing.

        With `own` worker i takes its own value as it is: Σ_{j≠i} w_ij (v_j − own_i).
        """
        W = self._graph.matrix
        if own is None:
            return W @ v - v
        others = W - np.diag(np.diag(W))
        return others @ v - others.sum(axis=1)[:, None] * own

    @property
    def _graph(self) -> Any:
        if self.topology is None:
            remedy = "give topology=ring(n), complete(n) or a Topology"
            raise WrongUse("a method that talks to neighbours", "the experiment has no topology", remedy)
        return self.topology

    def preview(self, v: Array) -> Array:
        """Return what would arrive if `v` were the next message sent; free, and draws what that message would."""
        messages = self._messages
        name = self._name(None)
        self._messages = messages
        return self._with_state("up", name).message(contiguous(v), self._draw_of(self.up, v, name))

    def _down(self, v: Array, exact: Any, active: Any, purpose: str | None) -> Array:
        self._spoke_down = True
        return self._transmit("down", v, exact, active, purpose)

    def _name(self, purpose: str | None) -> str:
        """Return what the randomness and the state of the next message go by."""
        name = f"message {self._messages}" if purpose is None else f"shared {purpose}"
        self._messages += 1
        return name

    def _draw_of(self, compressor: Compressor, v: Array, name: str) -> Draw | None:
        """Return the randomness of a message: own to each worker, unless it is one for all or they share theirs."""
        if not compressor.random or self._draw is None:
            return None
        draw = self._draw.of(name)
        return draw if v.shape[1] == 1 or compressor.shared else draw.per_worker

    def _with_state(self, direction: str, name: str) -> Compressor:
        """Return the compressor as the last message of this name left it."""
        compressor = self.up if direction == "up" else self.down
        return bind(compressor, self._states.get((direction, name), {}))

    def _transmit(
        self, direction: str, v: Array, exact: Any, active: Any, purpose: str | None, copies: Any = 1.0
    ) -> Array:
        """Return what arrives; charge its bits and add its squared error, both averaged over workers."""
        v, name, audited = contiguous(v), self._name(purpose), self.codec is not None
        charges = _full(v, audited)
        error: Any = 0.0
        sent = v
        if exact is not True:
            full = charges
            compressed = active if exact is False else ~exact if active is None else active & ~exact
            sent, charges = self._compressed(direction, v, name, compressed)
            error = kernels.sum_sq_difference(v, sent)
            if exact is not False:
                sent = np.where(exact, v, sent)
                charges = {count: np.where(exact[..., 0], full[count], bits) for count, bits in charges.items()}
                error = np.where(exact[..., 0], 0.0, error)
        if active is not None:
            sent = np.where(active, sent, 0.0)
            charges = {count: np.where(active[..., 0], bits, 0.0) for count, bits in charges.items()}
            error = np.where(active[..., 0], error, 0.0)
        self._charge(direction, {count: bits * copies for count, bits in charges.items()})
        if direction == "up":
            self.total_error = self.total_error + _mean(error)
        else:
            self.total_error_down = self.total_error_down + _mean(error)
        return sent

    def _compressed(self, direction: str, v: Array, name: str, active: Any) -> tuple[Array, dict[str, Any]]:
        """Return the decoded messages and their bits by every count; move the state on, of the `active` rows only."""
        compressor = self._with_state(direction, name)
        draw = self._draw_of(compressor, v, name)
        if not self._needs_parts(compressor, v):
            sent = compressor.message(v, draw)
            _check_message(compressor, sent, v.shape, v.dtype)
            return sent, {"formula": self._bits(compressor, sent)}
        parts = compressor.parts(v, draw)
        sent = compressor.assemble(parts, draw, v.shape[2], v.dtype)
        _check_message(compressor, sent, v.shape, v.dtype)
        if compressor.state:
            new = {tuple(field.split(".")): value for field, value in compressor.after(parts).items()}
            if active is not None:  # who sends nothing stays as he is
                old: Any = {path: reduce(getattr, path, compressor) for path in new}
                new = {path: np.where(active, value, old[path]) for path, value in new.items()}
            self._states[direction, name] = new
        if self.codec is None:
            price = self._price(compressor, v)
            price = compressor.price_of_parts(parts, draw, v.shape[2], v.dtype) if price is None else price
            return sent, {"formula": price}
        from toolkit.ledger import charge

        return sent, vars(charge(compressor, v, parts, draw, self.codec))

    def _charge(self, direction: str, charges: dict[str, Any]) -> None:
        """Add bits per message, numbers or arrays of shape (run, worker), averaged over workers."""
        bits = _mean(charges.pop("formula"))
        if direction == "up":
            self.bits_up = self.bits_up + bits
        else:
            self.bits_down = self.bits_down + bits
        ledger = self.ledger_up if direction == "up" else self.ledger_down
        for count, amount in charges.items():
            ledger[count] = ledger[count] + _mean(amount)

    def _needs_parts(self, compressor: Compressor, v: Array) -> bool:
        """Tell whether the parts of a message are needed: for a state, for other counts of bits, or for its price."""
        if compressor.state or self.codec is not None:
            return True
        by_parts = type(compressor).price_of_parts is not Compressor.price_of_parts
        return by_parts and self._price(compressor, v) is None

    def _bits(self, compressor: Compressor, sent: Array) -> Any:
        """Return the formula price of each message: a number, or an array that broadcasts to (run, worker)."""
        price = self._price(compressor, sent)
        return compressor.price_of(sent) if price is None else price

    def _price(self, compressor: Compressor, v: Array) -> Any:
        """Return the formula price of each message, or None if it depends on the message."""
        _, n, d = v.shape
        known = self._prices.get((n, d, v.dtype, compressor is self.down))
        if known is None or known[0] is not compressor:
            price = compressor.price(n, d, v.dtype)
            known = compressor, price[..., 0] if isinstance(price, np.ndarray) else price
            self._prices[n, d, v.dtype, compressor is self.down] = known
        return known[1]


def _check_message(compressor: Compressor, sent: Array, shape: tuple[int, ...], dtype: Any) -> None:
    if sent.shape == shape and sent.dtype == dtype:
        return
    wrong = f"it returned shape {sent.shape} and type {sent.dtype} for vectors of shape {shape} and type {dtype}"
    remedy = "return the decoded vectors, of equal shape and type; a swept field is an array of type float64"
    raise WrongUse(f"{type(compressor).__name__}.message(x, draw)", wrong, remedy)


def _full_price(v: Array) -> float:
    return float(v.shape[2] * 8 * v.dtype.itemsize)


def _full(v: Array, audited: bool) -> dict[str, Any]:
    """Return the bits of an uncompressed vector, by every count if they are audited."""
    bits = _full_price(v)
    if not audited:
        return {"formula": bits}
    return {"formula": bits} | dict.fromkeys(_COUNTED, 0.0) | dict.fromkeys(("entropy", "encoded", "values"), bits)


def _mean(per_worker: Any) -> Any:
    """Average over workers an array of shape (run, worker), or pass a number that is the same for all."""
    if isinstance(per_worker, np.ndarray):
        return np.add.reduce(per_worker, axis=1) / per_worker.shape[1]
    return per_worker
