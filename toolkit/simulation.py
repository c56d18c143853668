"""The one loop: steps a method on a problem, every message through a channel, many runs as one batch."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import kernels
from toolkit.algorithms import Algorithm, State, mean
from toolkit.averages import RunningMean, Weight
from toolkit.channel import Channel
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.experiment import Experiment, NotDescribable
from toolkit.oracle import Oracle
from toolkit.parameters import Path, Schedule, at_step, bind, scheduled, swept
from toolkit.stepsizes import Prescribed

if TYPE_CHECKING:
    import xarray

__all__ = ["run", "simulate"]

DIVERGENCE_CHECK = 16  # steps between two looks for diverged runs: fixed, so that recording never changes a run
BLOCK_NUMBERS = 2**16  # numbers per array of a block of runs: what fits in a second-level cache with its temporaries

UNITS = {"bits_up": "bit", "bits_down": "bit", "oracle_calls": "gradient"}


def simulate(
    problem: Any,
    algorithm: Algorithm,
    compressor: Compressor | None = None,
    *,
    progress: bool = True,
    threads: int | None = None,
    **settings: Any,
) -> xarray.Dataset:
    """Run a method on a problem and return its curves.

    Parameters
    ----------
    problem : Problem
        Any object with `workers`, `dimension`, `value` and `gradient`.
    algorithm : Algorithm
        The method.
    compressor : Compressor, optional
        What compresses messages to the server; by default nothing does.
    progress : bool
        Show a bar when it takes more than two seconds and the output is a terminal.
    threads : int, optional
        Threads that step blocks of runs; by default one per core. The result does not depend on it.
    **settings
        The other fields of `Experiment`: down, topology, stepsize, steps, runs, seed, x0, batch, record, keep,
        average, stop, limit, unproven.

    Returns
    -------
    xarray.Dataset
        Dimensions (swept fields…, run, step): f, f_gap, grad_norm_sq, bits_up, bits_down, total_error, oracle_calls
        and what problem and method observe. Bits are the formula count, cumulative, mean per worker, set-up messages
        included. Step 0 is the start; index t is after t steps.

    Raises
    ------
    WrongUse
        If the parts do not fit together.

    Examples
    --------
    >>> from toolkit.algorithms import EF21
    >>> from toolkit.compressors import TopK
    >>> from problems import Quadratic
    >>> problem = Quadratic(hessians=[[1.0, 2.0]])
    >>> result = simulate(problem, EF21(), TopK(k=1), stepsize=0.1, steps=10, x0=[1.0, 2.0], runs=3)
    >>> dict(result.sizes)
    {'run': 3, 'step': 11}
    """
    unknown = set(settings) - set(Experiment.__dataclass_fields__)
    if unknown:
        from toolkit.errors import nearest

        name = sorted(unknown)[0]
        valid = [name for name in Experiment.__dataclass_fields__ if name != "_"]
        raise WrongUse(f"simulate({name}=…)", "there is no such setting", "see toolkit.Experiment", nearest(name, valid))
    if "steps" not in settings:
        raise WrongUse("simulate(…)", "the number of steps is missing", "pass steps=1000")
    if compressor is not None:
        settings["compressor"] = compressor
    return run(Experiment(problem, algorithm, **settings), progress=progress, threads=threads)


@dataclass
class _Plan:
    """An experiment laid out as rows of one batch: every cell of the sweep times every repetition."""

    experiment: Experiment
    sizes: dict[str, int]  # swept dimensions, then run
    coordinates: dict[str, Any]
    parts: dict[str, Any]  # 'algorithm', 'compressor', 'down' and their step size, as given
    columns: dict[tuple[str, Path], np.ndarray]  # swept values along the rows, shape (row, 1, 1)
    seeds: np.ndarray
    start: np.ndarray  # (row, 1, d)

    @property
    def rows(self) -> int:
        return len(self.seeds)


def _lay_out(experiment: Experiment) -> _Plan:
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
            if name in axes:
                raise WrongUse(f"a sweep over {name!r}", "two swept fields have this name", "sweep one of them at a time")
            axes[name] = ((part, path), values)
    runs = experiment.runs
    cells = list(product(*(values for _, values in axes.values())))
    columns = {
        where: np.repeat(np.array([cell[i] for cell in cells]), runs)[:, None, None]
        for i, (where, _) in enumerate(axes.values())
    }
    seeds = np.tile(np.arange(experiment.seed, experiment.seed + runs, dtype=np.uint32), len(cells))
    x0 = experiment.x0 if experiment.x0.ndim == 2 else np.broadcast_to(experiment.x0, (runs, experiment.x0.size))
    return _Plan(
        experiment=experiment,
        sizes={name: len(values) for name, (_, values) in axes.items()} | {"run": runs},
        coordinates={name: list(values) for name, (_, values) in axes.items()},
        parts=parts,
        columns=columns,
        seeds=seeds,
        start=np.ascontiguousarray(np.tile(x0, (len(cells), 1))[:, None, :]),
    )


def _parts_of_rows(plan: _Plan, rows: slice) -> dict[str, Any]:
    """Return method and compressors with the swept values of these rows, step size and thresholds resolved."""
    bound = {
        part: bind(owner, {path: column[rows] for (of, path), column in plan.columns.items() if of == part})
        for part, owner in plan.parts.items()
    }
    problem, algorithm = plan.experiment.problem, bound["algorithm"]
    if isinstance(algorithm.stepsize, Prescribed):
        known = getattr(problem, "constants", None)
        theory = known and algorithm.theory_stepsize(known, bound["compressor"].constants(problem.dimension))
        if not theory:
            name = type(algorithm).__name__
            raise WrongUse(
                f"{name} with {algorithm.stepsize!r}",
                "its theorem's step size is not known for these constants of problem and compressor",
                "give a number",
            )
        bound["algorithm"] = algorithm = bind(algorithm, {("stepsize",): algorithm.stepsize.factor * theory.value})
    for part in ("compressor", "down"):
        bound[part] = bound[part].for_messages(algorithm.unit, algorithm.stepsize)
    return bound


class _Recorder:
    """What one block of runs leaves behind: curves at the recorded steps, and nothing that grows with other steps."""

    def __init__(self, plan: _Plan, rows: int) -> None:
        self._index = {step: i for i, step in enumerate(plan.experiment.record)}
        self._rows = rows
        self._plan = plan
        self.curves: dict[str, np.ndarray] = {}

    def wants(self, step: int) -> bool:
        return step in self._index

    def put(self, step: int, name: str, values: Any, alive: np.ndarray) -> None:
        """Store values with leading axis run; runs that have ended are NaN."""
        values = np.asarray(values, dtype=float)
        tail = values.shape[1:] if values.ndim else ()
        if name not in self.curves:
            if name in self._plan.sizes:
                raise WrongUse(f"a sweep over {name!r}", "a recorded curve has the same name", "rename the curve")
            self.curves[name] = np.full((len(self._index), self._rows, *tail), np.nan)
        self.curves[name][self._index[step]] = np.where(alive.reshape(-1, *(1,) * len(tail)), values, np.nan)


class _Averages:
    """Weighted means over all steps of quantities that a theorem bounds."""

    def __init__(self, weights: Mapping[str, Weight] | None) -> None:
        self._means = {name: RunningMean(weight) for name, weight in (weights or {}).items()}
        self._now: dict[str, Any] = {}

    def update(self, oracle: Oracle, x: Any) -> None:
        """Take in the output `x` of the next step."""
        for name, running in self._means.items():
            self._now[name] = running.update(x if name == "x" else _measure(name, oracle, x))

    def record(self, put: Callable[[str, Any], None], problem: Any) -> None:
        for name, average in self._now.items():
            if name != "x":
                put(f"{name}_average", average)
                continue
            put("f_at_average", _value(problem, average))
            gap = _gap(problem, average)
            if gap is not None:
                put("f_gap_at_average", gap)


def _value(problem: Any, x: Any) -> np.ndarray:
    return mean(problem.value(x)[:, :, None])[:, 0, 0]


def _gap(problem: Any, x: Any) -> np.ndarray | None:
    if hasattr(problem, "gap"):
        return problem.gap(x)
    f_star = getattr(problem, "f_star", None)
    return None if f_star is None else _value(problem, x) - f_star


def _measure(name: str, oracle: Oracle, x: Any) -> np.ndarray:
    if name == "grad_norm_sq":
        return kernels.sum_sq(mean(oracle.uncounted(x)))[:, 0]
    if name == "f_gap":
        gap = _gap(oracle.problem, x)
        if gap is None:
            raise WrongUse("average={'f_gap': …}", "the problem's f_star is not known", "average 'grad_norm_sq' instead")
        return gap
    raise WrongUse(f"average={{{name!r}: …}}", "only some quantities are averaged", "choose grad_norm_sq, f_gap or x")


def _record(
    put: Callable[[str, Any], None], experiment: Experiment, algorithm: Algorithm, state: State, x: Any, oracle: Oracle,
    channel: Channel,
) -> None:
    """Put every curve of one step."""
    problem = oracle.problem
    put("f", _value(problem, x))
    gap = _gap(problem, x)
    if gap is not None:
        put("f_gap", gap)
    put("grad_norm_sq", _measure("grad_norm_sq", oracle, x))
    put("bits_up", channel.bits_up)
    put("bits_down", channel.bits_down)
    put("total_error", channel.total_error)
    if experiment.down is not None:
        put("total_error_down", channel.total_error_down)
    put("oracle_calls", oracle.calls)
    observed = algorithm.observe(state, oracle, getattr(problem, "constants", None))
    observed = observed | (problem.observe(x) if hasattr(problem, "observe") else {})
    for name, values in observed.items():
        put(name, mean(values[:, :, None])[:, 0, 0] if np.ndim(values) == 2 else values)
    fields = dict(state)
    for name in experiment.keep:
        if name not in fields:
            raise WrongUse(f"keep={experiment.keep!r}", f"the state has no {name!r}", f"choose from {', '.join(fields)}")
        put(name, fields[name])


def _freeze(alive: np.ndarray, new: State, old: State) -> State:
    """Return the new state with the rows of ended runs held at their last one."""
    held = dict(old)
    return State(**{name: np.where(alive[:, None, None], value, held[name]) for name, value in new})


def _zero(rows: np.ndarray, state: State) -> State:
    """Return the state with the rows of diverged runs at zero, where they can do no harm."""
    return State(**{name: np.where(rows[:, None, None], 0.0, value) for name, value in state})


def _step_block(plan: _Plan, rows: slice, tick: Callable[[int], None]) -> dict[str, Any]:
    """Run the rows of one block from init to the last step."""
    experiment, problem = plan.experiment, plan.experiment.problem
    parts = _parts_of_rows(plan, rows)
    schedules = {part: scheduled(owner) for part, owner in parts.items()}
    start = plan.start[rows]
    count = len(start)
    oracle = Oracle(problem, experiment.batch)
    channel = Channel(parts["compressor"], parts["down"], experiment.topology)
    recorder = _Recorder(plan, count)
    averages = _Averages(experiment.average)
    limit = experiment.limit * np.maximum(1.0, np.abs(start).max(axis=(1, 2)))
    alive = np.ones(count, dtype=bool)
    status = np.full(count, "done", dtype="U8")
    last_step = np.full(count, experiment.steps)
    root = Draw(plan.seeds[rows], workers=problem.workers)

    def prepare(step: int) -> tuple[Algorithm, Draw]:
        now = {part: at_step(owner, schedules[part], step) for part, owner in parts.items()}
        channel.up, channel.down = now["compressor"], now["down"]
        draw = root.at(step)
        oracle.begin(draw)
        channel.begin(draw)
        return now["algorithm"], draw

    def record(step: int) -> None:
        averages.update(oracle, x)
        if recorder.wants(step):

            def put(name: str, values: Any) -> None:
                recorder.put(step, name, values, alive)

            _record(put, experiment, algorithm, state, x, oracle, channel)
            averages.record(put, problem)

    with np.errstate(all="ignore"):
        algorithm, draw = prepare(0)
        state = algorithm.init(start, oracle, channel, draw)
        x = algorithm.output(state)
        record(0)
        for step in range(1, experiment.steps + 1):
            algorithm, draw = prepare(step)
            new = algorithm.step(state, oracle, channel, draw)
            channel.end(new.x)
            state = new if alive.all() else _freeze(alive, new, state)
            x = algorithm.output(state)
            record(step)
            ended = np.zeros(count, dtype=bool)
            if step % DIVERGENCE_CHECK == 0 or step == experiment.steps:
                size = np.max([np.abs(value).max(axis=(1, 2)) for _, value in state], axis=0)
                ended = alive & ~(size <= limit)
                if ended.any():
                    status[ended] = "diverged"
                    state = _zero(ended, state)
                    x = algorithm.output(state)
            if experiment.stop is not None:
                stopped = alive & ~ended & np.asarray(experiment.stop(x), dtype=bool)
                status[stopped] = "stopped"
                ended = ended | stopped
            if ended.any():
                last_step[ended] = step
                alive = alive & ~ended
                if not alive.any():
                    tick(experiment.steps - step)
                    break
            tick(1)
    return {"curves": recorder.curves, "status": status, "last_step": last_step, "stepsize": parts["algorithm"].stepsize}


def _blocks(plan: _Plan, threads: int) -> list[slice]:
    """Cut the rows into blocks that fit in cache, and into as many as there are threads."""
    problem = plan.experiment.problem
    rows = max(16, BLOCK_NUMBERS // (problem.workers * problem.dimension))
    count = max(-(-plan.rows // rows), min(threads, plan.rows // 8))
    edges = np.linspace(0, plan.rows, max(1, count) + 1).round().astype(int)
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def default_threads() -> int:
    """Return the threads that `simulate` uses unless told: CSGD_THREADS, or one per core."""
    return int(os.environ.get("CSGD_THREADS", 0)) or len(os.sched_getaffinity(0))


def run(experiment: Experiment, *, progress: bool = False, threads: int | None = None) -> xarray.Dataset:
    """Run an experiment and return its curves; see `simulate`."""
    from threadpoolctl import threadpool_limits
    from tqdm import tqdm

    plan = _lay_out(experiment)
    threads = default_threads() if threads is None else threads
    blocks = _blocks(plan, threads)
    total = experiment.steps * len(blocks)
    bar = tqdm(total=total, delay=2, leave=False, disable=None if progress else True, unit="step", mininterval=0.5)
    # One BLAS thread: the bits of a matrix product may depend on their number, and blocks have threads of their own.
    with bar, threadpool_limits(1):
        if threads == 1 or len(blocks) == 1:
            done = [_step_block(plan, rows, bar.update) for rows in blocks]
        else:
            with ThreadPoolExecutor(min(threads, len(blocks))) as pool:
                done = list(pool.map(lambda rows: _step_block(plan, rows, bar.update), blocks))
    return _dataset(plan, done)


def _dataset(plan: _Plan, blocks: list[dict[str, Any]]) -> xarray.Dataset:
    import xarray

    from toolkit.provenance import versions

    experiment, sizes = plan.experiment, plan.sizes
    dims, shape = list(sizes), list(sizes.values())
    steps = np.array(experiment.record)
    variables: dict[str, Any] = {}
    for name in blocks[0]["curves"]:
        data = np.concatenate([block["curves"][name] for block in blocks], axis=1)
        data = np.moveaxis(data, 0, 1).reshape(*shape, len(steps), *data.shape[2:])
        tail = ["worker" if data.shape[-2] == experiment.problem.workers else "server", "coordinate"]
        attributes = {"unit": UNITS[name]} if name in UNITS else {}
        if name == "total_error":
            attributes = {"unit": f"{experiment.algorithm.unit}²"}
        variables[name] = ([*dims, "step", *(tail if data.ndim > len(shape) + 1 else [])], data, attributes)
    for name in ("status", "last_step"):
        variables[name] = (dims, np.concatenate([block[name] for block in blocks]).reshape(shape))
    coordinates = plan.coordinates | {
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
