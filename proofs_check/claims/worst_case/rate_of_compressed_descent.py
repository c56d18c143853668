"""Compressed gradient descent, without memory: its exact worst case, with contractive and with unbiased compressors."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.brackets import bracket, bracket_of_moments
from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.measures import distance
from proofs_check.worst_case.messages import Unbiased
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.settings import cgd, cgd_best_stepsize, cgd_factor
from proofs_check.worst_case.tracing import trace
from toolkit.algorithms.compressed_sgd import CompressedSGD

if TYPE_CHECKING:
    import xarray

# μ, s = √(1 − δ), and the step size over the best one; L = 1.
POINTS = {
    "quick": [(Q(1, 10), Q(1, 2), Q(1)), (Q(1, 10), Q(1, 2), Q(21, 20)), (Q(1, 50), Q(3, 10), Q(1, 2))],
    "full": [
        (mu, s, scale)
        for mu, s in ((Q(1, 10), Q(1, 2)), (Q(1, 2), Q(1, 4)), (Q(1, 50), Q(3, 10)), (Q(1, 10), Q(9, 10)))
        for scale in (Q(1, 4), Q(1, 2), Q(9, 10), Q(1), Q(11, 10))
    ],
}
STEPS = {"quick": (2, 3), "full": (2, 3, 4, 5)}


def named(mu: Q, s: Q, stepsize: Q) -> str:
    """Return the name of an instance."""
    return f"μ = {mu}, s = {s}, γ = {stepsize}"


class OneStep(Claim):
    """Its factor per step, in the gap f − f*, at every step size."""

    id = "WC-CGD"
    title = "Compressed gradient descent: the exact factor of f − f* per step, at every step size"
    statement = (
        r"\lVert C(u)-u\rVert\le s\lVert u\rVert,\ f\in F_{\mu,L}\ \Rightarrow\ "
        r"\max\frac{f(x^+)-f^\star}{f(x)-f^\star}=\max\{(1-\gamma(1-s)\mu)^2,(1-\gamma(1+s)L)^2\}"
    )
    reference = (
        "de Klerk, Glineur and Taylor 2020, Theorem 5.3, at the best γ; any γ: sheet worst_case_sdp 4.1 (derived)"
    )
    status = "derived"
    kind = "tight"
    expected = "tight"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for mu, s, scale in POINTS[level]:
            stepsize = scale * cgd_best_stepsize(mu, s)
            found.append(bracket(named(mu, s, stepsize), cgd(mu, s, stepsize), cgd_factor(mu, s, stepsize)))
        return found


class ManySteps(Claim):
    """No start makes N steps better than N times one."""

    id = "WC-CGD-N"
    title = "Compressed gradient descent: the exact worst case of N steps is the N-th power of one"
    statement = (
        r"\gamma=\frac{2}{(1-s)\mu+(1+s)L}\ \Rightarrow\ "
        r"\max\frac{f(x_N)-f^\star}{f(x_0)-f^\star}=\Big(\frac{K-1}{K+1}\Big)^{2N},\quad K=\frac L\mu\,\frac{1+s}{1-s}"
    )
    reference = "de Klerk, Glineur and Taylor 2020, Theorem 5.3 (sheet worst_case_sdp 4.1, 4.3)"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        mu, s = Q(1, 10), Q(1, 2)
        K = float((1 + s) / (1 - s) / mu)
        stepsize = cgd_best_stepsize(mu, s)
        found = []
        for steps in STEPS[level]:
            name, model = f"{named(mu, s, stepsize)}, N = {steps}", cgd(mu, s, stepsize, steps)
            found.append(bracket(name, model, ((K - 1) / (K + 1)) ** (2 * steps)))
        return found


class UnbiasedCompressor(Claim):
    """With an unbiased compressor; attained on a line, f = hx²/2, by C(u) = (1 ± √ω)u with equal probability."""

    id = "WC-CGD-unbiased"
    title = "Gradient descent with an unbiased compressor: the exact factor of E‖x − x*‖²"
    statement = (
        r"E\,C(u)=u,\ E\lVert C(u)-u\rVert^2\le\omega\lVert u\rVert^2,\ \gamma=\frac{2}{(1+\omega)(L+\mu)}"
        r"\ \Rightarrow\ "
        r"\max\frac{E\lVert x_N-x^\star\rVert^2}{\lVert x_0-x^\star\rVert^2}"
        r"=\Big(\max_{h\in\{\mu,L\}}(1-\gamma h)^2+\gamma^2\omega h^2\Big)^N"
    )
    reference = "sheet worst_case_sdp 4.7 (measured there; upper bounds proved here)"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        mu, found = Q(1, 10), []
        for omega in (Q(1), Q(4)):
            stepsize = 2 / ((1 + omega) * (1 + mu))
            for steps in (1, 2) if level == "quick" else (1, 2, 3):
                stated = float(max((1 - stepsize * h) ** 2 + stepsize**2 * omega * h**2 for h in (mu, Q(1))))
                name = f"μ = {mu}, ω = {omega}, γ = {stepsize}, N = {steps}"
                attained = float(_two_valued(mu, omega, stepsize)) ** steps
                model = _unbiased(mu, omega, stepsize, steps)
                found.append(bracket_of_moments(name, model, stated**steps, attained))
        return found


def _unbiased(mu: Q, omega: Q, stepsize: Q, steps: int) -> Model:
    run = trace(CompressedSGD(stepsize=stepsize), Smooth(mu=mu, L=1), Unbiased(omega=omega), steps=steps)
    return run.worst(distance, distance)


def _two_valued(mu: Q, omega: Q, stepsize: Q) -> Q:
    """Return E x₊²/x² on f = hx²/2, the mean over C(u) = (1 ± √ω)u, whose square roots cancel; the larger of two h."""
    return max(1 - 2 * stepsize * h + stepsize**2 * h**2 * (1 + omega) for h in (mu, Q(1)))
