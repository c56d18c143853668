"""Worst cases by short texts: methods, their fields, what is measured, and what that assumes."""

from __future__ import annotations

from fractions import Fraction as Q
from math import sqrt
from typing import Any

import pytest

from proofs_check.worst_case import solve, statement
from proofs_check.worst_case.certificate import require_checkable
from proofs_check.worst_case.classics import thetas
from proofs_check.worst_case.gossip import gossip
from proofs_check.worst_case.methods import SHORT, method_named, names
from proofs_check.worst_case.naming import case, completed, described
from toolkit.algorithms import Algorithm, CompressedSGD, State, mean
from toolkit.errors import WrongUse
from toolkit.topology import ring


class Sluggish(Algorithm):
    """A method of a user's own."""

    beta: float

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=state.x - self.beta * self.stepsize * mean(oracle.sample(state.x)))


def value(**given: str) -> float:
    return solve(described({"stepsize": "1"} | given)).value


@pytest.mark.parametrize(("text", "words"), [
    ("diana", "write diana:rate=1/2"),
    ("choco", "write choco:consensus=1/2"),
    ("power-ef", "write power-ef:rounds=1"),
    ("power-ef:rounds=1/2", "rounds=1/2 is not a whole number"),
    ("power-ef:rounds=1000000", "not a whole number up to"),
    ("ef21-momentum", "write ef21-momentum:momentum=1/2"),
    ("sgd:foo=1", "there is no parameter 'foo': it has no parameters"),
    ("ef21:stepsize=1", "write ef21 and --stepsize 1"),
    ("diana:alpha=1/2", "write diana:rate=1/2"),
    ("diana:rate=x", "it is no exact number"),
    ("perturbed-gd", "more than linear operations"),
    ("heavy-ball", "write heavy-ball:momentum=1/2"),
    ("triple-momentum:beta=1", "write triple-momentum:beta=1,gamma=1/2,delta=1/2"),
    ("ef12", "there is no member of that name"),
])  # fmt: skip
def test_what_a_method_lacks_is_told(text: str, words: str) -> None:
    with pytest.raises(WrongUse) as told:
        method_named(text, Q(1), steps=1)
    assert words.lower() in str(told.value).lower()


def test_every_method_is_made_or_says_what_it_needs() -> None:
    wanting = {"choco", "compressed-perturbed-sgd", "diana", "ef21-momentum", "perturbed-sgd", "power-ef", "heavy-ball"}
    wanting |= {"triple-momentum"}
    for name in {*names(), *SHORT} - wanting:
        assert isinstance(method_named(name, Q(1), steps=2), Algorithm)
    for name in wanting:
        with pytest.raises(WrongUse, match=f"Write {name}:"):
            method_named(name, Q(1), steps=2)


def test_classics_have_their_known_worst_cases() -> None:
    assert value(method="nesterov", steps="5", initial="distance") == pytest.approx(6 / 56 / 3, rel=1e-6)
    assert value(method="ogm", steps="4", initial="distance") == pytest.approx(1 / (2 * thetas(4)[-1] ** 2), rel=1e-6)
    heavy = f"heavy-ball:momentum={Q(sqrt(0.95 * 0.5)).limit_denominator(10**12)}"
    found = value(method=heavy, stepsize="1/2", functions="smooth:mu=1/10", steps="3")
    assert found == pytest.approx(0.5900555499, rel=1e-6)


def test_short_names_are_the_methods() -> None:
    assert method_named("cgd", Q(1), 1) == CompressedSGD(stepsize=Q(1))


def test_a_method_of_ones_own() -> None:
    given = {"method": "mine:Sluggish(beta=1/2)", "stepsize": "1", "functions": "smooth:mu=1/10"}
    own = solve(described(given, Sluggish)).value
    assert own == pytest.approx(value(method="sgd", stepsize="1/2", functions="smooth:mu=1/10"), rel=1e-6)
    with pytest.raises(WrongUse, match=r"Write mine:Sluggish\(beta=1/2\)"):
        case(given | {"method": "mine:Sluggish"}, Sluggish)
    with pytest.raises(WrongUse, match="is no method"):
        case(given, dict)
    with pytest.raises(WrongUse):  # without the class nothing is looked for
        case(given)


def test_gossip_is_the_one_of_the_library() -> None:
    given = {"method": "choco:consensus=1/3", "stepsize": "0", "functions": "none", "topology": "ring", "workers": "4"}
    found = described(given | {"compressor": "contractive:delta=3/4"})
    assert statement(found) == statement(gossip(ring(4), Q(1, 2), Q(1, 3)))


@pytest.mark.parametrize(("given", "words"), [
    ({"method": "sgd", "minimiser": "none"}, "it is about f*"),
    ({"method": "sgd", "measure": "gradient", "initial": "distance", "minimiser": "infimum"}, "it is about x*"),
    ({"method": "ef", "minimiser": "none", "compressor": "contractive:delta=3/4"}, "it is about x*"),
    ({"method": "sgd", "functions": "none"}, "there are none"),
    ({"method": "sgd", "minimiser": "mine"}, "nothing of the kind"),
    ({"method": "sgd", "measure": "speed"}, "there is no such measure"),
    ({"method": "choco:consensus=1", "functions": "none", "workers": "4"}, "--topology ring or complete"),
    ({"method": "choco:consensus=1", "topology": "star", "workers": "4"}, "there is none of this name"),
    ({"method": "choco:consensus=1", "topology": "ring"}, "--workers 2 or more"),
    ({"method": "choco:consensus=1", "topology": "ring", "workers": "3", "measure": "potential",
      "compressor": "contractive:delta=3/4"}, "without functions"),
    ({"method": "sgd", "stepsize": ""}, "it names no stepsize"),
])  # fmt: skip
def test_what_means_nothing_is_refused_at_once(given: dict[str, str], words: str) -> None:
    with pytest.raises(WrongUse) as told:
        case({"stepsize": "1"} | given)
    assert words in str(told.value)


@pytest.mark.parametrize(("given", "expected"), [
    ({}, ("gap", "distance", "own")),
    ({"functions": "convex"}, ("gap", "distance", "own")),
    ({"functions": "smooth:mu=1/10"}, ("gap", "gap", "own")),
    ({"functions": "smooth:mu=-1", "measure": "gradient"}, ("gradient", "gap", "infimum")),
    ({"functions": "smooth:mu=-1", "measure": "gradient", "minimiser": "own"}, ("gradient", "gap", "own")),
    ({"functions": "smooth:mu=-1", "measure": "gradient", "initial": "gradient"}, ("gradient", "gradient", "own")),
    ({"measure": "gradient"}, ("gradient", "gradient", "own")),
    ({"initial": "gradient"}, ("gap", "gradient", "own")),
    ({"minimiser": "infimum"}, ("gap", "gap", "infimum")),
])  # fmt: skip
def test_what_is_at_most_one_at_the_start(given: dict[str, str], expected: tuple[str, str, str]) -> None:
    found = completed({"method": "sgd", "stepsize": "1"} | given)
    assert (found["measure"], found["initial"], found["minimiser"]) == expected
    assert case(found).initial == expected[1]


def test_descriptions_of_old_start_with_their_measure() -> None:
    assert case({"method": "sgd", "stepsize": "1", "measure": ""}).initial == "gap"


def test_statements_too_large_for_the_verifier_are_refused_before_a_solve() -> None:
    given = {"method": "cgd", "stepsize": "1", "compressor": "contractive:delta=3/4", "minimiser": "shared"}
    require_checkable(statement(described(given | {"steps": "2"})))
    with pytest.raises(WrongUse, match="Take fewer steps or workers"):
        require_checkable(statement(described(given | {"steps": "9", "workers": "6"})))
