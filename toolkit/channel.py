"""The only way a vector leaves a worker: compresses it, charges its bits, records its error."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit import kernels
from toolkit.arrays import Array, contiguous
from toolkit.compressors import Compressor
from toolkit.draws import Draw
from toolkit.errors import WrongUse

__all__ = ["Channel"]


class Channel:
    """The communication of one batch of runs.

    Parameters
    ----------
    up, down : Compressor
        What compresses messages to the server and messages to the workers.
    topology : Topology, optional
        The graph that `exchange` and `mix` use.

    Attributes
    ----------
    bits_up, bits_down : float or array, shape (run,)
        Formula count of bits so far, mean per worker.
    total_error, total_error_down : float or array, shape (run,)
        Σ_t (1/n) Σ_i ‖p − C(p)‖² so far.
    """

    def __init__(self, up: Compressor, down: Compressor, topology: Any = None) -> None:
        self.up, self.down, self.topology = up, down, topology
        self.bits_up: Any = 0.0
        self.bits_down: Any = 0.0
        self.total_error: Any = 0.0
        self.total_error_down: Any = 0.0
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
            self.bits_down = self.bits_down + _full_price(x)

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
        sent, bits, error = self._transmit(self.up, v, exact, active, purpose)
        self.bits_up = self.bits_up + bits
        self.total_error = self.total_error + error
        return sent

    def send_with_memory(
        self, memory: Array, v: Array, scale: Any, *, exact: Any = False, active: Any = None, purpose: str | None = None
    ) -> tuple[Array, Array]:
        """Error feedback: with p = memory + scale·v, send C(p) and return what arrives and p − C(p)."""
        if exact is False and active is None:
            draw = self._message_draw(self.up, v, purpose)
            sent, rest, error = self.up.message_with_memory(memory, v, scale, draw)
            _check_message(self.up, sent, rest)
            self.bits_up = self.bits_up + _mean(self._bits(self.up, sent))
            self.total_error = self.total_error + _mean(error)
            return sent, rest
        p = memory + scale * v
        sent = self.send(p, exact=exact, active=active, purpose=purpose)
        return sent, p - sent

    def broadcast(self, v: Array, *, exact: Any = False, purpose: str | None = None) -> Array:
        """Send one message, shape ``(run, 1, d)``, from the server to all workers; they hold what is returned."""
        return self._down(v, exact, None, purpose)

    def scatter(self, v: Array, *, exact: Any = False, active: Any = None, purpose: str | None = None) -> Array:
        """Send an own message, shape ``(run, worker, d)``, from the server to each worker."""
        return self._down(v, exact, active, purpose)

    def exchange(self, v: Array, *, exact: Any = False, purpose: str | None = None) -> Array:
        """Send one message per worker to each of its neighbours; its price counts once per neighbour."""
        sent, bits, error = self._transmit(self.up, v, exact, None, purpose, self.topology.degrees)
        self.bits_up = self.bits_up + bits
        self.total_error = self.total_error + error
        self._spoke_down = True
        return sent

    def mix(self, v: Array) -> Array:
        """Return Wv − v on public copies, which costs nothing."""
        return self.topology.matrix @ v - v

    def preview(self, v: Array) -> Array:
        """Return what would arrive if `v` were the next message sent; free, and draws what that message would."""
        messages = self._messages
        draw = self._message_draw(self.up, v, None)
        self._messages = messages
        return self.up.message(contiguous(v), draw)

    def _down(self, v: Array, exact: Any, active: Any, purpose: str | None) -> Array:
        sent, bits, error = self._transmit(self.down, v, exact, active, purpose)
        self.bits_down = self.bits_down + bits
        self.total_error_down = self.total_error_down + error
        self._spoke_down = True
        return sent

    def _message_draw(self, compressor: Compressor, v: Array, purpose: str | None) -> Draw | None:
        """Return the randomness of the next message: own to each worker, unless it is one for all."""
        name = f"message {self._messages}" if purpose is None else f"shared {purpose}"
        self._messages += 1
        if not compressor.random or self._draw is None:
            return None
        draw = self._draw.of(name)
        return draw if v.shape[1] == 1 else draw.per_worker

    def _transmit(
        self, compressor: Compressor, v: Array, exact: Any, active: Any, purpose: str | None, copies: Any = 1.0
    ) -> tuple[Array, Any, Any]:
        """Return what arrives, its bits and its squared error, the latter two averaged over workers."""
        v = contiguous(v)
        draw = self._message_draw(compressor, v, purpose)
        bits: Any = _full_price(v)
        error: Any = 0.0
        sent = v
        if exact is not True:
            sent = compressor.message(v, draw)
            _check_message(compressor, sent, v)
            bits, error = self._bits(compressor, sent), kernels.sum_sq_difference(v, sent)
        if not isinstance(exact, bool):
            sent = np.where(exact, v, sent)
            bits = np.where(exact[..., 0], _full_price(v), bits)
            error = np.where(exact[..., 0], 0.0, error)
        if active is not None:
            sent = np.where(active, sent, 0.0)
            bits = np.where(active[..., 0], bits, 0.0)
            error = np.where(active[..., 0], error, 0.0)
        return sent, _mean(bits * copies), _mean(error)

    def _bits(self, compressor: Compressor, sent: Array) -> Any:
        """Return the formula price of each message: a number, or an array that broadcasts to (run, worker)."""
        _, n, d = sent.shape
        known = self._prices.get((n, d, sent.dtype, compressor is self.down))
        if known is None or known[0] is not compressor:
            price = compressor.price(n, d, sent.dtype)
            known = compressor, price[..., 0] if isinstance(price, np.ndarray) else price
            self._prices[n, d, sent.dtype, compressor is self.down] = known
        return compressor.price_of(sent) if known[1] is None else known[1]


def _check_message(compressor: Compressor, sent: Array, v: Array) -> None:
    if sent.shape != v.shape:
        wrong = f"it returned shape {sent.shape} for vectors of shape {v.shape}"
        raise WrongUse(
            f"{type(compressor).__name__}.message(x, draw)", wrong, "return the decoded vectors, of equal shape"
        )


def _full_price(v: Array) -> float:
    return float(v.shape[2] * 8 * v.dtype.itemsize)


def _mean(per_worker: Any) -> Any:
    """Average over workers an array of shape (run, worker), or pass a number that is the same for all."""
    if isinstance(per_worker, np.ndarray):
        return np.add.reduce(per_worker, axis=1) / per_worker.shape[1]
    return per_worker
