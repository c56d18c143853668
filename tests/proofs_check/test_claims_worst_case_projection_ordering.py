"""Error feedback against none where messages project: proofs that it is better, and how far spirals let it be."""

from __future__ import annotations

from fractions import Fraction as Q

import pytest
from latex2mathml.converter import convert

from proofs_check.claims.worst_case import projection_ordering
from proofs_check.worst_case import Contractive, gap, solve
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.lyapunov import Search
from proofs_check.worst_case.ordering import best_scale, compare, feedback
from proofs_check.worst_case.settings import best_stepsize
from proofs_check.worst_case.spiral import gain_limit, spiral_factor
from tests.proofs_check.judging import record_of


@pytest.mark.parametrize("kind", [projection_ordering.FeedbackFirst, projection_ordering.EF21First])
def test_verdict_is_the_expected_one(kind):
    record = record_of(kind())
    assert {one["verdict"] for one in record["instances"]} == {"holds"}, record["reason"]
    assert "\\" not in convert(kind.statement)


def test_EF21_does_not_gain_as_much_as_error_feedback():
    class Mutant(projection_ordering.EF21First):
        proved = projection_ordering.PROVED

    assert {one["verdict"] for one in record_of(Mutant())["instances"]} == {"undecided"}


def test_messages_that_need_not_project_have_no_such_proof():
    class Mutant(projection_ordering.FeedbackFirst):
        messages = Contractive

    class MutantOfEF21(projection_ordering.EF21First):
        messages = Contractive

    for mutant in (Mutant(), MutantOfEF21()):
        assert {one["verdict"] for one in record_of(mutant)["instances"]} == {"undecided"}
    with pytest.raises(Uncertified):
        compare(Q(1, 10), Q(1, 2), Q(1), 1.0, Contractive)


def test_a_proof_of_less_is_not_enough():
    class Mutant(projection_ordering.FeedbackFirst):
        def points(self, level):
            return [(2, Q(1, 2), Q(1), 0.65), (10, Q(1, 2), Q(47, 40), 0.9999)]

    assert [one["verdict"] for one in record_of(Mutant())["instances"]] == ["violated", "violated"]


def test_proofs_and_spirals_leave_little_between():
    for kappa, s, _, gain in projection_ordering.PROVED["quick"]:
        assert gain < gain_limit(1 / kappa, float(s)) < gain + 0.09


def test_the_spiral_bounds_every_search():
    for s, scale in ((Q(1, 5), Q(9, 10)), (Q(1, 2), Q(47, 40)), (Q(4, 5), Q(11, 10))):
        stepsize = scale * best_stepsize(Q(1, 10), s)
        found = Search(feedback(Q(1, 10), s, stepsize), gap).best_rate()
        lowest = max(float(spiral_factor(h, float(s), float(stepsize))) for h in (0.1, 1.0))
        assert lowest - 1e-6 < found < lowest**0.9


def test_the_best_scale_is_climbed_to_from_any_start():
    first, second = (best_scale(Q(1, 10), Q(1, 2), start, precision=1e-2) for start in (Q(1), Q(6, 5)))
    assert first[1] == pytest.approx(1.06, abs=0.02)
    assert second[1] == pytest.approx(first[1], abs=0.02)
    assert abs(second[0] - first[0]) <= Q(1, 20)
    # From a step size at which nothing contracts.
    assert best_scale(Q(1, 10), Q(1, 2), Q(3), precision=1e-2)[1] == pytest.approx(first[1], abs=0.02)


def test_a_proof_states_what_it_says():
    one = compare(Q(1, 10), Q(1, 2), Q(47, 40), 1.06)
    assert one.proof.verified().startswith("proved for every N")
    fall = feedback(one.mu, one.s, one.stepsize)(1).worst(one.proof.potential, one.proof.potential)
    assert solve(fall).value <= one.proof.rate < one.without == Q(841, 961)
