"""Vectors that random examples have found, at which a contract or a declaration was wrong."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._checking import all_contracts
from proofs_check.contracts._subject import LEVELS, Subject
from proofs_check.contracts._vectors import beside
from toolkit.compressors import (
    FCC,
    Bernoulli,
    Blocks,
    Composition,
    CountSketch,
    Drive,
    Eden,
    Induced,
    Natural,
    RandK,
    Rotated,
    ScaledSign,
)

# Compressor, type, dimension, the entries that are not zero, seed.
FOUND = [
    (FCC(RandK(k=1, unbiased=True), rounds=33), "float64", 3, {2: 1e306}, 22),
    (FCC(CountSketch(3, 3, k=3), rounds=33), "float32", 16, {6: 1e36, 7: 3e36}, 47),
    (FCC(CountSketch(3, 1, k=1), rounds=2), "float64", 1, {0: 6e307}, 61),
    (Induced(Bernoulli(p=0.25, unbiased=True), Bernoulli(p=0.25, unbiased=True)), "float64", 1, {0: 7e307}, 61),
    (Composition(outer=ScaledSign(), inner=CountSketch(1, 1, "median", k=33)), "float64", 33, {11: 2e306}, 80),
    (Rotated(Natural()), "float32", 2, {1: 1.2e-38}, 0),
    (CountSketch(33, 33, k=3), "float64", 17, {0: 1.1}, 8),
    (Blocks(CountSketch(13, 1), size=3), "float32", 4, {3: 1.3}, 54),
    *(
        (compressor, "float64", 64, {j: 743.03531 * (-1) ** (j * j // 3) for j in range(64)}, 23)
        for compressor in (Drive("least-squares"), Eden(1, "least-squares"), Eden(1))
    ),
]


@pytest.mark.parametrize(("compressor", "dtype", "d", "entries", "seed"), FOUND, ids=lambda value: f"{value}"[:60])
def test_no_contract_is_violated(compressor, dtype, d, entries, seed):
    x = np.zeros(d, dtype)
    x[list(entries)] = list(entries.values())
    subject = Subject(compressor, 3, (d,), (x.dtype,), LEVELS["quick"], seed, error_probability=1e-9)
    batch = np.broadcast_to(x, (1, subject.n, d))
    checked = 0
    with np.errstate(all="ignore"):  # of a sum that overflows nothing is promised
        for contract in all_contracts():
            if isinstance(contract, OverVectors) and not contract.reason_not_applicable(subject):
                chosen = batch[contract.choose(subject, batch)]
                if len(chosen):
                    checked += 1
                    assert contract.against(subject, chosen) is None
    assert checked >= 5


@pytest.mark.parametrize("rounds", [1, 2, 33])
def test_what_the_rounds_magnify_stays_finite_in_the_domain(rounds):
    compressor = FCC(RandK(k=1, unbiased=True), rounds)
    for dtype in (np.float32, np.float64):
        high = compressor.domain(4, dtype)[1]
        subject = Subject(compressor, 1, (4,), (np.dtype(dtype),), LEVELS["quick"], 0, error_probability=1e-9)
        x = np.full((100, 1, 4), high, dtype)
        assert np.isfinite(compressor.message(x, subject.draw(np.arange(100)))).all()


def test_beside_equal_magnitudes_no_rotated_coordinate_is_zero():
    sums = [
        abs(np.sum(signs * (beside(np.ones((1, 1, 8)))[0, 0] - 1)) * 2**15)
        for signs in np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1).T
    ]
    assert min(sums) > 1e-3
