"""The bowl with straight sides across which error feedback steps for ever, though SGD with that step size converges."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.counterexamples.clipped_bowl import ClippedBowl
from proofs_check.claim import Claim, Instance
from proofs_check.convergence import curve
from proofs_check.sides import equality, inequality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.algorithms.sgd import SGD
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors._fields import like
from toolkit.compressors.identity import Identity
from toolkit.constants import CompressorConstants, exact
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

EPS = float(np.finfo(float).eps)


class StretchLong(Compressor):
    r"""Shrink short inputs and stretch long ones, all by the same fraction.

    .. math:: C(x) = \begin{cases} (1 - q)\,x, & \max_j |x_j| \le \text{threshold}, \\
              (1 + q)\,x, & \text{otherwise}, \end{cases} \qquad q = \sqrt{1 - \delta},

    Parameters
    ----------
    delta : float
        δ, with equality for every x.
    threshold : float
        With 0 every input is stretched.

    Examples
    --------
    >>> StretchLong(delta=0.75, threshold=3.0).compress(np.array([[2.0], [4.0]]))
    array([[1.],
           [6.]])
    """

    delta: float
    threshold: float = 0.0

    def message(self, x: Array, draw: Any) -> Array:
        q = like(np.sqrt(1 - self.delta), x)
        short = np.max(abs(x), axis=-1, keepdims=True) <= self.threshold
        return np.where(short, (1 - q) * x, (1 + q) * x)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        return CompressorConstants(delta=exact(self.delta, "the definition, with equality for every x"))


def stepping(q: Fraction, walk: int, steps: int) -> Experiment:
    """Return the run that steps across the bowl for ever."""
    problem, gamma = ClippedBowl.stepping(q, walk)
    threshold = float(ClippedBowl.threshold(q, walk)) if walk else 0.0
    compressor = StretchLong(delta=float(1 - q**2), threshold=threshold)
    settings: Any = {"stepsize": float(gamma), "steps": steps, "record": "all", "keep": ("x",)}
    return Experiment(problem, ErrorFeedback(), compressor, **settings)


class Stepping(Claim):
    """The exact law, and the largest gradient there is at every step."""

    id = "clipped-bowl"
    title = "Error feedback with hardly any compression never leaves the largest gradients of a bowl, without noise"
    statement = (
        r"f(x)=\begin{cases}\frac12x^2,&|x|\le1,\\|x|-\frac12,&|x|\ge1,\end{cases}\qquad C(p)=(1+q)p,\ "
        r"\gamma=\frac2{1+q},\ x_0=1\ \Rightarrow\ f'(x_t)^2=1\ (t\ge0),\qquad "
        r"x_t=1-\frac2{1-q}\sum_{j<t}(-1)^j(1-q^{j+1})"
    )
    reference = "derived here (S-d3)"
    kind = "counterexample"
    chosen: ClassVar[tuple[tuple[Fraction, int], ...]] = (
        (Fraction(1, 33), 0),
        (Fraction(1, 3), 0),
        (Fraction(1, 11), 3),
    )
    steps: ClassVar[int] = 200
    factor: ClassVar[float] = 1.0  # of the step size

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = {}
        for q, walk in self.chosen:
            one = stepping(q, walk, self.steps)
            stepsize = self.factor * one.stepsize
            found[f"q = {q}, after a walk of {walk}"] = Experiment(**{**vars(one), "stepsize": stepsize})
        return found

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for (name, result), (q, walk) in zip(data.items(), self.chosen, strict=True):
            squares = curve(result, "grad_norm_sq")[0]
            found.append(equality(f"{name}: f'(x_t)²", squares, np.ones_like(squares), rounding=8 * self.steps))
            law = np.array([float(x) for x in ClippedBowl.law(q, self.steps, walk)])
            # A step rounds the memory, the message and the iterate, all of which are within ±7.
            sides = result["x"].values[0, :, 0, 0], law
            found.append(equality(f"{name}: x_t", *sides, rounding=8 * self.steps, scale=np.max(abs(law))))
        return found


class Repair(Claim):
    """No compression, or a step size below the edge 2(1 − q)/(1 + q) of stability."""

    id = "clipped-bowl-repair"
    title = "SGD with the same step size converges, and so does error feedback with steps that are shorter by a half"
    statement = r"f(x_{400})-f^\star\le2^{-52}\,(f(x_0)-f^\star)"
    reference = "derived here (S-d3)"
    methods: ClassVar[Mapping[str, tuple[Algorithm, Compressor, float]]] = {
        "SGD": (SGD(), Identity(), 1.0),
        "error feedback, half the step": (ErrorFeedback(), StretchLong(delta=120 / 121), 0.5),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem, gamma = ClippedBowl.stepping(Fraction(1, 11))
        return {
            name: Experiment(problem, method, compressor, stepsize=factor * float(gamma), steps=400)
            for name, (method, compressor, factor) in self.methods.items()
        }

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for name, result in data.items():
            gap = curve(result, "f_gap")[0]
            found.append(inequality(name, gap[-1:], EPS * gap[0], rounding=0))
        return found
