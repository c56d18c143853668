"""The memory of error feedback with Top-k: bounds, sequences, the claims on both, and what breaks them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from proofs_check.claims.mem_sgd import memory_of_top_k
from proofs_check.claims.mem_sgd.memory_of_top_k import REACHED, approach, run_recipe, typical
from proofs_check.top_k_memory import (
    _after_one_step,
    _cases,
    contraction_bound,
    exact_supremum,
    memory_bound,
    sum_bounds,
)
from proofs_check.top_k_recipes import RECIPES, recipe
from proofs_check.top_k_sequences import best_gradients, cyclic_order, memory_after, search, whole
from tests.proofs_check.judging import broken, claims_in, record_of, times
from toolkit.compressors.top_k import TopK

CLAIMS = claims_in(memory_of_top_k)
PAIRS = [(d, k) for d in range(2, 8) for k in range(1, d)]


def test_ids():
    assert set(CLAIMS) == {
        "top-k-memory-exact",
        "top-k-memory-bound",
        "top-k-memory-reached",
        "top-k-memory-law",
    }


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_verdict_is_the_expected_one(claim_id):
    record = record_of(CLAIMS[claim_id])
    assert record["verdict"] == record["expected"], record["reason"]


# Bounds.


def test_bounds_are_in_order():
    for d, k in PAIRS:
        known = exact_supremum(d, k)
        assert memory_bound(d, k) <= contraction_bound(d, k)
        if known is not None:
            assert known <= memory_bound(d, k)


def test_bounds_of_top_1():
    for d in range(2, 9):
        assert memory_bound(d, 1) == pytest.approx(1 + 1.5 * (d - 1) * (d - 2), rel=1e-9)
        assert sum_bounds(d, 1)[-1] == pytest.approx((d - 1) * np.sqrt(1 + (d - 2) ** 2 / (d - 1)), rel=1e-9)


@pytest.mark.parametrize(("d", "k"), [(3, 1), (6, 1), (5, 2), (6, 3)])
def test_sum_bounds_are_not_left(d, k):
    """What the recursion makes of them is no more than they are."""
    bounds = sum_bounds(d, k)
    assert (_after_one_step(_cases(d, k), bounds) <= bounds).all()


def test_no_sum_exceeds_its_bound():
    """Sums of sorted magnitudes along random, aligned and found sequences."""
    rng = np.random.default_rng(5)
    for d, k in PAIRS:
        bounds, memory = sum_bounds(d, k), np.zeros(d)
        for t in range(300):
            gradient = rng.normal(size=d) + 2 * (t % 7) * (memory == 0) - memory * (t % 3)
            message = memory + gradient / np.linalg.norm(gradient)
            memory = message - TopK(k=k).compress(message)
            sums = np.cumsum(np.sort(abs(memory))[::-1])[: d - k]
            assert (sums <= bounds).all()
    for d, k in RECIPES:
        memories, _ = run_recipe(TopK(k=k), d, k)
        sums = np.cumsum(np.sort(abs(memories), axis=1)[:, ::-1], axis=1)[:, : d - k] / 10000
        assert (sums <= sum_bounds(d, k)).all()


def test_no_point_of_the_plane_exceeds_one():
    """Every memory that one step reaches from one at most 1 long is at most 1 long, on a fine grid; and some nearly."""
    a, angle = np.meshgrid(np.linspace(0, 1, 201), np.linspace(0, 2 * np.pi, 721))
    after = np.minimum(abs(a + np.cos(angle)), abs(np.sin(angle)))
    assert 0.9999 < after.max() <= 1


def test_the_exact_supremum_is_approached():
    for d, k in PAIRS:
        known = exact_supremum(d, k)
        if known is not None:
            assert approach(TopK(k=k), d, k, 40)[-1] == pytest.approx(known, rel=1e-9)


# Sequences.


def test_recipes_are_what_is_claimed():
    assert set(RECIPES) == set(REACHED)
    for d, k in RECIPES:
        assert recipe(d, k).shape[1] == d
        assert ((recipe(d, k) ** 2).sum(axis=1) <= 10000**2).all()
        assert run_recipe(TopK(k=k), d, k)[1] >= 1


def test_best_gradients_are_best():
    """Against a grid in the plane: two steps, one coordinate dropped in each."""
    order, w = np.array([[0], [1]]), np.array([1.0, 0.0])
    found = memory_after(best_gradients(order, w, smoothings=(1e-1, 1e-2, 1e-3, 1e-4)), 1)[0]
    best = 0.0
    for first, second in product(np.linspace(0, np.pi / 2, 361), repeat=2):
        p = np.array([np.cos(first), np.sin(first)])
        if p[0] >= p[1]:
            p = np.array([np.cos(second), p[1] + np.sin(second)])
            if p[1] >= p[0]:
                best = max(best, p[0])
    assert found == pytest.approx(best, abs=3e-3)


def test_a_search_finds_what_the_recipe_has():
    square, order, gradients = search(3, 1, 6, tries=1)
    assert 3.2 < square <= memory_bound(3, 1)
    assert order.shape == (6, 1)
    assert (memory_after(gradients, 1) ** 2).sum() == pytest.approx(square)
    assert (np.linalg.norm(whole(gradients, 1000), axis=1) <= 1000).all()


def test_cyclic_order_drops_k_at_a_time():
    assert cyclic_order(5, 2, 3).tolist() == [[4, 0], [2, 3], [0, 1]]


def test_typical_gradients_reach_less_than_recipes():
    largest = max(squares.max() for squares in typical(TopK(k=1), 5, runs=4, steps=50).values())
    assert 1 < largest < REACHED[5, 1]


# Negative controls.


class KeepsLargest(TopK):
    """Drops the smallest instead: its memory holds the largest entries."""

    def compress(self, x, draw=None):
        return x - TopK(k=x.shape[-1] - self.k).compress(x)


CONTROLS = {
    "the exact supremum × 0.999": times(0.999, "bound", memory_of_top_k.FewZeros),
    "a compressor that keeps the largest": broken(memory_of_top_k.FewZeros, compressor=KeepsLargest),
    "it leaves the bound as well": broken(memory_of_top_k.SortedSums, compressor=KeepsLargest),
    "the bound × 0.8": times(0.8, "bound", memory_of_top_k.SortedSums),
    "more than the recipes reach": times(1.01, "bound", memory_of_top_k.Recipes),
    "a formula that is 10 % too large": times(1.1, "bound", memory_of_top_k.Conjecture),
    "a formula that is 10 % too small": times(0.9, "bound", memory_of_top_k.Conjecture),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_are_violated(control):
    assert record_of(CONTROLS[control])["verdict"] == "violated"
