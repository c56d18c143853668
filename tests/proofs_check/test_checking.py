"""Claims judged in one process and in two."""

from __future__ import annotations

from pathlib import Path

import pytest

from problems import Quadratic
from proofs_check.checking import check_claims, judge_claims
from proofs_check.claim import Claim, Instance
from toolkit import Experiment, Store
from toolkit.algorithms import SGD
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
