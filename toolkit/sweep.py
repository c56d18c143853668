"""Many experiments: over this machine's cores, through the store, resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.experiment import Experiment
from toolkit.simulation import default_threads, run
from toolkit.store import Store

if TYPE_CHECKING:
    import xarray

__all__ = ["run_all"]

Report = Callable[[str, str], None]  # name of the experiment, 'stored' or 'computed'


def run_all(
    experiments: Mapping[str, Experiment],
    store: Store | None = None,
    *,
    jobs: int | None = None,
    report: Report | None = None,
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
    report : callable, optional
        Called as ``report(name, how)``, with how 'stored' or 'computed', when an experiment's result is at hand.

    Returns
    -------
    dict of str to xarray.Dataset

    Notes
    -----
    Interrupted or killed, what was finished is in the store, and the same call goes on from there.
    """
    report = report or (lambda name, how: None)
    results: dict[str, xarray.Dataset] = {}
    todo: dict[Experiment, list[str]] = {}
    for name, experiment in experiments.items():
        found = store.load(experiment) if store is not None and experiment.describable else None
        if found is not None:
            results[name] = found
            report(name, "stored")
        else:
            todo.setdefault(experiment, []).append(name)
    for experiment, result in _computed(list(todo), store, jobs or default_threads()):
        for name in todo[experiment]:
            results[name] = result
            report(name, "computed")
    return {name: results[name] for name in experiments}


def _computed(experiments: list[Experiment], store: Store | None, jobs: int) -> Iterator[tuple[Experiment, Any]]:
    """Run experiments and keep each in the store as soon as it is done, the longest first."""
    experiments = sorted(experiments, key=_size, reverse=True)
    if jobs == 1 or len(experiments) <= 1:
        for experiment in experiments:
            yield experiment, _run_and_keep(experiment, store, jobs)
        return
    from joblib import Parallel, delayed, parallel_config

    # Fresh interpreters (never forks), one thread each: the processes are the parallelism.
    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(n_jobs=min(jobs, len(experiments)), return_as="generator_unordered")
        yield from (
            (experiments[i], result)
            for i, result in pool(delayed(_numbered)(i, one, store) for i, one in enumerate(experiments))
        )


def _numbered(i: int, experiment: Experiment, store: Store | None) -> tuple[int, xarray.Dataset]:
    return i, _run_and_keep(experiment, store, threads=1)


def _run_and_keep(experiment: Experiment, store: Store | None, threads: int) -> xarray.Dataset:
    result = run(experiment, threads=threads)
    if store is not None and experiment.describable:
        store.save(experiment, result)
    return result


def _size(experiment: Experiment) -> int:
    problem = experiment.problem
    return int(experiment.steps * experiment.runs * problem.workers * problem.dimension)
