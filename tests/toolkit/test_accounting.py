"""The rules others count bits by: the numbers they are known for, and what the receiver lacks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from toolkit.accounting import LEVEL_RULES, POSITION_BITS, SPARSE_RULES, mean_gap_bits, rules_for
from toolkit.codecs import Bitmap, EliasDelta, EliasGamma, EliasOmega, FixedWidth, Gaps, Golomb
from toolkit.compressors import QSGD, HardThreshold, Identity, Natural, RandK, ScaledSign, TopK
from toolkit.errors import WrongUse
from toolkit.ledger import ledger

CODES = {
    "⌈log2 d⌉ bits each": FixedWidth(),
    "bitmap": Bitmap(),
    "Elias gamma gaps": Gaps(EliasGamma()),
    "Elias delta gaps": Gaps(EliasDelta()),
    "Elias omega gaps": Gaps(EliasOmega()),
    "Golomb gaps": Gaps(Golomb()),
}


def charged(compressor, d, dtype="float32"):
    return {one.formula: one.bits for one in rules_for(compressor, d, dtype)}


def test_one_top_k_message_costs_from_320_to_960_bits():
    found = charged(TopK(k=10), 1000)
    known = {"wk": 320, "32k": 320, "(w + ⌈log2 d⌉)k": 420, "(w + 32)k": 640, "(w + 64)k": 960, "wk + d": 1320}
    assert known.items() <= found.items()
    assert found["wk + ⌈log2 C(d, k)⌉"] == 320 + math.ceil(math.log2(math.comb(1000, 10)))


def test_the_width_of_the_values_counts_except_where_it_is_taken_for_32():
    single, double = charged(TopK(k=10), 1000), charged(TopK(k=10), 1000, "float64")
    assert double["wk"] == 2 * single["wk"]
    assert double["32k"] == single["32k"]


@pytest.mark.parametrize("compressor", [TopK(k=3), RandK(k=3), QSGD(s=4)])
def test_charges_increase_and_the_toolkits_own_is_among_them(compressor):
    charges = rules_for(compressor, 50, "float32")
    bits = [one.bits for one in charges]
    assert bits == sorted(bits)
    own = [one.bits for one in charges if one.who == "this toolkit's formula"]
    assert own == [compressor.price(1, 50, "float32")]


def test_only_positions_that_can_be_redrawn_cost_a_seed():
    assert charged(RandK(k=3), 50)["wk + 32"] == 3 * 32 + 32
    assert "wk + 32" not in charged(TopK(k=3), 50)


@pytest.mark.parametrize("compressor", [Identity(), Natural(), ScaledSign(), HardThreshold(raw=1.0)])
def test_messages_that_no_rule_is_known_for_have_none(compressor):
    assert rules_for(compressor, 50, "float32") == []


def test_a_swept_set_is_refused():
    with pytest.raises(WrongUse, match="swept set"):
        rules_for(TopK(k=[1, 2]), 50, "float32")


def test_what_can_be_decoded_needs_at_least_the_entropy():
    """Whoever charges less than the positions' and values' entropy has to say what the receiver lacks."""
    for d, k in ((1000, 10), (50, 3), (50, 50), (7, 1)):
        least = 32 * k + math.log2(math.comb(d, k))
        for rule in SPARSE_RULES:
            if not rule.lacks and not rule.redrawn:
                assert rule.bits(d, k, 32) >= least - 1e-9, rule.name


@pytest.mark.parametrize(("d", "k"), [(6, 1), (6, 2), (7, 4), (5, 5)])
@pytest.mark.parametrize("name", CODES)
def test_mean_position_bits_are_those_of_all_sets(name, d, k):
    sets = [np.array(positions) for positions in itertools.combinations(range(d), k)]
    mean = sum(CODES[name].bits(positions, d) for positions in sets) / len(sets)
    assert POSITION_BITS[name](d, k) == pytest.approx(mean, rel=1e-12)


def test_the_law_of_a_gap_sums_to_one_and_has_the_right_mean():
    assert mean_gap_bits(np.ones_like, 1000, 10) == pytest.approx(10, rel=1e-12)
    # A gap of a set out of d has the mean (d + 1)/(k + 1).
    assert mean_gap_bits(lambda gap: gap, 1000, 10) == pytest.approx(10 * 1001 / 11, rel=1e-12)


def test_position_codes_do_not_beat_the_entropy():
    for k in (1, 10, 100, 500, 1000):
        least = POSITION_BITS["log2 C(d, k)"](1000, k)
        for name, bits in POSITION_BITS.items():
            assert bits(1000, k) >= least - 1e-9, (name, k)


def test_the_ledger_stays_within_what_the_rules_span():
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    encoded = float(ledger(TopK(k=10), x).encoded[0, 0])
    assert 398 <= encoded < 640


def test_level_rules_are_the_printed_numbers():
    """QSGD with b bits in Mem-SGD's experiments: d = 2000 (epsilon) and b = 2, 4, 8."""
    dense, elias = (
        next(rule for rule in LEVEL_RULES if rule.formula == text) for text in ("(b + 1)d", "3s(s + √d) + 32")
    )
    for b, printed in ((2, 617), (4, 2947), (8, 18000)):
        assert round(min(dense.bits(2000, 2**b, 32), elias.bits(2000, 2**b, 32))) == pytest.approx(printed, abs=1)
