"""Compressed perturbed SGD to first order: its gradients are small on average."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.noisy import Noisy
from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.cases import Case, Setting, half_square
from proofs_check.convergence import ConvergenceBound, curve
from proofs_check.extremal import Shrink
from toolkit.algorithms.compressed_perturbed_sgd import CompressedPerturbedSGD
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

RADIUS = 0.25
SEED = 1000


@cache
def _settings() -> tuple[Setting, ...]:
    """Return a saddle, a saddle with gradient noise, and the parabola far from its minimum."""
    saddle = StrictSaddle([-1.0, 0.5, 1.0, 1.0], rho=2.0, top=1.0)
    noisy = Setting("noisy strict saddle", Noisy(saddle, sigma_sq=1.0), batch=1, sigma_sq=1.0)
    return Setting("strict saddle", saddle), noisy, half_square(3.0, "x²/2")


class FirstOrder(ConvergenceBound):
    """The mean squared gradient norm, bounded by the start, the noise and the memory."""

    id = "A4-first-order"
    title = "From a saddle or elsewhere, compressed perturbed SGD has small gradients on average, memory measured"
    statement = (
        r"\frac1T\sum_{t<T}E\lVert\nabla f(x_t)\rVert^2\le\frac{4\Delta_0}{\eta T}+2L\eta(\sigma^2+r^2)"
        r"+2L^2\eta^2\frac1T\sum_{t<T}E\lVert e_t\rVert^2,\qquad\eta\le\frac1{2L}"
    )
    reference = "Avdiukhin and Yaroslavtsev, NeurIPS 2021, first-order part in usable form (A4)"
    kind = "upper bound"
    terms: ClassVar[tuple[float, float, float]] = (4.0, 2.0, 2.0)
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "nothing compressed": Identity(),
        "shrink, δ = 0.02": Shrink(delta=0.02),
        "Top-1": TopK(k=1),
        "Rand-2 with a shared mask": RandK(k=2, common=True),
        "Rand-1 with a shared mask": RandK(k=1, common=True),
    }
    # From ηL = 2μ/(2 − μ) = 2/7 on Rand-1's second moments diverge, and no number of runs decides: see
    # `first_order_at_large_steps`, which needs none.
    larger: ClassVar[Mapping[str, float]] = {"Rand-1 with a shared mask": 0.125}

    def cases(self, level: str) -> list[Case]:
        return [
            Case(
                f"{setting.name}, {name}",
                setting,
                compressor,
                (0.05 / setting.L, self.larger.get(name, 0.5) / setting.L),
            )
            for setting in _settings()
            for name, compressor in self.compressors.items()
            if setting.problem.dimension > 1 or isinstance(compressor, (Identity, Shrink))  # nothing to choose from
        ]

    def experiment(self, case: Case, level: str) -> Experiment:
        steps, runs = {"quick": (160, 32), "full": (1000, 128)}[level]
        return Experiment(
            case.setting.problem,
            CompressedPerturbedSGD(radius=RADIUS),
            case.compressor,
            stepsize=case.stepsizes,
            batch=case.setting.batch,
            steps=steps,
            runs=runs,
            seed=SEED,
            record="all",
        )

    def limit(self, case: Case) -> float:
        return 0.5 / case.setting.L

    def pathwise(self, case: Case) -> bool:
        return False  # the perturbation is drawn

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        eta, L, T = cell["stepsize"], case.setting.L, np.arange(1, runs.sizes["step"])
        mean_sq, memory = (curve(runs, name)[:, :-1] for name in ("grad_norm_sq", "memory_norm_sq"))
        start, noise, remembered = self.terms
        fixed = start * case.setting.F_0 / (eta * T) + noise * L * eta * (case.setting.sigma_sq + RADIUS**2)
        right = fixed + remembered * (L * eta) ** 2 * np.cumsum(memory, axis=1) / T
        return np.cumsum(mean_sq, axis=1) / T, right
