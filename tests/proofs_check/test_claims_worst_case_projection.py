"""Messages that project: the exact rate of compressed descent, its proof, and what breaks them."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

from problems import Zigzag
from proofs_check.claims.worst_case import projection
from proofs_check.worst_case import Contractive, Projection, solve_all, sweep
from proofs_check.worst_case.certificate import Certificate
from proofs_check.worst_case.settings import cgd
from proofs_check.worst_case.verify import Refused, check
from proofs_check.worst_case.zigzag import (
    SteepProjection,
    descent_certificate,
    descent_multipliers,
    zigzag_delta,
    zigzag_factor,
)
from proofs_check.worst_case.zigzag_proof import unproved
from tests.proofs_check.judging import record_of
from toolkit.compressors import TopK
from toolkit.errors import WrongUse

CLAIMS = (projection.AnyStepsize, projection.TopOne, projection.ProjectedDescent, projection.BestStepsize)
POINT = Q(1, 10), Q(29, 31), Q(40, 31)  # μ, λ, η; then δ = 3/4


@pytest.mark.parametrize("kind", CLAIMS)
def test_verdict_is_the_expected_one(kind):
    record = record_of(kind())
    assert record["verdict"] == record["expected"], record["reason"]
    assert {one["verdict"] for one in record["instances"]} == {record["expected"]}


class FlatProjection(SteepProjection):
    """On lines at the same angle, on the other side."""

    def message(self, x, draw):
        return 2 * (1 - self.s**2) * x - super().message(x, draw)


def test_a_projection_on_the_flat_side_is_no_zigzag():
    class Mutant(projection.AnyStepsize):
        def zigzags(self, level):
            return super().zigzags(level)[::4]

        def compressor(self, s):
            return FlatProjection(s=s)

    x = np.array([2.0, 1.0])
    sent = FlatProjection(s=0.6).compress(x)
    assert np.linalg.norm(sent - x) == pytest.approx(0.6 * np.linalg.norm(x))
    verdicts = {one["name"]: one["verdict"] for one in record_of(Mutant())["instances"]}
    assert {one for name, one in verdicts.items() if "left out" not in name} == {"violated"}


def test_sending_all_is_no_zigzag():
    class Mutant(projection.TopOne):
        def compressor(self, s):
            return TopK(k=2)

    assert {one["verdict"] for one in record_of(Mutant())["instances"]} == {"violated"}


@pytest.mark.parametrize("name", [name for name in descent_multipliers(*POINT) if name != "metric 0"])
def test_every_multiplier_is_needed_as_it_is(name):
    def bent(*point):
        found = descent_multipliers(*point)
        return found | {name: found[name] * Q(1001, 1000)}

    assert unproved(bent)
    document = descent_certificate(*POINT).document
    told = document["proof"]["multipliers"]
    told = told | {name: str(Q(told.get(name, "0")) * Q(1001, 1000) + Q(1, 10**6))}  # at the best η one is 0
    with pytest.raises(Refused):
        check({**document, "proof": {**document["proof"], "multipliers": told}})


def test_a_proof_of_less_is_not_the_proof():
    def other_factor(*point):  # the scalars cancel
        weights = {name: 0 * weight for name, weight in descent_multipliers(*point).items()}
        return weights | {"initial": 1, "f(0,1)": 1, "metric 0": 1}

    def other_signs(mu, root, stepsize):  # they cancel too
        found = descent_multipliers(mu, root, stepsize)
        return found | {"f(*,0)": found["f(*,0)"] + 3, "f(*,1)": found["f(*,1)"] - 3, "f(0,1)": root + 3}

    assert "the factor is λ²" in unproved(other_factor)
    assert "the multiplier of f(*,1) is positive" in unproved(other_signs)
    assert "the residual matrix is positive semidefinite" in unproved(other_signs)


def test_broken_proofs_are_violations():
    class Low(projection.ProjectedDescent):
        def certificate(self, mu, root, stepsize):
            document = descent_certificate(mu, root, stepsize).document
            return Certificate({**document, "bound": str(Q(document["bound"]) * Q(10**9 - 1, 10**9))})

    class Wrong(projection.ProjectedDescent):
        def failed(self):
            return unproved(lambda *point: descent_multipliers(*point) | {"initial": 1})

    verdicts = [one["verdict"] for one in record_of(Low())["instances"]]
    assert verdicts[0] == "tight"
    assert set(verdicts[1:]) == {"violated"}
    assert record_of(Wrong())["instances"][0]["verdict"] == "violated"


def test_the_factor_is_the_numeric_worst_case():
    rng = np.random.default_rng(5)
    mu, s, stepsize = 10 ** rng.uniform(-2, -0.1, 20), rng.uniform(0.05, 0.95, 20), rng.uniform(0.05, 1.99, 20)
    values = solve_all(cgd(*sweep(mu, s, stepsize), kind=Projection))
    assert values == pytest.approx(zigzag_factor(mu, s, stepsize), rel=1e-5)
    # Messages that need not project do worse off the best step size.
    wider = solve_all(cgd(*sweep(mu, s, stepsize), kind=Contractive))
    assert (wider > values * (1 + 1e-4)).mean() > 0.8


def test_delta_and_factor_are_inverse():
    for mu, root, stepsize in projection.ProjectedDescent().points("quick"):
        s = float(1 - zigzag_delta(mu, root, stepsize)) ** 0.5
        assert 0 < s < 1
        assert zigzag_factor(mu, s, stepsize) == pytest.approx(float(root**2), rel=1e-12)
        assert Zigzag(float(stepsize), s, float(mu)).root == pytest.approx(float(root), rel=1e-12)


def test_steep_projections_project():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 2, 2))
    sent = SteepProjection(s=0.8).compress(x)
    assert ((sent - x) ** 2).sum(-1) == pytest.approx(0.64 * (x**2).sum(-1))
    assert ((sent - x) * sent).sum(-1) == pytest.approx(np.zeros((3, 2)), abs=1e-15)
    steep = np.array([1.0, -1.0]) / 2**0.5
    share = abs(x @ steep) / np.linalg.norm(x, axis=-1), abs(sent @ steep) / np.linalg.norm(sent, axis=-1)
    near = share[0] > 0.6  # there the turn may lead past the steep direction
    assert (share[1] > share[0])[~near].all()
    assert float(SteepProjection(s=0.8).constants(2).delta) == pytest.approx(0.36)


def test_what_is_out_of_range_is_refused():
    with pytest.raises(WrongUse, match="acts on the plane"):
        SteepProjection(s=0.5).compress(np.ones(3))
    with pytest.raises(WrongUse, match="s, or at most"):
        Zigzag(stepsize=1.9)
    for wrong in ({"mu": 0.0}, {"mu": 2.0}, {"s": 1.0}, {"stepsize": -1.0}):
        with pytest.raises(WrongUse, match="out of range"):
            Zigzag(**{"s": 0.5} | wrong)
