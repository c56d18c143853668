"""Descriptions: equal descriptions are equal experiments, and every change that matters changes them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from problems import LogisticRegression, Quadratic
from toolkit import Experiment, Store
from toolkit.algorithms import EF21, SGD, ErrorFeedback
from toolkit.averages import contracting, geometric, uniform
from toolkit.compressors import QSGD, HardThreshold, Identity, RandK, Scaled, TopK
from toolkit.errors import WrongUse
from toolkit.experiment import default_record, describe
from toolkit.stepsizes import Decaying, prescribed

PROBLEM = Quadratic.generate(3, 5, spectrum=(0.1, 1.0), seed=1)
BASE = dict(problem=PROBLEM, algorithm=EF21(), compressor=TopK(k=2), stepsize=0.1, steps=10)

CHANGES = [
    dict(problem=Quadratic.generate(3, 5, spectrum=(0.1, 1.0), seed=2)),
    dict(problem=Quadratic(hessians=np.ones((3, 5)))),
    dict(algorithm=ErrorFeedback()),
    dict(compressor=TopK(k=3)),
    dict(compressor=TopK(k=[2, 3])),
    dict(compressor=Scaled(QSGD(s=2))),
    dict(compressor=Scaled(QSGD(s=3))),
    dict(down=TopK(k=2)),
    dict(stepsize=0.2),
    dict(stepsize=[0.1, 0.2]),
    dict(stepsize=Decaying(1.0, 10)),
    dict(stepsize=Decaying(1.0, 11)),
    dict(stepsize=prescribed()),
    dict(stepsize=prescribed(factor=2)),
    dict(steps=11),
    dict(runs=2),
    dict(seed=1),
    dict(x0=np.ones(5)),
    dict(record=[0, 10]),
    dict(keep=("x",)),
    dict(average={"f_gap": uniform}),
    dict(average={"f_gap": geometric(0.5)}),
    dict(average={"f_gap": contracting(0.5)}),
    dict(stop=lambda x: x[:, 0, 0] > 1),
    dict(stop=lambda x: x[:, 0, 0] > 2),
    dict(limit=1e6),
]


def test_every_setting_is_part_of_the_description() -> None:
    lines = {Experiment(**BASE).canonical} | {Experiment(**(BASE | change)).canonical for change in CHANGES}
    assert len(lines) == len(CHANGES) + 1


def test_the_description_is_plain_data_and_the_same_in_another_process() -> None:
    code = (
        "from problems import Quadratic; from toolkit import Experiment; from toolkit.algorithms import EF21\n"
        "from toolkit.compressors import TopK\n"
        "problem = Quadratic.generate(3, 5, spectrum=(0.1, 1.0), seed=1)\n"
        "print(Experiment(problem, EF21(), TopK(k=2), stepsize=0.1, steps=10).canonical)"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other == Experiment(**BASE).canonical
    assert json.loads(other)["compressor"] == {"class": "toolkit.compressors.top_k.TopK", "k": 2}


def test_arrays_are_described_by_content() -> None:
    a = np.arange(4.0)
    assert describe(a) == describe(a.copy())
    assert describe(a) != describe(a.astype(np.float32))
    assert describe(a) != describe(a.reshape(2, 2))
    assert describe(a.reshape(2, 2)) != describe(np.asfortranarray(a.reshape(2, 2).T))


def test_data_problems_are_described_by_their_arguments() -> None:
    one = describe(LogisticRegression.on("breast-cancer", workers=4))
    assert one == describe(LogisticRegression.on("breast-cancer", workers=4))
    assert one != describe(LogisticRegression.on("breast-cancer", workers=5))


def test_an_experiment_without_source_runs_but_is_not_described() -> None:
    shared: dict[str, object] = {}
    exec("from toolkit.algorithms import SGD\nclass Mine(SGD):\n    pass", shared)
    experiment = Experiment(PROBLEM, shared["Mine"](), stepsize=0.1, steps=3)  # type: ignore[operator]
    assert not experiment.describable
    assert experiment == experiment
    assert experiment != Experiment(PROBLEM, SGD(), stepsize=0.1, steps=3)


def test_the_default_record_is_bounded_and_has_the_ends() -> None:
    for steps in (1, 7, 180, 181, 10_000, 1_000_000):
        record = default_record(steps)
        assert record[0] == 0
        assert record[-1] == steps
        assert len(record) < 210
        assert {1, 2, 5, 10, 20, 50, 100, 200, 500}.intersection(range(steps + 1)) <= set(record)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (dict(problem=object()), "the problem has no 'workers'"),
        (dict(algorithm=EF21), "this is not a method"),
        (dict(compressor="top-k"), "is not a compressor"),
        (dict(steps=0), "steps=0"),
        (dict(steps=2.5), "steps=2.5"),
        (dict(seed=-1), "seed=-1"),
        (dict(stepsize=float("nan")), "finite"),
        (dict(stepsize=[0.1, -0.1]), "at least 0"),
        (dict(x0=np.ones((2, 5))), "x0 has shape"),
        (dict(average={"f_gap": geometric([0.5, 0.6])}), "one q for each run"),
        (dict(record="some"), "Give 'all' or steps"),
        (dict(compressor=HardThreshold(raw=0.1)), "unproven"),
        (dict(compressor=RandK(k=1, unbiased=True)), "Scaled"),
    ],
)
def test_bad_settings_are_refused(change: dict, says: str) -> None:
    with pytest.raises(WrongUse, match=says):
        Experiment(**(BASE | change))


def test_the_key_covers_the_sources(tmp_path, monkeypatch) -> None:
    import toolkit.store

    experiment = Experiment(PROBLEM, SGD(), Identity(), stepsize=0.1, steps=3)
    before = Store.key(experiment)
    monkeypatch.setattr(toolkit.store, "source_hash", lambda: "edited")
    assert Store.key(experiment) != before
