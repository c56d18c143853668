"""Worst cases known from elsewhere: examples of PEPit, numbered here, as models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction as Q
from itertools import pairwise
from math import sqrt
from typing import Any

from proofs_check.worst_case.classics import (
    Accelerated,
    HeavyBall,
    InformationTheoretic,
    Listed,
    ProximalGradient,
    TripleMomentum,
    thetas,
)
from proofs_check.worst_case.expressions import Expression, Vector
from proofs_check.worst_case.functions import Convex, Lipschitz, Smooth
from proofs_check.worst_case.measures import distance, gap, gradient
from proofs_check.worst_case.messages import Contractive
from proofs_check.worst_case.model import Function, Model
from proofs_check.worst_case.quadratics import Quadratic
from proofs_check.worst_case.tracing import Trace, trace
from toolkit.algorithms import State
from toolkit.algorithms.sgd import SGD

__all__ = ["KNOWN", "Known"]


@dataclass(frozen=True)
class Known:
    """A worst case with a value known from elsewhere.

    Parameters
    ----------
    row : int
        Its number in `KNOWN`.
    title : str
    value : float
    tight : bool
        Whether the value is a theorem's, to the digits given; else it was measured with PEPit and Clarabel.
    model : callable
        Makes the model.
    """

    row: int
    title: str
    value: float
    tight: bool
    model: Callable[[], Model]


KNOWN: dict[int, Known] = {}


def _known(row: int, title: str, value: float, *, tight: bool = True) -> Callable[[Callable[[], Model]], None]:
    def register(model: Callable[[], Model]) -> None:
        KNOWN[row] = Known(row, title, value, tight, model)

    return register


@_known(1, "gradient descent, two points", 0.81)
def _() -> Model:
    model = Model()
    f = model.function(Smooth(mu=Q(1, 10), L=1), anchor=None)
    x, y = model.zero, model.vector("y_0")
    model.assume("initial", (x - y) ** 2 <= 1)
    model.maximise((x - f.at(x).g - (y - f.at(y).g)) ** 2)
    return model


@_known(2, "gradient descent, convex, L = 3", 1 / 6)
def _() -> Model:
    return trace(SGD(stepsize=Q(1, 3)), Smooth(L=3), steps=4).worst(gap, distance)


@_known(3, "gradient descent, convex, 9 steps", 1 / 38)
def _() -> Model:
    return trace(SGD(stepsize=Q(1)), Smooth(L=1), steps=9).worst(gap, distance)


@_known(4, "gradient descent, not convex", 4 / 15)
def _() -> Model:
    run = trace(SGD(stepsize=Q(1)), Smooth(mu=-1, L=1), steps=5, minimiser=None)
    decrease = run.oracle.value(run.states[0].x) - run.oracle.value(run.states[-1].x)
    run.model.assume("initial", decrease <= 1)
    run.model.maximise(*(run.measure(gradient, step) for step in range(6)))
    return run.model


@_known(7, "gradient descent, quadratics", (8 / 9) ** 8 / 6)
def _() -> Model:
    return trace(SGD(stepsize=Q(1, 3)), Quadratic(mu=Q(3, 10), L=3), steps=4).worst(gap, distance)


@_known(8, "gradient descent, silver steps", 0.0375949436)
def _() -> Model:
    mu, L = Q(1, 10), Q(16, 5)
    steps = _silver(0, float(mu / L)) + _silver(4, float(mu / L))  # 17 = 1 + 16
    method = SGD(stepsize=Listed(tuple(Q(h) / L for h in steps)))
    return trace(method, Smooth(mu=mu, L=L), steps=17).worst(distance, distance)


def _silver(doublings: int, q: float) -> list[float]:
    """Return the 2^k silver steps of Altschuler and Parrilo 2023 for μ/L = q, times L."""

    def psi(t: float) -> float:
        return (1 + t / q) / (1 + t)

    z, steps = q, [psi(q)]
    for _ in range(doublings):
        root = sqrt(1 + (1 - z) ** 2)
        y, z = z / (1 - z + root), z * (1 - z + root)
        steps = [*steps[:-1], psi(y), *steps[:-1], psi(z)]
    return steps


def _line_search(model: Model, f: Function, x: Vector, directions: list[Vector]) -> Vector:
    """Return the minimiser of f on x plus the span: a point whose gradient is orthogonal to all it knows of it."""
    number = len(f.points)
    new = model.vector(f"x_{number}")
    g = f.at(new).g
    model.assume(f"searched_{number}", (g @ (new - x)).equals(0))
    for k, direction in enumerate(directions):
        model.assume(f"searched_{number}_{k}", (g @ direction).equals(0))
    return new


@_known(9, "exact line search", (29 / 31) ** 2)
def _() -> Model:
    model = Model()
    f, x = model.function(Smooth(mu=Q(1, 10), L=3)), model.vector("x_0")
    model.assume("initial", f.at(x).f <= 1)
    model.maximise(f.at(_line_search(model, f, x, [f.at(x).g])).f)
    return model


def _inexact(L: int) -> Model:
    contraction, stepsize = Contractive(delta=1 - Q(1, 100)), 2 / (Q(11, 10) * L + Q(9, 10) * Q(1, 10))
    run = trace(SGD(stepsize=stepsize), Smooth(mu=Q(1, 10), L=L), steps=2, inexact=contraction)
    return run.worst(gap, gap)


@_known(10, "inexact gradient", (1.01 / 1.19) ** 4)
def _() -> Model:
    return _inexact(1)


@_known(11, "inexact gradient, L = 3", (3.21 / 3.39) ** 4)
def _() -> Model:
    return _inexact(3)


@_known(12, "inexact gradient, exact line search", (3.21 / 3.39) ** 4)
def _() -> Model:
    model = Model()
    f, x = model.function(Smooth(mu=Q(1, 10), L=3)), model.vector("x_0")
    model.assume("initial", f.at(x).f <= 1)
    for k in range(2):
        x = _line_search(model, f, x, [model.message(Contractive(delta=1 - Q(1, 100)), f.at(x).g, f"d_{k}")])
    model.maximise(f.at(x).f)
    return model


def _nesterov(L: int, steps: int, inexact: Contractive | None = None) -> Model:
    method = Accelerated(stepsize=Q(1, L), momentum=Listed(tuple(Q(i, i + 3) for i in range(steps))))
    return trace(method, Smooth(L=L), steps=steps, inexact=inexact).worst(gap, distance)


@_known(13, "accelerated gradient, 5 steps", 6 / 56)
def _() -> Model:
    return _nesterov(3, 5)


@_known(14, "accelerated inexact gradient, ε = 1/100", 0.0720980839, tight=False)
def _() -> Model:
    return _nesterov(2, 5, Contractive(delta=1 - Q(1, 100**2)))


@_known(15, "accelerated inexact gradient, ε = 1/10", 0.0787756401, tight=False)
def _() -> Model:
    return _nesterov(2, 5, Contractive(delta=1 - Q(1, 100)))


@_known(16, "accelerated gradient, 10 steps", 2 / 156)
def _() -> Model:
    return _nesterov(1, 10)


@_known(17, "accelerated gradient, momentum of FISTA", 0.0123351121, tight=False)
def _() -> Model:
    pairs = pairwise(thetas(10, last=False))
    momentum = Listed.floats(*((old - 1) / new for old, new in pairs))
    return trace(Accelerated(stepsize=Q(1), momentum=momentum), Smooth(L=1), steps=10).worst(gap, distance)


@_known(18, "accelerated gradient, strongly convex", 0.0771202175, tight=False)
def _() -> Model:
    mu, root = Q(1, 10), sqrt(0.1)
    method = Accelerated(stepsize=Q(1), momentum=Q((1 - root) / (1 + root)))

    def initial(run: Trace, state: State) -> Expression:
        return gap(run, state) + mu / 2 * distance(run, state)

    return trace(method, Smooth(mu=mu, L=1), steps=5).worst(gap, initial)


@_known(19, "heavy ball", 0.5900555499, tight=False)
def _() -> Model:
    method = HeavyBall(stepsize=Q(1, 2), momentum=Q(sqrt(0.95 * 0.5)))
    return trace(method, Smooth(mu=Q(1, 10), L=1), steps=3).worst(gap, gap)


@_known(21, "optimised gradient method", 3 / (2 * thetas(4)[-1] ** 2))
def _() -> Model:
    pairs = list(pairwise(thetas(4)))
    method = Accelerated(
        stepsize=Q(1, 3),
        momentum=Listed.floats(*((old - 1) / new for old, new in pairs)),
        correction=Listed.floats(*(old / new for old, new in pairs)),
        at_ahead=True,
    )
    return trace(method, Smooth(L=3), steps=4).worst(gap, distance)


@_known(22, "optimised gradient method for the gradient", 6 / thetas(4)[-1] ** 2)
def _() -> Model:
    pairs = list(pairwise(reversed(thetas(4))))
    method = Accelerated(
        stepsize=Q(1, 3),
        momentum=Listed.floats(*((a - 1) * (2 * b - 1) / a / (2 * a - 1) for a, b in pairs)),
        correction=Listed.floats(*((2 * b - 1) / (2 * a - 1) for a, b in pairs)),
        at_ahead=True,
    )
    return trace(method, Smooth(L=3), steps=4).worst(gradient, gap)


@_known(23, "triple momentum", 0.2389250554)
def _() -> Model:
    rho = 1 - sqrt(0.1)
    method = TripleMomentum(
        stepsize=Q(1 + rho),
        beta=Q(rho**2 / (2 - rho)),
        gamma=Q(rho**2 / (1 + rho) / (2 - rho)),
        delta=Q(rho**2 / (1 - rho**2)),
    )
    return trace(method, Smooth(mu=Q(1, 10), L=1), steps=4).worst(gap, distance)


@_known(24, "robust momentum", 0.6270836223)
def _() -> Model:
    mu, kappa = Q(1, 10), 10.0
    rho = (1 - 1 / kappa + 1 - 1 / sqrt(kappa)) / 2
    alpha, beta = kappa * (1 - rho) ** 2 * (1 + rho), kappa * rho**3 / (kappa - 1)
    gamma = rho**3 / ((kappa - 1) * (1 - rho) ** 2 * (1 + rho))
    weight = float(mu) ** 2 * (kappa - kappa * rho**2 - 1) / (2 * rho * (1 - rho))
    model = Model()
    f, x0, x1 = model.function(Smooth(mu=mu, L=1)), model.vector("x_0"), model.vector("x_1")

    def step(old: Vector, new: Vector) -> tuple[Vector, Expression]:
        """Return the next point and the Lyapunov function of this one, which uses it."""
        at = f.at(new + Q(gamma) * (new - old))
        following = new + Q(beta) * (new - old) - Q(alpha) * at.g
        z = (following - Q(rho**2) * new) / Q(1 - rho**2)
        rest = (1 - mu) * (at.f - mu / 2 * at.x**2) - (at.g - mu * at.x) ** 2 / 2
        return following, Q(weight) * z**2 + rest

    x2, first = step(x0, x1)
    _, second = step(x1, x2)
    model.assume("initial", first <= 1)
    model.maximise(second)
    return model


@_known(25, "information-theoretic exact method", 0.9382899818)
def _() -> Model:
    q, A, betas, deltas = 0.01 / 3, 0.0, [], []
    for _ in range(3):
        old, A = A, ((1 + q) * A + 2 * (1 + sqrt((1 + A) * (1 + q * A)))) / (1 - q) ** 2
        betas.append(old / (1 - q) / A)
        deltas.append(((1 - q) ** 2 * A - (1 + q) * old) / (1 + q + q * old) / 2)
    method = InformationTheoretic(
        stepsize=Q(1, 3), q=Q(1, 300), beta=Listed.floats(*betas), delta=Listed.floats(*deltas)
    )
    return trace(method, Smooth(mu=Q(1, 100), L=3), steps=3).worst(distance, distance)


@_known(26, "conjugate gradients", 0.1856825472)
def _() -> Model:
    model = Model()
    f, x = model.function(Smooth(L=3)), model.vector("x_0")
    model.assume("initial", x**2 <= 1)
    span = [f.at(x).g]
    for _ in range(2):
        new = _line_search(model, f, x, span)
        span += [f.at(new).g, x - new]
        x = new
    model.maximise(f.at(x).f)
    return model


@_known(28, "proximal point", 5 / 6)
def _() -> Model:
    run = trace(ProximalGradient(stepsize=Q(1, 10), smooth=False), Convex(), steps=3, prox=Convex())
    phi = run.model.functions.pop()  # φ alone: the smooth part is never asked for
    run.model.functions = [phi]
    return _composite_gap(run, smooth=False)


@_known(29, "proximal gradient", 0.6561)
def _() -> Model:
    method = ProximalGradient(stepsize=Q(1))
    return trace(method, Smooth(mu=Q(1, 10), L=1), steps=2, prox=Convex()).worst(distance, distance)


@_known(30, "accelerated proximal gradient", 2 / 52)
def _() -> Model:
    method = Accelerated(stepsize=Q(1), momentum=Listed(tuple(Q(i, i + 3) for i in range(5))))
    return _composite_gap(trace(method, Smooth(L=1), steps=5, prox=Convex()))


def _composite_gap(run: Trace, *, smooth: bool = True) -> Model:
    """Return f(x_N) + φ(x_N), given ‖x_0‖² ≤ 1; both are 0 at the minimiser of their sum."""
    phi = run.model.functions[-1].points[-1].f
    run.model.assume("initial", run.measure(distance, 0) <= 1)
    run.model.maximise(run.measure(gap) + phi if smooth else phi)
    return run.model


@_known(31, "subgradient method", 2 / sqrt(11))
def _() -> Model:
    method = SGD(stepsize=Q(1 / (2 * sqrt(11))))
    return trace(method, Lipschitz(M=2), steps=10).worst(gap, distance, smallest=True)


@_known(33, "Polyak step size", 2 / 3)
def _() -> Model:
    run = trace(SGD(stepsize=Q(2)), Smooth(mu=Q(1, 10), L=1), steps=1)
    at = run.oracle.functions[0].at(run.states[0].x[0, 0, 0])
    run.model.assume("polyak", (2 * at.g**2 - 2 * at.f).equals(0))
    return run.worst(distance, distance)


def _sampled(limit: int | None) -> tuple[Model, list[Vector]]:
    """Return x_0 − g of a sample of five functions, of which one is drawn, and the mean of ‖∇f_i(x*)‖² at most that."""
    run = trace(
        SGD(stepsize=Q(1)), Smooth(mu=Q(1, 10), L=1), steps=1, workers=5, minimiser="own" if limit else "shared"
    )
    x = run.states[0].x[0, 0, 0]
    if limit:
        stars: Any = [function.points[0].g ** 2 for function in run.oracle.functions]
        run.model.assume("variance", sum(stars, Expression()) / 5 <= limit)
    return run.model, [x] + [x - function.at(x).g for function in run.oracle.functions]


@_known(34, "stochastic gradient, bounded variance", 5.0416523285)
def _() -> Model:
    model, (x, *after) = _sampled(1)
    model.assume("initial", x**2 <= 4)
    model.maximise(sum((one**2 for one in after), Expression()) / 5)
    return model


@_known(35, "stochastic gradient, over-parametrised", 0.81)
def _() -> Model:
    model, (x, *after) = _sampled(None)
    model.assume("initial", x**2 <= 1)
    model.maximise(sum((one**2 for one in after), Expression()) / 5)
    return model
