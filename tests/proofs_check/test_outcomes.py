"""All outcomes of a random compressor, against closed forms, hand-counted laws and samples."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from proofs_check.forking import subsets
from proofs_check.outcomes import NotFinite, outcomes
from proofs_check.panel import panel
from toolkit.compressors import QSGD, Compressor, Natural, RandK, Scaled, TopK
from toolkit.draws import Draw


def law(compressor, x):
    """Return the messages of one vector of one worker, as tuples, and the probability of each."""
    every = outcomes(compressor, np.array(x, dtype=float)[None, None])
    found = {}
    for sent, probability in zip(every.sent[:, 0].tolist(), every.probability, strict=True):
        found[tuple(sent)] = found.get(tuple(sent), 0.0) + probability
    return found


class Of(Compressor):
    """What a function of the draw says."""

    random = True

    def __init__(self, function, **declared):
        object.__setattr__(self, "function", function)
        for name, value in declared.items():
            object.__setattr__(self, name, value)

    def message(self, x, draw):
        return self.function(x, draw) + 0.0 * x


@pytest.mark.parametrize(
    "compressor", [QSGD(s=1), QSGD(s=3), Natural(), RandK(k=2), RandK(k=2, unbiased=True), Scaled(QSGD(s=1)), TopK(k=2)]
)
def test_expectations_are_those_of_the_closed_forms(compressor):
    x = panel(5, 6).x
    every = outcomes(compressor, x)
    assert every.expect(np.ones(len(every.sent))) == pytest.approx(np.ones(len(x)), rel=1e-14)
    error = every.expect(((every.sent - x[every.vector]) ** 2).sum(axis=-1))
    # Sums of 5 terms over at most 32 outcomes; a threshold is good to an eps of the level that it is the rest of.
    np.testing.assert_allclose(error, compressor.expected_error(x), rtol=1e-12, atol=1e-14)


def test_every_kind_of_choice_is_forked():
    x = np.zeros(3)
    assert law(Of(lambda x, draw: draw.of("s").subset(3, 1)), x) == {
        (1, 0, 0): pytest.approx(1 / 3),
        (0, 1, 0): pytest.approx(1 / 3),
        (0, 0, 1): pytest.approx(1 / 3),
    }
    assert len(law(Of(lambda x, draw: draw.permutation(3)), x)) == 6
    assert set(law(Of(lambda x, draw: draw.signs(3)), x)) == set(itertools.product([1.0, -1.0], repeat=3))
    coins = law(Of(lambda x, draw: draw.coin(0.2)), x)
    assert coins == {(1, 1, 1): pytest.approx(0.2), (0, 0, 0): pytest.approx(0.8)}


def test_choices_that_depend_on_earlier_ones():
    def message(x, draw):
        kept = draw.of("kept").subset(2, 1)
        return kept * (draw.of("up").uniform(2) < np.where(kept, 0.25, 0.5))

    assert law(Of(message), [0.0, 0.0]) == {
        (1, 0): pytest.approx(1 / 8),
        (0, 1): pytest.approx(1 / 8),
        (0, 0): pytest.approx(3 / 4),
    }


def test_uniform_numbers_compared_twice_are_the_same_numbers():
    def message(x, draw):
        u = draw.uniform(1)
        return 1.0 * (u < 0.25) + 1.0 * (u <= 0.5) + 4.0 * (draw.uniform(1) > 0.9)

    found = law(Of(message), [0.0])
    assert found == {
        (2,): pytest.approx(0.25),
        (1,): pytest.approx(0.25),
        (0,): pytest.approx(0.4),
        (4,): pytest.approx(0.1),
    }


def test_uniform_numbers_may_be_shifted_scaled_rounded_and_rearranged():
    assert law(Of(lambda x, draw: np.floor(3 * draw.uniform(1) - 0.5)), [0.0]) == {
        (-1,): pytest.approx(1 / 6),
        (0,): pytest.approx(1 / 3),
        (1,): pytest.approx(1 / 3),
        (2,): pytest.approx(1 / 6),
    }
    assert law(Of(lambda x, draw: np.rint(1 - draw.uniform(1) / 1)), [0.0]) == {
        (0,): pytest.approx(0.5),
        (1,): pytest.approx(0.5),
    }
    turned = law(Of(lambda x, draw: draw.uniform(2)[..., ::-1] < np.array([0.25, 1.0])), [0.0, 0.0])
    assert turned == {(1, 1): pytest.approx(0.25), (0, 1): pytest.approx(0.75)}
    several = law(Of(lambda x, draw: (draw.uniform(1)[..., None] < np.array([0.25, 0.75])).sum(axis=-1)), [0.0])
    assert several == {(2,): pytest.approx(0.25), (1,): pytest.approx(0.5), (0,): pytest.approx(0.25)}


def test_numbers_of_one_address_begin_alike():
    def message(x, draw):
        return 1.0 * (draw.uniform(1) < 0.5) + 2.0 * (draw.uniform(2) < 0.5)

    assert set(law(Of(message), [0.0, 0.0])) == {(3, 3), (3, 1), (0, 0), (0, 2)}


def test_workers_draw_their_own_numbers_or_share_them():
    x = np.zeros((1, 2, 1))
    own = outcomes(Of(lambda x, draw: draw.coin(0.5)), x)
    assert len(own.sent) == 4
    shared = outcomes(Of(lambda x, draw: draw.coin(0.5), shared=True), x)
    assert shared.sent[:, :, 0].tolist() == [[1, 1], [0, 0]]
    both = outcomes(Of(lambda x, draw: 1.0 * draw.coin(0.5) + 2.0 * draw.per_worker.coin(0.5), shared=True), x)
    assert len(both.sent) == 8


def test_vectors_fork_apart():
    every = outcomes(QSGD(s=1), np.array([[[3.0, 0.0]], [[1.0, 1.0]], [[0.0, 0.0]]]))
    assert np.bincount(every.vector).tolist() == [1, 4, 1]
    assert every.then(every).vector.tolist() == [*every.vector, *(every.vector + 3)]


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x, draw: draw.normal(1), "normal numbers"),
        (lambda x, draw: np.asarray(draw.uniform(1)), "values of uniform numbers"),
        (lambda x, draw: np.sqrt(draw.uniform(1)), "numpy.sqrt"),
        (lambda x, draw: np.floor(1000 * draw.uniform(1)), "more than 64 integers"),
        (lambda x, draw: draw.signs(1) + draw.coin(0.5), "drawn at one address, so they are dependent"),
        (lambda x, draw: draw.permutation(9)[..., :1], "more than"),
        (lambda x, draw: draw.nothing(1), "does not run on a script"),
    ],
)
def test_what_cannot_be_enumerated_is_refused(function, why):
    with pytest.raises(NotFinite, match=why):
        outcomes(Of(function), np.zeros((1, 1, 1)))


def test_a_message_that_wants_more_than_a_script_has_is_made_from_its_parts():
    class Fast(QSGD):
        def message(self, x, draw):
            return x * draw.words_of_the_machine()

    x = np.array([3.0, -1.0])
    assert law(Fast(s=1), x) == law(QSGD(s=1), x)

    class Torn(Fast):
        def assemble(self, parts, draw, d, dtype):
            return draw.words_of_the_machine()

    with pytest.raises(NotFinite, match=r"parts\(x, draw\) does not run on a script"):
        outcomes(Torn(s=1), x[None, None])


def test_outcomes_are_what_is_drawn():
    """Frequencies of 4096 messages: by Hoeffding, each of 8 is off by more than the margin with probability 1e-9/8."""
    x, runs = np.array([0.3, -1.7, 2.5]), 4096
    sent = QSGD(s=2).compress(x, Draw(np.arange(runs)))[:, 0]
    margin = math.sqrt(math.log(2 * 8 / 1e-9) / (2 * runs))
    found = law(QSGD(s=2), x)
    assert set(map(tuple, sent.tolist())) <= set(found)
    for message, probability in found.items():
        assert abs((sent == message).all(axis=-1).mean() - probability) <= margin


def test_all_subsets():
    assert subsets(5, 2).shape == (10, 5)
    assert len(np.unique(subsets(5, 2), axis=0)) == 10
    assert subsets(3, 0).tolist() == [[False] * 3]
