"""What to run: a frozen, hashable description."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from toolkit import pairs
from toolkit.algorithms import Algorithm
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.errors import WrongUse
from toolkit.parameters import values

__all__ = ["Experiment", "describe"]

_OURS = ("toolkit", "problems")  # their sources are part of every key of the store


@dataclasses.dataclass(frozen=True, eq=False)
class Experiment:
    """One call of `simulate`, as a value: equal descriptions are equal experiments.

    Parameters
    ----------
    problem : Problem
        Any object with `workers`, `dimension`, `value` and `gradient`.
    algorithm : Algorithm
        The method.
    compressor, down : Compressor
        What compresses messages to the server, and from it.
    topology : Topology, optional
        The graph of a decentralised method.
    stepsize : float, swept set, Schedule or Prescribed, optional
        The step size γ, unless the method has one of its own.
    steps : int
        Number T of steps.
    runs, seed : int
        Run r of the `runs` repetitions has seed value seed + r.
    x0 : array, shape (d,) or (runs, d), optional
        The start; by default the problem's.
    batch : 'full', int or Schedule, optional
        What a gradient sample is; by default the problem's.
    record : 'all' or sequence of int, optional
        Steps to record; by default the 1-2-5 series, every ⌈steps/180⌉-th step, and the last.
    keep : sequence of str
        State fields stored at the recorded steps.
    average : mapping of str to weight, optional
        Weighted means over all steps of 'grad_norm_sq', 'f_gap' or 'x'.
    stop : callable, optional
        ``stop(x) -> bool array (run,)`` ends a run; `x` is the method's output, shape ``(run, 1, d)``.
    limit : float
        A run whose largest coordinate exceeds `limit` × max(1, the start's) has diverged.
    unproven : bool
        Run a pair that no theorem covers.

    Raises
    ------
    WrongUse
        If the parts do not fit together; see the message.
    """

    problem: Any
    algorithm: Algorithm
    compressor: Compressor = dataclasses.field(default_factory=Identity)
    down: Compressor | None = None
    topology: Any = None
    stepsize: Any = None
    _: dataclasses.KW_ONLY
    steps: int
    runs: int = 1
    seed: int = 0
    x0: Any = None
    batch: Any = None
    record: Any = None
    keep: tuple[str, ...] = ()
    average: Mapping[str, Any] | None = None
    stop: Callable[[Any], Any] | None = None
    limit: float = 1e12
    unproven: bool = False

    def __post_init__(self) -> None:
        asked = f"an experiment with {type(self.algorithm).__name__}"
        for name in ("workers", "dimension", "value", "gradient"):
            if not hasattr(self.problem, name):
                raise WrongUse(asked, f"the problem has no {name!r}", "see problems.Problem for what a problem has")
        if not isinstance(self.algorithm, Algorithm):
            raise WrongUse(asked, "this is not a method", "pass an instance of a toolkit.algorithms.Algorithm subclass")
        if not isinstance(self.compressor, Compressor):
            raise WrongUse(asked, f"{self.compressor!r} is not a compressor", "pass an instance such as TopK(k=1)")
        for name in ("steps", "runs"):
            value = getattr(self, name)
            if isinstance(value, bool) or value != int(value) or value < 1:
                raise WrongUse(asked, f"{name}={value!r}", f"give {name} as an integer of at least 1")
        if not 0 <= self.seed <= 2**32 - self.runs:
            raise WrongUse(asked, f"seed={self.seed} with {self.runs} runs", "seed + runs must lie between 0 and 2^32")
        self._settle("stepsize", _frozen(self.stepsize))
        self._settle("keep", tuple(self.keep))
        self._settle("batch", getattr(self.problem, "default_batch", "full") if self.batch is None else self.batch)
        if not (self.batch == "full" or callable(self.batch) or (isinstance(self.batch, int) and self.batch >= 1)):
            raise WrongUse(asked, f"batch={self.batch!r}", "give 'full', an integer of at least 1, or a schedule")
        self._settle("x0", self._start())
        self._settle("record", self._recorded_steps())
        self._check_stepsize()
        for name, weight in (self.average or {}).items():
            if isinstance(weight.q, tuple):
                remedy = "use toolkit.averages.contracting, which follows each run's step size"
                raise WrongUse(f"average={{{name!r}: …}}", "the weight has one q for each run", remedy)
        self.compressor.check(self.problem.dimension)
        pairs.require(self.algorithm, self.compressor, self.problem.dimension, unproven=self.unproven)

    def _settle(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _start(self) -> Any:
        asked, d = "simulate(x0=…)", self.problem.dimension
        start = getattr(self.problem, "start", None) if self.x0 is None else self.x0
        if start is None:
            start = np.zeros(d)
        start = np.array(start, dtype=None if getattr(start, "dtype", None) == np.float32 else float)
        if start.shape not in ((d,), (self.runs, d)):
            raise WrongUse(asked, f"x0 has shape {start.shape}", f"give ({d},) or ({self.runs}, {d})")
        if not np.isfinite(start).all():
            raise WrongUse(asked, "x0 holds infinities or NaN", "give finite numbers")
        start.flags.writeable = False
        return start

    def _recorded_steps(self) -> tuple[int, ...]:
        if self.record is None:
            return default_record(self.steps)
        if isinstance(self.record, str) and self.record == "all":
            return tuple(range(self.steps + 1))
        steps = [] if isinstance(self.record, str) else sorted({int(step) for step in self.record})
        if not steps or steps[0] < 0 or steps[-1] > self.steps:
            raise WrongUse("simulate(record=…)", f"{self.record!r}", f"give 'all' or steps between 0 and {self.steps}")
        return tuple(steps)

    def _check_stepsize(self) -> None:
        own, name = self.algorithm.stepsize, type(self.algorithm).__name__
        if own is not None and self.stepsize is not None and own != self.stepsize:
            raise WrongUse(
                f"{name}(stepsize={own!r}) with simulate(stepsize={self.stepsize!r})",
                "two different step sizes",
                "give one of them",
            )
        stepsize = self.stepsize if own is None else own
        if stepsize is None:
            raise WrongUse(
                f"simulate({name}())", "no step size was given", "pass stepsize=0.1, a schedule or prescribed()"
            )
        for value in values(stepsize):
            if isinstance(value, (int, float)) and not (math.isfinite(value) and value >= 0):
                raise WrongUse(
                    f"stepsize={value}", "a step size is a finite number of at least 0", "give such a number"
                )

    @cached_property
    def description(self) -> dict[str, Any]:
        """The experiment in plain data (JSON), every array by shape, type and SHA-256."""
        return {field.name: describe(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @cached_property
    def canonical(self) -> str:
        """The description as one line of JSON."""
        return json.dumps(self.description, sort_keys=True, ensure_ascii=False)

    @cached_property
    def describable(self) -> bool:
        """Whether the experiment can be described, so also stored; False where a user's source cannot be read."""
        try:
            return bool(self.canonical)
        except NotDescribable:
            return False

    def __eq__(self, other: object) -> bool:
        if not (isinstance(other, Experiment) and self.describable and other.describable):
            return self is other
        return self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical) if self.describable else id(self)


def default_record(steps: int) -> tuple[int, ...]:
    """Return the steps recorded by default: the 1-2-5 series, every ⌈steps/180⌉-th step, the first and the last.

    Examples
    --------
    >>> default_record(6)
    (0, 1, 2, 3, 4, 5, 6)
    """
    series = {m * 10**e for e in range(len(str(steps))) for m in (1, 2, 5)}
    return tuple(sorted({s for s in series if s <= steps} | set(range(0, steps + 1, -(-steps // 180))) | {steps}))


def _frozen(value: Any) -> Any:
    return tuple(np.asarray(value).ravel().tolist()) if isinstance(value, (list, np.ndarray)) else value


def describe(value: Any) -> Any:
    """Return a value as plain data for JSON, precise enough that equal descriptions mean equal experiments.

    Raises
    ------
    NotDescribable
        If the source of a user's class or function cannot be read (as in a notebook without files).
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, np.generic):
        return describe(value.item())
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"shape": list(value.shape), "dtype": str(value.dtype), "sha256": digest}
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))}
    if inspect.isfunction(value):
        captured = [cell.cell_contents for cell in value.__closure__ or ()]
        known = {"function": value.__qualname__, "captured": describe(captured)}
        # Two lambdas of one file share name and source: their compiled constants and code tell them apart.
        constants = [constant for constant in value.__code__.co_consts if not inspect.iscode(constant)]
        code = hashlib.sha256(repr((value.__code__.co_code, constants)).encode()).hexdigest()
        return known | {"defaults": describe(value.__defaults__ or ()), "source": _source(value), "code": code}
    fields = (
        {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if dataclasses.is_dataclass(value)
        else value.describe()
        if hasattr(value, "describe")
        else {name: item for name, item in vars(value).items() if not name.startswith("_")}
    )
    kind = type(value)
    known = {"class": f"{kind.__module__}.{kind.__qualname__}"} | {
        name: describe(item) for name, item in fields.items()
    }
    bases = [base for base in kind.__mro__ if base is not object and base.__module__.partition(".")[0] not in _OURS]
    sources = [_source(base) for base in bases]
    return known | ({"source": sources} if sources else {})


class NotDescribable(WrongUse):
    """A user's class or function whose source cannot be read: its experiments run but are not stored."""


def _source(thing: Any) -> str:
    """Return the SHA-256 of the file a user's class or function stands in: what it calls may stand there too."""
    module = sys.modules.get(thing.__module__)
    try:
        text = inspect.getsource(module) if module is not None and hasattr(module, "__file__") else ""
        text = text or inspect.getsource(thing)
    except (OSError, TypeError) as error:
        raise NotDescribable(
            f"the description of {thing.__qualname__}",
            "its source cannot be read, so a stored result could not notice a change of it",
            "put it into a file to have its experiments stored",
        ) from error
    return hashlib.sha256(text.encode()).hexdigest()
