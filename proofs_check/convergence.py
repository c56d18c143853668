"""How a bound on runs is checked: both sides at every recorded step of every case that meets the assumptions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from proofs_check.cases import Case
from proofs_check.claim import Claim, Instance, not_applicable
from proofs_check.sides import expectation, inequality
from proofs_check.statistics import decide_upper_bound
from toolkit.algorithms._base import Needs
from toolkit.arrays import Array
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

__all__ = ["ERROR_PROBABILITY", "ConvergenceBound", "curve"]

# Of one instance. A smaller one would promise more than t limits of some dozens of runs keep; see `mean_interval`.
ERROR_PROBABILITY = 1e-3
ROUNDING = 64.0  # what a deterministic comparison allows, in eps × the larger side


class ConvergenceBound(Claim):
    """A bound on what a method does: subclass it, say on which cases, and give both sides.

    A case whose problem fails an assumption, and a step size above the theorem's limit, is not applicable.

    Attributes
    ----------
    accepts : tuple
        What the theorem needs of a compressor: one of these, as for an `Algorithm`.
    """

    accepts: ClassVar[tuple[Needs, ...]] = ()

    def cases(self, level: str) -> list[Case]:
        """Return the experiments, as cases; step sizes above the limit may be among them."""
        raise NotImplementedError

    def experiment(self, case: Case, level: str) -> Experiment:
        """Return the experiment of a case."""
        raise NotImplementedError

    def missing(self, case: Case) -> str | None:
        """Return which assumption a case fails, whatever its step size; None if it meets all."""
        return None

    def limit(self, case: Case) -> float:
        """Return the largest step size the theorem allows."""
        return math.inf

    def sides(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[Array, Array]:
        """Return the left side, shape ``(run, point)``, and the right side, shape ``(point,)`` or that of the left."""
        raise NotImplementedError

    def remark(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> str:
        """Return what else there is to say of an instance."""
        return ""

    def reported(self, case: Case, cell: Mapping[str, float], runs: xarray.Dataset) -> tuple[float, float] | None:
        """Return what an instance that holds states as measured and bound; None for the sides at their largest ratio.

        For a bound that is an equality at the start, whatever it says of later.
        """
        return None

    def pathwise(self, case: Case) -> bool:
        """Tell whether the statement is compared to rounding on every run: if nothing is left to chance."""
        return not case.random

    def error_probability(self, case: Case) -> float:
        """Return that of an instance which is not pathwise."""
        return ERROR_PROBABILITY

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {case.name: self.experiment(case, level) for case in self.cases(level) if self.missing(case) is None}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [instance for case in self.cases(level) for instance in self._check_case(case, data)]

    def _check_case(self, case: Case, data: Mapping[str, xarray.Dataset]) -> Iterator[Instance]:
        missing = self.missing(case)
        if missing is not None:
            yield not_applicable(case.name, missing)
            return
        limit = self.limit(case)
        for label, cell, runs in _cells(data[case.name]):
            name = f"{case.name}, {label}"
            if cell["stepsize"] > limit * (1 + 1e-12):
                yield not_applicable(name, f"γ is above the theorem's limit {limit:.3g}")
                continue
            with np.errstate(over="ignore", invalid="ignore"):  # curves are infinite where a run diverged
                left, right = self.sides(case, cell, runs)
                remark = self.remark(case, cell, runs)
            if self.pathwise(case):
                right = np.broadcast_to(right, left.shape)
                instance = inequality(name, left, right, rounding=ROUNDING, reason=remark)
            else:
                decision = decide_upper_bound(left, right, ERROR_PROBABILITY)
                instance = expectation(name, decision, error_probability=self.error_probability(case), reason=remark)
            reported = self.reported(case, cell, runs) if instance.verdict == "holds" else None
            if reported is not None:
                measured, bound = reported
                instance = replace(instance, measured=measured, bound=bound, ratio=measured / bound)
            yield instance


def _cells(result: xarray.Dataset) -> Iterator[tuple[str, dict[str, float], xarray.Dataset]]:
    """Go through the cells of the sweeps of a result: a name, the values of the swept fields, and the runs."""
    swept = [str(name) for name in result.sizes if name not in ("run", "step", "worker", "server", "coordinate")]
    for values in product(*(result[name].values for name in swept)):
        cell = {name: value.item() for name, value in zip(swept, values, strict=True)}
        label = ", ".join(f"{'γ' if name == 'stepsize' else name} = {value:.3g}" for name, value in cell.items())
        yield label, cell, result.sel(cell)


def curve(runs: xarray.Dataset, name: str) -> Array:
    """Return a curve of one cell, shape ``(run, step)``: +∞ from where a run diverged, NaN from where one was stopped.

    What is infinite with positive probability has an infinite expectation: left out, the runs that remain would speak
    for a theorem that fails. Only overflow leaves NaN in a diverged run before its end, which is noticed a little late.
    """
    values = runs[name].transpose("run", "step").values
    ended = np.isnan(values) | (runs["step"].values > runs["last_step"].values[:, None])
    return np.where(ended & (runs["status"].values == "diverged")[:, None], np.inf, values)
