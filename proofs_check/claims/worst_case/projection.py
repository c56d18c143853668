"""Compressed descent whose messages project, as those of Top-k and Rand-k: its exact worst case at every step size."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING

import numpy as np

from problems.counterexamples.zigzag import Zigzag
from proofs_check.claim import Claim, Instance
from proofs_check.paths import cells
from proofs_check.sides import equality, inequality
from proofs_check.worst_case.certificate import Certificate
from proofs_check.worst_case.settings import cgd_best_stepsize
from proofs_check.worst_case.verify import Refused, check
from proofs_check.worst_case.zigzag import (
    SteepProjection,
    best_zigzag_factor,
    descent_certificate,
    zigzag_delta,
    zigzag_factor,
)
from proofs_check.worst_case.zigzag_proof import unproved
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.compressors import Compressor
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "sheet worst_case_sdp 4.6"
STEPS = 60
SQUARE = r"\lambda^2=\eta\delta(L-\mu)\lambda+1-\eta\delta(L+\mu)+\eta^2\delta L\mu"
CLASS = r"\langle C(u),u-C(u)\rangle=0,\ \lVert C(u)-u\rVert^2\le(1-\delta)\lVert u\rVert^2"


class _Zigzag(Claim):
    """The law of a zigzag, on runs."""

    reference = REFERENCE
    status = "derived"
    kind = "identity"

    def compressor(self, s: float) -> Compressor:
        """Return what projects the gradients of a zigzag with this relative error."""
        raise NotImplementedError

    def zigzags(self, level: str) -> list[Zigzag]:
        """Return the problems, each made for its step size."""
        raise NotImplementedError

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"μ = {one.mu:g}, s = {one.s:.3g}, η = {one.stepsize:.4g}": Experiment(
                one, CompressedSGD(), self.compressor(one.s), stepsize=one.stepsize, steps=STEPS, record="all",
                unproven=True,
            )
            for one in self.zigzags(level)
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for name, one, result in cells(self.experiments(level), data):
            # Rounding turns gradients by κ eps; the two directions that a step keeps are about s apart.
            rounding = 16 * (STEPS + one.problem.L / one.problem.mu) / one.problem.s
            f, left_out = result.f_gap.values[0], result.total_error.values[0, 1:]
            found.append(equality(name, f, one.problem.law(STEPS), rounding=rounding))
            allowed = one.problem.s**2 * np.cumsum(result.grad_norm_sq.values[0])[:-1]
            found.append(equality(f"{name}: left out of messages", left_out, allowed, rounding=rounding))
        return found


class AnyStepsize(_Zigzag):
    """Projections on lines at one angle from the gradients, on the steep side."""

    id = "WC-zigzag"
    title = "A zigzag in the plane: projected gradients with error s multiply f by λ² at every step, at any step size"
    statement = (
        rf"{CLASS}:\quad\exists f\in F_{{\mu,L}},C,x_0:\ f(x_N)-f^\star=\lambda^{{2N}}(f(x_0)-f^\star)\ \forall N,"
        rf"\qquad {SQUARE}"
    )

    def compressor(self, s: float) -> Compressor:
        return SteepProjection(s=s)

    def zigzags(self, level: str) -> list[Zigzag]:
        errors = (0.1, 0.5, 0.9) if level == "quick" else (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
        stepsizes = (0.2, 1.8) if level == "quick" else (0.05, 0.2, 0.7, 1.4, 1.8, 1.99)
        return [
            Zigzag(stepsize=stepsize, s=s, mu=mu)
            for mu in (0.5, 0.1, 0.01)
            for s in errors
            for stepsize in (*stepsizes, cgd_best_stepsize(mu, s))
        ]


class TopOne(_Zigzag):
    """Where both axes lie at 45° from the directions of curvature, Top-1 is that projection."""

    id = "WC-zigzag-top-1"
    title = "Top-1 itself zigzags as badly as any projection with its error can, at every step size below 2/(L + μ)"
    statement = (
        r"f=\tfrac12x^\top Hx,\ H=\tfrac12\begin{pmatrix}L+\mu&\mu-L\\\mu-L&L+\mu\end{pmatrix},\ C=\mathrm{Top}_1,\ "
        rf"\eta<\tfrac2{{L+\mu}}:\quad f(x_N)=\lambda^{{2N}}f(x_0),\qquad {SQUARE}"
    )
    reference = f"{REFERENCE} (the zigzag); Top-1: derived here"

    def compressor(self, s: float) -> Compressor:
        return TopK(k=1)

    def zigzags(self, level: str) -> list[Zigzag]:
        scales = (0.2, 0.6, 0.95) if level == "quick" else (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
        return [Zigzag(stepsize=2 * scale / (1 + mu), mu=mu) for mu in (0.5, 0.1, 0.01) for scale in scales]


class ProjectedDescent(Claim):
    """The zigzag is the worst there is: one proof for all parameters, and certificates without slack at some."""

    id = "WC-CGD-projection"
    title = "Compressed gradient descent whose messages project: no step is worse than the zigzag's, at every η < 2/L"
    statement = (
        rf"{CLASS},\ f\in F_{{\mu,L}},\ 0<\eta<\tfrac2L\ \Rightarrow\ "
        rf"\max\frac{{f(x_N)-f^\star}}{{f(x_0)-f^\star}}=\lambda^{{2N}},\qquad {SQUARE},\ \lambda>0"
    )
    reference = f"{REFERENCE} (measured there); the proof: derived here"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def failed(self) -> list[str]:
        """Return which parts of the proof for all parameters fail."""
        return unproved()

    def certificate(self, mu: Q, root: Q, stepsize: Q) -> Certificate:
        """Return the certificate at a point."""
        return descent_certificate(mu, root, stepsize)

    def points(self, level: str) -> list[tuple[Q, Q, Q]]:
        """Return μ, λ and η where there is such a δ in (0, 1): λ is worse than without compression."""
        # λ lies this far from its smallest value towards 1.
        parts = (Q(1, 4), Q(3, 4)) if level == "quick" else (Q(1, 20), Q(1, 4), Q(1, 2), Q(3, 4), Q(19, 20))
        stepsizes = (Q(1, 5), Q(1), Q(9, 5)) if level == "quick" else (Q(1, 20), Q(1, 5), Q(1), Q(3, 2), Q(39, 20))
        found = []
        for mu in (Q(1, 2), Q(1, 10), Q(1, 100)):
            for stepsize in stepsizes:
                least = max(1 - stepsize * mu, stepsize - 1)
                found += [(mu, least + part * (1 - least), stepsize) for part in parts]
        return found

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        failed = self.failed()
        reason = "every part of the proof holds" if not failed else f"not so: {', '.join(failed)}"
        every = "0 < μ < L, 0 < s < 1, 0 < η < 2/L"
        found = [Instance(every, "violated" if failed else "tight", ratio=1.0, reason=reason)]
        for mu, root, stepsize in self.points(level):
            delta = zigzag_delta(mu, root, stepsize)
            name = f"μ = {mu}, δ = {float(delta):.3g}, η = {stepsize}"
            certificate = self.certificate(mu, root, stepsize)
            try:
                reason = check(certificate.document)[: len("proved")]
            except Refused as refusal:
                found.append(Instance(name, "violated", bound=float(root**2), reason=str(refusal)))
                continue
            attained = zigzag_factor(mu, np.sqrt(float(1 - delta)), stepsize)
            # The square root of the zigzag's law magnifies what rounding does to the difference of its terms.
            rounding = 64 / float(1 - root)
            found.append(inequality(name, attained, float(certificate.bound), rounding=rounding, reason=reason))
        return found


class BestStepsize(Claim):
    """What projections gain at other step sizes they do not gain at the best one."""

    id = "WC-CGD-projection-best"
    title = "The best step size of compressed gradient descent, and its factor, are the same for projections"
    statement = (
        r"\min_{\eta>0}\lambda^2(\eta)=\Big(\frac{K-1}{K+1}\Big)^2\ \text{at}\ \eta=\frac2{(1-s)\mu+(1+s)L},"
        r"\quad K=\frac L\mu\,\frac{1+s}{1-s},\ s=\sqrt{1-\delta}"
    )
    reference = f"{REFERENCE} (derived)"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for mu in (0.5, 0.1, 0.01):
            for s in (0.1, 0.5, 0.9):
                scales = np.append(np.linspace(0.02, 2.5, 1000), 1.0)
                factors = zigzag_factor(mu, s, scales * cgd_best_stepsize(mu, s))
                name, best = f"μ = {mu}, s = {s}", np.full(scales.size, best_zigzag_factor(mu, s))
                found.append(
                    inequality(name, best, factors, rounding=64, kinds=[f"{scale:.3g} η*" for scale in scales])
                )
        return found
