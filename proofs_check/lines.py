"""The theory lines of one experiment: what published bounds say of it, in the quantity they bound."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from proofs_check.cases import Case, Setting
from proofs_check.checking import all_claims
from proofs_check.convergence import ConvergenceBound
from toolkit.arrays import Array
from toolkit.experiment import Experiment
from toolkit.parameters import scheduled

if TYPE_CHECKING:
    import xarray

__all__ = ["Line", "Theory"]


@dataclass(frozen=True)
class Line:
    """What one bound says of one experiment: the quantity it bounds, mean over the runs, and the bound."""

    claim: ConvergenceBound
    step: Array
    measured: Array
    bound: Array


class Theory:
    """The published bounds that cover an experiment with one step size.

    Parameters
    ----------
    experiment : Experiment
        What is to be run.

    Attributes
    ----------
    experiment : Experiment
        The same, which also averages what the bounds are about; this never changes a run.

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit.algorithms import EF21
    >>> from toolkit.compressors import TopK
    >>> from toolkit.simulation import run
    >>> problem = Quadratic.generate(workers=2, dimension=4)
    >>> theory = Theory(Experiment(problem, EF21(), TopK(k=2), stepsize=0.1, steps=10))
    >>> lines = theory.lines(run(theory.experiment))
    >>> "EF21-2" in [line.claim.id for line in lines], all((line.measured <= line.bound).all() for line in lines)
    (True, True)
    """

    def __init__(self, experiment: Experiment) -> None:
        self._covering: list[tuple[ConvergenceBound, Case]] = []
        average: dict[str, Any] = dict(experiment.average or {})
        record: Any = experiment.record
        for claim, case in _covering(experiment):
            needed = claim.experiment(case, "quick")
            wanted = dict(needed.average or {})
            if all(average.get(name, weight) == weight for name, weight in wanted.items()):
                average |= wanted
                record = "all" if len(needed.record) == needed.steps + 1 else record
                self._covering.append((claim, case))
        self.experiment = dataclasses.replace(experiment, average=average or None, record=record)

    def lines(self, result: xarray.Dataset) -> list[Line]:
        """Return the lines, given the result of `experiment`.

        There is none for a bound that the step size is too large for, nor for one of an expectation if only one run is
        there.
        """
        found = []
        gamma = float(result["stepsize"].values.flat[0])
        for claim, case in self._within_limit(gamma):
            if case.random and result.sizes["run"] == 1:
                continue
            with np.errstate(over="ignore", invalid="ignore"):  # curves are infinite where a run diverged
                left, right = claim.sides(case, {"stepsize": gamma}, result)
                measured, bound = left.mean(axis=0), np.broadcast_to(right, left.shape).mean(axis=0)
            # A bound begins at step 0 or at step 1.
            steps = result.step.values[int(measured.size < result.sizes["step"]) :][: measured.size]
            if np.isfinite(bound).all():  # not where a run diverged, if the bound depends on what was observed
                found.append(Line(claim, steps, measured, bound))
        return found

    def unseen(self, result: xarray.Dataset) -> list[str]:
        """Return the ids of the bounds that cover the experiment, but say nothing of its one run."""
        within = self._within_limit(float(result["stepsize"].values.flat[0]))
        return [claim.id for claim, case in within if case.random and result.sizes["run"] == 1]

    def _within_limit(self, gamma: float) -> Iterator[tuple[ConvergenceBound, Case]]:
        return ((claim, case) for claim, case in self._covering if gamma <= claim.limit(case) * (1 + 1e-12))


def _covering(experiment: Experiment) -> Iterator[tuple[ConvergenceBound, Case]]:
    """Go through the bounds whose assumptions an experiment meets, the step size apart."""
    problem, compressor = experiment.problem, experiment.compressor
    constants, start = getattr(problem, "constants", None), getattr(problem, "start", None)
    if constants is None or start is None or not np.array_equal(experiment.x0, start) or experiment.down is not None:
        return
    noise = constants.sigma_sq
    if (experiment.batch != "full" and (noise is None or callable(experiment.batch))) or scheduled(compressor):
        return
    sigma_sq = 0.0 if experiment.batch == "full" else float(noise) / experiment.batch
    known = compressor.constants(problem.dimension, problem.workers)
    setting = Setting("this problem", problem, experiment.batch, sigma_sq)
    case = Case("this experiment", setting, compressor, stepsizes=(0.0,))
    for claim in all_claims().values():
        # A lemma that is compared on every run speaks of pairs of steps, not of a curve.
        if not isinstance(claim, ConvergenceBound) or type(claim).pathwise is not ConvergenceBound.pathwise:
            continue
        if not any(need.met_by(known) for need in claim.accepts) or claim.missing(case) is not None:
            continue
        needed = claim.experiment(case, "quick")
        if type(needed.algorithm) is type(experiment.algorithm) and needed.batch == experiment.batch:
            yield claim, case
