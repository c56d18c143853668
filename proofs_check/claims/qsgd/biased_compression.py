"""Beznosikov et al., 'On biased compression for distributed learning', JMLR 2023: three classes, and rates in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, ClassVar

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.cases import Overshoot
from proofs_check.claim import Claim, Instance
from proofs_check.claims.qsgd.composed_compressors import LIMIT, vectors_of
from proofs_check.extremal import Shrink
from proofs_check.outcomes import outcomes
from proofs_check.sides import inequality
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.constants import CompressorConstants, exact
from toolkit.layout import Field, Levels

REFERENCE = "Beznosikov, Horváth, Richtárik and Safaryan, JMLR 2023 (D5)"
D = 4


class OppositeNoise(Compressor):
    r"""Add to a vector, unchanged, a vector of its length times √ω across it, with a random sign.

    .. math:: C(x) = x \pm \sqrt\omega\, J x, \qquad J(x_1, x_2, x_3, x_4) = (-x_2, x_1, -x_4, x_3) .

    Unbiased of relative variance ω for every x, all of it across x: what a step costs where f is curved the most.

    Examples
    --------
    >>> OppositeNoise(omega=4.0).constants(2).omega.value
    4.0
    """

    random = True
    omega: float

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return (Levels("sign", 1, -1, 1),)

    def message(self, x: Array, draw: Any) -> Array:
        across = np.stack([-x[..., 1::2], x[..., ::2]], axis=-1).reshape(x.shape)
        return x + np.sqrt(self.omega) * draw.of("sign").signs(1) * across

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(omega=exact(self.omega, "the definition, with equality for every x"))


# By name, with the δ of B³ (so 1/δ of the toolkit's contraction), or the ω of an unbiased one.
CONTRACTIONS: Mapping[str, Compressor] = {
    "Top-1": TopK(k=1),
    "Rand-1": RandK(k=1),
    "scaled sign": ScaledSign(),
    "scaled QSGD": Scaled(QSGD(s=1)),
    "shrink, q = 0.99": Shrink(delta=1 - 0.99**2),
    "overshoot, q = 0.99": Overshoot(delta=1 - 0.99**2),
}
UNBIASED: Mapping[str, Compressor] = {
    "unbiased Rand-1": RandK(k=1, unbiased=True),
    "QSGD": QSGD(s=1),
    "natural compression": Natural(),
    "noise across, ω = 9": OppositeNoise(omega=9.0),
}


@dataclass(frozen=True)
class Moments:
    """⟨E C(x), x⟩ and E‖C(x)‖² in units of ‖x‖², for non-zero vectors."""

    inner: Array
    square: Array
    kinds: tuple[str, ...]


def moments_of(compressor: Compressor, level: str) -> Moments:
    """Return the moments by all outcomes."""
    x, kinds = vectors_of(D, level)
    there = (x != 0).any(axis=(1, 2))
    x, kinds = x[there], [kind for kind, counts in zip(kinds, there, strict=True) if counts]
    found = outcomes(compressor, x, limit=LIMIT)
    sent, of = found.sent[:, 0], x[found.vector, 0]
    norm_sq = (x**2).sum(axis=(1, 2))
    inner, square = (found.expect(part.sum(axis=-1)) / norm_sq for part in (sent * of, sent**2))
    return Moments(inner, square, tuple(kinds))


class Classes(Claim):
    r"""Which constants of one class follow from those of another, on all outcomes of compressors of each.

    From E‖C − x‖² ≤ (1 − 1/δ)‖x‖²: 2⟨E C, x⟩ ≥ E‖C‖² + ‖x‖²/δ. From B²: E‖C‖² ≥ ‖E C‖² ≥ γ²‖x‖². From B¹:
    ⟨E C, x⟩ ≥ E‖C‖²/β ≥ (α/β)‖x‖². And E‖C/β − x‖² ≤ (1 − γ/β)‖x‖² by squaring.
    """

    id = "D5-classes"
    title = "The three classes of biased compressors contain each other, up to their constants"
    statement = (
        r"B^3(\delta)\subset B^2\Big(\frac1{2\delta},2\Big),\quad B^2(\gamma,\beta)\subset B^1(\gamma^2,\beta),\quad "
        r"B^1(\alpha,\beta)\subset B^2\Big(\frac\alpha\beta,\beta\Big),\quad "
        r"C\in B^2(\gamma,\beta)\Rightarrow\frac1\beta C\in B^3\Big(\frac\beta\gamma\Big)"
    )
    reference = f"{REFERENCE}; the relations derived"
    kind = "tight"
    expected = "tight"

    def of_contraction(self, delta: float) -> tuple[float, float]:
        """Return γ and β of B² from δ of B³."""
        return 1 / (2 * delta), 2.0

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        return [one for name, compressor in CONTRACTIONS.items() for one in self._judge(name, compressor, level)]

    def _judge(self, name: str, compressor: Compressor, level: str) -> Iterator[Instance]:
        found = moments_of(compressor, level)
        constant: Any = compressor.constants(D).delta
        gamma, beta = self.of_contraction(1 / float(constant))
        settings: dict[str, Any] = {"rounding": 256, "kinds": found.kinds}
        yield inequality(f"{name}: γ‖x‖² ≤ ⟨E C, x⟩ in B²", gamma / found.inner, 1.0, **settings)
        yield inequality(f"{name}: E‖C‖² ≤ β⟨E C, x⟩ in B²", found.square / found.inner, beta, **settings)
        # The best constants of these vectors, and what follows from them.
        best, most = found.inner.min(), (found.square / found.inner).max()
        yield inequality(f"{name}: B² in B¹, α = γ²", best**2 / found.square, 1.0, **settings)
        yield inequality(f"{name}: B¹ in B², γ = α/β", found.square.min() / most / found.inner, 1.0, **settings)
        # ‖C/β − x‖² ≤ (1 − γ/β)‖x‖² without its difference of nearly equal numbers.
        half = (found.square / most + best) / 2
        yield inequality(f"{name}: C/β in B³, δ = β/γ", half / found.inner, 1.0, **settings)


class SharpClasses(Classes):
    r"""The best constants of B² that every contraction has.

    |⟨E C − x, x⟩| ≤ q‖x‖² by Cauchy and Schwarz, so (1 − q)‖x‖² ≤ ⟨E C, x⟩ ≤ (1 + q)‖x‖²; and with the latter
    E‖C‖² ≤ 2⟨E C, x⟩ − (1 − q²)‖x‖² ≤ (1 + q)⟨E C, x⟩.
    """

    id = "D5-classes-sharp"
    title = "Every contraction is in B²(1 − q, 1 + q), with q = √(1 − 1/δ), attained by shrinking and overshooting"
    statement = r"B^3(\delta)\subset B^2(1-q,1+q),\qquad q=\sqrt{1-1/\delta}"
    reference = "derived, beside Beznosikov et al., JMLR 2023 (D5)"

    def of_contraction(self, delta: float) -> tuple[float, float]:
        q = np.sqrt(1 - 1 / delta)
        return float(1 - q), float(1 + q)

    def _judge(self, name: str, compressor: Compressor, level: str) -> Iterator[Instance]:
        return islice(super()._judge(name, compressor, level), 2)


class UnbiasedClasses(Claim):
    """Where unbiased compressors are."""

    id = "D5-unbiased"
    title = "Unbiased compressors are in B¹(1, 1 + ω) and B²(1, 1 + ω)"
    statement = (
        r"E\,C(x)=x,\ E\lVert C(x)-x\rVert^2\le\omega\lVert x\rVert^2\ \Rightarrow\ "
        r"\lVert x\rVert^2\le E\lVert C(x)\rVert^2\le(1+\omega)\langle E\,C(x),x\rangle,\quad "
        r"\frac{C}{1+\omega}\in B^3(1+\omega)"
    )
    reference = REFERENCE
    kind = "tight"
    expected = "tight"

    def beta(self, omega: float) -> float:
        """Return β."""
        return 1 + omega

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for name, compressor in UNBIASED.items():
            found = moments_of(compressor, level)
            constant: Any = compressor.constants(D).omega
            beta = self.beta(float(constant))
            settings: dict[str, Any] = {"rounding": 256, "kinds": found.kinds}
            scaled = found.square / beta**2 - 2 * found.inner / beta + 1
            instances += [
                inequality(f"{name}: ‖x‖² ≤ E‖C‖²", 1 / found.square, 1.0, **settings),
                inequality(f"{name}: E‖C‖² ≤ β⟨E C, x⟩", found.square / found.inner, beta, **settings),
                inequality(f"{name}: C/(1 + ω) in B³", scaled, 1 - 1 / beta, **settings),
            ]
        return instances


class _OneNode(Claim):
    """One step of compressed gradient descent on quadratics, in expectation over all outcomes, from many points."""

    spectra: ClassVar[tuple[tuple[float, ...], ...]] = (
        (1.0, 1.0, 1.0, 1.0),
        (0.1, 1.0, 0.1, 1.0),
        (0.01, 0.3, 0.6, 1.0),
    )

    def _judge(
        self, name: str, compressor: Compressor, stepsize: float, factor: float, spectrum: tuple[float, ...], level: str
    ) -> Instance:
        """Compare what is promised of the gap, 1 − factor of it, with what E f(x − γC(∇f(x))) takes off it; f* = 0."""
        problem: Any = Quadratic(hessians=np.array([spectrum]))
        directions, kinds = vectors_of(D, level)
        x = np.concatenate([directions, directions / np.array(spectrum)])  # points, and gradients, of these kinds
        before = problem.gap(x)
        found = outcomes(compressor, problem.gradient(x), limit=LIMIT)
        after = found.expect(problem.gap(x[found.vector] - stepsize * found.sent))
        # Gaps are good to some eps of themselves, of which 1e-4 or more is taken off.
        return inequality(name, (1 - factor) * before, before - after, rounding=2.0**17, kinds=[*kinds, *kinds])


class RateOfContraction(_OneNode):
    """A single node with a contraction."""

    id = "D5-rate"
    title = "One node, contraction, smooth and strongly convex f: every step multiplies the gap by at most 1 − γμ/δ"
    statement = (
        r"C\in B^3(\delta),\ \gamma\le\frac1L\ \Rightarrow\ "
        r"E[f(x_{t+1})-f^\star]\le\Big(1-\frac{\gamma\mu}\delta\Big)(f(x_t)-f^\star)"
    )
    reference = REFERENCE
    kind = "tight"
    expected = "tight"

    def factor(self, gamma_mu: float, delta: float) -> float:
        """Return by what a step multiplies the gap at most."""
        return 1 - gamma_mu / delta

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for (name, compressor), spectrum in product(CONTRACTIONS.items(), self.spectra):
            constant: Any = compressor.constants(D).delta
            delta, mu = 1 / float(constant), min(spectrum)
            for stepsize in (1.0, 0.5):
                label = f"{name}, μ/L = {mu:g}, γ = {stepsize:g}/L"
                factor = self.factor(stepsize * mu, delta)
                instances.append(self._judge(label, compressor, stepsize, factor, spectrum, level))
        return instances


class RateOfMoments(_OneNode):
    """A single node with a compressor of the first class, unbiased ones among them."""

    id = "D5-rate-moments"
    title = "One node, B¹: every step multiplies the gap by at most 1 − (α/β)γμ"
    statement = (
        r"C\in B^1(\alpha,\beta),\ \gamma\le\frac1{\beta L}\ \Rightarrow\ "
        r"E[f(x_{t+1})-f^\star]\le\Big(1-\frac\alpha\beta\gamma\mu\Big)(f(x_t)-f^\star)"
    )
    reference = REFERENCE
    kind = "tight"
    expected = "tight"
    # α = β = 1 + ω where the variance is ω for every x, otherwise α = 1.
    constants: ClassVar[Mapping[str, tuple[Compressor, float, float]]] = {
        "unbiased Rand-1": (RandK(k=1, unbiased=True), 4.0, 4.0),
        "QSGD": (QSGD(s=1), 1.0, 2.0),
        "natural compression": (Natural(), 1.0, 1.125),
        "noise across, ω = 99": (OppositeNoise(omega=99.0), 100.0, 100.0),
        "Top-1": (TopK(k=1), 0.25, 1.0),
    }

    def factor(self, gamma_mu: float, alpha: float, beta: float) -> float:
        """Return by what a step multiplies the gap at most."""
        return 1 - alpha / beta * gamma_mu

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for (name, (compressor, alpha, beta)), spectrum in product(self.constants.items(), self.spectra):
            stepsize, mu = 1 / (beta * max(spectrum)), min(spectrum)
            label = f"{name}, μ/L = {mu:g}, γ = 1/(βL)"
            factor = self.factor(stepsize * mu, alpha, beta)
            instances.append(self._judge(label, compressor, stepsize, factor, spectrum, level))
        return instances
