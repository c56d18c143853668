"""Koloskova et al., ICML 2019: gossip on compressed values stalls, on public copies it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from problems.counterexamples.frozen_gossip import FrozenGossip
from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality, inequality, mean_equality
from toolkit.algorithms.choco import CHOCO
from toolkit.algorithms.quantized_gossip import QuantizedGossip
from toolkit.arrays import Array
from toolkit.compressors.rand_k import RandK
from toolkit.compressors.top_k import TopK
from toolkit.experiment import Experiment
from toolkit.topology import Topology, complete, ring

if TYPE_CHECKING:
    import xarray

REFERENCE = "Koloskova, Stich and Jaggi, ICML 2019 (D4; the schemes recalled)"
SCHEMES = {"Q1": "messages", "Q2": "differences"}
ERROR_PROBABILITY = 1e-4


class Frozen(Claim):
    """Two workers, Top-1: one scheme does not move, the other forgets the mean."""

    id = "frozen-gossip"
    title = "Gossip on Top-1 values never agrees (Q2), or agrees on the wrong value (Q1)"
    statement = (
        r"c_1=(2,1),\ c_2=(2,0),\ w_{ij}=\tfrac12\ \Rightarrow\ \text{Q2: }x_i^t=c_i;\qquad "
        r"\text{Q1: }x_1^t=(2,2^{-t}),\ x_2^t=(2,0)"
    )
    reference = f"{REFERENCE}; instance derived here"
    kind = "counterexample"

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            name: Experiment(
                FrozenGossip(), QuantizedGossip(towards=towards), TopK(k=1), topology=complete(2), stepsize=0.0,
                steps=40, record="all", keep=("x",),
            )
            for name, towards in SCHEMES.items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances, problem = [], FrozenGossip()
        for name, towards in SCHEMES.items():
            result = data[name]
            mean = result["x"].values[0].mean(axis=1)
            disagreement = result["disagreement"].values[0]
            measured = np.concatenate([mean.ravel(), disagreement])
            law = np.concatenate([problem.mean_law(40, towards).ravel(), problem.disagreement_law(40, towards)])
            instances.append(equality(name, measured, law, rounding=0, reason="mean and disagreement, bit for bit"))
        return instances


class Noise(Claim):
    """With an unbiased quantiser the values feed noise into every step, by a closed law."""

    id = "quantised-gossip-law"
    title = "Gossip on values of an unbiased compressor: the exact expected disagreement, which has a floor"
    statement = (
        r"S_t=E[X_tX_t^\top]:\quad S_{t+1}=WS_tW^\top+\omega V\,\mathrm{diag}(S_t)\,V^\top,\qquad "
        r"V=W-I\ \text{(Q2)},\ V=W-\mathrm{diag}(W)\ \text{(Q1)}"
    )
    reference = f"{REFERENCE}; law derived here for compressors with E‖Q(x) − x‖² = ω‖x‖²"
    kind = "identity"
    steps = 40

    def problem(self) -> Quadratic:
        """Return five workers whose points differ less than they are long."""
        values = 1 + np.random.default_rng(5).standard_normal((5, 6)) / 2
        problem = Quadratic(np.ones((5, 6)), linear=values)
        problem.start = values[None]
        return problem

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs = {"quick": 1000, "full": 10000}[level]
        return {
            name: Experiment(
                self.problem(), QuantizedGossip(towards=towards), RandK(k=5, unbiased=True), topology=ring(5),
                stepsize=0.0, steps=self.steps, runs=runs, record=[1, 2, 5, 10, 20, 40],
            )
            for name, towards in SCHEMES.items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances, problem, graph = [], self.problem(), ring(5)
        omega = float(RandK(k=5, unbiased=True).constants(6).omega.value)  # type: ignore[union-attr]
        for name, towards in SCHEMES.items():
            law = disagreement(graph, problem.linear, omega, towards, self.steps)
            samples, t = data[name]["disagreement"].values, data[name].step.values
            reason = f"from {law[0]:.3g} to {law[-1]:.3g} after {self.steps} steps, without compression to 0"
            instances.append(mean_equality(name, samples, law[t], error_probability=ERROR_PROBABILITY, reason=reason))
        return instances


def disagreement(graph: Topology, values: Array, omega: float, towards: str, steps: int) -> Array:
    """Return E (1/n) Σ ‖x_i − x̄‖² at t = 0, …, steps, by the recursion of second moments."""
    W, n = graph.matrix, len(values)
    V = W - (np.eye(n) if towards == "differences" else np.diag(np.diag(W)))
    S = values @ values.T
    law = []
    for _ in range(steps + 1):
        law.append((np.trace(S) - S.sum() / n) / n)
        S = W @ S @ W.T + omega * (V * np.diag(S)) @ V.T
    return np.array(law)


class Repair(Claim):
    """CHOCO agrees, on the mean."""

    id = "frozen-gossip-repair"
    title = "CHOCO agrees on the mean with the compressor that stops the plain schemes"
    statement = (
        r"\tfrac1n\sum_i\lVert x_i^T-\bar c\rVert^2\le2^{-52}\cdot\tfrac1n\sum_i\lVert c_i-\bar c\rVert^2"
        r"\quad\text{for CHOCO-Gossip with }\mathrm{Top}_1"
    )
    reference = REFERENCE
    kind = "upper bound"

    def experiments(self, level: str) -> dict[str, Experiment]:
        settings: dict[str, Any] = {"topology": complete(2), "stepsize": 0.0, "keep": ("x",)}
        return {"θ = 1/2": Experiment(FrozenGossip(), CHOCO(consensus=0.5), TopK(k=1), steps=300, **settings)}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        (name,) = self.experiments(level)
        apart = data[name]["x"].values[0] - FrozenGossip().x_star
        off = (apart**2).sum(axis=-1).mean(axis=-1)
        return [inequality(name, off[-1:], float(np.finfo(float).eps) * off[0], rounding=0)]
