"""What is proved is what is simulated: every method's trajectory, step by step, against its symbolic run.

Its states are those of the symbolic run with the problem's numbers in it, and these numbers satisfy every inequality
that was generated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as Q
from itertools import product
from typing import Any

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.outcomes import outcomes
from proofs_check.worst_case import AbsoluteError, Contractive, Noise, Projection, Smooth, Unbiased, gap, trace
from proofs_check.worst_case.messages import MessageClass
from proofs_check.worst_case.replaying import Replay, replay
from proofs_check.worst_case.tracing import Trace
from toolkit import simulate
from toolkit.algorithms import Algorithm, PowerEF, State, mean
from toolkit.compressors import RandK, TopK
from toolkit.errors import WrongUse
from toolkit.members import load, names
from toolkit.parameters import Schedule
from toolkit.topology import ring

METHODS = "toolkit.algorithms"
STEPSIZE, X0 = Q(1, 4), np.linspace(-2.0, 3.0, 5)
# Methods and their own numbers.
TRACED: dict[str, dict[str, Any]] = {
    "compressed-sgd": {}, "diana": {"rate": Q(1, 4)}, "ef21": {}, "ef21-ideal": {},
    "ef21-momentum": {"momentum": Q(1, 3)}, "ef-gd-star": {}, "error-feedback": {}, "gradient-memory": {}, "sgd": {},
}  # fmt: skip
GOSSIP: dict[str, dict[str, Any]] = {"choco": {"consensus": Q(1, 3)}, "quantized-gossip": {"consensus": Q(1, 3)}}
DRAWS, NOT_LINEAR = "the method draws its own numbers", "its step needs more than linear operations"
UNTRACED = {
    "compressed-perturbed-sgd": ({"radius": 1}, DRAWS),
    "perturbed-gd": ({"radius": 1, "threshold": 1, "patience": 1}, NOT_LINEAR),
    "perturbed-gd-2017": ({"radius": 1, "threshold": 1, "patience": 1, "fall": 1}, NOT_LINEAR),
    "perturbed-sgd": ({"radius": 1}, DRAWS),
    "power-ef": ({"rounds": 1}, DRAWS),  # also with radius 0
    "sign-sgd": ({}, NOT_LINEAR),
    "signum": ({"beta": Q(1, 2)}, NOT_LINEAR),
}


def unlike(workers: int, d: int) -> Quadratic:
    spectrum = np.linspace(0.1, 1.0, d)
    return Quadratic.generate(workers, d, spectrum=spectrum, spread=0.3, heterogeneity=1.0, seed=3)


def classes(problem: Quadratic, beyond: Q = Q(1, 10**6)) -> list[Smooth]:
    """Return the class of each function, with constants a little beyond its own."""
    curvatures = np.linalg.eigvalsh(problem.hessians)
    return [Smooth(mu=Q(one[0]) * (1 - beyond), L=Q(one[-1]) * (1 + beyond)) for one in curvatures]


def in_floats(number: Any) -> Any:
    return float(number) if isinstance(number, Q) else number


def numbered(run: Trace, problem: Quadratic, x0: Any, senders: Mapping[str, Callable[..., Any]]) -> Replay:
    """Put the problem's numbers into a run; a message is sent by the first letter of its name.

    The run begins at x0; if it may begin in any state, at a row of x0 for each worker, with public copies of 0.
    """
    model, origin = run.model, problem.x_star
    messages = [symbol for kind, symbol, _ in model.events if kind == "message"]
    order: Iterator[str] = iter([model.vectors[next(iter(one.coefficients))][0] for one in messages])
    stars = problem.gradient(origin[None, None])[0]
    known = {"x_0": x0 - origin} | {f"g_star[{i}]": g for i, g in enumerate(stars)}
    for i, row in enumerate(np.atleast_2d(x0)):
        known |= {f"x_0[{i}]": row - origin, f"public_0[{i}]": -origin}
    return replay(model, problem, lambda u: senders[next(order)](u), known, origin)


def states(run: Trace, found: Replay, origin: Any, places: Sequence[str] = ("x",)) -> list[dict[str, Any]]:
    """Return the states in numbers; `places` are the fields that are points, and so count from the origin."""
    return [
        {
            name: np.array([found.vector(row) for row in rows[0, :, 0]]) + (origin if name in places else 0.0)
            for name, rows in state
        }
        for state in run.states
    ]


def follow(
    make: Callable[..., Algorithm],
    numbers: dict[str, Any],
    problem: Quadratic,
    *,
    stepsize: Any = STEPSIZE,
    floats: Any = None,
    compressor: Any = None,
    kind: MessageClass | None = None,
    senders: Mapping[str, Callable[..., Any]] | None = None,
    symbolic: dict[str, Any] | None = None,
    x0: Any = X0,
    places: Sequence[str] = ("x",),
    steps: int = 4,
    beyond: Q = Q(1, 10**6),
    **simulated: Any,
) -> None:
    """Trace, replay and simulate a method, and compare."""
    run = trace(make(stepsize=stepsize, **numbers), classes(problem, beyond), kind, steps=steps, **(symbolic or {}))
    gaps = [run.measure(gap, step) for step in range(steps + 1)]
    send = {} if compressor is None else {"c": compressor.compress}
    found = numbered(run, problem, x0, {**send, **(senders or {})})
    constraints = run.model.constraints()
    assert len(constraints) >= problem.workers * steps
    for one in constraints:
        value = found.number(one.expression)
        assert abs(value) <= 1e-9 if one.equality else value <= 1e-9, one.name
    own = {name: in_floats(value) for name, value in numbers.items()}
    floating = make(stepsize=in_floats(stepsize) if floats is None else floats, **own)
    result = simulate(problem, floating, compressor, steps=steps, x0=x0 if x0.ndim == 1 else x0[None], record="all",
                      keep=tuple(name for name, _ in run.states[0]), unproven=True, progress=False,
                      **simulated)  # fmt: skip
    for step, state in enumerate(states(run, found, problem.x_star, places)):
        for name, value in state.items():
            wanted = result[name].isel(run=0, step=step).transpose(..., "coordinate").values
            np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-12, err_msg=f"{name}_{step}")
    np.testing.assert_allclose([found.number(one) for one in gaps], result.f_gap.isel(run=0), rtol=0, atol=1e-11)


TOP_2 = {"compressor": TopK(k=2), "kind": Projection(delta=Q(2, 5))}  # and so contractive


def test_every_method_is_traced_or_said_not_to_be():
    listed = [*TRACED, *GOSSIP, *UNTRACED]
    assert sorted(listed) == sorted(names(METHODS)), "put a new method in one of the lists"


@pytest.mark.parametrize(("name", "why"), UNTRACED.items())
def test_a_method_that_cannot_be_traced_says_why(name, why):
    numbers, reason = why
    with pytest.raises(WrongUse, match=reason):
        trace(load(METHODS, name)(stepsize=STEPSIZE, **numbers), Smooth(), Contractive(delta=Q(1, 2)), steps=1)


@pytest.mark.parametrize("name", TRACED)
def test_simulated_trajectories_are_those_of_the_model(name):
    follow(load(METHODS, name), TRACED[name], unlike(2, 5), **({} if name == "sgd" else TOP_2))


@pytest.mark.parametrize("name", TRACED)
def test_constants_that_are_too_good_are_noticed(name):
    method = load(METHODS, name), TRACED[name], unlike(2, 5)
    given = {} if name == "sgd" else TOP_2
    with pytest.raises(AssertionError, match=r"f\d\("):
        follow(*method, **given, beyond=Q(-1, 3))
    if name not in ("sgd", "ef21-ideal"):  # which, with exact gradients, have nothing to compress
        with pytest.raises(AssertionError, match="message"):
            follow(*method, **{**given, "kind": Contractive(delta=Q(19, 20))})


def test_a_decentralised_trajectory_with_gradients_on_a_ring():
    graph, x0 = ring(3), X0 + np.random.default_rng(2).standard_normal((3, 5))
    follow(load(METHODS, "choco"), GOSSIP["choco"], unlike(3, 5), **TOP_2, x0=x0,
           symbolic={"topology": graph, "start": "any"}, topology=graph, places=("x", "public"), steps=3)  # fmt: skip


@pytest.mark.parametrize("name", GOSSIP)
def test_what_starts_copies_of_iterates_at_the_origin_or_sends_iterates_is_refused(name):
    method, options = load(METHODS, name)(stepsize=STEPSIZE, **GOSSIP[name]), {"workers": 3, "topology": ring(3)}
    with pytest.raises(WrongUse, match="counted from 0"):
        trace(method, Smooth(), TOP_2["kind"], steps=1, minimiser="shared", **options)


class Unperturbed(PowerEF):
    """Power-EF without its perturbation."""

    def perturbation(self, draw, x):
        return 0 * x


class BothWays(Algorithm):
    """EF21, with the server's iterate sent by compressed differences too."""

    def init(self, x, oracle, channel, draw):
        return State(x=x, public=x, estimate=channel.send(oracle.sample(x)))

    def step(self, state, oracle, channel, draw):
        x = state.x - self.stepsize * mean(state.estimate)
        public = state.public + channel.broadcast(x - state.public)
        change = channel.send(oracle.sample(public) - state.estimate)
        return State(x=x, public=public, estimate=state.estimate + change)


def test_several_messages_of_a_step():
    follow(Unperturbed, {"rounds": 2}, unlike(2, 5), **TOP_2, steps=3)


def test_compression_on_the_way_down():
    symbolic, down = {"down": Contractive(delta=Q(1, 5))}, TopK(k=1)
    follow(BothWays, {}, unlike(2, 5), **TOP_2, senders={"b": down.compress}, symbolic=symbolic, down=down,
           places=("x", "public"))  # fmt: skip


@dataclass(frozen=True)
class Slowing(Schedule):
    """1/(2 + t), exact or not."""

    number: Callable[[Q], Any]

    def __call__(self, step: int) -> Any:
        return self.number(Q(1, 2 + step))


@pytest.mark.parametrize("name", ["error-feedback", "gradient-memory", "ef21", "compressed-sgd"])
def test_step_sizes_that_change(name):
    follow(load(METHODS, name), {}, unlike(2, 5), stepsize=Slowing(Q), floats=Slowing(float), **TOP_2)


class Rounded(Quadratic):
    """A quadratic whose samples are gradients rounded to quarters."""

    def stochastic_gradient(self, x, draw, batch):
        return quarters(self.gradient(x))


def quarters(g):
    return np.round(4 * g) / 4


@pytest.mark.parametrize("name", [name for name in TRACED if name != "ef-gd-star"])  # which wants exact gradients
def test_inexact_gradients(name):
    made = unlike(2, 5)
    problem = Rounded(made.hessians, made.linear)
    noise = {"inexact": AbsoluteError(kappa_sq=Q(5, 64))}
    follow(load(METHODS, name), TRACED[name], problem, **({} if name == "sgd" else TOP_2), senders={"d": quarters},
           symbolic=noise, batch=1)  # fmt: skip


class Sampled(Quadratic):
    """A quadratic whose samples have a noise of mean 0: relative, or of variance 6."""

    relative = False

    def stochastic_gradient(self, x, draw, batch):
        return self.noisy(self.gradient(x), RAND_1.message(np.ones((len(x), self.workers, self.dimension)), draw))

    def noisy(self, g, mask):
        return g + (mask - 1) * (g if self.relative else 1)


class RelativelySampled(Sampled):
    relative = True


RAND_1 = RandK(k=1, unbiased=True)
RANDOM: dict[str, tuple[type, str, dict[str, Any], RandK | None, dict[str, Any], int]] = {
    "unbiased": (Quadratic, "compressed-sgd", {}, RAND_1, {"compressor": Unbiased(omega=2)}, 2),
    "shared": (Quadratic, "compressed-sgd", {}, RandK(k=1, unbiased=True, common=True),
               {"compressor": Unbiased(omega=2, shared=True)}, 2),
    "shifts": (Quadratic, "diana", {"rate": Q(1, 3)}, RAND_1, {"compressor": Unbiased(omega=2)}, 2),
    "memory": (Quadratic, "error-feedback", {}, RandK(k=1), {"compressor": Projection(delta=Q(1, 3))}, 2),
    "estimates": (Quadratic, "ef21", {}, RandK(k=2), {"compressor": Projection(delta=Q(2, 3))}, 1),
    "samples": (RelativelySampled, "sgd", {}, None, {"inexact": Unbiased(omega=2)}, 2),
    "noise": (Sampled, "sgd", {}, None, {"inexact": Noise(sigma_sq=6)}, 2),
}  # fmt: skip


@pytest.mark.parametrize("case", RANDOM)
def test_random_compressors_satisfy_the_inequalities_in_expectation(case):
    """All outcomes are played, and products averaged by their probabilities; a simulated run is one of them."""
    make, name, numbers, compressor, known, steps = RANDOM[case]
    made, runs, x0 = unlike(2, 3), 200, X0[:3]
    problem = make(made.hessians, made.linear)
    run = trace(load(METHODS, name)(stepsize=STEPSIZE, **numbers), classes(problem), steps=steps, **known)
    run.measure(gap)
    law = outcomes(compressor or RAND_1, np.ones((1, 1, 3)))  # a mask for each outcome
    each = 2 if compressor is not None and compressor.common else 1  # messages that have one outcome
    gram: Any = 0.0
    scalars: Any = 0.0
    ends = []
    for played in product(range(len(law.sent)), repeat=len(run.model.messages) // each):
        masks = iter(np.repeat(law.sent[list(played), 0], each, axis=0))
        senders = {
            "c": lambda u, masks=masks: u * next(masks),
            "d": lambda g, masks=masks: problem.noisy(g, next(masks)),
        }
        found = numbered(run, problem, x0, senders)
        probability = law.probability[list(played)].prod()
        gram = gram + probability * found.vectors @ found.vectors.T
        scalars = scalars + probability * found.scalars
        ends.append(np.concatenate([*states(run, found, problem.x_star)[-1].values()]).ravel())
    for one in run.model.constraints():
        products = sum(float(value) * gram[place] for place, value in one.expression.gram().items())
        values = sum(float(value) * scalars[j] for j, value in (one.expression.scalars or {}).items())
        value = products + values + float(one.expression.constant)
        exact = one.equality or one.name.startswith("message")  # Rand-k has its variance whatever it is given
        assert abs(value) <= 1e-9 if exact else value <= 1e-9, one.name
    floating = load(METHODS, name)(stepsize=0.25, **{name: float(value) for name, value in numbers.items()})
    fields = tuple(name for name, _ in run.states[0])
    result = simulate(problem, floating, compressor, steps=steps, x0=x0, runs=runs, keep=fields, record="all",
                      batch=1 if compressor is None else "full", unproven=True, progress=False)  # fmt: skip
    last = result.isel(step=-1).transpose("run", ..., "coordinate")
    simulated = np.concatenate([last[name].values.reshape(runs, -1) for name in fields], axis=1)
    apart = np.abs(simulated[:, None] - np.array(ends)).max(axis=-1)
    assert apart.min(axis=1).max() <= 1e-12
    different = len(np.unique(np.round(ends, 9), axis=0))
    assert len(set(apart.argmin(axis=1))) > different / 2  # with seed 0
