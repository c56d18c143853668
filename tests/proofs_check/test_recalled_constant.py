"""The worst case of error feedback: attained, never exceeded, and found out where it is changed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from problems.counterexamples.clipped_bowl import ClippedBowl
from proofs_check.claim import Claim
from proofs_check.claims.sign import recalled_constant
from proofs_check.claims.sign.recalled_constant import (
    CAP,
    RHO,
    Cap,
    Identity,
    LongRun,
    Multiplicative,
    Region,
    Start,
    Third,
    Unbiased,
    by_semidefinite_programme,
    recalled,
    worst_case,
)
from proofs_check.exact_runs import sign_samples, standing_instances
from tests.proofs_check.judging import broken, record_of

CLAIMS: dict[str, Claim] = {one.id: one() for one in (Cap, LongRun, Region, Start, Third, Unbiased)}


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name: str, records: dict[str, dict[str, Any]]) -> None:
    record = records[name]
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} <= {"holds", "tight", "not applicable"}
    assert record["ratio"] > 0.9999  # each of them is nearly attained


FALSE = Identity("(1 + r)² = 1 + r²", lambda r: (1 + r) ** 2, lambda r: 1 + r**2, (2,))
CONTROLS = {
    "a factor of 1.079": broken(Cap, cap=1.079),
    "a false step of its proof": broken(Cap, certificate=(*Cap.certificate, FALSE)),
    "a factor of 1.3333": broken(Third, factor=1.3333),
    "a false identity": broken(Third, certificate=(FALSE,)),
    "a worst case that is a little smaller": broken(
        LongRun, bound=staticmethod(lambda gamma, q: (1 - 1e-9) * worst_case(0.0, gamma, q))
    ),
    "a memory that fits q too small by a thousandth": broken(
        LongRun, bound=staticmethod(lambda gamma, q: worst_case(0.0, gamma, 0.999 * q))
    ),
    "a region that is a little larger": broken(
        Region, holds=staticmethod(lambda gamma, q: Region.holds(1.02 * gamma, q))
    ),
    "a region that is a little smaller": broken(
        Region, holds=staticmethod(lambda gamma, q: Region.holds(0.98 * gamma, q))
    ),
    "the sheet's region, larger": broken(Region, sheet=staticmethod(lambda gamma, q: Region.sheet(1.02 * gamma, q))),
    "a start a little nearer": broken(Start, factor=0.999),
    "no memory term": broken(
        Unbiased,
        bound=staticmethod(lambda F_0, L, gamma, sigma_sq, delta, T: Unbiased.bound(F_0, L, gamma, sigma_sq, 1, T)),
    ),
    "no start": broken(
        Unbiased,
        bound=staticmethod(lambda F_0, L, gamma, sigma_sq, delta, T: Unbiased.bound(0, L, gamma, sigma_sq, delta, T)),
    ),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control: str) -> None:
    claim = CONTROLS[control]
    assert record_of(claim)["verdict"] == "violated"


def test_the_cap_is_the_largest_ratio() -> None:
    gamma, q = np.meshgrid(np.linspace(1.6, 1.75, 301), np.linspace(0.08, 0.1, 301))
    assert float(np.max(worst_case(0.0, gamma, q) / recalled(0.0, gamma, q))) == pytest.approx(CAP, abs=1e-6)
    q_best = (1 - RHO) / (1 + RHO)
    assert worst_case(0.0, 2 * RHO, q_best) / recalled(0.0, 2 * RHO, q_best) == pytest.approx(CAP, rel=1e-12)
    assert pytest.approx(1.07914653, abs=1e-8) == CAP


def test_every_bound_but_the_recalled_one_survives_the_standing_oscillation() -> None:
    assert [one.verdict for one in standing_instances(Unbiased.bound)] == ["tight"] * 3


@pytest.mark.parametrize(("gamma", "q"), [(0.1, 0.3), (1.0, 0.1), (1.6, 0.09), (0.5, 0.05), (1.9, 0.2), (0.02, 0.9)])
def test_the_semidefinite_programme_agrees(gamma: float, q: float) -> None:
    pytest.importorskip("cvxpy")
    # Clarabel stops at gaps of 1e-8 of the values it works with; the square root near the edge costs some of that.
    assert by_semidefinite_programme(gamma, q) == pytest.approx(float(worst_case(0.0, gamma, q)), rel=1e-5)


@pytest.mark.parametrize(
    ("q", "part"), [("1/20", "1/3"), ("1/11", "2/5"), ("1/11", "9/10"), ("1/2", "1/8"), ("9/10", "7/8")]
)
def test_the_adversary_starts_without_a_memory(q: str, part: str) -> None:
    """Enter, grow, and stay: no E g² is above σ² = 1 on the way, and in the end E‖∇f‖² is that of the worst case."""
    one = Multiplicative(Fraction(q), 2 * Fraction(q) / (1 + Fraction(q)) * Fraction(part))
    gamma, r, k_end = float(one.gamma), float(one.q), float(one.k)
    targets = [growing(gamma, r, k_end, 0.02)] * 2000 + [growing(gamma, r, k_end, 5e-4)] * 4000 + [k_end] * 10
    size, k, samples = 1.0, 0.0, []
    for target in targets:
        c = length_ratio(target, k, gamma, r)
        stay, turn, mean = 1 / (1 + c), 1 / (1 - c), 1 - k - gamma
        often = (mean - turn) / (stay - turn)
        assert -1e-9 <= often <= 1 + 1e-9
        virtual = often * stay**2 + (1 - often) * turn**2
        # E g² with p = x − x̃ and g = (p − kx)/γ
        samples.append(size * (virtual - 2 * (1 - k) * mean + (1 - k) ** 2) / gamma**2)
        k, size = r * c / (1 + r * c), size * virtual * (1 + r * c) ** 2
    assert k == pytest.approx(k_end, rel=1e-12)
    # Everything is proportional to x_0²: σ² is the largest E g² of all steps, and the last steps are as good as that.
    assert size / max(samples) == pytest.approx(float(one.ratio()), rel=5e-3)


def growing(gamma: float, q: float, k: float, change: float) -> float:
    """A k that differs by this fraction from the stationary one, on the side where E x² grows."""

    def factor(k: float) -> float:
        c = k / (q * (1 - k))
        return (2 * k + 2 * gamma - 1) / ((c**2 - 1) * (1 - k) ** 2)

    return next(k * (1 + sign * change) for sign in (1, -1) if factor(k * (1 + sign * change)) > 1)


def length_ratio(target: float, k: float, gamma: float, q: float) -> float:
    """The c that leads from e = kx to e = target·x, or as near to it as unbiased samples allow."""
    c, mean = target / (q * (1 - target)), 1 - k - gamma
    if c > 1:
        return min(c, 1 / mean - 1) if mean > 0 else min(c, 1 - 1 / mean)
    return c


@pytest.mark.parametrize(("q", "walk"), [(Fraction(1, 33), 0), (Fraction(1, 11), 3), (Fraction(1, 2), 2)])
def test_the_law_of_the_clipped_bowl_is_that_of_error_feedback(q: Fraction, walk: int) -> None:
    _, gamma = ClippedBowl.stepping(q, walk)
    law, threshold = ClippedBowl.law(q, 40, walk), ClippedBowl.threshold(q, walk)
    x, e = law[0], Fraction(0)
    for t in range(40):
        gradient = max(Fraction(-1), min(Fraction(1), x))
        assert abs(gradient) == 1
        p = e + gamma * gradient
        sent = (1 + q if abs(p) > threshold or walk == 0 else 1 - q) * p
        x, e = x - sent, p - sent
        assert x == law[t + 1]
    assert abs(e) <= q * gamma / (1 - q)


def test_samples_of_signs() -> None:
    """x̃ is 0 or ±1 in turn: x is ±1/4 in the former case, beyond ±1 in the latter, and every second slope is 1."""
    assert sign_samples(Fraction(1), Fraction(1, 3)) == (1 + Fraction(1, 16)) / 2


def test_claims_are_those_of_the_file() -> None:
    found = {
        value.id
        for value in vars(recalled_constant).values()
        if isinstance(value, type) and issubclass(value, Claim) and value.__module__ == recalled_constant.__name__
    }
    assert found == set(CLAIMS)
