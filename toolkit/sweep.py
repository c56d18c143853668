"""Many experiments: over this machine's cores, through the store, resumable."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from toolkit.batch import lay_out
from toolkit.experiment import Experiment
from toolkit.processes import spread
from toolkit.progress import Progress
from toolkit.simulation import default_threads, run
from toolkit.store import Kept, Store

if TYPE_CHECKING:
    import xarray

__all__ = ["Results", "run_all"]


class Results(Mapping[str, "xarray.Dataset"]):
    """Results by name. One that is in a store is read when it is asked for, in whatever process that is.

    Parameters
    ----------
    found : mapping of str to xarray.Dataset or Kept
        Results, or where they are kept.

    Examples
    --------
    >>> results = Results({"rates/one": 1, "rates/two": 2, "portrait/one": 3})
    >>> dict(results.under("rates")), dict(results.under("rates") | {"three": 3})
    ({'one': 1, 'two': 2}, {'one': 1, 'two': 2, 'three': 3})
    """

    def __init__(self, found: Mapping[str, xarray.Dataset | Kept]) -> None:
        known: Mapping[str, xarray.Dataset | Kept] = found._found if isinstance(found, Results) else found
        self._found: dict[str, xarray.Dataset | Kept] = dict(known)
        self._read: dict[Kept, xarray.Dataset] = {}

    def __getitem__(self, name: str) -> xarray.Dataset:
        one = self._found[name]
        if not isinstance(one, Kept):
            return one
        if one not in self._read:
            self._read[one] = one.load()
        return self._read[one]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __or__(self, other: Mapping[str, xarray.Dataset | Kept]) -> Results:
        return Results(self._found | Results(other)._found)

    def __reduce__(self) -> tuple[type[Results], tuple[dict[str, xarray.Dataset | Kept]]]:
        return Results, (self._found,)  # what was read is read again in another process

    def under(self, prefix: str) -> Results:
        """Return those whose names are of the form ``prefix/name``, by the rest of their names."""
        begin = f"{prefix}/"
        return Results({name[len(begin) :]: one for name, one in self._found.items() if name.startswith(begin)})


def run_all(
    experiments: Mapping[str, Experiment],
    store: Store | None = None,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Results:
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
    Results
        A mapping of str to xarray.Dataset.

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
    results: dict[str, xarray.Dataset | Kept] = {}
    todo = []
    for experiment, called in names.items():
        found = _find(called[0], experiment, store)
        if found is None:
            todo.append(experiment)
        else:
            results |= dict.fromkeys(called, found)
    todo.sort(key=_size, reverse=True)  # the longest first, so that processes end at about the same time
    jobs = jobs or default_threads()
    threads = jobs if len(todo) == 1 else 1
    calls = {names[one][0]: (one, store, threads) for one in todo}
    with progress.work("experiments", total=sum(map(_size, todo))) as advance:
        for name, result in spread(_run_and_keep, calls, what="experiment", jobs=jobs):
            experiment = experiments[name]
            results |= dict.fromkeys(names[experiment], result)
            advance(name, _size(experiment))
    progress.ran(computed=len(todo), stored=len(names) - len(todo))
    return Results({name: results[name] for name in experiments})


def _find(name: str, experiment: Experiment, store: Store | None) -> Kept | None:
    """Return where the result is stored if it is, and say so if it never can be."""
    if store is None:
        return None
    if not experiment.describable:
        reason = "the source of a class or function in it cannot be read; put that into a file"
        warnings.warn(f"the experiment {name!r} is run but not stored: {reason}", stacklevel=3)
        return None
    return store.find(experiment)


def _size(experiment: Experiment) -> float:
    """Return how much there is to compute: coordinates of all workers, runs and cells, times steps."""
    problem = experiment.problem
    return float(experiment.steps * lay_out(experiment).rows * problem.workers * problem.dimension)


def _run_and_keep(experiment: Experiment, store: Store | None, threads: int) -> xarray.Dataset | Kept:
    """Return the result, or where it is kept: that is quickly handed over, and read only by who needs it."""
    result = run(experiment, threads=threads)
    return result if store is None or not experiment.describable else store.save(experiment, result)
