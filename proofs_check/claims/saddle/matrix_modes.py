"""Factorisation of a matrix from small starts: one mode after another, and a symmetry that only some methods break."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.rotated import Rotated
from problems.saddles.matrix_factorisation import MatrixFactorisation
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality, inequality, proportion
from toolkit.algorithms import Algorithm
from toolkit.algorithms.compressed_sgd import CompressedSGD
from toolkit.algorithms.ef21 import EF21
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.algorithms.sgd import SGD
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled import Scaled
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

REFERENCE = "classical, derived here (saddle_escape, A4: what its experiments start from)"
SINGULAR_VALUES = np.array([4.0, 2.0, 1.0])
SIDE, RANK, STEPSIZE = 8, 4, 0.01


@cache
def bases() -> dict[str, tuple[Any, Array]]:
    """Return the problem in its own basis and in a random one of its points, each with what turns points into it."""
    plain = MatrixFactorisation(SINGULAR_VALUES, RANK, (SIDE, SIDE))
    turned = Rotated(plain, seed=1)
    return {"own basis": (plain, np.eye(plain.dimension)), "random basis": (turned, turned.basis)}


def plateau(learned: int) -> float:
    """Return f at the saddle where so many of the largest singular values are learned."""
    return float((SINGULAR_VALUES[learned:] ** 2).sum())


class Modes(Claim):
    """From a balanced start every singular value grows on its own, the larger the faster."""

    id = "matrix-modes"
    title = "From small balanced factors descent learns every singular value by a recursion of its own"
    statement = (
        r"f=\lVert UV^\top-M\rVert_F^2,\ U_0=V_0=\sqrt{s_0}\,(e_1,\dots,e_q)\ \Rightarrow\ "
        r"U_tV_t^\top=\mathrm{diag}(s_k),\quad "
        r"s_k\leftarrow s_k\left(1+2\eta(\sigma_k-s_k)\right)^2:\quad "
        r"s_k\ge\tfrac{\sigma_k}2\text{ from about step }\frac{\ln(\sigma_k/s_0-1)}{2\ln(1+2\eta\sigma_k)}\text{ on}"
    )
    reference = REFERENCE
    kind = "identity"
    small: ClassVar[float] = 1e-3  # √s_0
    steps: ClassVar[Mapping[str, int]] = {"quick": 240, "full": 800}

    def growth(self, s: Array) -> Array:
        """Return by which factor the singular values grow in a step."""
        return (1 + 2 * STEPSIZE * (SINGULAR_VALUES - s)) ** 2

    def experiments(self, level: str) -> dict[str, Experiment]:
        factor = np.zeros((SIDE, RANK))
        np.fill_diagonal(factor[:, : len(SINGULAR_VALUES)], self.small)
        return {
            name: Experiment(
                problem, SGD(), stepsize=STEPSIZE, steps=self.steps[level],
                x0=bases()["own basis"][0].point(factor, factor) @ basis, record="all", keep=("x",), unproven=True,
            )
            for name, (problem, basis) in bases().items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        plain, instances = bases()["own basis"][0], []
        law = [np.full(len(SINGULAR_VALUES), self.small**2)]
        for _ in range(self.steps[level]):
            law.append(law[-1] * self.growth(law[-1]))
        t = np.arange(len(law))
        half = [
            int((curve >= sigma / 2).argmax()) for curve, sigma in zip(np.transpose(law), SINGULAR_VALUES, strict=True)
        ]
        estimated = np.log(SINGULAR_VALUES / self.small**2 - 1) / (2 * np.log1p(2 * STEPSIZE * SINGULAR_VALUES))
        for name, (_, basis) in bases().items():
            U, V = plain.factors(data[name]["x"].values[0, :, 0] @ basis.T)
            products = U @ np.swapaxes(V, -1, -2)
            found = np.diagonal(products, axis1=1, axis2=2)[:, : len(SINGULAR_VALUES)]
            reason = f"half-way at {half}, estimated {np.round(estimated, 1).tolist()}"
            # A step rounds some ten times relative to the mode; in another basis relative to all of x, which is up to
            # 4 long against modes that begin with s_0^(1/2) and carry on what they got.
            worse = 1.0 if name == "own basis" else 4 / self.small
            scale = np.maximum(t, 1)[:, None] * np.array(law) * worse
            instances.append(equality(name, found, law, rounding=10, scale=scale.ravel(), reason=reason))
        return instances


class _FromEqualEntries(Claim):
    """A statement about starts at which all columns of the factors are equal, with exact gradients."""

    reference = REFERENCE
    methods: ClassVar[Mapping[str, tuple[Algorithm, Compressor, str]]]
    entry: ClassVar[float] = 0.02
    steps: ClassVar[int] = 400  # rounding would leave the saddle after about 36/ln(1 + 2ησ_2) = 918
    runs: ClassVar[int] = 1

    def experiments(self, level: str) -> dict[str, Experiment]:
        factor = np.full((SIDE, RANK), self.entry)
        found = {}
        for name, (method, compressor, where) in self.methods.items():
            problem, basis = bases()[where]
            found[f"{name}, {where}"] = Experiment(
                problem, method, compressor, stepsize=STEPSIZE, steps=self.steps,
                runs=self.runs if compressor.random else 1,
                x0=bases()["own basis"][0].point(factor, factor) @ basis, record=range(0, self.steps + 1, 10),
                unproven=True,
            )  # fmt: skip
        return found


class SymmetricStart(_FromEqualEntries):
    """What treats equal entries alike keeps the columns equal, and the product of rank one."""

    id = "matrix-symmetric-start"
    title = "From equal columns descent and signs never leave rank one: f stays above a saddle's value"
    statement = (
        r"U_0=u\mathbf 1^\top,\ V_0=v\mathbf 1^\top,\ \nabla f\text{ exact},\ C(p)_i=C(p)_j\text{ if }p_i=p_j"
        r"\ \Rightarrow\ \mathrm{rank}\,U_tV_t^\top\le1,\quad f(x_t)\ge\sum_{k>1}\sigma_k^2"
    )
    kind = "lower bound"
    methods: ClassVar[Mapping[str, tuple[Algorithm, Compressor, str]]] = {
        "descent": (SGD(), Identity(), "own basis"),
        "descent, turned": (SGD(), Identity(), "random basis"),
        "sign": (CompressedSGD(), ScaledSign(), "own basis"),
        "sign, EF14": (ErrorFeedback(), ScaledSign(), "own basis"),
        "sign, EF21": (EF21(), ScaledSign(), "own basis"),
    }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, result in data.items():
            f = result.f.values[0]
            # f sums 64 squares of differences of sums. Where rounding parts the columns, by eps and 1 + 2ησ_2 times as
            # much a step, f falls by the square of that.
            judged = inequality(name, np.full_like(f, plateau(1)), f, rounding=1e3)
            reason = f"in {self.steps} steps f comes to {f[-1]:.10g}"
            sides = float(f.min()), plateau(1), float(f.min() / plateau(1))
            verdict = "violated" if judged.verdict == "violated" else "holds"
            instances.append(Instance(name, verdict, *sides, reason=reason))
        return instances


class SymmetryBroken(_FromEqualEntries):
    """What treats equal entries differently, or sees them in another basis, learns the second singular value."""

    id = "matrix-symmetry-broken"
    title = "From equal columns Top-k, Rand-k and QSGD leave rank one by themselves, and signs do in another basis"
    statement = (
        r"U_0=u\mathbf 1^\top,\ V_0=v\mathbf 1^\top,\ \nabla f\text{ exact}\ \Rightarrow\ "
        r"\mathbb P\Bigl(f(x_{400})<\sum_{k>1}\sigma_k^2-\tfrac12\sigma_2^2\Bigr)\ge0.9"
    )
    kind = "counterexample"
    least: ClassVar[float] = 0.9
    error_probability: ClassVar[float] = 1e-3
    runs: ClassVar[int] = 80
    methods: ClassVar[Mapping[str, tuple[Algorithm, Compressor, str]]] = {
        "Rand-8, EF14": (ErrorFeedback(), RandK(k=8), "own basis"),
        "QSGD, EF14": (ErrorFeedback(), Scaled(QSGD(s=4)), "own basis"),
        "Top-8, EF14": (ErrorFeedback(), TopK(k=8), "own basis"),
        "Top-8, EF21": (EF21(), TopK(k=8), "own basis"),
        "sign, EF14": (ErrorFeedback(), ScaledSign(), "random basis"),
    }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        below = plateau(1) - SINGULAR_VALUES[1] ** 2 / 2
        instances = []
        for name, experiment in self.experiments(level).items():
            f = data[name].f.values
            left = f[:, -1] < below
            steps = [float(data[name].step[one.argmax()]) for one in f < below if one.any()]
            reason = f"below {below:g} after {np.median(steps or [np.inf]):g} steps (median)"
            if not experiment.compressor.random:
                share = float(left.all())
                verdict = "holds" if share else "violated"
                instances.append(Instance(name, verdict, share, self.least, share / self.least, reason=reason))
                continue
            judged = proportion(
                name, int(left.sum()), len(left), self.least, at_least=True,
                error_probability=self.error_probability, reason=reason,
            )  # fmt: skip
            instances.append(judged)
        return instances
