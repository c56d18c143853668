"""Karimireddy et al., ICML 2019: with error feedback the iterate stays near the span of the gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems import OverparametrisedLeastSquares
from proofs_check.claim import Claim, Instance
from proofs_check.ensembles import constant_gradients
from proofs_check.paths import cells, gradient_samples
from proofs_check.sides import inequality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.constants import CompressorConstants, exact
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

NEW = 1e-8  # part of a gradient outside the span of those before, below which it counts as inside


class Sideways(Compressor):
    r"""Add to a vector in the plane half of it, turned by a right angle: all the error is sideways.

    .. math:: C(x) = x + \tfrac12 (-x_2, x_1), \qquad \|C(x) - x\|^2 = \tfrac14 \|x\|^2

    Examples
    --------
    >>> Sideways().compress(np.array([2.0, 0.0]))
    array([2., 1.])
    """

    def message(self, x: Array, draw: Any) -> Array:
        return x + np.stack([-x[..., 1], x[..., 0]], axis=-1) / 2

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(0.75, "the definition, with equality for every x"))


class GradientSpan(Claim):
    """Both sides are computed at every step of every path; the distance with an orthonormal basis of the gradients."""

    id = "S-d5"
    title = "With error feedback from 0 the iterate is at most ‖e‖ away from the span of the gradients"
    statement = (
        r"x_0=0\ \Rightarrow\ x_t-e_t\in\mathrm{span}(g_0,\dots,g_{t-1})\ \Rightarrow\ "
        r"\mathrm{dist}\big(x_t,\mathrm{span}(g_0,\dots,g_{t-1})\big)\le\lVert e_t\rVert"
    )
    reference = "Karimireddy, Rebjock, Stich and Jaggi, ICML 2019 (S-d5)"
    kind = "tight"
    expected = "tight"
    method: ClassVar[Algorithm] = ErrorFeedback()

    def experiments(self, level: str) -> dict[str, Experiment]:
        samples, steps = {"quick": (10, 40), "full": (100, 80)}[level]
        wide = OverparametrisedLeastSquares(samples, seed=2)
        settings: dict[str, Any] = {"record": "all", "keep": ("x", "memory")}
        plane = settings | {"stepsize": 0.5, "steps": 3}
        rows = settings | {"steps": steps}
        scaled = 0.1 * samples  # 10 for the 100 samples of the paper's figure: a message has the part 1/d of ‖p‖₁
        return {
            "constant gradients in the plane, error at a right angle": Experiment(
                constant_gradients(1, 2), self.method, Sideways(), **plane
            ),
            f"least squares, n = {samples}, scaled sign": Experiment(
                wide, self.method, ScaledSign(zero=0), stepsize=scaled, **rows
            ),
            f"least squares, n = {samples}, scaled sign, sign(0) = 1": Experiment(
                wide, self.method, ScaledSign(), stepsize=scaled, **rows
            ),
            f"least squares, n = {samples}, Top-5": Experiment(wide, self.method, TopK(k=5), stepsize=0.2, **rows),
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for name, experiment, result in cells(self.experiments(level), data):
            x, memory = result["x"].values[0, :, 0], result["memory"].values[0, :, 0]
            gradients = gradient_samples(experiment, result)[0, :, 0]
            distance, left_out = _distances(x, gradients)
            # What of a gradient counts as inside the span of those before is at most NEW of it.
            bound = np.linalg.norm(memory, axis=1) + experiment.stepsize * left_out
            bound += 64 * np.finfo(float).eps * np.linalg.norm(x, axis=1)
            allowance = f"{(bound[1:] - np.linalg.norm(memory[1:], axis=1)).max():.1e}"
            reason = f"of the right side at most {allowance} is for rounding"
            found.append(inequality(name, distance[1:], bound[1:], rounding=256, reason=reason))
        return found


def _distances(x: Array, gradients: Array) -> tuple[Array, Array]:
    """Return the distance of x_t to the span of the gradients before t, and the sum of their parts left out of it."""
    basis = np.zeros((0, x.shape[1]))
    distance, left_out = [float(np.linalg.norm(x[0]))], [0.0]
    for t, gradient in enumerate(gradients, start=1):
        outside = _outside(basis, gradient)
        if np.linalg.norm(outside) > NEW * np.linalg.norm(gradient):
            basis = np.vstack([basis, outside / np.linalg.norm(outside)])
            outside = np.zeros(1)
        distance.append(float(np.linalg.norm(_outside(basis, x[t]))))
        left_out.append(left_out[-1] + float(np.linalg.norm(outside)))
    return np.array(distance), np.array(left_out)


def _outside(basis: Array, vector: Array) -> Array:
    """Return the part orthogonal to an orthonormal basis; twice, so that rounding of the first time is removed."""
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector
