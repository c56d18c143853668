"""Recorded runs taken up again: cell by cell, with the gradients they drew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from toolkit.arrays import Array
from toolkit.draws import Draw
from toolkit.experiment import Experiment
from toolkit.oracle import Oracle
from toolkit.parameters import bind, swept

if TYPE_CHECKING:
    import xarray

__all__ = ["cells", "gradient_samples"]

SYMBOLS = {"stepsize": "γ", "lam": "λ", "delta": "δ"}


def cells(
    experiments: Mapping[str, Experiment], data: Mapping[str, xarray.Dataset]
) -> Iterator[tuple[str, Experiment, xarray.Dataset]]:
    """Go through all cells of all experiments, which may sweep the step size and the compressor's fields.

    Yields
    ------
    str, Experiment, xarray.Dataset
        Name, experiment and result of each cell, as if it had been run alone.
    """
    for name, experiment in experiments.items():
        fields = {path[-1]: path for path in swept(experiment.compressor)}
        names = [str(field) for field in data[name].f.dims if field not in ("run", "step")]
        for values in product(*(data[name][field].values.tolist() for field in names)):
            cell = dict(zip(names, values, strict=True))
            alone = replace(
                experiment,
                compressor=bind(experiment.compressor, {path: cell[field] for field, path in fields.items()}),
                stepsize=cell.get("stepsize", experiment.stepsize),
            )
            label = ", ".join([name, *(f"{SYMBOLS.get(field, field)} = {value:g}" for field, value in cell.items())])
            yield label, alone, data[name].sel(cell)


def gradient_samples(experiment: Experiment, result: xarray.Dataset) -> Array:
    """Return the gradient samples that the method used, computed again: they are a function of iterate and address.

    Parameters
    ----------
    experiment : Experiment
        Recorded at every step, without a sweep, of a method that asks for one sample per step at its iterate.
    result : xarray.Dataset
        Its result, with `x` kept.

    Returns
    -------
    array, shape (run, step, worker, coordinate)
        At index t the g_t of the paper, which the loop used in step t + 1: one step fewer than the record.
    """
    oracle = Oracle(experiment.problem, experiment.batch)
    draw = Draw(result.seed.values, workers=experiment.problem.workers)
    x = result["x"].values
    samples = []
    for step in range(1, x.shape[1]):
        oracle.begin(step, draw.at(step))
        samples.append(oracle.sample(np.ascontiguousarray(x[:, step - 1])))
    return np.stack(samples, axis=1)
