"""Descriptions: equal descriptions are equal experiments, and every change that matters changes them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest

from problems import LogisticRegression, Quadratic
from toolkit import Experiment, Store, simulate
from toolkit.algorithms import EF21, SGD, ErrorFeedback
from toolkit.averages import contracting, geometric, uniform
from toolkit.compressors import QSGD, HardThreshold, Identity, RandK, Scaled, TopK
from toolkit.description import NotDescribable, describe
from toolkit.errors import WrongUse
from toolkit.experiment import default_record
from toolkit.parameters import Schedule
from toolkit.stepsizes import Decaying, prescribed
from toolkit.topology import ring

PROBLEM = Quadratic.generate(3, 5, spectrum=(0.1, 1.0), seed=1)
BASE = dict(problem=PROBLEM, algorithm=EF21(), compressor=TopK(k=2), stepsize=0.1, steps=10)


class Single:
    """A problem that is no subclass, in the precision of its iterates."""

    workers, dimension = 2, 3

    def value(self, x):
        return 0.5 * (x * x).sum(axis=-1).repeat(2, axis=1)

    def gradient(self, x):
        return np.repeat(x, 2, axis=1)


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
    described = {"class": "toolkit.compressors.top_k.TopK", "k": 2, "fraction": None, "ties": "lowest"}
    assert json.loads(other)["compressor"] == described


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
        (dict(compressor="top-k"), "give a compressor such as"),
        (dict(down="top-k"), "down='top-k'"),
        (dict(down=TopK(k=9)), "k is larger"),
        (dict(topology="ring"), "give a graph"),
        (dict(topology=ring(4)), "the graph has 4 workers"),
        (dict(average={"f_gap": 1.0}), "toolkit.averages.uniform"),
        (dict(average={"memory": uniform}), "toolkit.averages.uniform"),
        (dict(stop=3), "a function of the iterates"),
        (dict(stepsize="a"), "stepsize='a'"),
        (dict(stepsize=np.float32(-1)), "stepsize=-1.0"),
        (dict(stepsize=np.int64(-1)), "stepsize=-1"),
        (dict(stepsize=np.ones((2, 2))), "an array of shape"),
        (dict(x0="a"), "x0='a'"),
        (dict(x0=[[1.0], [1.0, 2.0]]), "give numbers of shape"),
        (dict(record=3), "Give 'all' or steps"),
        (dict(batch=2, problem=Single()), "no stochastic_gradient"),
        (dict(steps=0), "steps=0"),
        (dict(steps=2.5), "steps=2.5"),
        (dict(seed=-1), "seed=-1"),
        (dict(stepsize=float("nan")), "finite"),
        (dict(stepsize=[0.1, -0.1]), "at least 0"),
        (dict(x0=np.ones((2, 5))), "x0 has shape"),
        (dict(steps=10.0), "steps=10.0"),
        (dict(seed=0.5), "seed=0.5"),
        (dict(batch=True), "batch=True"),
        (dict(record=[1.7]), "Give 'all' or steps"),
        (dict(limit=float("nan")), "limit=nan"),
        (dict(record="some"), "Give 'all' or steps"),
        (dict(compressor=HardThreshold(raw=0.1)), "unproven"),
        (dict(compressor=HardThreshold(raw=0.1, lam=1.0), unproven=True), "gradients, for which lam is raw = lam = 1"),
        (dict(down=HardThreshold(raw=0.1, lam=1.0)), "gradients, for which lam is raw = lam = 1"),
        (dict(compressor=RandK(k=1, unbiased=True)), "Scaled"),
    ],
)
def test_bad_settings_are_refused(change: dict, says: str) -> None:
    with pytest.raises(WrongUse, match=f"(?i){re.escape(says)}"):
        Experiment(**(BASE | change))


def any_below(x):
    return (np.abs(x) < 1).any(axis=(1, 2))


LEVEL = 1.0


def below_level(x):
    return x[:, 0, 0] < LEVEL


def with_default(x, *, level=1):
    return x[:, 0, 0] < level


class Cosine(Schedule):
    def __init__(self, g):
        self._g = g

    def __call__(self, step):
        return self._g * np.cos(step)


class Shifted(Quadratic):
    def __init__(self, shift, **arguments):
        super().__init__(**arguments)
        self._shift = shift


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a


def generated(sigma_sq):
    problem = Quadratic.generate(2, 3, seed=1)
    problem.sigma_sq = sigma_sq
    return problem


DIFFERENT = [
    (lambda x: (np.abs(x) < 1).any(axis=(1, 2)), lambda x: (np.abs(x) < 1).all(axis=(1, 2))),
    (lambda x: [y for y in x if y > 1], lambda x: [y for y in x if y > 2]),
    (partial(with_default, level=1), partial(with_default, level=2)),
    (np.any, np.all),
    (np.isnan, np.isfinite),
    (Cosine(0.01), Cosine(0.5)),
    (Cosine(0.01).__call__, Cosine(0.5).__call__),
    (Shifted(1, hessians=np.ones((1, 2))), Shifted(2, hessians=np.ones((1, 2)))),
    (Slotted(1), Slotted(2)),
    (generated(1.0), generated(2.0)),
    (np.float32(1.0).dtype, np.float64(1.0).dtype),
    (EF21, SGD),
    (b"a", b"b"),
    (Path("a"), Path("b")),
    ({1, 2}, {1, 3}),
    (1 + 2j, 1 + 3j),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_what_differs_is_described_differently(one, other) -> None:
    assert describe(one) == describe(one)
    assert describe(one) != describe(other)
    json.dumps(describe(one))


def test_what_a_function_refers_to_is_part_of_it(monkeypatch) -> None:
    first = describe(below_level)
    monkeypatch.setitem(below_level.__globals__, "LEVEL", 2.0)
    assert describe(below_level) != first
    changed = describe(with_default)
    monkeypatch.setattr(with_default, "__kwdefaults__", {"level": 3})
    assert describe(with_default) != changed


def test_what_cannot_be_told_apart_is_not_described() -> None:
    for nameless in (object(), np.array([object()])):
        with pytest.raises(NotDescribable):
            describe(nameless)
    experiment = Experiment(**(BASE | {"stop": itemgetter(0)}))
    assert not experiment.describable
    assert experiment != Experiment(**(BASE | {"stop": itemgetter(0)}))


def test_a_module_beside_a_users_class_is_part_of_it(tmp_path) -> None:
    (tmp_path / "helper.py").write_text("SCALE = 1\n")
    (tmp_path / "script.py").write_text(
        "import helper\nfrom toolkit.compressors import Compressor\nfrom toolkit.description import describe\n"
        "class Mine(Compressor):\n    def message(self, x, draw):\n        return helper.SCALE * x\n"
        "print(describe(Mine()))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}

    def described() -> str:
        done = subprocess.run(
            [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    first = described()
    assert described() == first
    (tmp_path / "helper.py").write_text("SCALE = 2\n")
    assert described() != first


def test_what_is_pythons_own_has_no_source(tmp_path, monkeypatch) -> None:
    """Else it would bring all of Python's modules that happen to be loaded, and be another thing in each process."""
    assert describe(Fraction(1, 3)) == {"class": "fractions.Fraction", "_numerator": 1, "_denominator": 3}
    assert "source" not in describe(partial(with_default, level=1))
    # A user's module has one, also by the name of one of Python's.
    (tmp_path / "colorsys.py").write_text("class Mine:\n    scale = 1\n")
    spec = importlib.util.spec_from_file_location("colorsys", tmp_path / "colorsys.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "colorsys", module)
    spec.loader.exec_module(module)
    assert "source" in describe(module.Mine())


def test_a_number_of_numpy_is_a_number(tmp_path) -> None:
    single = {"problem": Single(), "algorithm": SGD(), "steps": 5, "x0": np.ones(3, np.float32), "record": "all"}
    plain = simulate(stepsize=0.01, **single)
    assert Experiment(stepsize=0.01, **single) == Experiment(stepsize=np.float64(0.01), **single)
    assert plain.bits_up.values[0, -1] == 5 * 3 * 32
    for other in (simulate(stepsize=np.float64(0.01), **single), simulate(stepsize=[0.01, 0.02], **single)):
        first = other.isel(stepsize=0) if "stepsize" in other.dims else other
        assert np.array_equal(first.f.values, plain.f.values)
        assert np.array_equal(first.bits_up.values, plain.bits_up.values)


def test_the_key_covers_the_sources(tmp_path, monkeypatch) -> None:
    import toolkit.store

    experiment = Experiment(PROBLEM, SGD(), Identity(), stepsize=0.1, steps=3)
    before = Store.key(experiment)
    monkeypatch.setattr(toolkit.store, "source_hash", lambda: "edited")
    assert Store.key(experiment) != before
