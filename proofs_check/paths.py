"""What a recorded run drew, computed again after the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.arrays import Array
from toolkit.draws import Draw
from toolkit.experiment import Experiment
from toolkit.oracle import Oracle

if TYPE_CHECKING:
    import xarray

__all__ = ["gradient_samples"]


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
        oracle.begin(draw.at(step))
        samples.append(oracle.sample(np.ascontiguousarray(x[:, step - 1])))
    return np.stack(samples, axis=1)
