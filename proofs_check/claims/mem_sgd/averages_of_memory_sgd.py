"""Stich, Cordonnier and Jaggi, NeurIPS 2018: weighted averages under decaying steps, and how they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality, inequality
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.averages import Weight, polynomial
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment
from toolkit.stepsizes import Decaying

if TYPE_CHECKING:
    import xarray

REFERENCE = "Stich, Cordonnier and Jaggi, NeurIPS 2018"
SHIFTS = (Fraction(4), Fraction(5), Fraction(20), Fraction(155, 2))
HORIZONS = {"quick": (1, 12), "full": (1, 3, 12, 60)}
# a_0, A and B: each alone, and together.
BUDGETS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (10, 1, 3))
MU = Fraction(1, 3)
SOLVED = 2.0**22  # eps, about 1e-9: how exact a vertex is that the simplex method returns, which allows itself 1e-7


class AveragingLemma(Claim):
    r"""The lemma is linear in the sequences, so the worst ones solve a linear programme.

    Its unknowns are a_1, …, a_T and e_0, …, e_{T−1}, all at least 0; its constraints are the T steps; what it maximises
    is Σ w_t e_t. It is solved for several a_0, A and B; a_0 alone has no sequences if a < 4, where its factor is
    negative.
    """

    id = "S-m3"
    title = "The averaging lemma for steps 8/(μ(a + t)), as printed"
    statement = (
        r"a_{t+1}\le\left(1-\frac{\mu\eta_t}2\right)a_t+\eta_t^2A+\eta_t^3B-\eta_te_t,\ \eta_t=\frac8{\mu(a+t)},\ "
        r"w_t=(a+t)^2\ \Rightarrow\ \sum_{t<T}w_te_t\le\frac{\mu a^3}8a_0+\frac{4T(T+2a)}\mu A+\frac{64T}{\mu^2}B,"
        r"\qquad S_T=\sum_{t<T}w_t\ge\frac{T^3}3"
    )
    reference = f"{REFERENCE} (S-m3)"
    kind = "tight"
    expected = "tight"

    def bound(self, a: Any, T: int, a_0: Any, A: Any, B: Any) -> Any:
        """Return the right side."""
        return MU * a**3 / 8 * a_0 + 4 * T * (T + 2 * a) / MU * A + 64 * T / MU**2 * B

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        found: dict[str, list[tuple[float, float]]] = {}
        for a, T, budget in product((Fraction(1), Fraction(2), *SHIFTS), HORIZONS[level], BUDGETS):
            if a >= 4 or budget[0] == 0:
                optimum = _largest_sum(float(a), T, *map(float, budget))
                names = ("a_0 alone", "A alone", "B alone", "all three")
                name = f"linear programmes, {names[BUDGETS.index(budget)]}"
                found.setdefault(name, []).append((optimum, float(self.bound(a, T, *budget))))
        instances = []
        for name, sides in found.items():
            left, right = np.transpose(sides)
            reason = f"{len(left)} pairs of a and T"
            instances.append(inequality(name, left, right, rounding=SOLVED, reason=reason))
        return [*instances, self._sums_of_weights()]

    def _sums_of_weights(self) -> Instance:
        pairs = list(product((Fraction(1), *SHIFTS), (1, 10, 1000, 10**6)))
        cubes = [float(Fraction(T**3, 3) / _sum_of_weights(a, T)) for a, T in pairs]
        kinds = [f"a = {float(a):g}, T = {T}" for a, T in pairs]
        return inequality("T³/3 against S_T", cubes, 1.0, rounding=0, kinds=kinds, reason="exact rationals, a ≥ 1")


class SharpAveragingLemma(AveragingLemma):
    r"""The optimum of that linear programme in closed form, for a ≥ 4, by a primal and a dual solution.

    Multiply step t by w_t/η_t and add: a_t is left with the factor −(μ/8)((a + t)² + 3(a + t) − 1) < 0 for t ≥ 1, and
    a_T with −w/η, so Σ w_t e_t is at most what a_0, A and B are left with. It is that much if e_t takes all and
    a_1 = … = a_T = 0, which is allowed if 1 − μη_0/2 ≥ 0.
    """

    id = "S-m3-sharp"
    title = "The averaging lemma with its sharp constants, for a ≥ 4"
    statement = r"\max\sum_{t<T}w_te_t=\frac{\mu a^2(a-4)}8a_0+\frac{4T(T+2a-1)}\mu A+\frac{64T}{\mu^2}B\qquad(a\ge4)"

    def bound(self, a: Any, T: int, a_0: Any, A: Any, B: Any) -> Any:
        return MU * a**2 * (a - 4) / 8 * a_0 + 4 * T * (T + 2 * a - 1) / MU * A + 64 * T / MU**2 * B

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        attained, kinds, duals = [], [], []
        for a, T, (a_0, A, B) in product(SHIFTS, HORIZONS[level], BUDGETS):
            total, left = Fraction(0), Fraction(a_0)
            for t in range(T):
                eta, w = 8 / (MU * (a + t)), (a + t) ** 2
                e, left = ((1 - MU * eta / 2) * left + eta**2 * A + eta**3 * B) / eta, Fraction(0)
                total += w * e
            attained.append((total, self.bound(a, T, a_0, A, B)))
            kinds.append(f"a = {float(a):g}, T = {T}, (a_0, A, B) = {a_0, A, B}")
        for a, t in product(SHIFTS, range(1, max(HORIZONS[level]))):
            eta, before = 8 / (MU * (a + t)), 8 / (MU * (a + t - 1))
            duals.append((a + t) ** 2 / eta * (1 - MU * eta / 2) - (a + t - 1) ** 2 / before)
        exactly = all(left == right for left, right in attained)
        left, right = np.array(attained, dtype=float).T
        reason = f"sequences with a_1 = … = a_T = 0; equal in rational numbers: {exactly}"
        positive = right > 0
        shown = [kind for kind, counts in zip(kinds, positive, strict=True) if counts]
        return [
            inequality("attained by", left[positive], right[positive], rounding=0, kinds=shown, reason=reason),
            equality("no more, no less", left, right, rounding=0, kinds=kinds, reason=reason),
            inequality("multipliers w_t/η_t: what a_t is left with", np.array(duals, float), 0.0, rounding=0),
        ]


class OnePassAverage(Claim):
    """The average that is kept in one pass has the weights of the theorem, and so has the one that runs keep."""

    id = "S-m-average"
    title = "The one-pass average of the released code has weights (a + t)², and so has the toolkit's"
    statement = (
        r"\rho_t=\frac{6(t+a)^2}{(1+t)(6a^2+t+6at+2t^2)}=\frac{w_t}{\sum_{s\le t}w_s},\quad w_t=(a+t)^2\ \Rightarrow\ "
        r"\bar x_t=(1-\rho_t)\bar x_{t-1}+\rho_tx_t=\frac{\sum_{s\le t}w_sx_s}{\sum_{s\le t}w_s}"
    )
    reference = f"{REFERENCE}, released code (section 1.4 of the sheet)"
    status = "code"
    kind = "identity"
    shift: ClassVar[float] = 20.0

    def weight(self) -> Weight:
        """Return the weights of the toolkit's average."""
        return polynomial(self.shift, 2).including_last()

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem: Any = Quadratic.generate(1, 5, sigma_sq=1.0)
        return {
            "memory SGD, Top-1": Experiment(
                problem,
                ErrorFeedback(),
                TopK(k=1),
                stepsize=Decaying(8 / float(problem.constants.mu), 8 * self.shift),
                batch=1,
                steps={"quick": 100, "full": 1000}[level],
                record="all",
                keep=("x",),
                average={"f_gap": self.weight(), "x": self.weight()},
            )
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        pairs = list(product((Fraction(1), Fraction(5, 2), Fraction(2000)), range({"quick": 40, "full": 300}[level])))
        formula = [6 * (t + a) ** 2 / ((1 + t) * (6 * a**2 + t + 6 * a * t + 2 * t**2)) for a, t in pairs]
        share = [(a + t) ** 2 / _sum_of_weights(a, t + 1) for a, t in pairs]
        same = sum(x == y for x, y in zip(formula, share, strict=True))
        reason = f"{same} of {len(pairs)} equal in rational numbers"
        instances = [equality("ρ_t", np.array(formula, float), np.array(share, float), rounding=0, reason=reason)]
        for name, experiment in self.experiments(level).items():
            result = data[name]
            x, gap = result["x"].values[0, :, 0], result["f_gap"].values.reshape(-1)
            w = (self.shift + np.arange(len(x))) ** 2
            problem: Any = experiment.problem
            averaged = np.cumsum(w[:, None] * x, axis=0) / np.cumsum(w)[:, None]
            of_average = problem.gap(averaged[:, None])
            of_gap = np.cumsum(w * gap) / np.cumsum(w)
            # A running mean adds three roundings per step, a cumulative sum one; gaps are sums of squares of x.
            sides = {
                "f at the averaged iterate": (_only(result, "f_gap_at_average"), of_average, of_gap),
                "averaged gap": (_only(result, "f_gap_average"), of_gap, of_gap),
            }
            instances += [
                equality(f"{name}: {what}", left, right, rounding=8 * len(x), scale=scale)
                for what, (left, right, scale) in sides.items()
            ]
        return instances


def _only(result: xarray.Dataset, name: str) -> Any:
    return result[name].values.reshape(-1)


def _sum_of_weights(a: Fraction, T: int) -> Fraction:
    return T * a**2 + a * T * (T - 1) + Fraction((T - 1) * T * (2 * T - 1), 6)


def _largest_sum(a: float, T: int, a_0: float, A: float, B: float) -> float:
    """Return the largest Σ w_t e_t over the sequences of the lemma, by a linear programme."""
    from scipy.optimize import linprog

    mu, t = float(MU), np.arange(T)
    eta, w = 8 / (mu * (a + t)), (a + t) ** 2
    # a_{t+1} − (1 − μη_t/2) a_t + η_t e_t ≤ η_t² A + η_t³ B, divided by η_t.
    steps = np.zeros((T, 2 * T))
    steps[t, t] = 1 / eta
    steps[t[1:], t[:-1]] = -(1 / eta - mu / 2)[1:]
    steps[t, T + t] = 1.0
    limits = eta * A + eta**2 * B
    limits[0] += (1 / eta[0] - mu / 2) * a_0
    scale = w.max()
    solved = linprog(np.concatenate([np.zeros(T), -w / scale]), A_ub=steps, b_ub=limits, method="highs-ds")
    if not solved.success:
        raise RuntimeError(f"the linear programme of S-m3 was not solved: {solved.message}")
    return float(-solved.fun * scale)
