"""Every code against its definition: code words, round trips of arbitrary data, lengths, damaged data."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolkit import members
from toolkit.codecs import (
    ANS,
    Bitmap,
    EliasDelta,
    EliasGamma,
    EliasOmega,
    Enumerative,
    FixedWidth,
    Gaps,
    Golomb,
    Huffman,
    IntegerCode,
    Integers,
    LevelCode,
    MaskRange,
    Packed,
    PositionCode,
    Range,
    Rice,
    SharedSeed,
)
from toolkit.codecs._base import LARGEST
from toolkit.codecs.huffman import canonical_words, word_lengths
from toolkit.errors import WrongUse

INTEGERS = {
    "elias-delta": [EliasDelta()],
    "elias-gamma": [EliasGamma()],
    "elias-omega": [EliasOmega()],
    "golomb": [Golomb(m=1), Golomb(m=3), Golomb(m=8), Golomb(m=1000), Golomb(m=2**40 + 1), Golomb(m=LARGEST)],
    "rice": [Rice(b=0), Rice(b=3), Rice(b=51)],
}
FITTED = [EliasDelta(), EliasGamma(), EliasOmega(), Golomb(), Rice()]
POSITIONS = {
    "bitmap": [Bitmap()],
    "enumerative": [Enumerative()],
    "fixed-width": [FixedWidth()],
    "gaps": [*map(Gaps, FITTED), Gaps(Golomb(m=3)), Gaps(Rice(b=0))],
    "mask-range": [MaskRange()],
}
LEVELS = {
    "ans": [ANS()],
    "huffman": [Huffman()],
    "integers": [*map(Integers, FITTED), Integers(Golomb(m=3))],
    "packed": [Packed()],
    "range": [Range()],
}

every_integer = pytest.mark.parametrize("code", list(itertools.chain(*INTEGERS.values())), ids=repr)
every_position = pytest.mark.parametrize("code", list(itertools.chain(*POSITIONS.values())), ids=repr)
every_level = pytest.mark.parametrize("code", list(itertools.chain(*LEVELS.values())), ids=repr)


def test_the_battery_covers_every_member():
    kinds = {IntegerCode: INTEGERS, PositionCode: POSITIONS | {"shared-seed": [SharedSeed()]}, LevelCode: LEVELS}
    assert sorted(itertools.chain(*kinds.values())) == sorted(members.names("toolkit.codecs"))
    for kind, instances in kinds.items():
        for name, codes in instances.items():
            assert {type(code) for code in codes} == {members.load("toolkit.codecs", name)}
            assert all(isinstance(code, kind) for code in codes)


def text(encoded):
    """Return the bits of a field as a text, having checked that the rest of its bytes is zero."""
    assert encoded.data.dtype == np.uint8
    assert len(encoded.data) == -(-encoded.bits // 8)
    assert 0 <= encoded.side <= encoded.bits
    bits = "".join(map(str, np.unpackbits(encoded.data)))
    assert set(bits[encoded.bits :]) <= {"0"}
    return bits[: encoded.bits]


def whole_numbers(largest):
    """Strategy of integers from 1 to `largest`, of all magnitudes."""
    return st.integers(0, largest.bit_length()).flatmap(lambda digits: st.integers(1, min(2**digits, largest)))


# Integers.

WORDS = {
    EliasGamma(): {1: "1", 2: "010", 3: "011", 4: "00100", 9: "0001001", 17: "000010001"},
    EliasDelta(): {1: "1", 2: "0100", 3: "0101", 4: "01100", 9: "00100001", 17: "001010001"},
    EliasOmega(): {1: "0", 2: "100", 3: "110", 4: "101000", 9: "1110010", 16: "10100100000", 100: "1011011001000"},
    Golomb(m=1): {1: "0", 2: "10", 3: "110"},
    Golomb(m=3): {1: "00", 2: "010", 3: "011", 4: "100", 5: "1010", 6: "1011", 7: "1100", 8: "11010", 9: "11011"},
    Golomb(m=5): {1: "000", 2: "001", 3: "010", 4: "0110", 5: "0111", 6: "1000", 10: "10111", 11: "11000"},
    Golomb(m=4): {1: "000", 2: "001", 3: "010", 4: "011", 5: "1000"},
    Rice(b=2): {1: "000", 2: "001", 3: "010", 4: "011", 5: "1000"},
}


@pytest.mark.parametrize("code", WORDS, ids=repr)
def test_code_words_are_those_of_the_literature(code):
    for n, word in WORDS[code].items():
        assert code.word(n) == word
        assert text(code.encode([n])) == word


@every_integer
def test_no_code_word_begins_another(code):
    words = sorted(code.word(n) for n in range(1, 300))
    assert not any(after.startswith(word) for word, after in itertools.pairwise(words))


@pytest.mark.parametrize("code", [EliasDelta(), EliasGamma(), EliasOmega(), Golomb(m=3), Rice(b=3)], ids=repr)
def test_code_words_leave_no_room(code):
    # Kraft's sum of the words up to length 11 tends to 1 for a complete code; what is missing is the tree's open end.
    lengths = code.lengths(np.arange(1, 2**11))
    assert sum(2.0 ** -lengths[lengths <= 11]) <= 1
    assert sum(2.0 ** -code.lengths(np.arange(1, 2**11))) > 0.9


@st.composite
def integers_for(draw, code):
    """Strategy of integers whose code words of `code` are not absurdly long."""
    m = getattr(code, "m", None) or 2 ** getattr(code, "b", 52)
    return np.array(draw(st.lists(whole_numbers(min(LARGEST, 500 * m)), max_size=40)), np.int64)


@every_integer
@given(data=st.data())
def test_integers_become_their_code_words_and_come_back(code, data):
    values = data.draw(integers_for(code))
    encoded = code.encode(values)
    assert text(encoded) == "".join(code.word(n) for n in values.tolist())
    assert encoded.bits == code.lengths(values).sum()
    assert encoded.bits <= code.most_bits(len(values), int(values.sum()))
    following = np.frombuffer(data.draw(st.binary(max_size=20)), np.uint8)
    decoded, used = code.decode(np.concatenate([encoded.data, following]), len(values))
    assert decoded.dtype == np.int64
    assert np.array_equal(decoded, values)
    assert used == len(encoded.data)


@pytest.mark.parametrize("code", [EliasDelta(), EliasGamma(), EliasOmega(), Golomb(m=2**50 + 1), Rice(b=50)], ids=repr)
def test_integers_of_every_number_of_digits(code):
    values = np.concatenate([2 ** np.arange(52), 2 ** np.arange(1, 53) - 1])
    encoded = code.encode(values)
    assert text(encoded) == "".join(code.word(n) for n in values.tolist())
    assert np.array_equal(code.decode(encoded.data, len(values))[0], values)
    assert max(code.most_bits(1, n) - len(code.word(n)) for n in values.tolist()) >= 0
    assert min(code.most_bits(1, n) - len(code.word(n)) for n in range(1, 5000)) >= 0


@pytest.mark.parametrize("code", [Golomb(m=1), Golomb(m=3), Rice(b=0)], ids=repr)
def test_long_runs_of_ones(code):
    values = np.array([10**5, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129])
    encoded = code.encode(values)
    assert text(encoded) == "".join(code.word(n) for n in values.tolist())
    assert np.array_equal(code.decode(encoded.data, len(values))[0], values)


# The best parameter: the sheet's table, the optimum by trial, and the closed form for large ones.


@pytest.mark.parametrize(
    ("count", "total", "m"),
    [(1, 2, 1), (382, 1000, 1), (1, 4, 2), (1, 10, 7), (1, 20, 14), (1, 100, 69), (1, 1000, 693)],
)
def test_the_modulus_of_the_table(count, total, m):
    assert Golomb().fit(count, total) == Golomb(m=m)


@given(count=st.integers(1, 10**6), total=st.integers(1, 2**52 - 1))
def test_the_modulus_of_the_formula(count, total):
    count = min(count, total)
    m, log_theta = Golomb().fit(count, total).m, math.log1p(-count / total) if count < total else -math.inf
    # 1 − p has a rounding error of 1e-16 and so the formula's m, about 0.7/p, a relative one of some 1e-16/p.
    excess = math.log1p(math.exp(log_theta)) / -log_theta
    assert excess * (1 - 1e-15 * total / count) <= m
    assert m <= excess * (1 + 1e-15 * total / count) + 1


@given(p=st.floats(0.001, 0.9))
def test_no_other_parameter_is_better(p):
    n = np.arange(1, int(40 / p))  # the rest of the geometric law is below e^-40
    law = p * (1 - p) ** (n - 1)
    total = 10**12
    count = round(p * total)

    def mean(code):
        return float(law @ code.lengths(n))

    m, b = Golomb().fit(count, total).m, Rice().fit(count, total).b
    rounding = 1e-9  # of p to count/total, and of the sum
    for other in {max(1, m - 1), m + 1, max(1, m // 2), 2 * m}:
        assert mean(Golomb(m=m)) <= mean(Golomb(m=other)) * (1 + rounding)
    for other in {max(0, b - 1), b + 1}:
        assert mean(Rice(b=b)) <= mean(Rice(b=other)) * (1 + rounding)


# Positions.


@st.composite
def position_sets(draw, most=700):
    """Strategy of (positions, d): any density, the empty and the full set among them."""
    d = draw(st.integers(1, most))
    density = draw(st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.99, 1.0]))
    uniform = np.random.default_rng(draw(st.integers(0, 2**32))).random(d)
    return np.flatnonzero(uniform < density), d


@every_position
@given(case=position_sets(), following=st.binary(max_size=20))
@example(case=(np.array([], int), 1), following=b"")
@example(case=(np.array([0]), 1), following=b"")
@example(case=(np.array([0]), 1), following=b"\xff" * 9)
@example(case=(np.arange(64), 64), following=b"\xff")
def test_positions_come_back(code, case, following):
    positions, d = case
    encoded = code.encode(positions, d)
    text(encoded)
    assert code.bits(positions, d) == encoded.bits
    decoded, used = code.decode(encoded.data.tobytes() + following, d, len(positions))
    assert decoded.dtype == np.int64
    assert np.array_equal(decoded, positions)
    assert used == len(encoded.data)


@pytest.mark.parametrize("code", [*map(Gaps, FITTED), FixedWidth()], ids=repr)
@pytest.mark.parametrize("positions", [[0], [2**41 - 1], [0, 2**40], [2**40, 2**40 + 1, 2**41 - 1]])
def test_gaps_up_to_a_million_millions(code, positions):
    encoded = code.encode(np.array(positions), 2**41)
    assert code.decode(encoded.data, 2**41, len(positions))[0].tolist() == positions


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 1000, 1024, 1025])
def test_fixed_widths_and_bitmaps(d):
    positions = np.arange(0, d, 3)
    width = math.ceil(math.log2(d))
    encoded = FixedWidth().encode(positions, d)
    assert text(encoded) == "".join(f"{j:0{width}b}" for j in positions) if width else encoded.bits == 0
    assert text(Bitmap().encode(positions, d)) == "".join("1" if j % 3 == 0 else "0" for j in range(d))


@pytest.mark.parametrize(("d", "k"), [(1, 0), (1, 1), (5, 2), (8, 4), (9, 1), (9, 8)])
def test_enumerative_codes_number_the_sets_in_their_order(d, k):
    sets = sorted(itertools.combinations(range(d), k), key=lambda one: one[::-1])
    width = (len(sets) - 1).bit_length()
    for number, positions in enumerate(sets):
        encoded = Enumerative().encode(np.array(positions, int), d)
        assert text(encoded) == (f"{number:0{width}b}" if width else "")


@pytest.mark.parametrize(("d", "k"), [(100, 7), (1000, 100), (10**4, 10**3), (3000, 2999)])
def test_enumerative_codes_have_the_least_bits(d, k):
    positions = np.sort(np.random.default_rng(1).choice(d, k, replace=False))
    encoded = Enumerative().encode(positions, d)
    assert 2 ** (encoded.bits - 1) < math.comb(d, k) <= 2**encoded.bits
    assert np.array_equal(Enumerative().decode(encoded.data, d, k)[0], positions)


def test_a_mask_costs_its_entropy_and_a_word_and_a_length():
    # Of the coins p = k/d, d h(p) bits; the coder may add a word of 32 bits and 2.5e-4 bits for each coordinate.
    for d, k in [(10, 3), (1000, 10), (10**5, 10**3), (10**6, 10**5)]:
        positions = np.sort(np.random.default_rng(2).choice(d, k, replace=False))
        entropy = -k * math.log2(k / d) - (d - k) * math.log2(1 - k / d)
        encoded = MaskRange().encode(positions, d)
        assert entropy <= encoded.bits - encoded.side <= entropy + 32 + 2.5e-4 * d
        assert encoded.side == len(EliasDelta().word((encoded.bits - encoded.side) // 32 + 1))


def test_a_seed_is_charged_and_comes_back():
    code = SharedSeed()
    encoded = code.encode_seed(0xDEADBEEF)
    assert encoded.data.tobytes().hex() == "deadbeef"
    assert (encoded.bits, encoded.side) == (32, 32)
    assert code.decode_seed(b"\xde\xad\xbe\xef\x01") == (0xDEADBEEF, 4)
    for impossible in (
        lambda: code.encode(np.array([1]), 3),
        lambda: code.decode(b"1234", 3, 1),
        lambda: code.encode_seed(2**32),
        lambda: code.encode_seed(-1),
        lambda: code.decode_seed(b"123"),
    ):
        with pytest.raises(WrongUse):
            impossible()


# Levels.


@st.composite
def streams(draw):
    """Strategy of (levels, low, high): alphabets of one sign, of both, of one symbol, unbounded and huge."""
    low, high = draw(
        st.sampled_from(
            [(0, 1), (-1, 1), (-4, 4), (0, 255), (5, 5), (3, 9), (-9, -3), (-9, 0), (-(2**40), 2**40), (-100, 2**35),
             (0, None), (-5, None), (7, None), (None, 0), (None, -2), (None, 5), (None, None)]
        )
    )  # fmt: skip
    widest = draw(st.sampled_from([1, 5, 300, 2**40]))
    center = low if low is not None else high if high is not None else 0
    first = center - widest if low is None else max(center - widest, low)
    last = center + widest if high is None else min(center + widest, high)
    levels = draw(st.lists(st.integers(first, last), max_size=60)) * draw(st.sampled_from([1, 1, 1, 7]))
    types = [
        kind for kind in (np.int8, np.int32, np.int64) if np.iinfo(kind).min <= first and last <= np.iinfo(kind).max
    ]
    return np.array(levels, draw(st.sampled_from(types))), low, high


def not_absurd(code, levels):
    """Leave out levels that a code of small modulus would need thousands or 10¹¹ ones for."""
    return levels[np.abs(levels.astype(float)) < 10**4] if code == Integers(Golomb(m=3)) else levels


@every_level
@given(case=streams(), following=st.binary(max_size=20))
@example(case=(np.array([0]), None, None), following=b"")
@example(case=(np.array([-(2**40), 2**40]), None, None), following=b"\xff")
@example(case=(np.array([2**51 - 1, 1 - 2**51]), None, None), following=b"")
@example(case=(np.array([2**51 - 1, 1 - 2**51]), 1 - 2**51, 2**51 - 1), following=b"")
@example(case=(np.array([], int), None, None), following=b"")
@example(case=(np.array([True, False], np.uint8), 0, 1), following=b"")
def test_levels_come_back(code, case, following):
    levels, low, high = case
    if isinstance(code, Packed) and (low is None or high is None):
        with pytest.raises(WrongUse, match="two ends"):
            code.encode(levels, low, high)
        return
    levels = not_absurd(code, levels)
    before = levels.copy()
    encoded = code.encode(levels, low, high)
    text(encoded)
    assert np.array_equal(levels, before)
    assert code.bits(levels, low, high) == encoded.bits
    decoded, used = code.decode(encoded.data.tobytes() + following, len(levels), low, high)
    assert decoded.dtype == np.int64
    assert np.array_equal(decoded, levels)
    assert used == len(encoded.data)


@pytest.mark.parametrize(
    ("low", "high", "levels", "integers"),
    [
        (None, None, [0, -1, 1, -2, 2], [1, 2, 3, 4, 5]),
        (-4, 4, [0, -1, 1, -4, 4], [1, 2, 3, 8, 9]),
        (0, 9, [0, 1, 9], [1, 2, 10]),
        (3, None, [3, 4], [1, 2]),
        (-3, None, [-3, 0], [1, 4]),
        (-9, -3, [-3, -9], [1, 7]),
        (None, 5, [5, -1], [1, 7]),
    ],
)
def test_levels_are_folded_or_counted_from_an_end(low, high, levels, integers):
    encoded = Integers(EliasGamma()).encode(np.array(levels), low, high)
    assert text(encoded) == "".join(EliasGamma().word(n) for n in integers)
    assert encoded.side == 0


def test_a_fitted_parameter_is_sent():
    levels = np.repeat([0, 10], [50, 50])  # 1 and 11: their mean is 6, and m = 4
    encoded = Integers(Golomb()).encode(levels, 0, None)
    assert text(encoded)[:5] == EliasGamma().word(5)
    assert encoded.side == 5
    assert encoded.bits == 5 + Golomb(m=4).encode(levels + 1).bits
    assert Integers(Golomb(m=4)).encode(levels, 0, None).side == 0


@pytest.mark.parametrize(
    ("low", "high", "width"), [(0, 0, 0), (0, 1, 1), (-1, 1, 2), (0, 3, 2), (0, 4, 3), (-(2**50), 2**50, 52)]
)
def test_packed_levels_have_the_least_whole_width(low, high, width):
    levels = np.array([low, high, high, low, low])
    encoded = Packed().encode(levels, low, high)
    assert (
        text(encoded) == "".join(f"{level - low:0{width}b}" for level in levels.tolist()) if width else not encoded.bits
    )


@pytest.mark.parametrize("code", [Huffman(), Range(), ANS()], ids=repr)
@pytest.mark.parametrize(
    ("symbol", "low", "high", "bits"), [(0, 0, 1, 2), (-1, None, None, 5), (2**40, None, None, 53)]
)
def test_a_stream_of_one_symbol_costs_its_table(code, symbol, low, high, bits):
    # The number of symbols, 1, in one bit, and the symbol in Elias delta: 1, 2 or 2^41 + 1.
    for count in (1, 2, 10**5):
        encoded = code.encode(np.full(count, symbol), low, high)
        assert encoded.bits == encoded.side == bits
        assert np.array_equal(code.decode(encoded.data, count, low, high)[0], np.full(count, symbol))


def test_huffman_words_are_the_canonical_ones():
    levels = np.repeat([7, -2, 0, 3], [1, 1, 2, 4])
    assert word_lengths(np.array([1, 1, 2, 4])).tolist() == [3, 3, 2, 1]
    words = {3: "0", 0: "10", -2: "110", 7: "111"}
    encoded = Huffman().encode(levels, None, None)
    assert text(encoded)[encoded.side :] == "".join(words[level] for level in levels.tolist())


@given(counts=st.lists(st.integers(1, 30), min_size=2, max_size=5))
def test_no_prefix_code_is_shorter_than_huffman(counts):
    lengths = word_lengths(np.array(counts))
    assert sum(2.0**-lengths) == 1
    least = min(
        sum(n * bits for n, bits in zip(counts, other, strict=True))
        for other in itertools.product(range(1, len(counts)), repeat=len(counts))
        if sum(2.0**-bits for bits in other) <= 1
    ) if len(counts) > 2 else sum(counts)  # fmt: skip
    assert lengths @ counts == least


def test_deep_huffman_words_come_back():
    fibonacci = [1, 1]
    while len(fibonacci) < 25:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    lengths = word_lengths(np.array(fibonacci))
    assert lengths.max() == 24
    words = [f"{word:0{bits}b}" for word, bits in zip(canonical_words(lengths), lengths, strict=True)]
    assert not any(b.startswith(a) for a, b in itertools.pairwise(sorted(words)))
    levels = np.repeat(np.arange(25), fibonacci)
    encoded = Huffman().encode(levels, 0, None)
    assert np.array_equal(Huffman().decode(encoded.data, len(levels), 0, None)[0], levels)


# Long data, which codes take in pieces.


@every_position
def test_long_sets_come_back(code):
    d = 2 * 10**4 if isinstance(code, Enumerative) else 6 * 10**5
    positions = np.flatnonzero(np.random.default_rng(4).random(d) < 0.05)
    encoded = code.encode(positions, d)
    assert code.bits(positions, d) == encoded.bits
    assert np.array_equal(code.decode(encoded.data, d, len(positions))[0], positions)


@every_level
@pytest.mark.parametrize("ends", [(-50, 50), (None, None)])
@pytest.mark.parametrize("step", [1, 3, 10**4])
def test_long_streams_come_back(code, ends, step):
    if isinstance(code, Packed) and ends == (None, None):
        ends = (-(10**6), 10**6)
    levels = not_absurd(code, np.rint(np.random.default_rng(4).laplace(0, 3, 10**5)).astype(np.int64) * step)
    low, high = ends if step == 1 else (None if end is None else end * step for end in ends)
    encoded = code.encode(levels, low, high)
    assert code.bits(levels, low, high) == encoded.bits
    assert np.array_equal(code.decode(encoded.data, len(levels), low, high)[0], levels)


# Forms of the input.


def test_any_form_of_the_same_numbers_gives_the_same_bytes():
    positions = np.array([1, 5, 6, 300])
    spread = np.zeros(8, np.int64)
    spread[::2] = positions
    frozen = positions.copy()
    frozen.flags.writeable = False
    for code in itertools.chain(*POSITIONS.values()):
        expected = code.encode(positions, 1000).data.tobytes()
        for form in (positions.tolist(), positions.astype(np.uint16), spread[::2], frozen):
            assert code.encode(form, 1000).data.tobytes() == expected
        assert code.decode(bytearray(expected), 1000, 4)[0].tolist() == positions.tolist()
    for code in itertools.chain(*LEVELS.values()):
        expected = code.encode(positions, 0, 1000).data.tobytes()
        for form in (positions.tolist(), positions.astype(np.uint16), spread[::2], frozen):
            assert code.encode(form, 0, 1000).data.tobytes() == expected


# Damaged data and wrong use.


@every_position
@given(case=position_sets(200), garbage=st.binary(max_size=40))
def test_damaged_positions_are_refused_or_are_positions(code, case, garbage):
    positions, d = case
    data = code.encode(positions, d).data.tobytes()
    if data:
        with pytest.raises(WrongUse):
            code.decode(data[:-1], d, len(positions))
    for damaged in (garbage, garbage + data, data[: len(data) // 2] + garbage):
        try:
            decoded, used = code.decode(damaged, d, len(positions))
        except WrongUse:
            continue
        assert len(decoded) == len(positions)
        assert used <= len(damaged)
        code.encode(decoded, d)  # refuses what is no set of positions out of d


@every_level
@given(case=streams(), garbage=st.binary(max_size=40))
def test_damaged_levels_are_refused_or_are_levels(code, case, garbage):
    levels, low, high = case
    if isinstance(code, Packed) and (low is None or high is None):
        with pytest.raises(WrongUse, match="two ends"):
            code.decode(garbage, len(levels), low, high)
        return
    levels = not_absurd(code, levels)
    data = code.encode(levels, low, high).data.tobytes()
    if data:
        with pytest.raises(WrongUse):
            code.decode(data[:-1], len(levels), low, high)
    for damaged in (garbage, garbage + data, data[: len(data) // 2] + garbage):
        try:
            decoded, used = code.decode(damaged, len(levels), low, high)
        except WrongUse:
            continue
        assert len(decoded) == len(levels)
        assert used <= len(damaged)
        code.encode(decoded, low, high)  # refuses what is not of the alphabet


@every_integer
@given(garbage=st.binary(max_size=60), count=st.integers(0, 600))
def test_damaged_integers_are_refused_or_are_integers(code, garbage, count):
    try:
        decoded, used = code.decode(garbage, count)
    except WrongUse:
        return
    assert used <= len(garbage)
    assert len(decoded) == count
    assert not count or 1 <= decoded.min() <= decoded.max() <= 2 * LARGEST


@pytest.mark.parametrize(
    ("impossible", "wrong"),
    [
        (lambda: Golomb(m=0), "from 1"),
        (lambda: Golomb(m=[1, 2]), "integer from 1"),
        (lambda: Golomb(m=2.0), "integer from 1"),
        (lambda: Rice(b=-1), "from 0 to 51"),
        (lambda: Rice(b=52), "from 0 to 51"),
        (lambda: Rice(b=True), "from 0 to 51"),
        (lambda: Gaps(Packed()), "IntegerCode"),
        (lambda: Integers(3), "IntegerCode"),
        (lambda: Golomb().encode([1]), "m has no value"),
        (lambda: Rice().decode(b"1", 1), "b has no value"),
        (lambda: Golomb().word(1), "m has no value"),
        (lambda: EliasGamma().encode([0]), "positive integers"),
        (lambda: EliasGamma().encode([-1]), "positive integers"),
        (lambda: EliasDelta().encode([2**52]), "positive integers"),
        (lambda: EliasDelta().encode([2**63 + 1]), "positive integers"),
        (lambda: EliasDelta().encode([1.0]), "takes a list of integers"),
        (lambda: EliasDelta().encode([[1]]), "takes a list of integers"),
        (lambda: EliasDelta().decode("text", 1), "no string of bytes"),
        (lambda: EliasDelta().decode(np.zeros(3), 1), "no string of bytes"),
        (lambda: EliasDelta().decode(b"1", -1), "the data end"),
        (lambda: Golomb(m=1).encode([2**40]), "no message"),
        (lambda: Gaps().encode([3, 2], 5), "not increasing"),
        (lambda: Gaps().encode([2, 2], 5), "not increasing"),
        (lambda: Gaps().encode([-1, 2], 5), "not increasing"),
        (lambda: Gaps().encode([5], 5), "not increasing"),
        (lambda: Gaps().encode([], 0), "not increasing"),
        (lambda: Gaps().encode([0], 2**52), "not increasing"),
        (lambda: Bitmap().encode([0.0], 2), "takes a list of integers"),
        (lambda: Gaps().decode(b"", 5, 6), "6 positions out of 5"),
        (lambda: Gaps().decode(b"", 5, -1), "-1 positions"),
        (lambda: Integers().encode([3], 0, 2), "the alphabet is 0, …, 2"),
        (lambda: Integers().encode([-1], 0, None), "the alphabet is 0, …"),
        (lambda: Integers().encode([2**51], None, None), "the alphabet is"),
        (lambda: Integers().encode([], 1, 0), "not in order"),
        (lambda: Integers().decode(b"", 0, 0, 2**60), "not in order and within"),
        (lambda: Range().decode(b"", -1, 0, 1), "-1 levels"),
    ],
)  # fmt: skip
def test_what_is_impossible_is_refused(impossible, wrong):
    with pytest.raises(WrongUse, match=wrong):
        impossible()


@pytest.mark.parametrize("kind", [IntegerCode, PositionCode, LevelCode])
def test_a_code_without_mathematics_says_what_is_missing(kind):
    code = kind()
    hooks = {
        IntegerCode: ["word", "lengths", "most_bits", "write", "read", "best_parameter"],
        PositionCode: ["write", "read"],
        LevelCode: ["write", "read"],
    }[kind]
    for hook in hooks:
        arguments = getattr(kind, hook).__code__.co_argcount - 1
        with pytest.raises(TypeError, match=f"define {hook}"):
            getattr(code, hook)(*[None] * arguments)
