"""The small parts: fields that may be swept, members found by scanning, pairs, graphs, errors."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit import members
from toolkit.algorithms import EF21, SGD, Algorithm, CompressedSGD, ErrorFeedback, State, mean
from toolkit.compressors import QSGD, Compressor, HardThreshold, Identity, Natural, RandK, Scaled, ScaledSign, TopK
from toolkit.errors import WrongUse
from toolkit.pairs import judge
from toolkit.parameters import Parametrised, at_step, bind, scheduled, swept
from toolkit.stepsizes import Decaying
from toolkit.topology import Topology, complete, ring


class Inner(Parametrised):
    a: float
    table: "Array" = None  # type: ignore[name-defined]  # noqa: F821, UP037


class Outer(Parametrised):
    inner: Inner
    b: float = 1.0


def test_swept_and_scheduled_fields_are_found_inside_and_arrays_are_values() -> None:
    outer = Outer(Inner([1, 2], table=np.arange(3.0)), b=Decaying(1.0, 1))
    assert swept(outer) == {("inner", "a"): (1, 2)}
    assert list(scheduled(outer)) == [("b",)]
    bound = at_step(bind(outer, {("inner", "a"): 7}), scheduled(outer), 2)
    assert (bound.inner.a, bound.b) == (7, 0.5)
    assert outer.inner.a == (1, 2)
    assert isinstance(bound.inner.table, np.ndarray)


def test_every_member_has_the_three_names() -> None:
    for package in ("toolkit.compressors", "toolkit.algorithms", "problems"):
        for name in members.names(package):
            cls = members.load(package, name)
            assert members.short(cls.__name__) == members.short(name)
            assert cls.__doc__
    assert issubclass(members.load("toolkit.compressors", "TOP_K"), Compressor)
    assert issubclass(members.load("toolkit.algorithms", "error-feedback"), Algorithm)


def test_an_unknown_member_names_the_nearest() -> None:
    with pytest.raises(WrongUse, match="Nearest names: top-k"):
        members.load("toolkit.compressors", "topk2")
    with pytest.raises(ImportError, match="TopJ"):
        exec("from toolkit.compressors import TopJ")


SUPPORT = [
    (EF21(), TopK(k=1), "supported"),
    (EF21(), ScaledSign(), "supported"),
    (EF21(), Natural(), "supported"),  # ω < 1 implies δ = 1 − ω
    (EF21(), HardThreshold(raw=1.0), "unproven"),
    (EF21(), QSGD(s=1), "unproven"),
    (EF21(), Scaled(QSGD(s=1)), "supported"),
    (ErrorFeedback(), HardThreshold(lam=1.0), "supported"),
    (ErrorFeedback(), RandK(k=1, unbiased=True), "unproven"),
    (CompressedSGD(), RandK(k=1, unbiased=True), "supported"),
    (CompressedSGD(), TopK(k=1), "unproven"),
    (CompressedSGD(), Identity(), "supported"),
    (SGD(), Identity(), "supported"),
    (SGD(), TopK(k=1), "impossible"),
    (EF21(), TopK(k=[1, 2]), "supported"),
    (EF21(), QSGD(s=[64, 1]), "unproven"),  # δ = 1 − ω with 64 levels, and none with one
    (CompressedSGD(), QSGD(s=[64, 1]), "supported"),
]


@pytest.mark.parametrize(("algorithm", "compressor", "verdict"), SUPPORT, ids=str)
def test_pairs(algorithm, compressor, verdict) -> None:
    assert judge(algorithm, compressor, 16).verdict == verdict


def test_a_state_is_not_written_to() -> None:
    state = State(x=np.zeros(1))
    with pytest.raises(AttributeError, match="never written to"):
        state.x = np.ones(1)
    with pytest.raises(AttributeError, match="only x"):
        _ = state.memory


def test_mean_keeps_the_axis() -> None:
    v = np.arange(12.0).reshape(2, 3, 2)
    assert np.array_equal(mean(v), v.mean(axis=1, keepdims=True))


def test_graphs() -> None:
    assert complete(5).spectral_gap == 1
    W = ring(9)
    # Eigenvalues of the ring are (1 + 2 cos(2πj/n))/3.
    assert W.spectral_gap == pytest.approx(1 - (1 + 2 * np.cos(2 * np.pi / 9)) / 3, rel=1e-12)
    assert W.beta == pytest.approx(1 - (1 + 2 * np.cos(8 * np.pi / 9)) / 3, rel=1e-12)
    assert ring(2).degrees.tolist() == [[1, 1]]
    for bad in (np.ones((2, 3)), np.ones((2, 2)), [[0.5, 0.5], [0.4, 0.6]], [[1.2, -0.2], [-0.2, 1.2]], [[np.nan]]):
        with pytest.raises(WrongUse, match="mixing matrix"):
            Topology(bad)
    two_rings = np.kron(np.eye(2), ring(4).matrix)
    with pytest.raises(WrongUse, match="not connected"):
        Topology(two_rings)
    assert complete(1).spectral_gap == 1
