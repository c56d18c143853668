"""Compressed perturbed SGD with Rand-1 at steps that samples cannot judge: its moments, and every step of the proof.

With μ = k/d, E‖e‖² of Rand-k grows without end where a curvature times η is above 2μ/(2 − μ) (derived). Its mean is
made by rare runs then, and the bound of `perturbed_first_order` stays undecided however many are made. It is decided
here without sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.noisy import Noisy
from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.claim import Claim, Instance
from proofs_check.moments import Model, moments
from proofs_check.multipliers import multipliers
from proofs_check.sides import inequality
from toolkit.algorithms.compressed_perturbed_sgd import CompressedPerturbedSGD
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "Avdiukhin and Yaroslavtsev, NeurIPS 2021, first-order part in usable form (A4)"
RADIUS, SIGMA_SQ = 0.25, 1.0


class FirstOrderExactly(Claim):
    """The bound of `A4-first-order` on bowls, both sides by second moments."""

    id = "A4-first-order-rand-1"
    title = "With Rand-1 the first-order bound holds up to its limit η = 1/(2L), where second moments diverge"
    statement = (
        r"f(x)=\tfrac12x^\top Ax,\ C=\mathrm{Rand}_1,\ \eta\le\tfrac1{2L}\ \Rightarrow\ "
        r"\frac1T\sum_{t<T}\mathbb E\lVert\nabla f(x_t)\rVert^2\le\frac{4\Delta_0}{\eta T}+2L\eta(\sigma^2+r^2)"
        r"+2L^2\eta^2\frac1T\sum_{t<T}\mathbb E\lVert e_t\rVert^2"
    )
    reference = REFERENCE
    terms: ClassVar[tuple[float, float, float]] = (4.0, 2.0, 2.0)
    shares: ClassVar[tuple[float, ...]] = (0.05, 0.25, 0.5)  # ηL

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        steps = {"quick": 200, "full": 1000}[level]
        alike, far = np.ones(4), np.ones(4)
        bowls = {"equal curvatures": (alike, far), "curvatures 0.01, …, 1": (np.geomspace(0.01, 1.0, 4), far)}
        bowls["equal curvatures, from the minimiser"] = alike, 0 * far
        if level == "full":
            bowls |= {"two curvatures": (np.array([0.5, 1.0]), np.ones(2)), "d = 8": (np.ones(8), np.ones(8))}
        return [
            self.judge(f"{name}, ηL={share:g}", *bowl, share, steps)
            for name, bowl in bowls.items()
            for share in self.shares
        ]

    def judge(self, name: str, curvatures: Array, x: Array, eta: float, steps: int) -> Instance:
        d, noise = len(curvatures), SIGMA_SQ + RADIUS**2
        bowl = Model(np.diag(curvatures)[None], np.zeros((1, d)), noise / d * np.eye(d)[None], x)
        run = moments(bowl, multipliers(RandK(k=1), d), [eta] * steps)
        T, memory = np.arange(1, steps + 1), run.memory_norm_sq / eta**2  # there in units of x
        start, noisy, remembered = self.terms
        fixed = start * run.f_gap[0] / (eta * T) + noisy * eta * noise
        right = fixed + remembered * eta**2 * np.cumsum(memory[:-1]) / T
        ends = f"E‖e‖² is {memory[-1]:.3g} after {steps} steps"
        # A step rounds some forty times on the way to each moment, and all that is summed is positive.
        return inequality(name, np.cumsum(run.grad_norm_sq[:-1]) / T, right, rounding=40 * steps, reason=ends)


class EveryStep(Claim):
    """What the proof of the bound needs at every step.

    With it the descent lemma for the virtual iterate, f(y − ηg) ≤ f(y) − η⟨∇f(y), g⟩ + Lη²‖g‖²/2, becomes the bound, in
    the mean over the noise and summed over the steps: so whatever the masks do, nothing is left to sampling.
    """

    id = "A4-first-order-step"
    title = "Every step of compressed perturbed SGD obeys the proof of its first-order bound, on saddles too; attained"
    statement = (
        r"y_t=x_t-\eta e_t,\ \eta\le\tfrac1{2L}\ \Rightarrow\ \left(\tfrac14+\tfrac{L\eta}2\right)"
        r"\lVert\nabla f(x_t)\rVert^2\le\langle\nabla f(y_t),\nabla f(x_t)\rangle+\tfrac{L^2\eta^2}2\lVert e_t\rVert^2"
    )
    reference = REFERENCE
    expected = "tight"
    memory_term: ClassVar[float] = 0.5
    stepsize: ClassVar[float] = 0.5  # ηL
    saddle: ClassVar[StrictSaddle] = StrictSaddle([-1.0, 0.5, 1.0, 1.0], rho=2.0, top=1.0)  # with L = 1
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "Rand-1": RandK(k=1, common=True),
        "Rand-2": RandK(k=2, common=True),
        "Top-1": TopK(k=1),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs, steps = {"quick": (16, 150), "full": (64, 600)}[level]
        return {
            f"{name}, σ² = {noise:g}": Experiment(
                Noisy(self.saddle, sigma_sq=noise), CompressedPerturbedSGD(radius=RADIUS), compressor,
                stepsize=self.stepsize, steps=steps, runs=runs, record="all", keep=("x", "memory"),
            )
            for name, compressor in self.compressors.items()
            for noise in (0.0, SIGMA_SQ)
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, result in data.items():
            x, e = (result[one].values[:, :, :1] for one in ("x", "memory"))
            largest = f"memories up to {np.sqrt((e**2).sum(axis=-1).max()):.3g}"
            points, memories = (one.reshape(-1, 1, self.saddle.dimension) for one in (x, e))
            instances.append(self.judge(name, points, memories, largest))
        # The virtual iterate is at a stationary point, and x away from it in a direction of the largest curvature.
        e = np.array([[[0.0, 0.0, 1.0, -2.0]]])
        return [*instances, self.judge("y at the saddle", self.stepsize * e, e, "x = ηe along λ = L")]

    def judge(self, name: str, x: Array, e: Array, reason: str) -> Instance:
        """Judge the inequality at points x with memories e, with what is negative on the other side."""
        eta = self.stepsize
        here, virtual = self.saddle.gradient(x), self.saddle.gradient(x - eta * e)
        # Sums of four products of gradients, which some ten operations make of what was subtracted.
        inner = (here * virtual).sum(axis=-1)[:, 0]
        left = (0.25 + eta / 2) * (here**2).sum(axis=-1)[:, 0] + np.maximum(-inner, 0)
        right = np.maximum(inner, 0) + self.memory_term * eta**2 * (e**2).sum(axis=-1)[:, 0]
        return inequality(name, left, right, rounding=100, reason=reason)
