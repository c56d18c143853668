"""Claims about coded, composed and biased compressors: their verdicts, and what breaks them."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.claims.qsgd import biased_compression, composed_compressors, dithering, elias_coded_qsgd
from proofs_check.claims.qsgd.elias_coded_qsgd import equal_bits, mean_bits
from tests.proofs_check.judging import broken, claims_in, record_of, times
from toolkit.codecs import EliasDelta, EliasGamma, EliasOmega
from toolkit.compressors.composition import Composition
from toolkit.compressors.natural import Natural
from toolkit.compressors.natural_dithering import NaturalDithering
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.top_k import TopK
from toolkit.draws import Draw

MODULES = (biased_compression, composed_compressors, dithering, elias_coded_qsgd)
CLAIMS = claims_in(*MODULES)
RULES = {"rule-scaled", "rule-selected", "rule-induced", "rule-repeated", "rule-blocks"}


def test_ids():
    coded = {"S-n2", "S-n3", "S-n3-levels", "S-n3-sharp", "S-q3", "S-q3-dense", "S-q3-written"}
    biased = {"D5-classes", "D5-classes-sharp", "D5-rate", "D5-rate-moments", "D5-unbiased"}
    assert set(CLAIMS) == RULES | coded | biased


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_verdict_is_the_expected_one(records, claim_id):
    record = records[claim_id]
    assert record["verdict"] == record["expected"], record["reason"]
    assert record["error_probability"] == 0


def test_ratios(records):
    assert 0.9586 < records["S-q3"]["ratio"] < 0.9587  # s = 1, d = 2^15, constant magnitude
    # At s = √d a vector of constant magnitude takes 3 bits for each coordinate, or 4 without gaps.
    ratio = {one["name"]: one["ratio"] for one in records["S-q3-dense"]["instances"]}
    assert ratio["gaps and levels, s=16, d=256"] == pytest.approx((3 * 256 + 32) / (2.8 * 256 + 32))
    assert ratio["levels, s=16, d=256"] == pytest.approx((4 * 256 + 32) / (2.8 * 256 + 32))
    # One instance of every rule attains it.
    for claim_id in RULES | {"S-n2", "D5-rate", "D5-classes-sharp"}:
        assert records[claim_id]["ratio"] == pytest.approx(1, rel=1e-12)
    # Natural dithering with d = 64, s = 2, p = 1: t − 1 = 31 of 1/8 + 32.
    assert records["S-n3"]["ratio"] == pytest.approx(31 / 32.125)


@pytest.mark.parametrize("code", [EliasGamma(), EliasDelta(), EliasOmega()])
def test_two_ways_to_the_mean_bits_of_equal_entries(code):
    for d, s in ((4, 1), (16, 4), (64, 3)):
        assert equal_bits(d, s, code) == pytest.approx(mean_bits(np.ones((1, d)), s, code)[0], rel=1e-12)


def test_noise_across_is_unbiased_and_orthogonal():
    compressor = biased_compression.OppositeNoise(omega=4.0)
    x = Draw(seed=1).of("x").normal(4)
    sent = compressor.compress(np.broadcast_to(x, (64, 1, 4)), Draw(np.arange(64)))
    assert set(np.unique(np.sum((sent - x) * x, axis=-1).round(12))) == {0.0}
    assert ((sent - x) ** 2).sum(axis=-1) == pytest.approx(4 * (x**2).sum())


# Negative controls.


class Biased(Natural):
    def message(self, x, draw):
        return 1.05 * super().message(x, draw)


class Nearest(NaturalDithering):
    """Rounds every share up to the next power of two with even odds."""

    def message(self, x, draw):
        norm = np.linalg.norm(x, axis=-1, keepdims=True)
        share = abs(x) / np.where(norm > 0, norm, 1.0)
        up = np.exp2(np.ceil(np.log2(np.maximum(share, 2.0 ** (1 - self.s)))))
        return norm * np.sign(x) * np.where(draw.of("levels").uniform(x.shape[-1]) < 0.5, up, 0.0)


class Silent(QSGD):
    """Says nothing of the last coordinate."""

    def message(self, x, draw):
        return super().message(x, draw) * (np.arange(x.shape[-1]) < x.shape[-1] - 1)


CONTROLS = {
    "the bound of the bits × 0.9": times(0.9, "bound", elias_coded_qsgd.EliasBits),
    "QSGD that is silent": broken(elias_coded_qsgd.BitsWritten, compressor=Silent),
    "another code is written": broken(elias_coded_qsgd.BitsWritten, _written=lambda self, message, norm, s: 40),
    "ω of a composition × 0.99": times(0.99, "formula", composed_compressors.UnbiasedComposition),
    "a biased part": broken(
        composed_compressors.UnbiasedComposition,
        made={"biased": (Composition(outer=Biased(), inner=RandK(k=1, unbiased=True)), 4)},
    ),
    "δ when scaled × 1.01": times(1.01, "formula", composed_compressors.ScaledContraction),
    "δ₁δ₂ × 1.01": times(1.01, "formula", composed_compressors.SelectedContraction),
    "ω when induced × 0.99": times(0.99, "formula", composed_compressors.InducedVariance),
    "δ when repeated × 1.01": times(1.01, "formula", composed_compressors.RepeatedContraction),
    "δ of blocks × 1.01": times(1.01, "formula", composed_compressors.BlockwiseContraction),
    "natural dithering's ω × 0.9": times(0.9, "omega", dithering.NaturalDitheringBound),
    "its sharp ω × 0.999": times(0.999, "omega", dithering.SharpNaturalDithering),
    "even odds": broken(dithering.NaturalDitheringBound, compressor=Nearest),
    "a surplus of 1/20": broken(dithering.AgainstStandardDithering, surplus=0.05),
    "B² with γ and β of no contraction": broken(
        biased_compression.Classes, of_contraction=lambda self, delta: (1 / delta, 1.9)
    ),
    "sharp B² with another q": broken(
        biased_compression.SharpClasses, of_contraction=lambda self, delta: (1.01 * (1 - np.sqrt(1 - 1 / delta)), 2.0)
    ),
    "β of unbiased ones × 0.99": times(0.99, "beta", biased_compression.UnbiasedClasses),
    "a faster rate": broken(
        biased_compression.RateOfContraction, factor=lambda self, step, delta: 1 - 1.1 * step / delta
    ),
    "a faster rate in B¹": broken(
        biased_compression.RateOfMoments, constants={"Top-1, wishful": (TopK(k=1), 0.3, 1.0)}
    ),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control):
    record = record_of(CONTROLS[control])
    assert record["verdict"] == "violated", record["reason"]
