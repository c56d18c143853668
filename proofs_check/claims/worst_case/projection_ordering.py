"""Error feedback against none where messages project, as those of Top-k: whose rate is better depends on κ and s."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality, inequality
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.messages import Contractive, Projection
from proofs_check.worst_case.ordering import compare
from proofs_check.worst_case.settings import best_stepsize
from proofs_check.worst_case.solving import Unsolved
from proofs_check.worst_case.spiral import SCALES, SpiralProjection, spiral_factor, spiral_law
from proofs_check.worst_case.zigzag import best_zigzag_factor
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.compressors import Compressor
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "sheet worst_case_sdp 4.6 (measured at some points, proved at one)"
CLASS = r"\langle C(u),u-C(u)\rangle=0,\ \lVert C(u)-u\rVert\le s\lVert u\rVert,\ f\in F_{\mu,L}"
WITHOUT = r"\Big(\frac{K-1}{K+1}\Big)^2,\ K=\kappa\,\frac{1+s}{1-s}"
STEPS = 60

# κ, s, the step size of error feedback over `best_stepsize`, and the gain that is proved there.
PROVED = {
    "quick": [
        (5, Q(1, 10), Q(11, 10), 1.03),
        (10, Q(1, 2), Q(47, 40), 1.06),
        (30, Q(3, 10), Q(5, 4), 1.2),
        (100, Q(9, 10), Q(21, 20), 1.03),
        (300, Q(2, 5), Q(105, 80), 1.29),
    ],
    "full": [
        (5, Q(1, 20), Q(17, 16), 1.03),
        (10, Q(1, 20), Q(43, 40), 1.06),
        (10, Q(1, 5), Q(47, 40), 1.1),
        (10, Q(7, 10), Q(89, 80), 1.0005),
        (30, Q(1, 2), Q(99, 80), 1.18),
        (30, Q(4, 5), Q(87, 80), 1.05),
        (100, Q(1, 5), Q(5, 4), 1.22),
        (100, Q(1, 2), Q(101, 80), 1.24),
        (100, Q(7, 10), Q(93, 80), 1.14),
        (300, Q(1, 10), Q(93, 80), 1.15),
        (300, Q(19, 20), Q(41, 40), 1.01),
    ],
}
# κ and s where no step size helps error feedback.
REFUTED = [
    (2.0, 0.05),
    (2.0, 0.5),
    (2.0, 0.9),
    (3.0, 0.2),
    (3.0, 0.5),
    (5.0, 0.5),
    (5.0, 0.9),
    (10.0, 0.8),
    (30.0, 0.95),
]


class Spiral(Claim):
    """Messages that are always turned to the same side."""

    id = "WC-spiral"
    title = (
        "Error feedback on a round bowl in the plane, with projections turned to one side: f falls by a known factor"
    )
    statement = (
        r"f=\tfrac h2|x|^2,\ C(u)=zu,\ z=\sqrt{1-s^2}(\sqrt{1-s^2}+is):\quad "
        r"\begin{pmatrix}x_{t+1}\\e_{t+1}\end{pmatrix}=\begin{pmatrix}1-z\eta h&-z\\(1-z)\eta h&1-z\end{pmatrix}"
        r"\begin{pmatrix}x_t\\e_t\end{pmatrix},\quad \frac{f_{t+1}}{f_t}\to|\lambda|^2,\ "
        r"\lambda^2-(2-z-\eta hz)\lambda+1-z=0"
    )
    reference = "derived here"
    status = "derived"
    kind = "identity"

    def compressor(self, s: float) -> Compressor:
        """Return what turns messages."""
        return SpiralProjection(s=s)

    def points(self) -> list[tuple[float, float, float]]:
        """Return h, s and η."""
        return [(h, s, float(1.2 * best_stepsize(0.1, s))) for h in (0.1, 1.0) for s in (0.1, 0.5, 0.9)]

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"h = {h}, s = {s}, η = {stepsize:.4g}": Experiment(
                Quadratic(np.full((1, 2), h), start=np.array([1.0, 0.0])), ErrorFeedback(), self.compressor(s),
                stepsize=stepsize, steps=STEPS, record="all", unproven=True,
            )
            for h, s, stepsize in self.points()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for name, (h, s, stepsize) in zip(self.experiments(level), self.points(), strict=True):
            f = data[name].f_gap.values[0]
            law = spiral_law(h, s, stepsize, STEPS) * f[0]
            found.append(equality(name, f, law, rounding=64 * STEPS))
            # The other root is 1 − z over this one: what it adds falls like (s/|λ|²)^t.
            factor = float(spiral_factor(h, s, stepsize))
            left = (s / factor) ** (STEPS - 1) / np.finfo(float).eps if s < factor else np.inf
            if left < 1e6:
                found.append(equality(f"{name}: f(x_60)/f(x_59)", f[-1] / f[-2], factor, rounding=1e4 + 64 * left))
        return found


class FeedbackFirst(Claim):
    """Exact rational Lyapunov proofs, against the exact worst case without memory at its best step size."""

    id = "WC-EF-projection"
    title = "Where messages project, error feedback provably beats none: at large κ, up to 1.29 steps in one"
    statement = (
        rf"{CLASS}\ \Rightarrow\ \exists\eta,c:\ f(x_N)-f^\star\le c\rho^NV(x_0,e_0)\ \forall N,\ "
        rf"\rho<\min_{{\eta'}}\lambda^2(\eta')={WITHOUT}"
    )
    reference = REFERENCE
    status = "derived"
    kind = "upper bound"
    messages: type[Contractive] = Projection

    def points(self, level: str) -> list[tuple[int, Q, Q, float]]:
        """Return κ, s, step size over `best_stepsize`, and gain."""
        return PROVED["quick"] + (PROVED["full"] if level == "full" else [])

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for kappa, s, scale, gain in self.points(level):
            name, without = f"κ = {kappa}, s = {s}", float(best_zigzag_factor(Q(1, kappa), s))
            try:
                one = compare(Q(1, kappa), s, scale, gain, self.messages)
                reason = f"{one.proof.verified()[: len('proved for every N')]}; at the step size {one.stepsize}"
            except (Unsolved, Uncertified) as lack:
                found.append(Instance(name, "undecided", bound=without, reason=str(lack)))
                continue
            rate, verdict = float(one.proof.rate), "holds" if one.better else "violated"
            found.append(Instance(name, verdict, rate, without, rate / without, reason=reason))
        return found


class DescentFirst(Claim):
    """The spiral, at step sizes of error feedback from half to twice the published one."""

    id = "WC-CGD-before-EF"
    title = "At small κ, or strong compression, no step size of error feedback reaches the rate without it"
    statement = (
        rf"{CLASS}:\quad \max_{{h\in\{{\mu,L\}}}}|\lambda_h(\eta)|^2>{WITHOUT}\quad "
        r"\forall\ \tfrac12\eta^\star\le\eta\le2\eta^\star=\tfrac{4}{L+\mu}\,\tfrac{1-s}{1+s},"
        r"\text{ at the }\kappa,s\text{ of the instances}"
    )
    reference = "derived here"
    status = "derived"
    kind = "upper bound"

    def points(self, level: str) -> list[tuple[float, float]]:
        """Return κ and s."""
        return REFUTED

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for kappa, s in self.points(level):
            stepsizes = SCALES * best_stepsize(1 / kappa, s)
            factors = np.maximum(spiral_factor(1 / kappa, s, stepsizes), spiral_factor(1.0, s, stepsizes))
            without = np.full(factors.size, best_zigzag_factor(1 / kappa, s))
            kinds = [f"{scale:.3g} of the published step size" for scale in SCALES]
            found.append(inequality(f"κ = {kappa:g}, s = {s}", without, factors, rounding=64, kinds=kinds))
        return found
