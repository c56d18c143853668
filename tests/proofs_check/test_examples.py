"""Random examples of every compressor and code; a million of them are drawn by ``csgd check --compressors``."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check import examples
from proofs_check.codes import Coded, codes, data_for, wrong_with
from proofs_check.examples import check_examples
from tests.proofs_check.mutants import MUTANTS, LastIndexLost, WrongBits
from toolkit import members
from toolkit.codecs import Bitmap, EliasGamma, Gaps
from toolkit.errors import WrongUse


def test_examples_of_everything():
    everything = [*members.names("toolkit.compressors"), *codes()]
    log = check_examples(12 * len(everything))
    assert log.passed, str(log)
    assert log.examples == dict.fromkeys(everything, 12)
    assert log.checked["form"] == 12 * len(members.names("toolkit.compressors"))
    assert log.checked["decoding"] == log.checked["form"]
    assert log.checked["round trip of a code"] == 12 * len(codes())


def test_the_same_seed_gives_the_same_examples(monkeypatch):
    drawn = []
    monkeypatch.setattr(examples, "wrong_with", lambda coded: drawn.append(coded) or "")
    for seed in (1, 1, 2):
        check_examples(20, names=("packed",), seed=seed)
    assert drawn[:20] == drawn[20:40] != drawn[40:]


@pytest.mark.slow
def test_processes_share_the_work():
    alone, together = (check_examples(1000, names=("natural", "top-k"), jobs=jobs) for jobs in (1, 2))
    assert alone.examples == together.examples
    assert alone.checked == together.checked


def test_a_violation_is_found_and_shrunk(monkeypatch):
    wrong = next(mutant.compressor for mutant in MUTANTS if type(mutant.compressor).__name__ == "SignedSort")
    monkeypatch.setattr(examples, "_compressed", _only(wrong))
    log = check_examples(40, names=("top-k",))
    assert not log.passed
    assert {name for name, _ in log.violations} == {repr(wrong)}
    assert any("x = [0, -1]" in text for _, text in log.violations)
    assert "2 violations" in str(log) or "1 violation" in str(log)


def _only(compressor):
    from hypothesis import strategies as st

    from proofs_check.strategies import vectors

    return lambda chunk: st.tuples(st.just(compressor), st.tuples(vectors(3, 3)))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (LastIndexLost(), "it gives back [1, 8]"),
        (WrongBits(), "it predicts"),
        (Bitmap(), ""),
        (Gaps(EliasGamma()), ""),
    ],
)
def test_a_wrong_code_is_told_from_a_right_one(code, reason):
    wrong = wrong_with(Coded(code, (1, 4), (9,)))
    assert wrong.startswith(reason)
    assert bool(wrong) == bool(reason)


class Boundless(Gaps):
    """A code that reads whatever follows, as if it were its own."""

    def decode(self, data, d, count):
        return super().decode(data, d, count)[0], len(data)


class Forgiving(Gaps):
    """A code that takes what is missing for the last positions."""

    def decode(self, data, d, count):
        try:
            return super().decode(data, d, count)
        except WrongUse:
            return np.arange(d - count, d), len(data)


class Wordy(Gaps):
    """A code that says it writes a byte more than it does."""

    def encode(self, positions, d):
        encoded = super().encode(positions, d)
        return encoded._replace(bits=encoded.bits + 8)

    def bits(self, positions, d):
        return super().bits(positions, d) + 8


class Fragile(Gaps):
    """A code that breaks off on data that were cut off."""

    def decode(self, data, d, count):
        assert data[0] >= 0
        return super().decode(data, d, count)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (Boundless(), "writes 1 bytes and reads 3"),
        (Forgiving(), "without the last byte it decodes as if nothing were missing"),
        (Wordy(), "it says 14 bits"),
        (Fragile(), "without the last byte it raises IndexError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_code_does_with_the_bytes_around_it_is_seen(code, reason):
    assert reason in wrong_with(Coded(code, (1, 4), (9,)))


def test_codes_are_tried_with_every_code_of_integers_inside():
    log = []
    for name in ("gaps", "integers"):
        inside = {type(one.code.code).__name__ for one in examples._drawn(data_for(name), chunk(name, 200))}
        log.append(inside)
    assert log[0] == log[1] >= {"EliasGamma", "EliasDelta", "EliasOmega", "Golomb", "Rice"}


def chunk(name, size):
    return examples._Chunk("toolkit.codecs", name, 0, "", 0, size)


def test_unknown_names_are_refused():
    with pytest.raises(WrongUse, match=r"nothing of the name 'topk'.*Nearest names: top-k"):
        check_examples(10, names=("topk", "gaps"))
    with pytest.raises(WrongUse, match="no name is given"):
        check_examples(10, names=())


def test_chunks_are_as_many_as_the_examples_need():
    few, more, many = (list(examples._chunks(count, None, 0)) for count in (10, 20_000, 100_000))
    assert len(few) < len(more) < len(many)
    top_k = [chunk for chunk in many if chunk.name == "top-k"]
    assert sum(chunk.size for chunk in top_k) >= 100_000 / len({chunk.name for chunk in many})
    assert {chunk.dtype for chunk in top_k} == {"float64", "float32"}
    assert len({chunk.dimension for chunk in top_k}) > 3
    assert len({chunk.seed for chunk in top_k}) == len(top_k)
