"""An experiment laid out as the rows of one batch: every cell of its sweep times every repetition."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from toolkit.compressors.identity import Identity
from toolkit.errors import WrongUse
from toolkit.experiment import Experiment
from toolkit.parameters import Path, bind, columns, swept
from toolkit.stepsizes import Prescribed

__all__ = ["Batch", "blocks", "lay_out", "parts_of_rows"]

DIMENSIONS = ("run", "step", "worker", "coordinate")
BLOCK_NUMBERS = 2**16  # numbers per array of a block of runs: what fits in a second-level cache with its temporaries


@dataclass
class Batch:
    """The rows of an experiment.

    Attributes
    ----------
    sizes : dict
        The swept dimensions, then ``run``, with their lengths.
    coordinates : dict
        The values along the swept dimensions.
    parts : dict
        Method and compressors as given, the method with its step size.
    columns : dict
        The swept values along the rows, shape ``(row, 1, 1)``, by part and path.
    seeds : array, shape (row,)
        Seed values.
    start : array, shape (row, 1, d)
        Starting points.
    """

    experiment: Experiment
    sizes: dict[str, int]
    coordinates: dict[str, Any]
    parts: dict[str, Any]
    columns: dict[tuple[str, Path], np.ndarray]
    seeds: np.ndarray
    start: np.ndarray

    @property
    def rows(self) -> int:
        return len(self.seeds)


def lay_out(experiment: Experiment) -> Batch:
    """Return the rows of an experiment: cells in the order of the swept fields, repetitions fastest."""
    algorithm, stepsize = experiment.algorithm, experiment.stepsize
    if algorithm.stepsize is not None:
        stepsize = algorithm.stepsize
    parts = {
        "algorithm": bind(algorithm, {("stepsize",): stepsize}),
        "compressor": experiment.compressor,
        "down": Identity() if experiment.down is None else experiment.down,
    }
    axes: dict[str, tuple[tuple[str, Path], tuple[Any, ...]]] = {}
    for part, owner in parts.items():
        for path, values in swept(owner).items():
            name = ("down_" if part == "down" else "") + path[-1]
            if name in DIMENSIONS:
                raise WrongUse(
                    f"a sweep over {name!r}", "a dimension of every result has this name", "rename the swept field"
                )
            if name in axes:
                raise WrongUse(
                    f"a sweep over {name!r}", "two swept fields have this name", "sweep one of them at a time"
                )
            axes[name] = ((part, path), values)
    runs = experiment.runs
    cells = list(product(*(values for _, values in axes.values())))
    by_row = {
        where: np.repeat(np.array([cell[i] for cell in cells]), runs)[:, None, None]
        for i, (where, _) in enumerate(axes.values())
    }
    seeds = np.tile(np.arange(experiment.seed, experiment.seed + runs, dtype=np.uint32), len(cells))
    x0 = experiment.x0 if experiment.x0.ndim == 3 else experiment.x0.reshape(-1, 1, experiment.x0.shape[-1])
    x0 = np.broadcast_to(x0, (runs, *x0.shape[1:]))
    return Batch(
        experiment=experiment,
        sizes={name: len(values) for name, (_, values) in axes.items()} | {"run": runs},
        coordinates={name: list(values) for name, (_, values) in axes.items()},
        parts=parts,
        columns=by_row,
        seeds=seeds,
        start=np.tile(x0, (len(cells), 1, 1)),
    )


def parts_of_rows(batch: Batch, rows: slice) -> dict[str, Any]:
    """Return method and compressors with the swept values of these rows, step size and thresholds resolved."""
    bound = {
        part: bind(owner, {path: column[rows] for (of, path), column in batch.columns.items() if of == part})
        for part, owner in batch.parts.items()
    }
    problem, algorithm = batch.experiment.problem, bound["algorithm"]
    stepsize = algorithm.stepsize
    if isinstance(stepsize, Prescribed):
        known = getattr(problem, "constants", None)
        of_compressor = bound["compressor"].constants(problem.dimension, problem.workers)
        theory = known and algorithm.theory_stepsize(known, of_compressor)
        if not theory:
            name = type(algorithm).__name__
            raise WrongUse(
                f"{name} with {stepsize!r}",
                "its theorem's step size is not known for these constants of problem and compressor",
                "give a number",
            )
        stepsize = stepsize.factor * theory.value
    for part in ("compressor", "down"):
        bound[part] = bound[part].for_messages(algorithm.unit, stepsize)
    numbers = columns(algorithm) | ({} if stepsize is algorithm.stepsize else {("stepsize",): stepsize})
    # What a method computes keeps the type of the iterates. A compressor sees to that itself, and takes its fields as
    # they were given: a probability or a threshold rounded to single precision would be another one.
    bound["algorithm"] = bind(algorithm, {path: _in_type(one, batch.start.dtype) for path, one in numbers.items()})
    return bound


def _in_type(value: Any, dtype: Any) -> Any:
    """Return numbers in the type of the iterates, so that a cell of a sweep computes what a single run does."""
    if not np.ndim(value):
        return float(value)  # Python's own number takes the type of the arrays it meets
    return value.astype(dtype) if value.dtype.kind == "f" else value


def blocks(batch: Batch, threads: int) -> list[slice]:
    """Cut the rows into blocks that fit in cache, and into as many as there are threads."""
    problem = batch.experiment.problem
    rows = max(16, BLOCK_NUMBERS // (problem.workers * problem.dimension))
    count = max(-(-batch.rows // rows), min(threads, batch.rows // 8))
    edges = np.linspace(0, batch.rows, max(1, count) + 1).round().astype(int)
    return [slice(a, b) for a, b in pairwise(edges)]
