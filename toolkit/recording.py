"""What a batch of runs leaves behind: curves at the recorded steps, running means, and their Dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import kernels
from toolkit.algorithms import Algorithm, State, mean
from toolkit.averages import RunningMean, Weight
from toolkit.batch import Batch
from toolkit.channel import Channel
from toolkit.description import NotDescribable
from toolkit.errors import WrongUse
from toolkit.experiment import Experiment
from toolkit.oracle import Oracle
from toolkit.parameters import Schedule

if TYPE_CHECKING:
    import xarray

__all__ = ["Averages", "Recorder", "curves", "dataset"]

UNITS = {"oracle_calls": "gradient"}

Put = Callable[[str, Any], None]


class Recorder:
    """What one block of runs leaves behind: curves at the recorded steps, and nothing that grows with other steps."""

    def __init__(self, batch: Batch, rows: int) -> None:
        self._index = {step: i for i, step in enumerate(batch.experiment.record)}
        self._rows = rows
        self._batch = batch
        self.curves: dict[str, np.ndarray] = {}

    def wants(self, step: int) -> bool:
        return step in self._index

    def put(self, step: int, name: str, values: Any, alive: np.ndarray) -> None:
        """Store values with leading axis run; runs that have ended are NaN."""
        values = np.asarray(values, dtype=float)
        tail = values.shape[1:] if values.ndim else ()
        if name not in self.curves:
            if name in self._batch.sizes:
                raise WrongUse(f"a sweep over {name!r}", "a recorded curve has the same name", "rename the curve")
            self.curves[name] = np.full((len(self._index), self._rows, *tail), np.nan)
        self.curves[name][self._index[step]] = np.where(alive.reshape(-1, *(1,) * len(tail)), values, np.nan)


class Averages:
    """Weighted means over all steps of quantities that a theorem bounds."""

    def __init__(self, weights: Mapping[str, Weight] | None, stepsize: Any) -> None:
        self._means = {name: RunningMean(weight, stepsize) for name, weight in (weights or {}).items()}
        self._now: dict[str, Any] = {}

    def update(self, oracle: Oracle, x: Any) -> None:
        """Take in the output `x` of the next step."""
        for name, running in self._means.items():
            self._now[name] = running.update(x if name == "x" else _measure(name, oracle, x))

    def record(self, put: Put, problem: Any) -> None:
        for name, average in self._now.items():
            if name != "x":
                put(f"{name}_average", average)
                continue
            put("f_at_average", _value(problem, average))
            gap = _gap(problem, average)
            if gap is not None:
                put("f_gap_at_average", gap)


def _value(problem: Any, x: Any) -> np.ndarray:
    per_worker = np.asarray(problem.value(x))
    if per_worker.ndim != 2 or len(per_worker) != len(x):
        wrong = f"it returned shape {per_worker.shape}, not (run, worker) = {(len(x), problem.workers)}"
        raise WrongUse(f"{type(problem).__name__}.value(x) with x of shape {x.shape}", wrong, "return f_i(x_i)")
    return mean(per_worker[:, :, None])[:, 0, 0]


def _gap(problem: Any, x: Any) -> np.ndarray | None:
    if hasattr(problem, "gap"):
        return problem.gap(x)
    f_star = getattr(problem, "f_star", None)
    return None if f_star is None else _value(problem, x) - f_star


def _measure(name: str, oracle: Oracle, x: Any) -> np.ndarray:
    """Return 'grad_norm_sq' or 'f_gap' at `x`, shape ``(run,)``."""
    if name == "grad_norm_sq":
        return kernels.sum_sq(mean(oracle.uncounted(x)))[:, 0]
    gap = _gap(oracle.problem, x)
    if gap is None:
        raise WrongUse("average={'f_gap': …}", "the problem's f_star is not known", "average 'grad_norm_sq' instead")
    return gap


def curves(
    put: Put,
    experiment: Experiment,
    algorithm: Algorithm,
    state: State,
    x: Any,
    oracle: Oracle,
    channel: Channel,
) -> None:
    """Put every curve of one step."""
    taken: set[str] = set()

    def put_once(name: str, values: Any) -> None:
        if name in taken:
            raise WrongUse(f"recording {name!r}", "two curves have this name", "rename the field or what is observed")
        taken.add(name)
        put(name, values)

    problem = oracle.problem
    put_once("f", _value(problem, x))
    gap = _gap(problem, x)
    if gap is not None:
        put_once("f_gap", gap)
    put_once("grad_norm_sq", _measure("grad_norm_sq", oracle, x))
    put_once("bits_up", channel.bits_up)
    put_once("bits_down", channel.bits_down)
    for direction, ledger in (("up", channel.ledger_up), ("down", channel.ledger_down)):
        for count, bits in ledger.items():
            put_once(f"bits_{direction}_{count}", bits)
    put_once("total_error", channel.total_error)
    if experiment.down is not None:
        put_once("total_error_down", channel.total_error_down)
    put_once("oracle_calls", oracle.calls)
    observed = algorithm.observe(state, oracle, getattr(problem, "constants", None))
    observed = observed | (problem.observe(x) if hasattr(problem, "observe") else {})
    for name, values in observed.items():
        put_once(name, mean(values[:, :, None])[:, 0, 0] if np.ndim(values) == 2 else values)
    fields = dict(state)
    for name in experiment.keep:
        if name not in fields:
            raise WrongUse(
                f"keep={experiment.keep!r}", f"the state has no {name!r}", f"choose from {', '.join(fields)}"
            )
        if fields[name].shape[2] != problem.dimension:
            remedy = f"keep fields of {problem.dimension} coordinates; let `observe` return the others"
            raise WrongUse(f"keep={experiment.keep!r}", f"{name!r} has shape {fields[name].shape}", remedy)
        put_once(name, fields[name])


def dataset(batch: Batch, blocks: list[dict[str, Any]]) -> xarray.Dataset:
    import xarray

    from toolkit.provenance import versions

    experiment, sizes = batch.experiment, batch.sizes
    dims, shape = list(sizes), list(sizes.values())
    steps = np.array(experiment.record)
    variables: dict[str, Any] = {}
    for name in blocks[0]["curves"]:
        data = np.concatenate([block["curves"][name] for block in blocks], axis=1)
        data = np.moveaxis(data, 0, 1).reshape(*shape, len(steps), *data.shape[2:])
        tail = ["worker" if data.shape[-2] == experiment.problem.workers else "server", "coordinate"]
        attributes = {"unit": UNITS[name]} if name in UNITS else {"unit": "bit"} if name.startswith("bits_") else {}
        if name == "total_error":
            attributes = {"unit": f"{experiment.algorithm.unit}²"}
        variables[name] = ([*dims, "step", *(tail if data.ndim > len(shape) + 1 else [])], data, attributes)
    for name in ("status", "last_step"):
        variables[name] = (dims, np.concatenate([block[name] for block in blocks]).reshape(shape))
    coordinates = batch.coordinates | {
        "run": np.arange(sizes["run"]),
        "step": steps,
        "seed": ("run", np.arange(experiment.seed, experiment.seed + sizes["run"])),
    }
    if not isinstance(blocks[0]["stepsize"], Schedule) and "stepsize" not in sizes:
        gamma = [np.broadcast_to(b["stepsize"], (len(b["status"]), 1, 1)).ravel() for b in blocks]
        variables["stepsize"] = (dims, np.concatenate(gamma).reshape(shape))
    try:
        description = json.dumps(experiment.description, sort_keys=True, ensure_ascii=False)
    except NotDescribable as error:
        description = str(error)
    attributes = {"description": description, "versions": json.dumps(versions())}
    return xarray.Dataset(variables, coords=coordinates, attrs=attributes)
