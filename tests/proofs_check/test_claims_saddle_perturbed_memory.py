"""The virtual iterate with injected noise and the memory's bound: their verdicts, and what breaks them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from proofs_check.claim import Claim
from proofs_check.claims.saddle.perturbed_memory import PerturbedMemory, PerturbedVirtualIterate
from tests.proofs_check.judging import record_of
from toolkit.algorithms import CompressedPerturbedSGD, State
from toolkit.compressors import RandK


@pytest.mark.parametrize("kind", [PerturbedVirtualIterate, PerturbedMemory])
def test_verdict(kind: type[Claim]) -> None:
    record = record_of(kind())
    assert record["verdict"] == kind.expected, record["reason"]


def test_how_close_the_memory_comes() -> None:
    # C(p) = (1 − q)p with constant gradients attains the sharp form, (1 + q)²/(2(2 − μ)) of this one.
    q = np.sqrt(1 - 0.05)
    assert record_of(PerturbedMemory())["ratio"] == pytest.approx((1 + q) ** 2 / (2 * 1.95), rel=1e-12)


class Unpaid(CompressedPerturbedSGD):
    """A reset that empties the memory without sending it."""

    def step(self, state: Any, oracle: Any, channel: Any, draw: Any) -> State:
        new = super().step(state, oracle, channel, draw)
        return State(x=new.x, memory=0 * new.memory if draw.address[1] % 7 == 0 else new.memory)


class NoiseAfterwards(CompressedPerturbedSGD):
    """Noise that is not remembered."""

    def step(self, state: Any, oracle: Any, channel: Any, draw: Any) -> State:
        noise = self.perturbation(draw, state.x)
        sent, memory = channel.send_with_memory(state.memory, oracle.sample(state.x) + noise, 1.0)
        return State(x=state.x - self.stepsize * sent.mean(axis=1, keepdims=True), memory=memory - noise)


class Broken(PerturbedVirtualIterate):
    compressors = {"Rand-2 with a shared mask": RandK(k=2, common=True)}


@pytest.mark.parametrize("method", [Unpaid, NoiseAfterwards])
def test_what_forgets_is_found(method: type[CompressedPerturbedSGD]) -> None:
    claim = type("Claim", (Broken,), {"methods": {"broken": partial(method, radius=2.0)}})()
    assert record_of(claim)["verdict"] == "violated"


def test_a_smaller_constant_is_violated() -> None:
    class Smaller(PerturbedMemory):
        compressors = {}

        def constant(self, delta: float) -> float:
            return 0.97 * super().constant(delta)

    assert record_of(Smaller())["verdict"] == "violated"
