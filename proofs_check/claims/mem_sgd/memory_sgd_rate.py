"""Stich, Cordonnier and Jaggi, NeurIPS 2018: the rate of sparsified SGD with memory, by exact second moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.cases import Overshoot
from proofs_check.claim import Claim, Instance
from proofs_check.extremal import Shrink
from proofs_check.moments import Model, line, model, moments
from proofs_check.multipliers import Multipliers, multipliers
from proofs_check.sides import inequality
from toolkit.arrays import Array
from toolkit.compressors.identity import Identity
from toolkit.compressors.rand_k import RandK

if TYPE_CHECKING:
    import xarray

REFERENCE = "Stich, Cordonnier and Jaggi, NeurIPS 2018"
ALPHA = 5.0
ROUNDING = 64.0
STEPS = {"quick": 1500, "full": 12000}


class MemorySGDRate(Claim):
    """Memory SGD is `ErrorFeedback` with steps `Decaying(8/μ, a)`; its output is the mean with `polynomial(a, 2)`."""

    id = "S-m4"
    title = "Memory SGD: the gap at the weighted mean of the iterates (α = 5)"
    statement = (
        r"E\lVert g_t\rVert^2\le G^2\ (t<T),\ \eta_t=\frac8{\mu(a+t)},\ w_t=(a+t)^2\ \Rightarrow\ "
        r"Ef(\bar x_T)-f^\star\le\frac{4T(T+2a)}{\mu S_T}G^2+\frac{\mu a^3}{8S_T}R_0^2"
        r"+\frac{64T(1+2L/\mu)}{\mu S_T}\,\frac{4\alpha}{\alpha-4}\,\frac{d^2}{k^2}G^2"
    )
    reference = f"{REFERENCE} (S-m4)"
    status = "recalled"

    def bound(
        self, T: Array, S: Array, a: float, mu: float, L: float, delta: float, G_sq: Array, R_0_sq: float
    ) -> Array:
        """Return the right side at every T."""
        noise = 4 * T * (T + 2 * a) / (mu * S) * G_sq
        memory = 64 * T * (1 + 2 * L / mu) / (mu * S) * 4 * ALPHA / (ALPHA - 4) / delta**2 * G_sq
        return noise + mu * a**3 / (8 * S) * R_0_sq + memory

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for name, of, by, delta, mu, L, steps in _runs(STEPS[level]):
            a = smallest_shift(delta)
            t = np.arange(steps)
            weights = (a + t) ** 2
            run = moments(of, by, 8 / (mu * (a + t)), weights=weights)
            G_sq = np.maximum.accumulate(run.sample_norm_sq)[:-1]
            right = self.bound(t + 1, np.cumsum(weights), a, mu, L, delta, G_sq, float(run.distance_sq[0]))
            reason = f"exact second moments, every T; G² = {G_sq[-1]:.4g} at the end, read off the run"
            kinds = [f"T = {T}" for T in t + 1]
            found.append(inequality(name, run.f_gap_at_average, right, rounding=ROUNDING, kinds=kinds, reason=reason))
        return found


def smallest_shift(delta: float) -> float:
    """Return the smallest a that S-m2 allows, with δ in the place of k/d."""
    rho = 4 * ALPHA / ((ALPHA - 4) * (ALPHA + 1) ** 2)
    return ((ALPHA + 1) / delta + rho) / (rho + 1)


def _runs(steps: int) -> Iterator[tuple[str, Model, Multipliers, float, float, float, int]]:
    """Return lines with noise of variance 1, long enough for their noise term, and quadratics; name … μ, L and T."""
    shrink, overshoot = Shrink(delta=0.5), Overshoot(delta=0.9)
    for name, compressor, delta in (
        ("identity", Identity(), 1.0),
        ("shrink, δ = 1/2", shrink, 0.5),
        ("overshoot, δ = 9/10", overshoot, 0.9),
    ):
        yield f"x²/2 from 0, {name}", line(0.0, 1.0), multipliers(compressor, 1), delta, 1.0, 1.0, steps
    yield (
        "x²/2 from 10 without noise, shrink, δ = 1/20",
        line(10.0, 0.0),
        multipliers(Shrink(delta=0.05), 1),
        0.05,
        1.0,
        1.0,
        500,
    )
    for spectrum in ((0.5, 1.0), (1.0, 1.0)):
        problem = Quadratic.generate(1, 6, spectrum=spectrum, sigma_sq=4.0)
        for k in (1, 3):
            name = f"a noisy quadratic, μ = {spectrum[0]:g}, L = 1, d = 6, Rand-{k}"
            yield name, model(problem), multipliers(RandK(k=k), 6), float(Fraction(k, 6)), *spectrum, 400
