"""Decentralised methods on symbolic vectors, and the rate of CHOCO-Gossip."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from problems import Quadratic
from proofs_check.claims.worst_case import rate_of_gossip
from proofs_check.worst_case import Contractive, GossipPotential, certify, trace
from proofs_check.worst_case.gossip import (
    best_consensus,
    gossip,
    gossip_certificate,
    gossip_factor,
    inequalities,
    spectrum,
    two_clusters,
)
from proofs_check.worst_case.replaying import replay
from tests.proofs_check.judging import broken, claims_in, record_of, records_of, results_of
from toolkit import simulate
from toolkit.algorithms import CHOCO, QuantizedGossip
from toolkit.compressors import TopK
from toolkit.errors import WrongUse
from toolkit.topology import Topology, complete, ring


@pytest.fixture(scope="module")
def results():
    return results_of(rate_of_gossip.Simulated())


def test_every_verdict_is_the_expected_one(results):
    records = records_of(*claims_in(rate_of_gossip).values(), results=results)
    assert len(records) == 6
    for record in records.values():
        assert record["verdict"] == record["expected"], record["reason"]


@pytest.mark.parametrize(
    ("kind", "changes", "verdict"),
    [
        (rate_of_gossip.Theorem, {"constants": (19,)}, "violated"),
        (rate_of_gossip.Best, {"constant": 2}, "violated"),
        (rate_of_gossip.Recalled, {"power": 1}, "holds"),
        (rate_of_gossip.EveryGraph, {"theta": lambda self, end, s, r: (r + s) * (1 - r) / r}, "undecided"),
    ],
)
def test_what_is_changed_fails(kind, changes, verdict):
    assert record_of(broken(kind, **changes), {})["verdict"] == verdict


def test_another_law_is_noticed(monkeypatch, results):
    monkeypatch.setattr(rate_of_gossip, "gossip_factor", lambda **given: 1.001 * gossip_factor(**given))
    assert record_of(rate_of_gossip.Simulated(), results)["verdict"] == "violated"


def test_simulated_runs_satisfy_what_the_model_says():
    graph, steps, consensus = ring(4), 3, Q(1, 4)
    compressor, rng = TopK(k=2), np.random.default_rng(1)
    start = rng.standard_normal((4, 3))
    problem = Quadratic(np.ones((4, 3)))
    problem.start = start[None]
    run = simulate(
        problem, CHOCO(consensus=0.25), compressor, topology=graph, stepsize=0.0, steps=steps, record="all", keep=("x",)
    )
    method, kind = CHOCO(consensus=consensus, stepsize=0), Contractive(delta=Q(2, 3))
    symbolic = trace(method, None, kind, steps=steps, workers=4, start="any", minimiser=None, topology=graph)
    origin = start[0]
    known = {f"x_0[{i}]": row - origin for i, row in enumerate(start)} | {f"public_0[{i}]": -origin for i in range(4)}
    found = replay(symbolic.model, problem, compressor.compress, known, origin)
    for step, state in enumerate(symbolic.states):
        x = np.array([found.vector(row) for row in state.x[0, :, 0]]) + origin
        np.testing.assert_allclose(x, run["x"].values[0, step], rtol=0, atol=1e-13)
    constraints = symbolic.model.constraints()
    assert len(constraints) == 4 * steps
    assert max(found.number(one.expression) for one in constraints) <= 1e-12


def test_a_method_that_mixes_with_its_own_value():
    method = QuantizedGossip(towards="messages", stepsize=0)
    run = trace(method, None, None, steps=1, workers=2, start="any", minimiser=None, topology=complete(2))
    assert run.states[1].x[0, 0, 0] == run.states[1].x[0, 1, 0] == run.states[0].x[0, 1, 0] / 2


@given(st.sampled_from(["ring 3", "ring 5", "two clusters"]), st.integers(1, 9), st.integers(2, 20))
def test_the_stated_rate_is_proved_and_no_better_one(name, tenths, twentieths):
    graph = {"ring 3": ring(3), "ring 5": ring(5), "two clusters": two_clusters(0.125)}[name]
    s = Q(tenths, 10)
    consensus = Q(twentieths, 20) * best_consensus(
        *(Q(one).limit_denominator(1000) for one in spectrum(graph).values()), s
    )
    stated = gossip_factor(**spectrum(graph), s=float(s), consensus=float(consensus))
    assert gossip_certificate(graph, s, consensus, Q(stated * (1 + 1e-9))).verified().startswith("proved")
    with pytest.raises(WrongUse, match="not positive semidefinite"):
        gossip_certificate(graph, s, consensus, Q(stated * (1 - 1e-6))).verified()


def test_the_inequalities_are_those_of_the_norm():
    rng = np.random.default_rng(0)
    for t, s in rng.uniform(0.05, 0.9, (50, 2)):
        step = np.array([[1 - t, -np.sqrt(s) * t], [-np.sqrt(s) * t, -s * (1 + t)]])
        for r in np.linalg.norm(step, 2) * np.array([0.999, 1.001]):
            least = min(np.linalg.eigvalsh(one).min() for one in inequalities(t, s, r))
            assert (least > 0) == (r > np.linalg.norm(step, 2))


def test_a_model_of_gossip_has_no_needless_vectors():
    model = gossip(ring(3), Q(1, 2), Q(1, 3))
    assert model.vectors == [
        "x_0[1]",
        "x_0[2]",
        *(f"public_0[{i}]" for i in range(3)),
        *(f"c_0[{i}]" for i in range(3)),
    ]
    assert certify(model).verified().startswith("proved")


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"workers": 3}, "there is no graph"),
        ({"workers": 3, "topology": ring(4)}, "the graph has 4 workers"),
        ({"workers": 2, "topology": Topology([[0.5**0.5, 1 - 0.5**0.5], [1 - 0.5**0.5, 0.5**0.5]])}, "no fractions"),
    ],
)
def test_wrong_graphs_are_refused(options, wrong):
    with pytest.raises(WrongUse, match=wrong):
        trace(CHOCO(consensus=Q(1, 4), stepsize=0), None, steps=1, minimiser=None, **options)


def test_a_potential_of_another_method_is_refused():
    run = trace(QuantizedGossip(stepsize=0), None, None, steps=1, workers=2, minimiser=None, topology=complete(2))
    with pytest.raises(AttributeError, match="public"):
        run.measure(GossipPotential(Q(1, 2)))
