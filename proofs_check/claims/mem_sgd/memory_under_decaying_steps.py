"""Stich, Cordonnier and Jaggi, NeurIPS 2018: the memory under steps that decay like 1/t.

Memory SGD is error feedback with a schedule: `ErrorFeedback` with one worker, `Decaying` with numerator 8/μ and shift
a, and the average `polynomial(a, 2)` of the iterates. It has no class of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, comb, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.polynomial import Polynomial

from problems.logistic_regression import LogisticRegression
from proofs_check.claim import Claim, Instance
from proofs_check.convergence import ERROR_PROBABILITY, curve
from proofs_check.ensembles import constant_gradients
from proofs_check.extremal import Shrink
from proofs_check.sides import equality, expectation, inequality
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment
from toolkit.stepsizes import Decaying

if TYPE_CHECKING:
    import xarray

REFERENCE = "Stich, Cordonnier and Jaggi, NeurIPS 2018 (S-m2)"
MU = 1.0  # of the step size; with gradients that are given it has no other part
PAIRS = ((5.0, 2.0), (5.0, 20.0), (20.0, 20.0))  # α and d/k of the runs


def rho(alpha: Any) -> Any:
    """Return ρ = 4α/((α − 4)(α + 1)²)."""
    return 4 * alpha / ((alpha - 4) * (alpha + 1) ** 2)


def smallest_shift(alpha: Any, ratio: Any) -> Any:
    """Return the smallest a that the statement allows, for d/k = `ratio`; 1 at α = 4, its limit.

    Examples
    --------
    >>> float(smallest_shift(5.0, 20.0).round(1))
    77.5
    """
    alpha = np.asarray(alpha, dtype=float)
    if np.any(alpha < 4):
        raise ValueError("α > 4")
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = ((alpha + 1) * ratio + rho(alpha)) / (rho(alpha) + 1)
    return np.where(alpha == 4, 1.0, shift)[()]


def worst_memory(shift: Any, ratio: Any, steps: int) -> Iterator[Array]:
    r"""Yield r_t for t = 1, 2, …: the largest :math:`\sqrt{E\|m_t\|^2}/(\eta_tG)` over contractions and gradients.

    .. math:: r_0 = 0, \qquad r_{t+1} = q(r_t + 1)\frac{a + t + 1}{a + t}, \qquad q = \sqrt{1 - k/d}
    """
    q, r = np.sqrt(1 - 1 / np.asarray(ratio, dtype=float)), np.zeros(np.broadcast(shift, ratio).shape)
    for t in range(steps):
        r = q * (r + 1) * ((shift + t + 1) / (shift + t))
        yield r


class MemoryBound(Claim):
    r"""Decided, for all t at once, by the worst case over all contractions and gradients, which is a scalar recursion.

    If q(1 + 1/c)(1 + 1/(a + t)) ≤ 1, with c the root of the bound, then r_t ≤ c is handed on from t to t + 1, and to
    all later t, for which the left side is smaller. So the bound holds for all t if it holds up to the first such t.

    *α ≥ 5, every d/k, every t*: that t is 0. For q ≤ 1 − k/(2d), and the condition then follows from
    (α + 1)/(1 + ρ) ≥ 2/(1 − s), s = √(1 − 4/α), which is (3 + s)s²(5 − s²)² ≥ 8(1 + s)³(1 − s): a polynomial without a
    root between √(1/5) and 1, because its coefficients in Bernstein's basis of pieces of this interval are positive.

    *4 < α ≤ 5, 1 ≤ d/k ≤ 1000, every t*: r_t grows with d/k through q and falls with a, which grows with α and d/k,
    and c grows with d/k and falls with α. So in a box the recursion at the largest q and the smallest a, up to the
    first t from which it is handed on, is held against the smallest c; boxes cover the whole range.

    The grid says how near the bound is come to; the runs say that the recursion is what memory SGD does.
    """

    id = "S-m2"
    title = "Memory SGD with steps 8/(μ(a + t)): the memory shrinks with the steps"
    statement = (
        r"\eta_t=\frac8{\mu(a+t)},\ \alpha>4,\ \rho=\frac{4\alpha}{(\alpha-4)(\alpha+1)^2},\ "
        r"a\ge\frac{(\alpha+1)\frac dk+\rho}{\rho+1}\ \Rightarrow\ "
        r"E\lVert m_t\rVert^2\le\eta_t^2\,\frac{4\alpha}{\alpha-4}\,\frac{d^2}{k^2}\,G^2"
    )
    reference = REFERENCE
    status = "recalled"
    compressors: ClassVar[Mapping[str, Compressor]] = {"Top-2": TopK(k=2), "Rand-2": RandK(k=2)}

    def root(self, alpha: Any, ratio: Any) -> Any:
        """Return c, the root of the bound in units of η_t²G²; infinite at α = 4."""
        with np.errstate(divide="ignore"):
            return np.sqrt(4 * alpha / (np.asarray(alpha) - 4)) * ratio

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs, steps = {"quick": (64, 100), "full": (256, 400)}[level]
        noisy: Any = constant_gradients(1, 12, sigma_sq=4.0)
        logistic: Any = LogisticRegression.on("breast-cancer", 1)
        settings: dict[str, Any] = {"steps": steps, "record": "all", "limit": 1e100}
        found = {
            f"constant gradients with noise, {name}": Experiment(
                noisy,
                ErrorFeedback(),
                compressor,
                stepsize=Decaying(8 / MU, smallest_shift(5.0, 6.0)),
                batch=1,
                runs=runs,
                **settings,
            )
            for name, compressor in self.compressors.items()
        }
        if self.compressors:
            found["logistic regression, Top-2"] = Experiment(
                logistic,
                ErrorFeedback(),
                TopK(k=2),
                stepsize=Decaying(8 / float(logistic.constants.mu), smallest_shift(5.0, 15.0)),
                **settings,
            )
        return found

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [
            self._for_large_alpha(),
            self._in_boxes({"quick": 1.1, "full": 1.03}[level]),
            self._on_a_grid(*{"quick": (12, 100.0), "full": (30, 1000.0)}[level]),
            self._rand_1(),
            *(self._on_runs(name, one, data[name]) for name, one in self.experiments(level).items()),
        ]

    def _for_large_alpha(self) -> Instance:
        smallest = min(min(piece) for piece in bernstein_pieces(condition(), Fraction(447, 1000)))
        reason = f"the smallest Bernstein coefficient of the condition in s is {float(smallest):.3g}"
        return inequality("α ≥ 5, every d/k, every t: induction", [-float(smallest)], [0.0], rounding=0, reason=reason)

    def _in_boxes(self, width: float) -> Instance:
        alpha = 4 + np.concatenate([[0.0], np.geomspace(1e-3, 1, ceil(np.log(1e3) / np.log(width)) + 1)])
        ratio = np.concatenate([[1.0], np.geomspace(1.01, 1000, ceil(np.log(1e3) / np.log(width)) + 1)])
        low, high = alpha[:-1, None], alpha[1:, None]
        shift = np.maximum(smallest_shift(low, ratio[None, :-1]), 1.0)
        c = self.root(high, ratio[None, :-1])
        worst, t_0 = _worst_until_handed_on(shift, ratio[None, 1:], c)
        kinds = [f"α in [{4 + x:g}, {4 + y:g}]" for x, y in zip(alpha[:-1] - 4, alpha[1:] - 4, strict=True)]
        reason = f"{c.size} boxes, up to t = {t_0}; worst over the first factors of each box"
        name = "4 < α ≤ 5, 1 ≤ d/k ≤ 1000, every t: boxes"
        # Some thousand multiplications, half an eps each, thrice per step.
        return inequality(name, worst.max(axis=1), np.ones(len(worst)), rounding=2 * t_0, kinds=kinds, reason=reason)

    def _on_a_grid(self, points: int, largest: float) -> Instance:
        alpha = np.concatenate([[4.001, 4.01, 4.1], np.geomspace(4.3, 100, points)])[:, None]
        ratio = np.geomspace(1.01, largest, points)[None]
        steps, best = int(40 * largest), np.zeros((alpha.size, ratio.size))
        for r in worst_memory(smallest_shift(alpha, ratio), ratio, steps):
            np.maximum(best, r, out=best)
        share = best / self.root(alpha, ratio)
        kinds = [f"α = {a:.4g}, d/k = {x:.4g}" for a in alpha.ravel() for x in ratio.ravel()]
        reason = f"max over t ≤ {steps} of r_t against the root of the bound; {share.size} pairs, smallest a"
        return inequality("α in [4.001, 100]: grid", share, 1.0, rounding=steps, kinds=kinds, reason=reason)

    def _rand_1(self) -> Instance:
        """Follow the first two moments of every coordinate under Rand-1, d = 20, constant gradient."""
        d, alpha = 20, 5.0
        shift, mean, square, most = smallest_shift(alpha, d), 0.0, 0.0, 0.0
        for t in range(40 * d):
            eta, eta_next = 1 / (shift + t), 1 / (shift + t + 1)
            mean, square = (1 - 1 / d) * (mean + eta), (1 - 1 / d) * (square + 2 * eta * mean + eta**2)
            most = max(most, square / eta_next**2)
        reason = f"E‖m_t‖²/(η_tG)², largest over t ≤ {40 * d}, by an exact recursion of the moments"
        bound = [float(self.root(alpha, d)) ** 2]
        return inequality("Rand-1, d=20, constant gradient, α = 5", [most], bound, rounding=80 * d, reason=reason)

    def _on_runs(self, name: str, experiment: Experiment, result: xarray.Dataset) -> Instance:
        problem: Any = experiment.problem
        ratio = problem.dimension / 2
        eta = np.array([experiment.stepsize(step + 1) for step in result.step.values[1:]])
        square = curve(result, "memory_norm_sq")[:, 1:]
        factor = float(self.root(5.0, ratio)) ** 2 * eta**2
        if experiment.batch != "full":
            G_sq = float((problem.linear**2).sum() + problem.sigma_sq)
            decision = decide_upper_bound(square, factor * G_sq, ERROR_PROBABILITY)
            return expectation(name, decision, reason=f"G² = {G_sq:.4g} known before the run, α = 5")
        largest = np.maximum.accumulate(curve(result, "local_grad_norm_sq")[0, :-1])
        reason = f"G² up to {largest[-1]:.4g} read off the run, α = 5"
        return inequality(name, square[0], factor * largest, rounding=64, reason=reason)


class WorstMemory(Claim):
    """The recursion by which S-m2 is decided is attained by one compressor with a constant gradient."""

    id = "S-m2-worst"
    title = "The worst memory of SGD with decaying steps, over all contractions and gradients"
    statement = (
        r"\sup\frac{\sqrt{E\lVert m_t\rVert^2}}{\eta_tG}=r_t,\quad r_0=0,\quad "
        r"r_{t+1}=q(r_t+1)\frac{a+t+1}{a+t},\quad q=\sqrt{1-k/d},\qquad "
        r"\text{attained by }C(p)=(1-q)p,\ g_t=g"
    )
    reference = REFERENCE
    kind = "identity"
    extremal: ClassVar[type[Shrink]] = Shrink

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"α = {alpha:g}, d/k = {ratio:g}": Experiment(
                constant_gradients(1, 3),
                ErrorFeedback(),
                self.extremal(delta=1 / ratio),
                stepsize=Decaying(8 / MU, smallest_shift(alpha, ratio)),
                steps=int(20 * ratio),
                record="all",
                keep=("memory",),
            )
            for alpha, ratio in PAIRS
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for (alpha, ratio), (name, experiment) in zip(PAIRS, self.experiments(level).items(), strict=True):
            problem: Any = experiment.problem
            G, steps = np.linalg.norm(problem.linear), data[name].step.values[1:]
            eta = np.array([experiment.stepsize(step + 1) for step in steps])
            measured = np.linalg.norm(data[name]["memory"].values[0, 1:, 0], axis=-1) / (eta * G)
            r = np.array(list(worst_memory(smallest_shift(alpha, ratio), ratio, len(steps))))
            # Both recursions round some six times per step, and forget like the memory itself.
            rounding = 6 / (1 - sqrt(1 - 1 / ratio))
            instances.append(equality(f"C(p) = (1 − q)p, {name}", measured, r, rounding=rounding))
        return instances


def _worst_until_handed_on(shift: Array, ratio: Array, c: Array) -> tuple[Array, int]:
    """Return the largest r_t/c up to the first t from which r_t ≤ c is handed on, and the largest such t."""
    q = np.sqrt(1 - 1 / ratio)
    with np.errstate(divide="ignore"):
        first = 1 / (1 / (q * (1 + 1 / c)) - 1) - shift  # q(1 + 1/c)(1 + 1/(a + t)) ≤ 1
    first = np.where(q * (1 + 1 / c) < 1, np.ceil(np.maximum(first, 0)), np.inf)
    if not np.isfinite(first).all():
        return np.where(np.isfinite(first), 0.0, np.inf), 0
    t_0, worst = int(first.max()) + 1, np.zeros(first.shape)
    for t, r in enumerate(worst_memory(shift, ratio, t_0), start=1):
        np.maximum(worst, np.where(t <= first + 1, r / c, 0.0), out=worst)
    return worst, t_0


def condition() -> list[Fraction]:
    """Return the coefficients of (3 + s)s²(5 − s²)² − 8(1 + s)³(1 − s), those of the powers of s in turn."""
    powers = [Polynomial(terms) for terms in ([3, 1], [0, 0, 1], [5, 0, -1], [1, 1], [1, -1])]
    head, square, rest, plus, minus = powers
    return [Fraction(int(c)) for c in (head * square * rest**2 - 8 * plus**3 * minus).coef]


def bernstein_pieces(polynomial: list[Fraction], start: Fraction, pieces: int = 16) -> list[list[Fraction]]:
    """Return the coefficients of a polynomial in Bernstein's basis of each of equal pieces of [start, 1].

    On a piece the polynomial is a mean of them, with weights that are not negative.

    Examples
    --------
    >>> bernstein_pieces([Fraction(0), Fraction(1)], Fraction(0), pieces=2)
    [[Fraction(0, 1), Fraction(1, 2)], [Fraction(1, 2), Fraction(1, 1)]]
    """
    n, width, found = len(polynomial) - 1, (1 - start) / pieces, []
    for piece in range(pieces):
        low = start + piece * width
        # In u, s = low + width·u; then b_i = Σ_j C(i, j)/C(n, j) · coefficient_j.
        shifted = [
            width**j * sum(polynomial[m] * comb(m, j) * low ** (m - j) for m in range(j, n + 1)) for j in range(n + 1)
        ]
        found.append(
            [
                sum((Fraction(comb(i, j), comb(n, j)) * shifted[j] for j in range(i + 1)), Fraction(0))
                for i in range(n + 1)
            ]
        )
    return found
