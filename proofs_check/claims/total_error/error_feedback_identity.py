"""The identity behind every analysis of error feedback: the virtual iterate makes plain SGD steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from proofs_check.claim import Claim, Instance
from proofs_check.ensembles import HARD_THRESHOLDS, TOP_K, paths
from proofs_check.paths import cells, gradient_samples
from proofs_check.sides import equality
from toolkit.algorithms import Algorithm
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray


class Scrambled(Compressor):
    """A wrong compressor: random, biased, with coordinates in the wrong order, and an error larger than its input."""

    random = True

    def message(self, x: Array, draw: Any) -> Array:
        return 1.2 * x[..., ::-1] + 0.1 * draw.of("noise").uniform(x.shape[-1])


class VirtualIterate(Claim):
    """The virtual iterate makes plain SGD steps, whatever the compressor is."""

    id = "master-identity"
    title = "The virtual iterate of error feedback makes plain SGD steps, for any map C"
    statement = (
        r"\tilde x_t=x_t-\frac1n\sum_ie^i_t\ \Rightarrow\ "
        r"\tilde x_{t+1}=\tilde x_t-\frac\gamma n\sum_ig^i_t\quad\text{for any map }C"
    )
    reference = "Stich, Cordonnier and Jaggi, NeurIPS 2018; Karimireddy et al., ICML 2019 (master identity)"
    kind = "identity"
    method: ClassVar[type[Algorithm]] = ErrorFeedback
    roundings: ClassVar[int] = 4  # of a step, besides those of the means over the workers
    compressors: ClassVar[Mapping[str, Compressor]] = {
        "Top-k": TOP_K,
        "Rand-2": RandK(k=2),
        "unbiased Rand-2": RandK(k=2, unbiased=True),
        "scaled sign": ScaledSign(),
        "hard threshold": HARD_THRESHOLDS,
        "QSGD": QSGD(s=2),
        "natural compression": Natural(),
        "no compression": Identity(),
        "a wrong compressor": Scrambled(),
    }

    def experiments(self, level: str) -> dict[str, Experiment]:
        return paths(self.compressors, level, self.method)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self._compare(*cell) for cell in cells(self.experiments(level), data)]

    def memory(self, experiment: Experiment, result: xarray.Dataset) -> Array:
        """Return what was not sent, in the unit of iterates."""
        return result["memory"].values

    def gradients(self, experiment: Experiment, result: xarray.Dataset) -> Array:
        """Return the gradient samples of the step from each record to the next."""
        return gradient_samples(experiment, result)

    def _compare(self, name: str, experiment: Experiment, result: xarray.Dataset) -> Instance:
        x, e = result["x"].values[:, :, 0], self.memory(experiment, result)
        step = experiment.stepsize * self.gradients(experiment, result)
        virtual = x - e.mean(axis=2)
        left, right = virtual[:, 1:], virtual[:, :-1] - step.mean(axis=2)
        # The message p − e' is at most |e| + |γg| + |e'|, and so is p. All numbers that are added on the way are below
        # the scale; means take n roundings of half an eps each, and a few more follow.
        added = (abs(e[:, :-1]) + abs(step) + abs(e[:, 1:])).mean(axis=2)
        scale = abs(x[:, :-1]) + abs(x[:, 1:]) + 2 * added
        rounding = (experiment.problem.workers + self.roundings) / 2
        reason = f"{left.size} coordinates, in eps of the sum of the magnitudes that are added"
        # A run that grew beyond all limits was ended, and is recorded until then.
        recorded = result.step.values[1:] <= result.last_step.values[:, None]
        sides = left[recorded].ravel(), right[recorded].ravel()
        return equality(name, *sides, rounding=rounding, scale=scale[recorded].ravel(), reason=reason)
