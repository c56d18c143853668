"""Many experiments: over this machine's cores, through the store, resumable."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.batch import lay_out
from toolkit.errors import EnvironmentLack
from toolkit.experiment import Experiment
from toolkit.progress import Progress
from toolkit.simulation import default_threads, run
from toolkit.store import Store

if TYPE_CHECKING:
    import xarray

__all__ = ["run_all"]


def run_all(
    experiments: Mapping[str, Experiment],
    store: Store | None = None,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> dict[str, xarray.Dataset]:
    """Return the result of every experiment, from the store where it is, else computed and stored.

    Parameters
    ----------
    experiments : mapping of str to Experiment
        What to run, by name; equal experiments run once.
    store : Store, optional
        Where results are looked for and kept; without one nothing is kept.
    jobs : int, optional
        Processes; by default one per core. One job runs in this process.
    progress : Progress, optional
        Is told of every experiment as it is done, and at last how many were computed and how many stored.

    Returns
    -------
    dict of str to xarray.Dataset

    Raises
    ------
    EnvironmentLack
        If the store cannot be written, or a process is killed from outside, as when memory runs out.

    Warns
    -----
    UserWarning
        If there is a store and an experiment cannot be kept in it, because the source of a class cannot be read.

    Notes
    -----
    Interrupted or killed, what was finished is in the store, and the same call goes on from there.

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit.algorithms import SGD
    >>> experiment = Experiment(Quadratic(hessians=[[1.0, 2.0]]), SGD(), stepsize=0.1, steps=5)
    >>> results = run_all({"five steps": experiment})
    >>> results["five steps"].sizes["step"]
    6
    """
    progress = progress or Progress(quiet=True)
    names: dict[Experiment, list[str]] = {}
    for name, experiment in experiments.items():
        names.setdefault(experiment, []).append(name)
    results: dict[str, xarray.Dataset] = {}
    todo = []
    for experiment, called in names.items():
        found = _find(called[0], experiment, store)
        if found is None:
            todo.append(experiment)
        else:
            results |= dict.fromkeys(called, found)
    with progress.work("experiments", total=sum(map(_size, todo))) as advance:
        for experiment, result in _computed(todo, store, jobs or default_threads()):
            results |= dict.fromkeys(names[experiment], result)
            advance(names[experiment][0], _size(experiment))
    progress.ran(computed=len(todo), stored=len(names) - len(todo))
    return {name: results[name] for name in experiments}


def _find(name: str, experiment: Experiment, store: Store | None) -> xarray.Dataset | None:
    """Return the stored result if there is one, and say so if there never can be."""
    if store is None:
        return None
    if not experiment.describable:
        reason = "the source of a class or function in it cannot be read; put that into a file"
        warnings.warn(f"the experiment {name!r} is run but not stored: {reason}", stacklevel=3)
        return None
    return store.load(experiment)


def _size(experiment: Experiment) -> float:
    """Return how much there is to compute: coordinates of all workers, runs and cells, times steps."""
    problem = experiment.problem
    return float(experiment.steps * lay_out(experiment).rows * problem.workers * problem.dimension)


def _computed(experiments: list[Experiment], store: Store | None, jobs: int) -> Iterator[tuple[Experiment, Any]]:
    """Run experiments and keep each in the store as soon as it is done, the longest first."""
    experiments = sorted(experiments, key=_size, reverse=True)
    if jobs == 1 or len(experiments) <= 1:
        for experiment in experiments:
            yield experiment, _run_and_keep(experiment, store, jobs)
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # Fresh interpreters (never forks), one thread each: the processes are the parallelism.
    with parallel_config(backend="loky", inner_max_num_threads=1, initializer=_begin_process):
        pool = Parallel(n_jobs=min(jobs, len(experiments)), return_as="generator_unordered")
        try:
            yield from (
                (experiments[i], result)
                for i, result in pool(delayed(_numbered)(i, one, store) for i, one in enumerate(experiments))
            )
        except TerminatedWorkerError as error:
            raise EnvironmentLack(
                f"a sweep over {len(experiments)} experiments in {jobs} processes",
                "a process was killed from outside, perhaps because memory ran out",
                "start the same again, with fewer jobs: what was finished is kept",
            ) from error


def _begin_process() -> None:
    """Leave Ctrl-C to the parent: it reaches every process of a terminal, and the parent ends the others.

    A process ended so would leave the lock behind that bars share with other processes; here none is shared.
    """
    from tqdm import tqdm

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())


def _numbered(i: int, experiment: Experiment, store: Store | None) -> tuple[int, xarray.Dataset]:
    return i, _run_and_keep(experiment, store, threads=1)


def _run_and_keep(experiment: Experiment, store: Store | None, threads: int) -> xarray.Dataset:
    result = run(experiment, threads=threads)
    if store is not None and experiment.describable:
        store.save(experiment, result)
    return result
