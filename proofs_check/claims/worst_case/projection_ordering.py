"""Error feedback provably better than none where messages project, as those of Top-k: at large κ and moderate s."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.messages import Contractive, Projection
from proofs_check.worst_case.ordering import compare
from proofs_check.worst_case.solving import Unsolved
from proofs_check.worst_case.zigzag import best_zigzag_factor
from toolkit.algorithms import EF21, Algorithm, ErrorFeedback

if TYPE_CHECKING:
    import xarray

REFERENCE = "sheet worst_case_sdp 4.6 (measured at some points, proved at one)"
CLASS = r"\langle C(u),u-C(u)\rangle=0,\ \lVert C(u)-u\rVert\le s\lVert u\rVert,\ f\in F_{\mu,L}"
WITHOUT = r"\Big(\frac{K-1}{K+1}\Big)^2,\ K=\kappa\,\frac{1+s}{1-s}"

Point = tuple[int, Q, Q, float]
# κ, s, the step size of error feedback over `best_stepsize`, and the gain that is proved there.
PROVED: dict[str, list[Point]] = {
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
# The same for EF21.
PROVED_OF_EF21: dict[str, list[Point]] = {
    "quick": [
        (6, Q(1, 7), Q(90, 80), 1.007),
        (20, Q(1, 7), Q(91, 80), 1.06),
        (160, Q(2, 9), Q(94, 80), 1.08),
        (160, Q(9, 20), Q(91, 80), 1.025),
    ],
    "full": [
        (6, Q(1, 20), Q(85, 80), 1.025),
        (12, Q(2, 9), Q(92, 80), 1.03),
        (40, Q(1, 7), Q(91, 80), 1.07),
        (40, Q(9, 20), Q(90, 80), 1.01),
        (320, Q(1, 20), Q(85, 80), 1.03),
        (320, Q(2, 9), Q(94, 80), 1.075),
    ],
}


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
    method: type[Algorithm] = ErrorFeedback
    proved: Mapping[str, list[Point]] = PROVED

    def points(self, level: str) -> list[Point]:
        """Return κ, s, step size over `best_stepsize`, and gain."""
        return self.proved["quick"] + (self.proved["full"] if level == "full" else [])

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for kappa, s, scale, gain in self.points(level):
            name, without = f"κ = {kappa}, s = {s}", float(best_zigzag_factor(Q(1, kappa), s))
            try:
                one = compare(Q(1, kappa), s, scale, gain, self.messages, self.method)
                reason = f"{one.proof.verified()[: len('proved for every N')]}; at the step size {one.stepsize}"
            except (Unsolved, Uncertified) as lack:
                found.append(Instance(name, "undecided", bound=without, reason=str(lack)))
                continue
            rate, verdict = float(one.proof.rate), "holds" if one.better else "violated"
            found.append(Instance(name, verdict, rate, without, rate / without, reason=reason))
        return found


class EF21First(FeedbackFirst):
    """The same of EF21, whose gain is smaller."""

    id = "WC-EF21-projection"
    title = "Where messages project, EF21 provably beats descent without memory too: up to 1.08 steps in one"
    statement = (
        rf"{CLASS}\ \Rightarrow\ \exists\eta,c:\ f(x_N)-f^\star\le c\rho^NV(x_0,d_0)\ \forall N,\ "
        rf"\rho<\min_{{\eta'}}\lambda^2(\eta')={WITHOUT}"
    )
    reference = "derived here"
    method = EF21
    proved = PROVED_OF_EF21
