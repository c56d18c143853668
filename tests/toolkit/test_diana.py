"""DIANA: what its shifts do, and what they leave as it was."""

from __future__ import annotations

from fractions import Fraction

import pytest

from problems import Quadratic
from toolkit import simulate
from toolkit.algorithms import DIANA, CompressedSGD
from toolkit.compressors import Identity, RandK
from toolkit.errors import WrongUse

UNLIKE = Quadratic(hessians=[[1.0, 2.0]] * 2, linear=[[8.0, 4.0], [-8.0, -4.0]])
SETTING = {"stepsize": 0.1, "steps": 300, "x0": [4.0, -1.0], "record": "all", "progress": False}


def test_without_learning_it_is_compressed_descent():
    compressor = RandK(k=1, unbiased=True)
    still, plain = (simulate(UNLIKE, one, compressor, **SETTING) for one in (DIANA(rate=0.0), CompressedSGD()))
    assert still.f.values.tobytes() == plain.f.values.tobytes()
    assert still.bits_up.values.tobytes() == plain.bits_up.values.tobytes()


def test_learning_takes_away_the_floor():
    compressor = RandK(k=1, unbiased=True)
    learns, plain = (simulate(UNLIKE, one, compressor, **SETTING) for one in (DIANA(rate=0.5), CompressedSGD()))
    assert float(plain.f_gap[0, -50:].mean()) > 0.1
    assert float(learns.f_gap[0, -50:].max()) < 1e-9
    assert float(learns.shift_error[0, -1]) < 1e-9


def test_uncompressed_it_is_gradient_descent():
    done = simulate(UNLIKE, DIANA(rate=1.0), Identity(), **SETTING | {"steps": 20})
    assert done.f_gap[0].values == pytest.approx([0.5 * (16 * 0.9 ** (2 * t) + 2 * 0.8 ** (2 * t)) for t in range(21)])


def test_the_step_size_of_its_theorem():
    constants = RandK(k=1, unbiased=True).constants(2)  # ω = 1
    assert DIANA(rate=0.5).theory_stepsize(UNLIKE.constants, constants).value == pytest.approx(1 / (1 + 6 / 2) / 2)
    assert DIANA(rate=0.5).theory_stepsize(UNLIKE.constants, RandK(k=1).constants(2)) is None


def test_a_rate_may_be_exact_but_not_negative():
    assert DIANA(rate=Fraction(1, 2)).rate == Fraction(1, 2)
    with pytest.raises(WrongUse, match="at least 0"):
        DIANA(rate=-0.5)
