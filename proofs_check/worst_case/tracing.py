"""A method's own `init` and `step` on symbolic vectors, arrays of objects of shape ``(1, worker, 1)``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.worst_case.expressions import Expression, Vector
from proofs_check.worst_case.functions import FunctionClass, Point, Smooth
from proofs_check.worst_case.messages import MessageClass
from proofs_check.worst_case.model import Function, Model
from proofs_check.worst_case.translation import moves_with_its_start
from toolkit.algorithms import Algorithm, State
from toolkit.arrays import Array
from toolkit.errors import WrongUse
from toolkit.parameters import at_step, scheduled, swept
from toolkit.topology import Topology

__all__ = ["SymbolicChannel", "SymbolicOracle", "Trace", "trace"]


def _array(vectors: Sequence[Vector]) -> Array:
    found = np.empty((1, len(vectors), 1), dtype=object)
    found[0, :, 0] = vectors
    return found


def _rows(x: Array, n: int) -> list[Vector]:
    rows = list(x[0, :, 0])
    return rows * n if len(rows) == 1 else rows


Measure = Callable[["Trace", State], Expression]
TAKEN = ("b", "c", "d", "f", "g", "h", "phi")  # what vectors and scalars of functions and messages are called
WEIGHT = 10_000  # the largest denominator of a weight of a graph


class SymbolicOracle:
    """What a method may ask of a problem, asked of functions of a class.

    Parameters
    ----------
    model : Model
    functions : sequence of Function
        f_i of every worker; empty where there are none.
    workers : int
        n.
    inexact : MessageClass, optional
        How a sample differs from the gradient, in the terms of a compressor; by default it is the gradient.
    prox : Function, optional
        The non-smooth part that `prox` belongs to.
    minimised : bool
        Whether the origin is known to be the minimiser.
    """

    def __init__(
        self,
        model: Model,
        functions: Sequence[Function],
        workers: int,
        inexact: MessageClass | None = None,
        prox: Function | None = None,
        minimised: bool = True,
    ) -> None:
        self.functions, self._model, self._workers = list(functions), model, workers
        self._inexact, self._prox, self._minimised = inexact, prox, minimised
        self._samples: dict[tuple[int, Vector, int], Vector] = {}
        self._calls = 0

    def begin(self) -> None:
        """Start a step, which draws new samples."""
        self._samples = {}

    def _points(self, x: Array) -> list[Point]:
        rows = _rows(x, self._workers)
        if not self.functions:
            return [Point(row, self._model.zero, Expression()) for row in rows]
        return [function.at(row) for function, row in zip(self.functions, rows, strict=True)]

    def exact(self, x: Array) -> Array:
        """Return the gradients at `x`."""
        return _array([point.g for point in self._points(x)])

    uncounted = exact

    def sample(self, x: Array, index: int = 0) -> Array:
        """Return the gradient samples at `x`; the same index within a step is the same sample."""
        gradients = self.exact(x)
        if self._inexact is None or not self.functions:
            return gradients
        found = []
        for i, (row, g) in enumerate(zip(_rows(x, len(self.functions)), gradients[0, :, 0], strict=True)):
            if (i, row, index) not in self._samples:
                if self._inexact.noisy and any((i, index) == (j, other) for j, _, other in self._samples):
                    asked = f"samples of the index {index} at two points of one step"
                    raise WrongUse(asked, "what their noises share is not modelled", "give each point its own index")
                function = self.functions[i]
                name = f"d_{self._calls}{function.suffix}"
                self._samples[i, row, index] = function.model.message(self._inexact, g, name)
            found.append(self._samples[i, row, index])
        self._calls += 1
        return _array(found)

    def value(self, x: Array) -> Expression:
        """Return f at `x`, the mean over workers, each at its own row; f* is 0 if the functions are anchored."""
        points = self._points(x)
        return sum((point.f for point in points), Expression()) / len(points)

    def prox(self, x: Array, stepsize: Any) -> Array:
        """Return the proximal point of the non-smooth part, `x` itself where there is none."""
        if self._prox is None:
            return x
        function = self._prox
        model, number = function.model, len(function.points)
        found = []
        for row in x[0, :, 0]:
            h = model.vector(f"h_{number}")
            point = function.add(Point(row - stepsize * h, h, model.scalar(f"phi_{number}")))
            found.append(point.x)
        return _array(found)

    def per_worker(self, x: Array) -> Array:
        """Return `x` with one row per worker."""
        return _array(_rows(x, self._workers))

    def at_minimiser(self, x: Array) -> Array:
        """Return the gradients at the minimiser."""
        if self.functions and not self._minimised:
            raise WrongUse("the gradients at the minimiser", "the model has no minimiser", "trace with minimiser='own'")
        return self.exact(_array([self._model.zero]))


class SymbolicChannel:
    """The channel on symbolic vectors: what arrives is known by the conditions of a class of compressors.

    Parameters
    ----------
    model : Model
    up, down : MessageClass, optional
        Without one, messages arrive as they are.
    topology : Topology, optional
        The graph of a decentralised method.
    """

    def __init__(
        self,
        model: Model,
        up: MessageClass | None = None,
        down: MessageClass | None = None,
        topology: Topology | None = None,
    ) -> None:
        self._model, self._up, self._down = model, up, down
        self._weights = None if topology is None else _exact_weights(topology)
        self._counts = {"c": 0, "b": 0}
        self._purposes: set[str] = set()

    def begin(self) -> None:
        """Start a step, which draws new random numbers."""
        self._purposes = set()

    def send(self, v: Array, *, exact: Any = False, active: Any = None, purpose: str | None = None) -> Array:
        """Send one vector per worker to the server."""
        return self._transmit(self._up, "c", v, exact, active, purpose)

    def send_with_memory(
        self, memory: Array, v: Array, scale: Any, *, exact: Any = False, active: Any = None, purpose: str | None = None
    ) -> tuple[Array, Array]:
        """With p = memory + scale·v, send C(p) and return what arrives and p − C(p)."""
        p = memory + scale * v
        sent = self.send(p, exact=exact, active=active, purpose=purpose)
        return sent, p - sent

    def broadcast(self, v: Array, *, exact: Any = False, purpose: str | None = None) -> Array:
        """Send one message to all workers."""
        return self._transmit(self._down, "b", v, exact, None, purpose)

    scatter = broadcast

    def exchange(self, v: Array, *, exact: Any = False, purpose: str | None = None) -> Array:
        """Send one message per worker to each of its neighbours."""
        return self._transmit(self._up, "c", v, exact, None, purpose)

    def mix(self, v: Array, own: Array | None = None) -> Array:
        """Return Σ_j w_ij (v_j − v_i), or with `own` Σ_{j≠i} w_ij (v_j − own_i)."""
        if self._weights is None:
            raise WrongUse("channel.mix on symbolic vectors", "there is no graph", "give trace(topology=ring(n))")
        rows, at = v[0, :, 0], (v if own is None else own)[0, :, 0]
        zero = self._model.zero
        return _array([
            sum((w * (other - here) for w, other in zip(weights, rows, strict=True) if w), zero)
            for weights, here in zip(self._weights, at, strict=True)
        ])  # fmt: skip

    def _transmit(
        self, kind: MessageClass | None, letter: str, v: Array, exact: Any, active: Any, purpose: str | None
    ) -> Array:
        if not isinstance(exact, bool) or active is not None:
            asked = "a message that is sent in full or not at all by chance or by a condition"
            raise WrongUse(asked, "a symbolic run knows no outcomes", "analyse one outcome at a time")
        if exact or kind is None:
            return v
        if kind.noisy and purpose is not None:
            if purpose in self._purposes:
                asked = f"two messages of the purpose {purpose!r} in one step"
                raise WrongUse(
                    asked, "what their noises share is not modelled", "give each a purpose of its own, or none"
                )
            self._purposes.add(purpose)
        round_, rows = self._counts[letter], v[0, :, 0]
        self._counts[letter] += 1
        past = len(self._model.vectors)
        names = [f"{letter}_{round_}" + (f"[{i}]" if len(rows) > 1 else "") for i in range(len(rows))]
        return _array(
            [
                self._model.message(kind, row, name, past if kind.shared else None)
                for row, name in zip(rows, names, strict=True)
            ]
        )

    def __getattr__(self, name: str) -> Any:
        if name == "preview":
            wrong = "what would arrive, were it sent, has no conditions of its own"
            raise WrongUse("channel.preview on symbolic vectors", wrong, "analyse a method that sends")
        raise AttributeError(name)


def _exact_weights(topology: Topology) -> list[list[Fraction]]:
    """Return the weights between different workers as the fractions that they stand for."""
    W = topology.matrix
    found = [[Fraction(w).limit_denominator(WEIGHT) for w in row] for row in W.tolist()]
    if [[float(w) for w in row] for row in found] != W.tolist():
        wrong = f"its weights are no fractions with denominators up to {WEIGHT}"
        raise WrongUse("a graph of symbolic vectors", wrong, "give weights such as 1/3")
    return [[Fraction(0) if i == j else w for j, w in enumerate(row)] for i, row in enumerate(found)]


class _SymbolicDraw:
    """Where a method's own random numbers would come from: nowhere."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        asked = "a random number in a symbolic run"
        raise WrongUse(asked, "the method draws its own numbers", "analyse one outcome, as a method of its own")


class Trace:
    """A symbolic run: its model, the states of all steps, and the oracle, for measures of them.

    Attributes
    ----------
    model : Model
    states : list of State
        From the start to the last step.
    oracle : SymbolicOracle
    algorithm : Algorithm
    start : {'init', 'any'}
        As of `trace`.
    """

    def __init__(
        self, model: Model, states: list[State], oracle: SymbolicOracle, algorithm: Algorithm, start: str
    ) -> None:
        self.model, self.states, self.oracle, self.algorithm, self.start = model, states, oracle, algorithm, start

    def measure(self, what: Measure, step: int = -1) -> Expression:
        """Return a measure of the state after a step, by default of the last."""
        return what(self, self.states[step])

    def worst(self, metric: Measure, initial: Measure, *, smallest: bool = False) -> Model:
        """Return the model of the largest metric of the last state, or `smallest` of all, if the first's is at most 1.

        Parameters
        ----------
        metric, initial : callable
            Measures: functions of the run and a state, as those of ``worst_case.measures``.
        """
        self.model.assume("initial", self.measure(initial, 0) <= 1)
        steps = range(len(self.states)) if smallest else [len(self.states) - 1]
        self.model.maximise(*(self.measure(metric, step) for step in steps))
        return self.model


def trace(
    algorithm: Algorithm,
    functions: FunctionClass | Sequence[FunctionClass] | None,
    compressor: MessageClass | None = None,
    *,
    steps: int,
    workers: int = 1,
    start: str = "init",
    minimiser: str | None = "own",
    inexact: MessageClass | None = None,
    down: MessageClass | None = None,
    prox: FunctionClass | None = None,
    topology: Topology | None = None,
) -> Trace:
    r"""Run a method on symbolic vectors, of which the inequalities of its functions and compressors are known.

    .. math:: x_t = \sum_j a_{tj} v_j, \qquad v = (x_0, g_0, c_0, g_1, c_1, \dots)

    with exact numbers a: a step is linear in what it has received, and gradients g and messages c are new vectors.

    Parameters
    ----------
    algorithm : Algorithm
        One of ``toolkit.algorithms`` or a user's own, its numbers exact (`Fraction`, int) or `Swept`.
    functions : FunctionClass or one per worker, or None
        What is known of the f_i; None where there are none, as in gossip.
    compressor, down : MessageClass, optional
        What is known of the compressors, up and down; by default nothing is compressed.
    steps : int
        N.
    workers : int
        n.
    start : {'init', 'any'}
        Whether the method starts as it says, or from any state at all, as its Lyapunov function wants it.
    minimiser : {'own', 'shared', 'infimum', None}
        What is known of a minimiser: f has one, at the origin with minimum 0 (for several workers their gradients there
        add up to 0); all f_i have it in common; f is nowhere below 0; or nothing, and the origin is the start.
        That it is the origin is a convention; a method for which it is more is refused.
    inexact : MessageClass, optional
        How gradient samples differ from gradients.
    prox : FunctionClass, optional
        The class of a non-smooth part, whose proximal point the method asks for.
    topology : Topology, optional
        The graph of a decentralised method, its weights fractions.

    Returns
    -------
    Trace

    Raises
    ------
    WrongUse
        If the method is not symbolic, or asks for what is not modelled; if it compresses iterates themselves, or starts
        copies of them at 0, so that what holds depends on where the minimiser is.

    Notes
    -----
    Source: performance estimation, Drori and Teboulle 2014, with the conditions of Taylor, Hendrickx and Glineur 2017
    (recalled). That the lines that are simulated are those that are traced, and messages of compressors: ours, tested
    by simulated runs, which satisfy every inequality of their traces.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import Contractive, Smooth
    >>> from toolkit.algorithms import ErrorFeedback
    >>> run = trace(ErrorFeedback(stepsize=Q(5, 8)), Smooth(mu=Q(3, 5), L=1), Contractive(delta=Q(8, 9)), steps=1)
    >>> run.model.vectors, run.states[1].x[0, 0, 0], run.states[1].memory[0, 0, 0]
    (['x_0', 'g_0', 'c_0'], 1·x_0 + -1·c_0, 5/8·g_0 + -1·c_0)
    """
    if not algorithm.symbolic:
        asked = f"{type(algorithm).__name__} on symbolic vectors"
        raise WrongUse(asked, "its step needs more than linear operations", "choose a method that is symbolic")
    if algorithm.stepsize is None:
        remedy = f"give {type(algorithm).__name__}(stepsize=Fraction(…))"
        raise WrongUse(f"trace({algorithm!r})", "it has no step size", remedy)
    kinds = [functions] * workers if isinstance(functions, FunctionClass) else list(functions or ())
    workers = len(kinds) or workers
    if swept(algorithm):
        wrong = f"{', '.join('.'.join(path) for path in swept(algorithm))} has several values"
        raise WrongUse(f"trace({algorithm!r})", wrong, "trace one method for each, or give sweep(…)")
    if topology is not None and len(topology.matrix) != workers:
        asked = f"trace(workers={workers}, topology=…)"
        raise WrongUse(asked, f"the graph has {len(topology.matrix)} workers", "give as many workers as it has")
    fields = None
    if start == "any":  # the names and shapes of its fields are those of a start of its own
        alike = trace(
            algorithm, kinds, compressor, steps=0, workers=workers, minimiser=minimiser, inexact=inexact,
            topology=topology,
        )  # fmt: skip
        fields = dict(alike.states[0])
    elif start != "init":
        raise WrongUse(f"trace(start={start!r})", "there is no such start", "choose 'init' or 'any'")
    model = Model()
    # Without a minimiser the origin is free: at the start, of the first worker, it makes that vector needless.
    minimised = minimiser in ("own", "shared")
    x = _free(model, "x", 1 if fields is None else fields["x"].shape[1], fixed=not minimised)
    declared = _functions(model, kinds, minimiser, prox)
    oracle = SymbolicOracle(model, declared, workers, inexact, _prox_of(model), minimised)
    channel, draw = SymbolicChannel(model, compressor, down, topology), _SymbolicDraw()
    schedules = scheduled(algorithm)
    if fields is None:
        state = at_step(algorithm, schedules, 0).init(x, oracle, channel, draw)
    else:
        others = {name: _free(model, name, value.shape[1]) for name, value in fields.items() if name != "x"}
        state = State(**{name: others.get(name, x) for name in fields})
    states = [state]
    for step in range(1, steps + 1):
        oracle.begin()
        channel.begin()
        states.append(at_step(algorithm, schedules, step).step(states[-1], oracle, channel, draw))
        for name, value in states[-1]:
            rows = value[0, :, 0]
            for i, row in enumerate(rows):
                model.name(_named(name, step, i, len(rows)), row)
    run = Trace(model, states, oracle, algorithm, start)
    if not minimised:  # the start has no vectors of its own: a run that has them tells, of whatever functions
        trace(
            algorithm, kinds and Smooth(), compressor, steps=min(steps, 2), workers=workers, start=start,
            minimiser="shared", inexact=inexact, down=down, prox=prox, topology=topology,
        )  # fmt: skip
    elif not moves_with_its_start(run):
        wrong = "it compresses points, or evaluates functions at points, that are counted from 0"
        remedy = "send differences of points, or trace with start='any'"
        raise WrongUse(f"{type(algorithm).__name__} on symbolic vectors, whose minimiser is at 0", wrong, remedy)
    return run


def _free(model: Model, name: str, n: int, fixed: bool = False) -> Array:
    """Return n rows of a field of any state, vectors of their own; the first is the origin if `fixed`."""
    names = [_named(name, 0, i, n) for i in range(n)]
    return _array([model.zero if fixed and i == 0 else model.vector(one) for i, one in enumerate(names)])


def _named(field: str, step: int, i: int, n: int) -> str:
    """Return the name of a row of a field; a field that is called as gradients or messages are is told from these."""
    return (f"state_{field}" if field in TAKEN else field) + f"_{step}" + (f"[{i}]" if n > 1 else "")


def _functions(
    model: Model, kinds: Sequence[FunctionClass], minimiser: str | None, prox: FunctionClass | None
) -> list[Function]:
    """Declare f_1, …, f_n and, if there is one, the non-smooth part φ, and what is known of their minimiser."""
    n = len(kinds)
    if minimiser not in ("own", "shared", "infimum", None):
        asked = f"trace(minimiser={minimiser!r})"
        raise WrongUse(asked, "nothing of the kind is known", "choose 'own', 'shared', 'infimum' or None")
    parts = [(kind, "f" if n == 1 else f"f{i}", "" if n == 1 else f"[{i}]") for i, kind in enumerate(kinds)]
    alone = n == 1 and prox is None
    anchor = "minimum" if minimiser == "shared" or (minimiser == "own" and alone) else None
    if minimiser == "infimum":
        if not alone:
            wrong = "the minimum of a sum is not that of its parts"
            raise WrongUse("trace(minimiser='infimum')", wrong, "assume it of the model, or take one worker")
        anchor = "infimum"
    found = [model.function(kind, name, anchor, suffix) for kind, name, suffix in parts]
    if prox is not None:
        model.function(prox, "phi", anchor)
    if minimiser == "own" and not alone and found:
        # The gradients at the origin add up to 0, and so may the values each.
        total = model.zero
        for function in found[: None if prox is not None else -1]:
            g = model.vector(f"g_star{function.suffix}")
            total = total + g
            function.add(Point(model.zero, g, Expression()))
        if prox is None:
            found[-1].add(Point(model.zero, -total, Expression()))
        else:
            model.functions[-1].add(Point(model.zero, -total / n, Expression()))
    return found


def _prox_of(model: Model) -> Function | None:
    return next((function for function in model.functions if function.name == "phi"), None)
