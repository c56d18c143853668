"""From nothing to a report: the same in one process and in two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas
from matplotlib.figure import Figure as Picture

from figures import _reproduce
from figures._base import Drawing, Figure
from figures._report import KINDS
from figures._reproduce import reproduce
from problems import Quadratic
from proofs_check.claim import Claim, Instance
from toolkit import Experiment
from toolkit.algorithms import SGD

NAMES = ["three-workers", "accounting"]


def timeless(records: list[dict[str, Any]]) -> str:
    return json.dumps([record | {"seconds": None} for record in records])


def test_report_is_the_same_whatever_the_number_of_jobs(tmp_path: Path) -> None:
    first, second = (reproduce(NAMES, level="quick", out=tmp_path / str(jobs), jobs=jobs).records for jobs in (1, 2))
    assert timeless(first) == timeless(second)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / str(jobs) / "figures").iterdir()} for jobs in (1, 2)
    )
    assert one == two
    assert len(one) == len(NAMES) * len(KINDS)


class SameName(Figure):
    """A figure with the name of a claim, and an experiment of the same name as the claim's."""

    name = title = "same"

    def experiments(self, level):
        return {"steps": Experiment(Quadratic(hessians=[[1.0, 2.0]]), SGD(), stepsize=0.1, steps=3)}

    def draw(self, data, records, level):
        table = pandas.DataFrame({"step": data["steps"].step})
        return Drawing(self.title, Picture(), table, f"The claim has {records[0]['measured']} steps.")


class SameNameToo(Claim):
    id = title = statement = reference = "same"

    def experiments(self, level):
        return {"steps": Experiment(Quadratic(hessians=[[1.0, 2.0]]), SGD(), stepsize=0.1, steps=5)}

    def check(self, data, level):
        return [Instance("steps", "holds", measured=data["steps"].sizes["step"] - 1)]


def test_a_figure_and_a_claim_of_one_name_each_get_their_own_results(tmp_path: Path, monkeypatch) -> None:
    chosen = {"same": SameName()}, {"same": SameNameToo()}
    monkeypatch.setattr(_reproduce, "_chosen", lambda names: chosen)
    made = reproduce(level="quick", out=tmp_path, jobs=1)
    assert made.records[0]["measured"] == 5
    assert "The claim has 5 steps." in made.page.read_text(encoding="utf-8")
    assert pandas.read_csv(tmp_path / "figures" / "same.csv").step.tolist() == [0, 1, 2, 3]
