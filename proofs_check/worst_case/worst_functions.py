"""The functions and messages that a worst case consists of, as a problem and a compressor that `simulate` runs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np

from problems import Problem
from proofs_check.worst_case.functions import Convex, FunctionClass, Smooth
from proofs_check.worst_case.model import Function, Model
from proofs_check.worst_case.quadratics import Quadratic
from proofs_check.worst_case.replaying import Replay
from proofs_check.worst_case.solving import Solution, solve
from proofs_check.worst_case.tracing import Trace
from toolkit.algorithms import Algorithm, State
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.constants import CompressorConstants, ProblemConstants, exact, upper_bound
from toolkit.errors import WrongUse

__all__ = [
    "QuadraticThrough",
    "RecordedMessages",
    "WorstCase",
    "WorstFunctions",
    "coordinates",
    "record",
    "worst_case",
]

DROPPED = 1e-8  # eigenvalues of the Gram matrix below this share of its trace are the solver's rounding
NEAR = 1e-4  # how far from a recorded vector its message is still recognised, in units of the longest of them


class _Envelope:
    """The largest function of a class `Smooth` through given points, values and gradients; see `WorstFunctions`."""

    def __init__(self, kind: Smooth, x: Array, g: Array, f: Array) -> None:
        self.mu, self.bend = float(kind.mu), float(kind.L - kind.mu)
        slope = g - self.mu * x
        self.corners = x - slope / self.bend
        self.heights = f - self.mu / 2 * np.sum(x * x, axis=1) - np.sum(slope * slope, axis=1) / (2 * self.bend)
        # A point of a convex hull in d dimensions is a mean of at most d + 1 corners, found by trying all of them.
        count, d = x.shape
        self.faces = []
        for size in range(1, min(count, d + 1) + 1):
            face = np.array(list(combinations(range(count), size)))
            system = np.zeros((len(face), size + 1, size + 1))
            corners = self.corners[face]
            system[:, :size, :size] = self.bend * corners @ corners.transpose(0, 2, 1)
            system[:, :size, size] = system[:, size, :size] = 1.0
            self.faces.append((face, np.linalg.pinv(system, hermitian=True)[:, :size]))

    def __call__(self, y: Array) -> tuple[float, Array]:
        """Return value and gradient at `y`, shape (d,)."""
        right, best = self.bend * self.corners @ y - self.heights, (np.inf, y)
        for face, inverse in self.faces:
            weights = np.einsum("fij,fj->fi", inverse, np.append(right[face], np.ones((len(face), 1)), axis=1))
            inside = np.all(weights >= -1e-12, axis=1)
            weights, chosen = np.maximum(weights[inside], 0), face[inside]
            weights /= np.sum(weights, axis=1, keepdims=True)
            away = y - np.einsum("fi,fid->fd", weights, self.corners[chosen])
            values = self.bend / 2 * np.sum(away * away, axis=1) + np.sum(weights * self.heights[chosen], axis=1)
            if len(values) and values.min() < best[0]:
                best = values.min(), away[values.argmin()]
        return float(best[0] + self.mu / 2 * y @ y), self.bend * best[1] + self.mu * y


class QuadraticThrough:
    """A quadratic function through given points, values and gradients, of curvature between μ and L."""

    def __init__(self, kind: Quadratic, x: Array, g: Array, f: Array) -> None:
        self.x, self.g, self.f = x[0], g[0], f[0]
        middle, half = float(kind.L + kind.mu) / 2, float(kind.L - kind.mu) / 2
        left, sizes, basis = np.linalg.svd(x - x[0])
        rank = int(np.sum(sizes > NEAR / 10 * sizes.max()))
        # In this basis A, less the middle and in units of half the range, has these first rows, and keeps a norm of at
        # most 1 by Krein's choice of the rest.
        images = left[:, :rank].T @ (g - g[0] - middle * (x - x[0])) / sizes[:rank, None] @ basis.T / half
        first, beside = (images[:, :rank] + images[:, :rank].T) / 2, images[:, rank:]
        last = -beside.T @ np.linalg.pinv(np.eye(rank) - first @ first, NEAR, hermitian=True) @ first @ beside
        values, vectors = np.linalg.eigh(np.block([[first, beside], [beside.T, last]]))
        self.A = basis.T @ (vectors * (middle + half * np.clip(values, -1, 1))) @ vectors.T @ basis

    def __call__(self, y: Array) -> tuple[float, Array]:
        """Return value and gradient at `y`, shape (d,)."""
        step = y - self.x
        change = self.A @ step
        return float(self.f + self.g @ step + step @ change / 2), self.g + change


class _LargestOfLines:
    """The smallest convex function through given points, values and subgradients."""

    def __init__(self, kind: Convex, x: Array, g: Array, f: Array) -> None:
        self.x, self.g, self.f = x, g, f

    def __call__(self, y: Array) -> tuple[float, Array]:
        """Return value and subgradient at `y`, shape (d,)."""
        values = self.f + np.sum(self.g * (y - self.x), axis=1)
        largest = values >= values.max() - NEAR * NEAR * np.ptp(values)  # a recorded point has its recorded subgradient
        distance = np.where(largest, np.linalg.norm(y - self.x, axis=1), np.inf)
        return float(values.max()), self.g[distance.argmin()]


class WorstFunctions(Problem):
    r"""Functions of their classes through given points, values and gradients.

    Of `Smooth`, with M = L − μ, :math:`h_i = f_i - \tfrac\mu2\|x_i\|^2` and :math:`s_i = g_i - \mu x_i`, it is the
    largest,

    .. math:: f(y) = \frac\mu2\|y\|^2 + \min_{\lambda \ge 0,\ \sum_i \lambda_i = 1}\ \frac M2 \Bigl\| y -
              \sum_i \lambda_i \Bigl(x_i - \frac{s_i}M\Bigr) \Bigr\|^2
              + \sum_i \lambda_i \Bigl(h_i - \frac{\|s_i\|^2}{2M}\Bigr),

    the Moreau envelope of a polyhedral function, with gradient :math:`\mu y + M(y - \sum_i \lambda_i (x_i - s_i/M))`
    at the minimal λ. Of `Convex` and `Lipschitz` it is the smallest,
    :math:`\max_i f_i + \langle g_i, y - x_i\rangle`.

    Source: Taylor, Hendrickx and Glineur 2017, Theorem 4 and its proof by conjugation (derived here in this form). For
    μ ≤ 0 it is nowhere below 0 if every :math:`f_i \ge \|g_i\|^2/(2L)` (derived here). Of `Quadratic` it is one of the
    quadratic functions through the points.

    Parameters
    ----------
    kinds : sequence of FunctionClass, one per worker
    points : sequence of (x, g, f), one per worker
        Arrays of shapes (point, d), (point, d) and (point,) that satisfy the conditions of the class; what they lack of
        them, ε, is missed by the values, and √(2Mε) by the gradients. The work grows as the subsets of d + 1 points.
    f_star : float, optional
        The minimum of their mean.
    f_inf : float, optional
        A lower bound of it.
    start : array, shape (d,), optional
        A default starting point.

    Examples
    --------
    Through (0, 0) with slope 0 and (1, 1/2) with slope 1 go a parabola and, below it, two lines:

    >>> x, f = np.array([[0.0], [1.0]]), np.array([0.0, 0.5])
    >>> for kind in (Smooth(L=1, mu=0), Convex()):
    ...     problem = WorstFunctions([kind], [(x, x, f)])
    ...     problem.value(np.array([[[-1.0]], [[0.5]], [[2.0]]])).round(12)[:, 0].tolist()
    [0.5, 0.125, 2.0]
    [0.0, 0.0, 1.5]
    """

    def __init__(
        self, kinds: Any, points: Any, *, f_star: float | None = None, f_inf: float | None = None, start: Any = None
    ) -> None:
        self.kinds: list[FunctionClass] = list(kinds)
        self.workers, self.dimension = len(self.kinds), np.shape(points[0][0])[1]
        self.f_star, self._f_inf, self.start = f_star, f_inf, start
        self._functions = [_through(kind, *given) for kind, given in zip(self.kinds, points, strict=True)]

    @property
    def f_inf(self) -> float | None:
        return self.f_star if self._f_inf is None else self._f_inf

    def _at(self, x: Array) -> list[list[tuple[float, Array]]]:
        rows = np.broadcast_to(x, (len(x), self.workers, self.dimension))
        return [[one(y) for one, y in zip(self._functions, run, strict=True)] for run in rows]

    def value(self, x: Array) -> Array:
        return np.array([[value for value, _ in run] for run in self._at(x)])

    def gradient(self, x: Array) -> Array:
        return np.array([[gradient for _, gradient in run] for run in self._at(x)])

    @property
    def constants(self) -> ProblemConstants:
        source, smooth = "its class of functions", [kind for kind in self.kinds if isinstance(kind, Smooth)]
        if len(smooth) < self.workers:
            return ProblemConstants(convex=True if not smooth else None)
        each = np.array([float(max(kind.L, -kind.mu)) for kind in smooth])
        mu = min(float(kind.mu) for kind in smooth)
        return ProblemConstants(
            L=upper_bound(float(np.mean(each)), source),
            L_i=upper_bound(each, source),
            L_tilde=upper_bound(float(np.sqrt(np.mean(each * each))), source),
            mu=exact(mu, source) if mu > 0 else None,
            convex=mu >= 0 or None,
        )


def _through(kind: FunctionClass, x: Array, g: Array, f: Array) -> Any:
    if isinstance(kind, Quadratic):
        return QuadraticThrough(kind, x, g, f)
    if isinstance(kind, Smooth):
        return _Envelope(kind, x, g, f)
    if isinstance(kind, Convex):
        return _LargestOfLines(kind, x, g, f)
    raise WrongUse(
        f"a function of {kind!r}", "its interpolation is not known", "take Smooth, Quadratic, Convex or Lipschitz"
    )


class RecordedMessages(Compressor):
    """What arrives is what a record says; vectors that are not in it arrive as they are.

    A vector within 1e-4 of a recorded one, in units of the longest of them, is taken for it: what is simulated differs
    from what was solved by rounding.

    Parameters
    ----------
    given, arrived : array, shape (message, d)
    delta, kappa_sq : float, optional
        Bounds that the record satisfies.

    Examples
    --------
    >>> compressor = RecordedMessages(given=np.array([[2.0, 0.0]]), arrived=np.array([[1.0, 0.5]]))
    >>> compressor.compress(np.array([[2.0, 0.0], [0.0, 2.0]]))
    array([[1. , 0.5],
           [0. , 2. ]])
    """

    fixes_zero: ClassVar[bool] = False  # an error of absolute size may leave something of nothing

    given: Array
    arrived: Array
    delta: float | None = None
    kappa_sq: float | None = None

    def check(self, d: int) -> None:
        if d != self.given.shape[1]:
            asked = f"{type(self).__name__} on vectors of {d} coordinates"
            raise WrongUse(asked, f"its record has {self.given.shape[1]}", "take the problem of the same worst case")

    def message(self, x: Array, draw: Any) -> Array:
        distance = np.linalg.norm(x[..., None, :] - self.given, axis=-1)
        nearest = np.argmin(distance, axis=-1)[..., None]
        known = np.take_along_axis(distance, nearest, -1) <= NEAR * np.linalg.norm(self.given, axis=1).max()
        return np.where(known, self.arrived[nearest[..., 0]], x).astype(x.dtype)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        known = {"delta": self.delta, "kappa_sq": self.kappa_sq}
        source = "the class that the record is of"
        return CompressorConstants(**{name: upper_bound(value, source) for name, value in known.items() if value})


@dataclass(frozen=True)
class WorstCase:
    """A worst case in coordinates, to be run.

    Parameters
    ----------
    problem : WorstFunctions
        Its minimiser, where it has one, is the origin; else the origin is the start.
    compressor : RecordedMessages or None
        None where nothing is compressed.
    x0 : array, shape (d,)
    state : dict of str to array, shape (worker or 1, d)
        All fields of the method's state at the start.
    value : float
        The metric, in these coordinates.
    """

    problem: WorstFunctions
    compressor: RecordedMessages | None
    x0: Array
    state: dict[str, Array]
    value: float

    def begun(self, method: Algorithm) -> Algorithm:
        """Return a method that begins in the state of the worst case, as needed if that was traced from any state."""
        fields = self.state

        class Begun(type(method)):  # type: ignore[misc]
            def init(self, x: Array, oracle: Any, channel: Any, draw: Any) -> State:
                each = {name: np.broadcast_to(rows, (len(x), *rows.shape)).copy() for name, rows in fields.items()}
                return State(**each)

        return Begun(**vars(method))


def worst_case(run: Trace, solution: Solution | None = None) -> WorstCase:
    r"""Return the worst case of a traced method as a problem and a compressor that reproduce it when simulated.

    The vectors are rows of :math:`V\Lambda^{1/2}` in :math:`R^r`, where :math:`G = V \Lambda V^\top` is the solved Gram
    matrix and r its rank, up to the solver's rounding.

    Parameters
    ----------
    run : Trace
        Of a model with a metric; see `Trace.worst`. A run from any state begins as `WorstCase.begun` does.
    solution : Solution, optional
        By default `solve` finds it.

    Returns
    -------
    WorstCase

    Raises
    ------
    WrongUse
        If messages are random, of which a model knows moments only, or if the method takes proximal steps.
    Unsolved
        As of `solve`, if no solution is given.

    Notes
    -----
    Source: Taylor, Hendrickx and Glineur 2017, interpolation (recalled; the functions in the form of `WorstFunctions`:
    derived). What is simulated agrees with what was solved to the solver's accuracy, about 1e-6, not exactly.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case import Contractive, gap, trace
    >>> from toolkit import simulate
    >>> from toolkit.algorithms import ErrorFeedback
    >>> run = trace(ErrorFeedback(stepsize=Q(1, 2)), Smooth(mu=Q(1, 10)), Contractive(delta=Q(3, 4)), steps=2)
    >>> solved = solve(run.worst(gap, initial=gap))
    >>> case = worst_case(run, solved)
    >>> result = simulate(case.problem, ErrorFeedback(stepsize=0.5), case.compressor, steps=2, x0=case.x0)
    >>> abs(float(result.f_gap[0, -1]) - solved.value) < 1e-6
    True
    """
    model = run.model
    if any(message.kind.noisy for message in model.messages):
        wrong = "of a random message only moments are known, not outcomes"
        raise WrongUse("the worst case of a method as a problem", wrong, "take a class of deterministic compressors")
    if any(function.name == "phi" for function in model.functions):
        wrong = "a problem has no part for proximal steps"
        raise WrongUse("the worst case of a method as a problem", wrong, "trace a method of gradients")
    solution = solution or solve(model)
    found = coordinates(model, solution)
    state = {name: np.array([found.vector(row) for row in rows[0, :, 0]]) for name, rows in run.states[0]}
    x0 = state["x"].mean(axis=0)
    kinds = [function.kind for function in model.functions]
    anchors = {function.anchor for function in model.functions}
    convex = not any(isinstance(kind, Smooth) and kind.mu < 0 for kind in kinds)
    bounded = all(isinstance(kind, Smooth) and kind.mu <= 0 for kind in kinds) and anchors == {"infimum"}
    minimal = anchors == {"minimum"} or (convex and any(name.startswith("g_star") for name in model.vectors))
    return WorstCase(
        WorstFunctions(
            kinds,
            [record(function, found) for function in model.functions],
            f_star=0.0 if minimal else None,
            f_inf=0.0 if bounded else None,
            start=x0,
        ),
        _messages(run, found),
        x0,
        state,
        min(found.number(one) for one in model.metric),
    )


def coordinates(model: Model, solution: Solution) -> Replay:
    """Return the vectors of a solution in as many coordinates as its Gram matrix has rank."""
    n = len(model.vectors)
    values, vectors = np.linalg.eigh(solution.gram[:n, :n])
    kept = values > DROPPED * values.sum()
    return Replay(vectors[:, kept] * np.sqrt(values[kept]), solution.scalars)


def record(function: Function, found: Replay) -> tuple[Array, Array, Array]:
    """Return the points, gradients and values of a function in coordinates."""
    points = function.known()
    x, g = (np.array([found.vector(getattr(point, name)) for point in points]) for name in "xg")
    return x, g, np.array([found.number(point.f) for point in points])


def _messages(run: Trace, found: Replay) -> RecordedMessages | None:
    messages = run.model.messages
    if not messages:
        return None
    given, arrived = (np.array([found.vector(getattr(one, name)) for one in messages]) for name in ("given", "arrived"))
    constants = messages[0].kind.parameters()
    bounds = {name: float(constants[name]) for name in ("delta", "kappa_sq") if name in constants}
    return RecordedMessages(given, arrived, **bounds)
