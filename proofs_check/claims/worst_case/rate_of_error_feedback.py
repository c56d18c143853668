"""Error feedback and EF21: one rate r², r² = b r + s, at every step size, for one worker and for many."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING, ClassVar

from proofs_check.claim import Claim, Instance
from proofs_check.claims.worst_case.rate_of_compressed_descent import STEPS, named
from proofs_check.worst_case.brackets import bracket
from proofs_check.worst_case.certifying import certify, exhibit
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.rational import at_least, at_most
from proofs_check.worst_case.settings import FEEDBACK, best_stepsize, cgd, cgd_best_stepsize, feedback_factor

if TYPE_CHECKING:
    import xarray

REFERENCE = "Berg Thomsen, Taylor and Dieuleveut 2025"
RATE = (
    r"r^2=b\,r+s,\quad b=(1-s)\max\{|1-\gamma'\mu|,|1-\gamma'L|\},\quad\gamma'=\gamma\,\frac{1+s}{1-s}"
)  # fmt: skip
EF = r"V=\lVert x-x^\star-\bar e\rVert^2+\frac1s\cdot\frac1n\sum_i\lVert e_i\rVert^2"
EF21 = r"V=\frac1n\sum_i\lVert\nabla f_i(x)-d_i\rVert^2+s\,\lVert\nabla f(x)\rVert^2"

# μ, s = √(1 − δ), and the step size over the best one; L = 1. Above 1.1 nothing contracts at the first of them.
POINTS = {
    "quick": [(Q(1, 10), Q(1, 2), Q(1)), (Q(1, 10), Q(1, 2), Q(21, 20)), (Q(1, 50), Q(3, 10), Q(1, 2))],
    "full": [
        *((Q(1, 10), Q(1, 2), scale) for scale in map(Q, ("1/4", "1/2", "9/10", "1", "1.02", "1.05", "1.08"))),
        *((mu, s, scale) for mu, s in ((Q(1, 2), Q(1, 4)), (Q(1, 50), Q(3, 10)), (Q(3, 5), Q(1, 3)))
          for scale in (Q(1, 2), Q(1), Q(21, 20))),
    ],
}  # fmt: skip


class Rate(Claim):
    """One of the two methods."""

    status = "derived"
    kind = "tight"
    expected = "tight"
    method: ClassVar[str]

    def model(self, mu: Q, s: Q, stepsize: Q, steps: int, workers: int) -> Model:
        """Return the model of N steps from any state with V_0 ≤ 1."""
        return FEEDBACK[self.method](mu, s, stepsize, steps, workers)

    def judged(self, mu: Q, s: Q, scale: Q, steps: int = 1, workers: int = 1) -> Instance:
        """Return the instance at a step size that is `scale` times the best one."""
        stepsize = scale * best_stepsize(mu, s)
        name = named(mu, s, stepsize)
        name += f", N = {steps}" if steps > 1 else f", n = {workers}" if workers > 1 else ""
        model = self.model(mu, s, stepsize, steps, workers)
        return bracket(name, model, feedback_factor(mu, s, stepsize) ** steps)


class OneStep(Rate):
    """One worker, one step from any state."""

    id = "WC-EF"
    title = "Error feedback: the exact factor of its Lyapunov function per step, at every step size"
    statement = rf"{EF}\ \Rightarrow\ \max V^+/V=r^2,\quad {RATE}"
    reference = f"{REFERENCE}, Theorem 1, at the best γ; any γ: sheet worst_case_sdp 4.2 (derived)"
    method = "EF"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(*point) for point in POINTS[level]]


class OneStepOfEF21(OneStep):
    """The same for EF21, which knows no minimiser."""

    id = "WC-EF21"
    title = "EF21: the same exact factor of its own Lyapunov function, at every step size"
    statement = rf"{EF21}\ \Rightarrow\ \max V^+/V=r^2,\quad {RATE}"
    reference = f"{REFERENCE}, Theorem 2, at the best γ; any γ: sheet worst_case_sdp 4.2 (derived)"
    method = "EF21"


class ManySteps(Rate):
    """N steps from any state."""

    id = "WC-EF-N"
    title = "Error feedback: the exact worst case of N steps is the N-th power of one"
    statement = rf"{EF}\ \Rightarrow\ \max V_N/V_0=r^{{2N}}"
    reference = f"{REFERENCE}, Theorem 1 (sheet worst_case_sdp 4.3)"
    method = "EF"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(Q(1, 10), Q(1, 2), Q(1), steps) for steps in STEPS[level]]


class ManyStepsOfEF21(ManySteps):
    """The same for EF21."""

    id = "WC-EF21-N"
    title = "EF21: the exact worst case of N steps is the N-th power of one"
    statement = rf"{EF21}\ \Rightarrow\ \max V_N/V_0=r^{{2N}}"
    reference = f"{REFERENCE}, Theorem 2 (sheet worst_case_sdp 4.3)"
    method = "EF21"


class Workers(Rate):
    """Several workers whose functions are all minimal at the same point."""

    id = "WC-EF-workers"
    title = "Error feedback, n workers with a shared minimiser: the factor of one worker"
    statement = rf"{EF},\ \nabla f_i(x^\star)=0\ \Rightarrow\ \max V^+/V=r^2\text{{ for every }}n"
    reference = "sheet worst_case_sdp 4.5 (derived)"
    method = "EF"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        scales = (Q(1),) if level == "quick" else (Q(1, 2), Q(1), Q(21, 20))
        numbers = (2, 3) if level == "quick" else (2, 3, 4)
        return [self.judged(Q(1, 10), Q(1, 2), scale, workers=n) for scale in scales for n in numbers]


class WorkersOfEF21(Workers):
    """Several workers, as unlike as they please."""

    id = "WC-EF21-workers"
    title = "EF21, n heterogeneous workers: the factor of one worker"
    statement = rf"{EF21}\ \Rightarrow\ \max V^+/V=r^2\text{{ for every }}n"
    method = "EF21"


class Order(Claim):
    """In this class of compressors a memory does not pay: the best CGD is faster than the best EF, by exact bounds."""

    id = "WC-order"
    title = "Contractive compressors: compressed gradient descent has a better exact factor than EF and EF21"
    statement = r"\min_\gamma\rho_{\mathrm{CGD}}<\min_\gamma\rho_{\mathrm{EF}}=\min_\gamma\rho_{\mathrm{EF21}}"
    reference = f"{REFERENCE} (sheet worst_case_sdp 4.1)"
    status = "derived"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        points = {(mu, s) for mu, s, _ in POINTS[level]}
        found = []
        for mu, s in sorted(points):
            above = certify(cgd(mu, s, cgd_best_stepsize(mu, s))).bound
            for name, make in FEEDBACK.items():
                below = exhibit(make(mu, s, best_stepsize(mu, s))).bound
                verdict = "holds" if above < below else "undecided"
                reason = f"proved: CGD at most {at_most(above)}, {name} at least {at_least(below)}"
                sides = float(above), float(below), float(above / below)
                found.append(Instance(f"μ = {mu}, s = {s}, {name}", verdict, *sides, reason=reason))
        return found
