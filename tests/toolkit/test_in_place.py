"""Error memories updated where they lie: the same numbers, for every method and compressor, however a run ends."""

from __future__ import annotations

import numpy as np
import pytest

from problems import Quadratic
from toolkit import members, simulate
from toolkit.algorithms import Algorithm, ErrorFeedback
from toolkit.cli.simplest import simplest
from toolkit.compressors import QSGD, Compressor, Natural, RandK, ScaledSign, TopK
from toolkit.topology import complete

ALL = [simplest(members.load("toolkit.algorithms", name)) for name in members.names("toolkit.algorithms")]
METHODS = [method for method in ALL if method.impossible(TopK(k=1)) is None]  # which compress
COMPRESSORS = [
    TopK(k=3),
    TopK(fraction=0.2),
    TopK(k=[1, 3]),
    RandK(k=3),
    RandK(k=3, unbiased=True),
    ScaledSign(),
    ScaledSign(zero=0),
    QSGD(s=3),
    QSGD(s=200),
    QSGD(s=2, norm="max"),
    Natural(),
]


def both_ways(problem, method, compressor, **setting):
    setting = {"stepsize": 0.01, "steps": 12, "record": "all", "unproven": True} | setting
    if problem.workers > 1:
        setting |= {"topology": complete(problem.workers)}  # for the methods that gossip
    apart, in_place = (simulate(problem, method, compressor, **setting, in_place=way) for way in (False, True))
    for name in apart.data_vars:
        assert apart[name].values.tobytes() == in_place[name].values.tobytes(), name
    return in_place


class Single:
    """A problem whose gradients keep the type of the iterates."""

    workers, dimension = 3, 20
    target = np.random.default_rng(4).standard_normal((3, 20)).astype(np.float32)

    def value(self, x):
        return ((x - self.target) ** 2).sum(axis=-1) / 2

    def gradient(self, x):
        assert x.dtype == np.float32
        return x - self.target


def problem(d: int = 20, **more):
    rng = np.random.default_rng(2)
    return Quadratic(hessians=np.linspace(1, 2, 3 * d).reshape(3, d), linear=rng.standard_normal((3, d)), **more)


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_every_method_gives_the_same_bits(method: Algorithm, compressor: Compressor) -> None:
    keep = ("memory",) if type(method) is ErrorFeedback else ()
    both_ways(problem(sigma_sq=1.0), method, compressor, runs=2, keep=keep)


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
def test_single_precision_gives_the_same_bits(compressor: Compressor) -> None:
    result = both_ways(Single(), ErrorFeedback(), compressor, x0=np.ones(20, dtype=np.float32))
    assert result.f.notnull().all()


def test_runs_that_end_give_the_same_bits() -> None:
    stopped = both_ways(problem(), ErrorFeedback(), TopK(k=3), runs=3, x0=np.arange(60.0).reshape(3, 20), limit=1e9,
                        stepsize=0.2, steps=40, stop=lambda x: np.abs(x[:, 0]).max(axis=1) < 30)  # fmt: skip
    assert set(stopped.last_step.values) > {stopped.last_step.values.min()}
    diverged = both_ways(problem(), ErrorFeedback(), TopK(k=1), runs=2, stepsize=3.0, steps=60, limit=10.0)
    assert set(diverged.status.values) == {"diverged"}


def test_long_vectors_are_updated_in_place_without_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    original = TopK.take_from
    monkeypatch.setattr(TopK, "take_from", lambda self, *rest: taken.append(rest[4]) or original(self, *rest))
    long = Quadratic(hessians=np.ones((1, 2**18)))
    simulate(long, ErrorFeedback(), TopK(k=5), stepsize=0.1, steps=2, threads=2, record=[2])
    assert taken == [2, 2]
    simulate(problem(), ErrorFeedback(), TopK(k=5), stepsize=0.1, steps=2)
    assert taken == [2, 2]
