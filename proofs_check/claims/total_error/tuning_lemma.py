"""The lemma that turns a bound for every step size into a rate."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import cbrt, inf, sqrt
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.sides import inequality
from toolkit.arrays import Array
from toolkit.stepsizes import tuned, tuning_bound

ROUNDING = 16.0  # in eps of the right side: a cube root, a square root, a Newton iteration and some products


def _terms(gamma: Any, r: float, b: float, c: float) -> Any:
    return r / gamma + b * gamma + c * gamma**2


class TuningLemma(Claim):
    """The least value of r/(γT) + bγ + cγ² over γ ≤ 1/a."""

    id = "S-x1"
    title = "A bound r/(γT) + bγ + cγ² can be tuned to the sum of its three rates"
    statement = (
        r"\min_{0<\gamma\le1/a}\left\{\frac r{\gamma T}+b\gamma+c\gamma^2\right\}\le"
        r"2\sqrt{\frac{br}T}+2c^{1/3}\Big(\frac rT\Big)^{2/3}+\frac{ar}T"
    )
    reference = "tuning lemma in the style of Stich and Karimireddy, JMLR 2020 (S-x1)"
    kind = "tight"
    expected = "tight"
    stepsize: ClassVar[Any] = staticmethod(tuned)

    def bound(self, r: float, b: float, c: float, a: float, steps: int) -> float:
        """Return the right side."""
        return tuning_bound(r, b, c, a, steps)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        # With γ and the value in suitable units r/T = 1 and one of b, c, a is 1 or 0: two numbers are left to choose.
        grid = [0.0, *np.geomspace(1e-6, 1e6, {"quick": 13, "full": 121}[level])]
        families = {
            "noise alone (c = a = 0)": [(b, 0.0, 0.0) for b in grid[1:]],
            "the limit of γ alone (b = c = 0)": [(0.0, 0.0, a) for a in grid[1:]],
            "compression alone (b = a = 0)": [(0.0, c, 0.0) for c in grid[1:]],
            "noise and compression (a = 0)": [(1.0, c, 0.0) for c in grid[1:]],
            "noise and the limit (c = 0)": [(1.0, 0.0, a) for a in grid[1:]],
            "all three alike": [(1.0, 1.0, 1.0)],
            "all three": [(1.0, c, a) for c, a in product(grid[1:], grid[1:])],
            "extreme units": [(b, c, a) for b, c, a in product((1e-150, 1e150), (1e-150, 1e150), (1e-100, 1e100))],
        }
        instances = []
        for name, cases in families.items():
            left = np.array([self._least(*case) for case in cases])
            right = np.array([self.bound(1.0, *case, 1) for case in cases])
            kinds = [f"b={b:.3g}, c={c:.3g}, a={a:.3g}" for b, c, a in cases]
            one = inequality(name, left, right, rounding=ROUNDING, kinds=kinds, reason=f"{len(cases)} triples, r/T = 1")
            instances.append(one)
        return instances

    def _least(self, b: float, c: float, a: float) -> float:
        """Return the value at the tuned step size, which is the least: no other one near or far is lower."""
        gamma = self.stepsize(1.0, b, c, a, 1)
        value = float(_terms(gamma, 1.0, b, c))
        others: Array = gamma * np.concatenate([np.geomspace(1e-3, 1e3, 61), 1 + np.array([-1e-4, 1e-4])])
        others = others[others <= (1 / a if a > 0 else inf)]
        if float(_terms(others, 1.0, b, c).min(initial=inf)) < value * (1 - ROUNDING * np.finfo(float).eps):
            return inf  # the step size is not the minimiser, so nothing is shown
        return value


class SharpTuningLemma(TuningLemma):
    """The same with the least constant of the middle term."""

    id = "S-x1-sharp"
    title = "In the tuning lemma the 2 before the second term can be 3/4^(1/3), and no less"
    statement = (
        r"\min_{0<\gamma\le1/a}\left\{\frac r{\gamma T}+b\gamma+c\gamma^2\right\}\le"
        r"2\sqrt{\frac{br}T}+\frac3{4^{1/3}}c^{1/3}\Big(\frac rT\Big)^{2/3}+\frac{ar}T"
    )
    reference = "own: at γ = min(1/a, √(r/(bT)), (r/(2cT))^(1/3)) every term is at most its own least value"

    def bound(self, r: float, b: float, c: float, a: float, steps: int) -> float:
        per_step = r / steps
        return 2 * sqrt(b * per_step) + 3 / cbrt(4) * cbrt(c * per_step**2) + a * per_step
