"""Claims judged in one process and in two."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from problems import Quadratic
from proofs_check import checking
from proofs_check.checking import check_claims, judge_claims
from proofs_check.claim import Claim, Instance
from toolkit import Experiment, Store
from toolkit.algorithms import SGD
from toolkit.errors import WrongUse
from toolkit.sweep import run_all

CLAIMS = ["D5-repair", "S-d2", "S-a5"]


@pytest.mark.parametrize("kept", [True, False])
def test_records_are_the_same_whatever_the_number_of_jobs(tmp_path: Path, kept: bool) -> None:
    """From the store, which processes read themselves, and without one, when results are sent to them."""
    one, two = (
        [
            record | {"seconds": None}
            for record in check_claims(CLAIMS, store=Store(tmp_path / str(jobs)) if kept else None, jobs=jobs)
        ]
        for jobs in (1, 2)
    )
    assert one == two
    assert [record["id"] for record in one] == CLAIMS


class Small(Claim):
    id = "small"

    def experiments(self, level):
        return {"five steps": Experiment(Quadratic(hessians=[[1.0, 2.0]]), SGD(), stepsize=0.1, steps=5)}

    def check(self, data, level):
        return [Instance(name, "holds", ratio=float(one.f[0, -1])) for name, one in data.items()]


class Failing(Claim):
    id = "failing"

    def check(self, data, level):
        raise ZeroDivisionError("by nothing")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_claim_that_fails_is_named(jobs: int) -> None:
    results = run_all({"small/five steps": Small().experiments("quick")["five steps"]}, jobs=1)
    with pytest.raises(ZeroDivisionError, match="by nothing") as raised:
        judge_claims({"small": Small(), "failing": Failing()}, results, "quick", jobs=jobs)
    assert raised.value.__notes__ == ["This was the claim failing."]
    assert judge_claims({"small": Small()}, results, "quick")[0]["instances"][0]["name"] == "five steps"


def modules_of(monkeypatch: pytest.MonkeyPatch, *ids: str) -> list[str]:
    """Make a module for each id, with one claim in it, where claims are looked for; return their names."""
    found = {}
    for number, one in enumerate(ids):
        module = ModuleType(f"claims.number_{number}")
        module.Made = type("Made", (Claim,), {"id": one, "__module__": module.__name__})
        module.AlsoMade = module.Made  # another name of one claim is no other claim
        found[str(number)] = module
    monkeypatch.setattr(checking.members, "load_module", lambda package, name: found[name])
    return list(found)


@pytest.mark.parametrize("second", ["WC-EF", "WC-ef", "wc_ef", "WCEF", "WC.EF", "WC EF"])
def test_ids_that_differ_by_case_or_punctuation_only_are_refused(monkeypatch: pytest.MonkeyPatch, second: str) -> None:
    names = modules_of(monkeypatch, "WC-EF", second)
    with pytest.raises(WrongUse, match="two claims have this id") as raised:
        checking._claims_in(names)
    assert f"'WC-EF' of claims.number_0 and {second!r} of claims.number_1" in str(raised.value)


def test_ids_of_other_letters_or_digits_are_two_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    names = modules_of(monkeypatch, "WC-EF", "WC-EF21", "WC-EF-n")
    assert list(checking._claims_in(names)) == ["WC-EF", "WC-EF21", "WC-EF-n"]


def test_an_id_that_is_the_name_of_a_group_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongUse, match="the group 'worst-case' has this name"):
        checking._claims_in(modules_of(monkeypatch, "WorstCase"))
