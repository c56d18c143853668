"""Avdiukhin and Yaroslavtsev, NeurIPS 2021: the virtual iterate with injected noise, and the memory's bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from proofs_check.claims.sign.error_feedback_fixes_sign import _ErrorLemma
from proofs_check.claims.total_error.error_feedback_identity import Scrambled, VirtualIterate
from proofs_check.ensembles import TOP_K, paths
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_perturbed_sgd import CompressedPerturbedSGD
from toolkit.algorithms.power_ef import PowerEF
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.rand_k import RandK
from toolkit.draws import Draw
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "Avdiukhin and Yaroslavtsev, NeurIPS 2021"


class PerturbedVirtualIterate(VirtualIterate):
    """The virtual iterate of the perturbed methods makes the steps of perturbed SGD, resets or not."""

    id = "A4-virtual"
    title = "With injected noise, and with resets, the virtual iterate makes steps of perturbed SGD, for any map C"
    statement = (
        r"y_t=x_t-\frac\eta n\sum_ie^i_t\ \Rightarrow\ "
        r"y_{t+1}=y_t-\eta\left(\frac1n\sum_ig^i_t+\xi_t\right)\quad\text{for any map }C"
    )
    reference = f"{REFERENCE}, virtual sequence (A4); for Power-EF, as put together here, A5"
    # Beside those of error feedback: of ξ, of its sum with g, of γ times the memory, and of the rounds of Power-EF.
    roundings = 16
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "Top-k": TOP_K,
        "Rand-2 with a shared mask": RandK(k=2, common=True),
        "a wrong compressor": Scrambled(),
    }
    methods: ClassVar[Mapping[str, Callable[[], Algorithm]]] = {
        "without resets": partial(CompressedPerturbedSGD, radius=2.0),
        "reset every 7 steps": partial(CompressedPerturbedSGD, radius=2.0, reset=7),
        "Power-EF": partial(PowerEF, rounds=2, radius=2.0),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            f"{name}, {how}": experiment
            for how, method in self.methods.items()
            for name, experiment in paths(self.compressors, level, method).items()
            if "quadratic" in name  # one with noise, one with workers that disagree
        }

    def memory(self, experiment: Experiment, result: xarray.Dataset) -> Array:
        return experiment.stepsize * super().memory(experiment, result)

    def gradients(self, experiment: Experiment, result: xarray.Dataset) -> Array:
        """Return the samples with ξ, drawn again from its address."""
        draw, x = Draw(result.seed.values, workers=experiment.problem.workers), result["x"].values
        method: Any = experiment.algorithm
        noise = [method.perturbation(draw.at(step).of("method"), x[:, step]) for step in range(1, x.shape[1])]
        return super().gradients(experiment, result) + np.stack(noise, axis=1)


class PerturbedMemory(_ErrorLemma):
    """The bound of the memory by Young's inequality with μ/(2(1 − μ))."""

    id = "A4-memory-bound"
    title = "The memory of any μ-compressor is bounded by the gradients; the sharp form is that of S-d1"
    statement = (
        r"\sup_tE\lVert e_t\rVert^2\le\frac{2(1-\mu)(2-\mu)}{\mu^2}\max_tE\lVert g_t\rVert^2,"
        r"\qquad E\lVert C(p)-p\rVert^2\le(1-\mu)\lVert p\rVert^2"
    )
    reference = f"{REFERENCE}, error bounds (A4)"
    kind = "upper bound"

    def constant(self, delta: float) -> float:
        return 2 * (1 - delta) * (2 - delta) / delta**2
