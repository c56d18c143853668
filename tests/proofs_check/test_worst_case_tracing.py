"""What a symbolic run refuses, because its model would say more, or something else, than what is simulated."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import ClassVar

import pytest

from proofs_check.worst_case import AbsoluteError, Contractive, Noise, Smooth, Unbiased, certify, gap, solve, trace
from toolkit.algorithms import SGD, Algorithm, State, mean
from toolkit.algorithms.choco import CHOCO
from toolkit.algorithms.ef_gd_star import EFGDStar
from toolkit.errors import WrongUse
from toolkit.topology import complete

FUNCTIONS = Smooth(mu=Q(1, 2))


class Twice(Algorithm):
    """Sends its gradient twice, and takes the mean of what arrives."""

    names: ClassVar[tuple[str | None, str | None]] = (None, None)

    def step(self, state, oracle, channel, draw):
        g = oracle.sample(state.x)
        first, second = (mean(channel.send(g, purpose=name)) for name in self.names)
        return State(x=state.x - self.stepsize * (first + second) / 2)


class Ahead(Algorithm):
    """Takes the mean of samples at x and a step on, with indices of their own or not."""

    index = 0

    def step(self, state, oracle, channel, draw):
        here = oracle.sample(state.x)
        there = oracle.sample(state.x - mean(here), self.index)
        return State(x=state.x - self.stepsize * mean(here + there) / 2)


def made(kind, **changes):
    return type(kind.__name__, (kind,), changes)(stepsize=Q(1))


def test_messages_of_one_purpose_share_their_random_numbers():
    trace(made(Twice), FUNCTIONS, Unbiased(omega=1), steps=2)
    trace(made(Twice, names=("one", "two")), FUNCTIONS, Unbiased(omega=1), steps=2)  # in every step anew
    trace(made(Twice, names=("one", "one")), FUNCTIONS, Contractive(delta=Q(1, 2)), steps=2)  # says nothing of two
    with pytest.raises(WrongUse, match=r"two messages of the purpose 'one'.*not modelled"):
        trace(made(Twice, names=("one", "one")), FUNCTIONS, Unbiased(omega=1), steps=1)


def test_samples_of_one_index_share_their_noise():
    trace(made(Ahead, index=1), FUNCTIONS, steps=2, inexact=Noise(sigma_sq=1))
    trace(made(Ahead), FUNCTIONS, steps=2, inexact=AbsoluteError(kappa_sq=1))
    with pytest.raises(WrongUse, match=r"samples of the index 0 at two points.*not modelled"):
        trace(made(Ahead), FUNCTIONS, steps=1, inexact=Noise(sigma_sq=1))


def test_several_step_sizes_are_refused():
    with pytest.raises(WrongUse, match=r"stepsize has several values.*one method for each"):
        trace(SGD(stepsize=[Q(1, 2), Q(3)]), FUNCTIONS, steps=1)


@pytest.mark.parametrize(("workers", "minimiser"), [(1, None), (2, None), (1, "infimum")])
def test_gradients_at_an_unknown_minimiser_are_refused(workers, minimiser):
    with pytest.raises(WrongUse, match="the model has no minimiser"):
        trace(
            EFGDStar(stepsize=Q(1)),
            FUNCTIONS,
            Contractive(delta=Q(1, 2)),
            workers=workers,
            steps=1,
            minimiser=minimiser,
        )
    run = trace(EFGDStar(stepsize=Q(1)), FUNCTIONS, Contractive(delta=Q(1, 2)), workers=workers, steps=1)
    assert "x_0" in run.model.vectors


def test_a_field_may_be_called_as_gradients_are():
    class HeavyBall(Algorithm):
        def init(self, x, oracle, channel, draw):
            return State(x=x, g=0 * x)

        def step(self, state, oracle, channel, draw):
            g = state.g / 4 + mean(channel.send(oracle.sample(state.x)))
            return State(x=state.x - self.stepsize * g, g=g)

    run = trace(HeavyBall(stepsize=Q(1, 4)), FUNCTIONS, Contractive(delta=Q(3, 4)), steps=3)
    assert "state_g_2" in run.model.named
    model = run.worst(gap, gap)
    assert solve(model).value <= float(certify(model).bound) < 1


class Decays(Algorithm):
    """Shrinks its iterate, as with weight decay."""

    def step(self, state, oracle, channel, draw):
        return State(x=state.x * Q(9, 10) - self.stepsize * mean(channel.send(oracle.sample(state.x))))


class SendsIterates(Algorithm):
    """Sends its iterate, not a difference."""

    def step(self, state, oracle, channel, draw):
        return State(x=mean(channel.send(state.x - self.stepsize * oracle.sample(state.x))))


@pytest.mark.parametrize(("kind", "steps"), [(Decays, 2), (SendsIterates, 1)])
@pytest.mark.parametrize("minimiser", ["own", None])
def test_a_method_that_knows_where_the_origin_is_is_refused(kind, steps, minimiser):
    """With x* = 0 it would look better than it is: f falls to its minimum without any gradient."""
    with pytest.raises(WrongUse, match="counted from 0"):
        trace(kind(stepsize=Q(1, 2)), FUNCTIONS, Contractive(delta=Q(1, 2)), steps=steps, minimiser=minimiser)


def test_copies_of_iterates_that_start_at_the_origin_are_refused():
    method, graph = CHOCO(consensus=Q(1, 2), stepsize=Q(1, 2)), complete(2)
    settings = {"steps": 2, "workers": 2, "minimiser": "shared", "topology": graph}
    with pytest.raises(WrongUse, match="counted from 0"):
        trace(method, FUNCTIONS, Contractive(delta=Q(1, 2)), **settings)
    assert trace(method, FUNCTIONS, Contractive(delta=Q(1, 2)), start="any", **settings).model.messages
