"""The one loop: steps a method on a problem, every message through a channel, many runs as one batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.algorithms import Algorithm, State
from toolkit.averages import Weight
from toolkit.batch import Batch, blocks, lay_out, parts_of_rows
from toolkit.channel import Channel
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.draws import Draw
from toolkit.errors import WrongUse, nearest
from toolkit.experiment import Experiment
from toolkit.kernels.parallel import LONG
from toolkit.oracle import Oracle
from toolkit.parameters import at_step, scheduled
from toolkit.recording import Averages, Recorder, curves, dataset
from toolkit.topology import Topology

if TYPE_CHECKING:
    import xarray

    from toolkit.wire import Codec

__all__ = ["default_threads", "run", "simulate"]

DIVERGENCE_CHECK = 16  # steps between two looks for diverged runs: fixed, so that recording never changes a run


def simulate(
    problem: Any,
    algorithm: Algorithm,
    compressor: Compressor | None = None,
    *,
    down: Compressor | None = None,
    topology: Topology | None = None,
    stepsize: Any = None,
    steps: int,
    runs: int = 1,
    seed: int = 0,
    x0: Any = None,
    batch: Any = None,
    record: Any = None,
    keep: Sequence[str] = (),
    average: Mapping[str, Weight] | None = None,
    stop: Callable[[Any], Any] | None = None,
    limit: float = 1e12,
    unproven: bool = False,
    codec: Codec | None = None,
    progress: bool = True,
    threads: int | None = None,
    in_place: bool | None = None,
    **unknown: Any,
) -> xarray.Dataset:
    """Run a method on a problem and return its curves.

    Parameters
    ----------
    problem, algorithm, compressor
        What to run; without a compressor nothing is compressed.
    down, topology, stepsize, steps, runs, seed, x0, batch, record, keep, average, stop, limit, unproven, codec
        The other fields of `Experiment`, which see.
    progress : bool
        Show a bar when it takes more than two seconds and the output is a terminal.
    threads : int, optional
        Threads that step blocks of runs; by default one per core. The result does not depend on it.
    in_place : bool, optional
        Whether error memories are updated where they lie; by default they are from 2¹⁸ coordinates on, where it is
        several times faster. The result does not depend on it.

    Returns
    -------
    xarray.Dataset
        Dimensions (swept fields…, run, step): f, f_gap, grad_norm_sq, bits_up, bits_down, total_error, oracle_calls
        and what problem and method observe. Bits are the formula count, cumulative, mean per worker, set-up messages
        included; with a `codec` also bits_up_entropy, bits_up_encoded and what the latter consists of. Step 0 is the
        start; index t is after t steps.

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
    if unknown:
        name, valid = sorted(unknown)[0], [one for one in Experiment.__dataclass_fields__ if one != "_"]
        remedy = "see toolkit.Experiment for all of them"
        raise WrongUse(f"simulate({name}=…)", "there is no such setting", remedy, nearest(name, valid))
    experiment = Experiment(
        problem,
        algorithm,
        Identity() if compressor is None else compressor,
        down=down,
        topology=topology,
        stepsize=stepsize,
        steps=steps,
        runs=runs,
        seed=seed,
        x0=x0,
        batch=batch,
        record=record,
        keep=keep,
        average=average,
        stop=stop,
        limit=limit,
        unproven=unproven,
        codec=codec,
    )
    return run(experiment, progress=progress, threads=threads, in_place=in_place)


def default_threads() -> int:
    """Return the threads that `simulate` uses unless told: CSGD_THREADS, or one per core this process may use.

    Raises
    ------
    WrongUse
        If CSGD_THREADS is not a number of threads.
    """
    asked = os.environ.get("CSGD_THREADS", "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise WrongUse(
                f"CSGD_THREADS={asked}", "this is not a number of threads", "set it to 1 or more, or unset it"
            )
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    experiment: Experiment, *, progress: bool = False, threads: int | None = None, in_place: bool | None = None
) -> xarray.Dataset:
    """Run an experiment and return its curves; see `simulate`."""
    from threadpoolctl import threadpool_limits
    from tqdm import tqdm

    batch = lay_out(experiment)
    threads = default_threads() if threads is None else threads
    parts = blocks(batch, threads)
    total = experiment.steps * len(parts)
    bar = tqdm(total=total, delay=2, leave=False, disable=None if progress else True, unit="step", mininterval=0.5)
    interrupted = Event()
    wanted = experiment.problem.dimension >= LONG if in_place is None else in_place
    row_threads = (threads if len(parts) == 1 else 1) if wanted and experiment.algorithm.in_place else 0

    def tick(steps: int) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        bar.update(steps)

    # One BLAS thread: the bits of a matrix product may depend on their number, and blocks have threads of their own.
    with bar, threadpool_limits(1):
        if threads == 1 or len(parts) == 1:
            return dataset(batch, [_step_block(batch, rows, tick, row_threads) for rows in parts])
        with ThreadPoolExecutor(min(threads, len(parts))) as pool:
            try:
                return dataset(batch, list(pool.map(lambda rows: _step_block(batch, rows, tick, row_threads), parts)))
            except BaseException:
                interrupted.set()  # else leaving the pool would wait for every block to run to its end
                raise


def _freeze(alive: np.ndarray, new: State, old: State) -> State:
    """Return the new state with the rows of ended runs held at their last one."""
    held = dict(old)
    return State(**{name: np.where(alive[:, None, None], value, held[name]) for name, value in new})


def _zero(rows: np.ndarray, state: State) -> State:
    """Return the state with the rows of diverged runs at zero, where they can do no harm."""
    return State(**{name: np.where(rows[:, None, None], 0.0, value) for name, value in state})


def _step_block(batch: Batch, rows: slice, tick: Callable[[int], None], row_threads: int) -> dict[str, Any]:
    """Run the rows of one block from init to the last step."""
    experiment, problem = batch.experiment, batch.experiment.problem
    parts = parts_of_rows(batch, rows)
    schedules = {part: scheduled(owner) for part, owner in parts.items()}
    start = batch.start[rows]
    count = len(start)
    oracle = Oracle(problem, experiment.batch)
    channel = Channel(parts["compressor"], parts["down"], experiment.topology, experiment.codec)
    recorder = Recorder(batch, count)
    averages = Averages(experiment.average, parts["algorithm"].stepsize)
    limit = experiment.limit * np.maximum(1.0, np.abs(start).max(axis=(1, 2)))
    alive = np.ones(count, dtype=bool)
    status = np.full(count, "done", dtype="U8")
    last_step = np.full(count, experiment.steps)
    root = Draw(batch.seeds[rows], workers=problem.workers)

    def prepare(step: int) -> tuple[Algorithm, Draw]:
        now = {part: at_step(owner, schedules[part], step) for part, owner in parts.items()}
        channel.up, channel.down = now["compressor"], now["down"]
        channel.in_place = row_threads if alive.all() else 0  # the state of a run that has ended is held
        draw = root.at(step)
        oracle.begin(step, draw)
        channel.begin(draw)
        return now["algorithm"], draw

    def record(step: int) -> None:
        averages.update(oracle, x)
        if recorder.wants(step):

            def put(name: str, values: Any) -> None:
                recorder.put(step, name, values, alive)

            curves(put, experiment, algorithm, state, x, oracle, channel)
            averages.record(put, problem)

    def end_runs(step: int, rows: np.ndarray, how: str) -> None:
        nonlocal alive
        status[rows], last_step[rows] = how, step
        alive = alive & ~rows

    with np.errstate(all="ignore"):
        for step in range(experiment.steps + 1):
            algorithm, draw = prepare(step)
            if step == 0:
                state = algorithm.init(start, oracle, channel, draw.of("method"))
            else:
                new = algorithm.step(state, oracle, channel, draw.of("method"))
                channel.end(new.x)
                state = new if alive.all() else _freeze(alive, new, state)
                tick(1)
            x = algorithm.output(state)
            record(step)
            if step % DIVERGENCE_CHECK == 0 or step == experiment.steps:
                size = np.max([np.abs(value).max(axis=(1, 2)) for _, value in state], axis=0)
                diverged = alive & ~(size <= limit)
                if diverged.any():
                    end_runs(step, diverged, "diverged")
                    state = _zero(diverged, state)
                    x = algorithm.output(state)
            if experiment.stop is not None:
                end_runs(step, alive & np.asarray(experiment.stop(x), dtype=bool), "stopped")
            if not alive.any():
                rest = [later for later in experiment.record if later > step]
                if rest:
                    record(rest[0])  # as NaN: every curve exists, also where all runs end before the first record
                tick(experiment.steps - step)
                break
    return {
        "curves": recorder.curves,
        "status": status,
        "last_step": last_step,
        "stepsize": parts["algorithm"].stepsize,
    }
