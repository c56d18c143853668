"""What to run: a frozen, hashable description."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from toolkit import pairs
from toolkit.algorithms import Algorithm
from toolkit.averages import Weight
from toolkit.compressors import Compressor
from toolkit.compressors.identity import Identity
from toolkit.description import NotDescribable, describe
from toolkit.errors import WrongUse
from toolkit.parameters import Parametrised, Schedule, at_each, exact_fields, values
from toolkit.stepsizes import Prescribed
from toolkit.topology import Topology

__all__ = ["Experiment", "default_record"]

AVERAGED = ("grad_norm_sq", "f_gap", "x")  # what running means are kept of


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
    x0 : array, shape (d,), (runs, d) or (1 or runs, worker, d), optional
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
    codec : Codec, optional
        With one, every message is also encoded, and its entropy and bytes are recorded beside the formula count.

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
    keep: Sequence[str] = ()
    average: Mapping[str, Any] | None = None
    stop: Callable[[Any], Any] | None = None
    limit: float = 1e12
    unproven: bool = False
    codec: Any = None

    def __post_init__(self) -> None:
        self._check_parts()
        self._check_numbers()
        self._settle("stepsize", _frozen(self.stepsize))
        self._settle("keep", (self.keep,) if isinstance(self.keep, str) else tuple(self.keep))
        self._settle("batch", self._checked_batch())
        self._settle("x0", self._start())
        self._settle("record", self._recorded_steps())
        self._check_stepsize()
        for compressor in (self.compressor, self.down):
            if compressor is not None:
                compressor.check(self.problem.dimension)
        n, d = self.problem.workers, self.problem.dimension
        pairs.require(self.algorithm, self.compressor, d, n, unproven=self.unproven)

    @property
    def _asked(self) -> str:
        return f"an experiment with {type(self.algorithm).__name__}"

    def _check_parts(self) -> None:
        for name in ("workers", "dimension", "value", "gradient"):
            if not hasattr(self.problem, name):
                remedy = "see problems.Problem for what a problem has"
                raise WrongUse(self._asked, f"the problem has no {name!r}", remedy)
        if not isinstance(self.algorithm, Algorithm):
            remedy = "pass an instance of a toolkit.algorithms.Algorithm subclass"
            raise WrongUse(self._asked, "this is not a method", remedy)
        kinds: dict[str, tuple[Any, str, bool]] = {
            "compressor": (Compressor, "a compressor such as TopK(k=1)", False),
            "down": (Compressor, "a compressor such as TopK(k=1)", True),
            "topology": (Topology, "a graph such as toolkit.topology.ring(n)", True),
            "average": (Mapping, "weights by name, such as {'f_gap': uniform}", True),
            "stop": (Callable, "a function of the iterates", True),
            "unproven": (bool, "True or False", False),
            "codec": (Parametrised, "codes such as toolkit.wire.Codec()", True),
        }
        for name, (kind, remedy, optional) in kinds.items():
            value = getattr(self, name)
            if not (isinstance(value, kind) or (optional and value is None)):
                raise WrongUse(self._asked, f"{name}={value!r}", f"give {remedy}")
        for name, weight in (self.average or {}).items():
            if name not in AVERAGED or not isinstance(weight, Weight):
                remedy = f"give weights such as toolkit.averages.uniform for {', '.join(AVERAGED)}"
                raise WrongUse(self._asked, f"average={{{name!r}: {weight!r}}}", remedy)
        if self.topology is not None and len(self.topology.matrix) != self.problem.workers:
            wrong = f"the graph has {len(self.topology.matrix)} workers and the problem {self.problem.workers}"
            raise WrongUse(self._asked, wrong, "give both the same number")

    def _check_numbers(self) -> None:
        for name in ("steps", "runs"):
            value = getattr(self, name)
            if not _is_integer(value) or value < 1:
                raise WrongUse(self._asked, f"{name}={value!r}", f"give {name} as an integer of at least 1")
        if not _is_integer(self.seed) or not 0 <= self.seed <= 2**32 - self.runs:
            wrong = f"seed={self.seed!r} with {self.runs} runs"
            raise WrongUse(self._asked, wrong, "give integers with seed + runs between 0 and 2^32")
        if not isinstance(self.limit, (int, float)) or not self.limit > 0:
            raise WrongUse(self._asked, f"limit={self.limit!r}", "give a positive number")

    def _checked_batch(self) -> Any:
        batch: Any = getattr(self.problem, "default_batch", "full") if self.batch is None else self.batch
        if not (batch == "full" or callable(batch) or (_is_integer(batch) and batch >= 1)):
            remedy = "give 'full', an integer of at least 1, or a schedule"
            raise WrongUse(self._asked, f"batch={batch!r}", remedy)
        if batch != "full" and not hasattr(self.problem, "stochastic_gradient"):
            remedy = "give batch='full' or define stochastic_gradient(x, draw, batch)"
            raise WrongUse(self._asked, f"batch={batch!r}, and the problem has no stochastic_gradient", remedy)
        return batch

    def _settle(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _start(self) -> Any:
        asked, d = "simulate(x0=…)", self.problem.dimension
        start = getattr(self.problem, "start", None) if self.x0 is None else self.x0
        if start is None:
            start = np.zeros(d)
        try:
            start = np.array(start, dtype=np.float32 if getattr(start, "dtype", None) == np.float32 else float)
        except (TypeError, ValueError) as error:
            raise WrongUse(asked, f"x0={start!r}", f"give numbers of shape ({d},) or ({self.runs}, {d})") from error
        each = (self.problem.workers, d)  # of methods in which every worker holds an own point
        if start.shape not in ((d,), (self.runs, d), (1, *each), (self.runs, *each)):
            remedy = f"give ({d},) or ({self.runs}, {d}), or with own points of the workers (1, {each[0]}, {d})"
            raise WrongUse(asked, f"x0 has shape {start.shape}", remedy)
        if not np.isfinite(start).all():
            raise WrongUse(asked, "x0 holds infinities or NaN", "give finite numbers")
        start.flags.writeable = False
        return start

    def _recorded_steps(self) -> tuple[int, ...]:
        if self.record is None:
            return default_record(self.steps)
        if isinstance(self.record, str) and self.record == "all":
            return tuple(range(self.steps + 1))
        listed = () if isinstance(self.record, str) or not np.iterable(self.record) else tuple(self.record)
        steps = sorted({int(step) for step in listed}) if all(map(_is_integer, listed)) else []
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
        if np.ndim(self.stepsize) > 1:
            raise WrongUse("simulate(stepsize=…)", f"an array of shape {np.shape(self.stepsize)}", "give a 1-D set")
        for path, value in exact_fields(self.algorithm).items():
            wrong = f"{'.'.join(path)}={value!r} is an exact number, for symbolic runs"
            raise WrongUse(f"simulate({name}(…))", wrong, f"give {float(value)!r}")
        for value in values(stepsize):
            if isinstance(value, (Schedule, Prescribed)):
                continue
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < math.inf:
                raise WrongUse(
                    f"stepsize={value!r}", "a step size is a finite number of at least 0", "give such a number"
                )
            for compressor in (self.compressor, self.down or self.compressor):
                for one in at_each(compressor):
                    one.for_messages(self.algorithm.unit, value)

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
    """Return a number as Python's own, which takes the type of the arrays it meets, and a swept set as a tuple."""
    if isinstance(value, (list, np.ndarray)) and np.ndim(value) == 1:
        return tuple(np.asarray(value).tolist())
    return (
        value.item() if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim) else value
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
