"""Work in several processes: fresh interpreters (never forks), kept from one piece of work to the next."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from toolkit.errors import EnvironmentLack

__all__ = ["spread"]


def spread(
    function: Callable[..., Any], calls: Mapping[str, tuple[Any, ...]], *, what: str, jobs: int
) -> Iterator[tuple[str, Any]]:
    """Call a function many times, and yield the name and the result of each call as it is done.

    Parameters
    ----------
    function : callable
        Found by its name in the processes, or sent along if it is defined in the main script.
    calls : mapping of str to tuple
        The arguments of each call, by name. They and the results are sent between processes.
    what : str
        What is done in one call, in one word, and by which an error is told: 'claim'.
    jobs : int
        Processes, each with one thread. One job, or one call, is done in this process and in the order given.

    Raises
    ------
    EnvironmentLack
        If a process is killed from outside, as when memory runs out.
    Exception
        Of the first call that fails, with a note that names it.

    Examples
    --------
    >>> list(spread(pow, {"square": (3, 2), "cube": (3, 3)}, what="power", jobs=1))
    [('square', 9), ('cube', 27)]
    """
    if jobs == 1 or len(calls) <= 1:
        for name, arguments in calls.items():
            yield _called(function, what, name, arguments)
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with (
        parallel_config(backend="loky", inner_max_num_threads=1, initializer=_begin_process),
        warnings.catch_warnings(),
    ):
        # Between two calls, a process that has come to hold much memory is replaced by a new one: nothing to warn of.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor", UserWarning)
        # A call takes much longer than to hand it over, so none waits for others of a batch.
        pool = Parallel(n_jobs=min(jobs, len(calls)), batch_size=1, return_as="generator_unordered")
        try:
            yield from pool(delayed(_called)(function, what, name, arguments) for name, arguments in calls.items())
        except TerminatedWorkerError as error:
            raise EnvironmentLack(
                f"{len(calls)} {what}s in {jobs} processes",
                "a process was killed from outside, perhaps because memory ran out",
                "start the same again, with fewer jobs: what was finished is kept",
            ) from error


def _called(function: Callable[..., Any], what: str, name: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return name, function(*arguments)
    except Exception as error:
        error.add_note(f"This was the {what} {name}.")
        raise


def _begin_process() -> None:
    """Leave Ctrl-C to the parent: it reaches every process of a terminal, and the parent ends the others.

    A process ended so would leave the lock behind that bars share with other processes; here none is shared.
    """
    from tqdm import tqdm

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())
