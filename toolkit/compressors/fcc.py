"""The same compressor several times, each time on what is left."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

from toolkit import kernels
from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._check import check_size
from toolkit.compressors._combinator import (
    Combinator,
    growth,
    labelled,
    labelled_layout,
    price_of_one,
    sum_of_prices,
    unbiased_of,
    unlabelled,
)
from toolkit.constants import CompressorConstants, Constant, upper_bound
from toolkit.errors import WrongUse
from toolkit.layout import Field


class FCC(Combinator):
    r"""Fast compressed communication: p rounds of compressing what is left, whose messages are added up.

    .. math:: v_0 = x, \qquad c_i = C(v_{i-1}), \qquad v_i = v_{i-1} - c_i, \qquad C_p(x) = c_1 + \dots + c_p,
              \qquad E\|C_p(x) - x\|^2 = E\|v_p\|^2 \le (1 - \delta)^p\,\|x\|^2 .

    Parameters
    ----------
    compressor : Compressor
        C, which draws anew in every round; its fields may be swept.
    rounds : int
        Number p of rounds.

    Raises
    ------
    WrongUse
        If a field is something else, or the compressor has a state, of which every round would need its own.

    Notes
    -----
    δ_p = 1 − (1 − δ)^p; of Rand-k it is attained by every x, of Top-k the rounds together are Top-pk with
    δ = pk/d, which is more. If C is unbiased, so is C_p, with ω_p = ω^p and (A, B) = (A·ω^(p−1), 0): repeating helps
    only if ω < 1. An absolute bound κ² of the last round stays one (derived). The exact expected error is that of the
    rounds played if C is deterministic. The price is that of p messages. Source: Power-EF (Chen, Li and Chi, 2024),
    where p grows as 1/δ (recalled).

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.compressors import TopK
    >>> FCC(TopK(k=1), rounds=2).compress(np.array([3.0, -5.0, 1.0, 4.0]))
    array([ 0., -5.,  0.,  4.])
    >>> float(FCC(TopK(k=1), rounds=2).constants(4).delta)
    0.4375
    """

    compressor: Compressor
    rounds: int

    def validate(self) -> None:
        super().validate()
        check_size(self, "rounds")
        if self.compressor.state:
            raise WrongUse(
                f"FCC({self.compressor!r})",
                f"it carries {' and '.join(self.compressor.state)} from message to message, not from round to round",
                "give a compressor without a state",
            )

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        return self.compressor.homogeneous and self.compressor.selects  # else rounding decides what is left

    @property
    def selects(self) -> bool:  # type: ignore[override]
        return self.compressor.selects

    def _room(self, d: int) -> float:
        return growth(self.compressor, d) ** (1 - self.rounds)

    def message(self, x: Array, draw: Any) -> Array:
        return reduce(operator.add, self._messages(x, draw))

    def _draws(self, draw: Any) -> list[Any]:
        """Return the randomness of each round."""
        return [None if draw is None else draw.of("round", i) for i in range(self.rounds)]

    def _messages(self, x: Array, draw: Any) -> list[Array]:
        """Return what each round sends."""
        sent: list[Array] = []
        for own in self._draws(draw):
            sent.append(self.compressor.message(x, own))
            x = x - sent[-1]
        return sent

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        of_one = self.compressor.layout(d, dtype)
        return tuple(field for i in range(self.rounds) for field in labelled_layout(str(i), of_one))

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        parts: dict[str, Array] = {}
        for i, (own, sent) in enumerate(zip(self._draws(draw), self._messages(x, draw), strict=True)):
            parts |= labelled(str(i), self.compressor.parts(x, own))
            x = x - sent
        return parts

    def redraw(self, shape: tuple[int, int, int], draw: Any) -> dict[str, Array]:
        drawn: dict[str, Array] = {}
        for i, own in enumerate(self._draws(draw)):
            drawn |= labelled(str(i), self.compressor.redraw(shape, own))
        return drawn

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        rounds = enumerate(self._draws(draw))
        sent = [self.compressor.assemble(unlabelled(str(i), parts), own, d, dtype) for i, own in rounds]
        return reduce(operator.add, sent)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        of_one, p = self.compressor.constants(d, n), self.rounds
        kappa_sq = of_one.kappa_sq and upper_bound(
            of_one.kappa_sq.value, f"of the last round: {of_one.kappa_sq.source}"
        )
        if of_one.omega is not None:
            omega, ab = of_one.omega.value, None
            if of_one.ab is not None:
                ab = upper_bound((of_one.ab.value[0] * omega ** (p - 1), 0.0), "(A·ω^(p−1), 0)")
            return replace(unbiased_of(upper_bound(omega**p, "ω^p"), ab), kappa_sq=kappa_sq)
        if of_one.delta is None:
            return CompressorConstants(kappa_sq=kappa_sq)
        delta = Constant(1 - (1 - of_one.delta.value) ** p, "lower bound", "1 − (1 − δ)^p")
        return CompressorConstants(delta=delta, kappa_sq=kappa_sq)

    def expected_error(self, x: Array) -> Array | None:
        return None if self.random else kernels.sum_sq_difference(self.message(x, None), x)

    def price(self, n: int, d: int, dtype: Any) -> Any:
        return sum_of_prices(*[self.compressor.price(n, d, dtype)] * self.rounds)

    def price_of_parts(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        rounds = enumerate(self._draws(draw))
        return sum(price_of_one(self.compressor, unlabelled(str(i), parts), own, d, dtype) for i, own in rounds)
