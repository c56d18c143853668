"""CHOCO-Gossip: its exact rate on every graph, at every step size, and what the published step size gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction as Q
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.sides import equality
from proofs_check.worst_case.brackets import bracket
from proofs_check.worst_case.gossip import (
    best_consensus,
    gossip,
    gossip_certificate,
    gossip_factor,
    inequalities,
    published_consensus,
    published_inequalities,
    spectrum,
    stretched_law,
    two_clusters,
)
from proofs_check.worst_case.stretch import Stretch
from proofs_check.worst_case.symbolic import all_positive, parameters, proves
from toolkit.algorithms.choco import CHOCO
from toolkit.errors import WrongUse
from toolkit.experiment import Experiment
from toolkit.topology import Topology, complete, ring

if TYPE_CHECKING:
    import xarray

RATE = r"r^2=b\,r+s,\quad b=(1-s)\max\{|1-\theta'(1-\lambda_2)|,|1-\theta'\beta|\},\quad\theta'=\theta\,\frac{1+s}{1-s}"
V = r"V=\frac1n\sum_i\big(\lVert x_i-\bar x\rVert^2+s\lVert x_i-\hat x_i\rVert^2\big)"
THEOREM = "Koloskova, Stich and Jaggi, ICML 2019, CHOCO-Gossip (D4; recalled)"
STEPS = 200
AT = {"s": Q(1, 4), "r": Q(7, 8)}  # where the sides of instances for all parameters are given as numbers

# Graphs with rational 1 − λ_2 and β.
GRAPHS: dict[str, tuple[Topology, Q, Q]] = {
    "two workers": (complete(2), Q(1), Q(1)),
    "ring of 4": (ring(4), Q(2, 3), Q(4, 3)),
    "two clusters of 2": (two_clusters(0.25), Q(1, 4), Q(1)),
    "ring of 6": (ring(6), Q(1, 3), Q(4, 3)),
}


class Rate(Claim):
    """Certificates on graphs."""

    id = "WC-CHOCO"
    title = "CHOCO-Gossip: its exact rate is that of error feedback, at every step size, between certificates"
    statement = rf"{V}\ \Rightarrow\ \max V_N/V_0=r^{{2N}},\quad {RATE}"
    reference = "derived here"
    status = "derived"
    kind = "tight"
    expected = "tight"

    def points(self, level: str) -> list[tuple[str, Q, Q, int]]:
        """Return graphs, s, θ over the best one, and N."""
        if level == "quick":
            return [
                ("two workers", Q(1, 3), Q(9, 10), 1),
                ("ring of 4", Q(1, 2), Q(1), 1),
                ("ring of 4", Q(1, 2), Q(1), 2),
            ]
        scales = (Q(1, 2), Q(1), Q(21, 20))
        single = [(name, s, scale, 1) for name in GRAPHS for s in (Q(1, 2), Q(9, 10)) for scale in scales]
        return single + [
            (name, Q(1, 2), Q(1), steps) for name in ("ring of 4", "two clusters of 2") for steps in (2, 3)
        ]

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for name, s, scale, steps in self.points(level):
            topology, gap, beta = GRAPHS[name]
            consensus = scale * best_consensus(gap, beta, s)
            stated = gossip_factor(gap, beta, s, consensus) ** steps
            named = f"{name}, s = {s}, θ = {consensus}, N = {steps}"
            found.append(bracket(named, gossip(topology, s, consensus, steps), stated))
        return found


class EveryGraph(Claim):
    """The rate as identities between rational functions; and the same multipliers on graphs, without slack."""

    id = "WC-CHOCO-all"
    title = "CHOCO-Gossip: its exact rate, proved for all graphs, compressors' s and step sizes at once"
    statement = (
        rf"{V}\ \Rightarrow\ \max V^+/V=r^2\text{{ for all symmetric }}W,s,\theta\text{{ with }}r<1,\quad {RATE}"
    )
    reference = "derived here"
    status = "derived"
    kind = "tight"
    expected = "tight"
    graphs = ("two workers", "ring of 4", "two clusters of 2")

    def theta(self, end: str, s: Any, r: Any) -> Any:
        """Return t = θh at the eigenvalue h that decides, the smallest or the largest, if the factor is r²."""
        return (r + s) * (1 - r) / (r * (1 + s)) if end == "smallest" else (r - s) * (1 + r) / (r * (1 + s))

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [self.judged(end) for end in ("smallest", "largest")] + [self.certified(name) for name in self.graphs]

    def judged(self, end: str) -> Instance:
        """Return the instance where one end of the spectrum decides."""
        s, r = parameters("s", "r")
        p, q = parameters("p", "q")
        least = 1 / (1 + p)
        everywhere = {"r": least, "s": least * least / (1 + q)}  # all 0 < r < 1 and 0 < s < r²
        t = self.theta(end, s, r)
        above = all(proves(one, everywhere) for one in inequalities(t, s, r))
        # Stretched messages along the eigenvector of the 2×2 recursion, x = 1: with it V grows by r² exactly.
        root = r if end == "smallest" else -r
        u = (1 - t - root) / (t * s)
        attained = -t - (1 + t) * s * u == root * u
        verdict = "tight" if above and attained else "holds" if above else "undecided"
        reason = "for all parameters: " + ("both matrices have pivots 0 or > 0" if above else "no proof of it")
        reason += "; stretched messages attain it" if attained else "; stretched messages do not attain it"
        name = f"all graphs where the {end} eigenvalue decides"
        t, bound = float(self.theta(end, AT["s"], AT["r"])), float(AT["r"] ** 2)
        matrix = np.array([[1 - t, -t * float(AT["s"])], [-t, -(1 + t) * float(AT["s"])]])
        measured = float(np.abs(np.linalg.eigvals(matrix)).max() ** 2)
        reason += f"; sides at s = {AT['s']}, r = {AT['r']}"
        return Instance(name, verdict, measured, bound, measured / bound, reason=reason)

    def certified(self, name: str) -> Instance:
        """Return the instance of the same proof on a graph, a certificate without slack."""
        topology, gap, _ = GRAPHS[name]
        s, r = AT["s"], AT["r"]
        consensus = self.theta("smallest", s, r) / gap
        rate = float(r * r)
        try:
            gossip_certificate(topology, s, consensus, r * r).verified()
            verdict, reason = "tight", f"proved: V_1 <= {r * r} V_0, by the multipliers of the proof for all graphs"
        except WrongUse as wrong:
            verdict, reason = "undecided", wrong.wrong
        stated = gossip_factor(**spectrum(topology), s=float(s), consensus=float(consensus))
        return Instance(f"{name}, s = {s}, θ = {consensus}", verdict, rate, stated, rate / stated, reason=reason)


class Simulated(Claim):
    """Runs of the method itself with stretched messages."""

    id = "WC-CHOCO-stretched"
    title = "CHOCO-Gossip with stretched messages: the disagreement follows its law, in the long run at the exact rate"
    statement = (
        r"C(u)=(1+s)u:\quad x_t=\sum_h\phi_h(t)\,\langle v_h,x_0\rangle v_h,\quad "
        rf"\frac{{\lVert x_{{t+1}}-\bar x\rVert^2}}{{\lVert x_t-\bar x\rVert^2}}\to r^2,\quad {RATE}"
    )
    reference = "derived here"
    status = "derived"
    kind = "identity"
    s = 0.5

    def runs(self) -> dict[str, tuple[Topology, float]]:
        """Return graphs and step sizes."""
        found: dict[str, tuple[Topology, float]] = {}
        for name, graph in (("ring of 9", ring(9)), ("two clusters of 2", two_clusters(0.25))):
            best = best_consensus(**spectrum(graph), s=self.s)
            found |= {f"{name}, {scale} of the best θ": (graph, scale * best) for scale in (0.5, 0.9)}
        return found

    def experiments(self, level: str) -> dict[str, Experiment]:
        found = {}
        for name, (graph, consensus) in self.runs().items():
            problem = Quadratic(np.ones((len(graph.matrix), 1)))
            start = np.random.default_rng(0).standard_normal((1, len(graph.matrix), 1))
            problem.start = start - start.mean(axis=1, keepdims=True)
            found[name] = Experiment(
                problem, CHOCO(consensus=consensus), Stretch(factor=1 + self.s), topology=graph, stepsize=0.0,
                steps=STEPS, record="all", unproven=True,
            )  # fmt: skip
        return found

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        experiments = self.experiments(level)
        for name, (graph, consensus) in self.runs().items():
            eigenvalues, vectors = np.linalg.eigh(graph.matrix)
            start = experiments[name].problem.start[0, :, 0] @ vectors
            law = stretched_law(consensus * (1 - eigenvalues[:-1]), self.s, STEPS) * start[:-1]
            expected = np.sum(law * law, axis=1) / len(start)
            measured = data[name].disagreement.values[0]
            found.append(equality(name, measured, expected, rounding=64 * STEPS))
            factor = gossip_factor(**spectrum(graph), s=self.s, consensus=consensus)
            found.append(equality(f"{name}, last step", measured[-1] / measured[-2], factor, rounding=64 * STEPS))
        return found


class Recalled(Claim):
    """Where nothing is lost, the disagreement falls by (1 − γδ)² per step: that is too slow."""

    id = "WC-CHOCO-recalled"
    title = "The step size of CHOCO-Gossip with δ² in its numerator is too short for the rate it is stated with"
    statement = (
        r"\gamma=\frac{\delta^2\omega}{16\delta+\delta^2+4\beta^2+2\delta\beta^2-8\delta\omega}\ \Rightarrow\ "
        r"e_{t+1}\le\Big(1-\frac{\delta^2\omega}{82}\Big)e_t,\quad "
        r"e_t=E\sum_i\big(\lVert x_i^t-\bar x\rVert^2+\lVert x_i^t-\hat x_i^{t+1}\rVert^2\big)"
    )
    reference = THEOREM
    status = "recalled"
    kind = "upper bound"
    expected = "violated"
    points = ((Q(1, 4), Q(1)), (Q(1, 100), Q(1)), (Q(1, 1000), Q(1)), (Q(1, 1000), Q(1, 10)))  # δ, ω
    power = 2

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for delta, omega in self.points:
            # A contraction may send all: then x̂ = x, and the slow eigenvector of two clusters (β = 1) shrinks alone.
            factor = (1 - published_consensus(delta, Q(1), omega, self.power) * delta) ** 2
            stated = 1 - delta * delta * omega / 82
            verdict = "violated" if factor > stated else "holds"
            steps = _steps(float(factor), float(stated))
            reason = f"exact, for two clusters of 2 and messages without error: e falls by the factor {factor} a step"
            found.append(Instance(f"δ = {delta}, ω = {omega}", verdict, steps, 1.0, steps, reason=reason))
        return found


class Theorem(Claim):
    """With δ in place of δ²: polynomials whose coefficients have one sign."""

    id = "WC-CHOCO-theorem"
    title = "CHOCO-Gossip's theorem with δ, not δ², in the step size: proved for all graphs, and with 21 in place of 82"
    statement = (
        r"\gamma=\frac{\delta\omega}{16\delta+\delta^2+4\beta^2+2\delta\beta^2-8\delta\omega}\ \Rightarrow\ "
        r"e_{t+1}\le\Big(1-\frac{\delta^2\omega}{c}\Big)e_t,\ c=82\text{ and }c=21"
    )
    reference = f"{THEOREM}; step size mended and constant 21: derived here"
    status = "derived"
    constants = (82, 21)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        delta, beta, s = parameters("delta", "beta", "s")
        found = []
        for constant in self.constants:
            rate = 1 - delta * delta * (1 - s * s) / constant
            proved = all(
                all_positive([matrix[0][0], matrix[0][0] * matrix[1][1] - matrix[0][1] ** 2], _domain())
                for matrix in published_inequalities(delta, beta, s, rate)
            )
            found.append(_judged(f"c = {constant}", proved, partial(self.factors, constant)))
        return found

    def factors(self, constant: float, delta: float, beta: float, s: float) -> tuple[float, float]:
        """Return the exact factor of e per step, and the stated one."""
        consensus, omega = published_consensus(delta, beta, 1 - s * s), 1 - s * s
        steps = [np.array([[1 - t, -t], [-s * t, -s * (1 + t)]]) for t in (consensus * delta, consensus * beta)]
        return max(float(np.linalg.norm(step, 2)) ** 2 for step in steps), 1 - delta**2 * omega / constant


class Best(Claim):
    """The exact rate at its best step size is linear in the gap."""

    id = "WC-CHOCO-best"
    title = "CHOCO-Gossip at its best step size: the gap enters the rate linearly, not squared"
    statement = (
        r"\theta=\frac{2}{\delta+\beta}\,\frac{1-s}{1+s}\ \Rightarrow\ V^+\le\Big(1-\frac{\delta\omega}{3}\Big)V,"
        r"\quad\omega=1-s^2,\ \delta\le1-\lambda_2,\ \beta\le2"
    )
    reference = "derived here"
    status = "derived"
    constant = 3

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        delta, beta, s = parameters("delta", "beta", "s")
        # r² ≤ R² = 1 − x is (1 − s − x)² ≥ b²(1 − x) where 1 − s ≥ x.
        x = delta * (1 - s * s) / self.constant
        room = 1 - s - x
        proved = all_positive(
            [room, room * room - ((1 - s) * (beta - delta) / (beta + delta)) ** 2 * (1 - x)], _domain()
        )
        return [_judged("all graphs", proved, self.factors)]

    def factors(self, delta: float, beta: float, s: float) -> tuple[float, float]:
        """Return the exact factor of V per step, and the stated one."""
        exact = gossip_factor(delta, beta, s, best_consensus(delta, beta, s))
        return exact, 1 - delta * (1 - s * s) / self.constant


# δ, β and s, at which what is proved for all of them is shown in numbers.
SHOWN = [(d, b, s) for d in (0.001, 0.1, 0.5, 0.96) for b in (1.0, 1.5, 2.0) for s in (0.1, 0.5, 0.9, 0.99)]


def _domain() -> dict[str, Any]:
    """Return δ, β and s as functions of positive numbers: all 0 < δ < 1, δ < β < 2, 0 < s < 1."""
    x, y, z = parameters("x", "y", "z")
    delta = 1 / (1 + x)
    return {"delta": delta, "beta": delta + (2 - delta) / (1 + y), "s": 1 / (1 + z)}


def _judged(name: str, proved: bool, factors: Callable[..., tuple[float, float]]) -> Instance:
    """Return the instance of an inequality for all δ, β and s, its sides where they are closest."""
    steps, at = max((_steps(*factors(*one)), one) for one in SHOWN)
    verdict = "holds" if proved else "violated" if steps > 1 else "undecided"
    reason = "for all δ ≤ 1, δ ≤ β ≤ 2 and s: " + ("proved" if proved else "no proof of it")
    reason += f"; sides where they are closest of {len(SHOWN)} points: δ = {at[0]}, β = {at[1]:g}, s = {at[2]}"
    return Instance(name, verdict, steps, 1.0, steps, reason=reason)


def _steps(factor: float, stated: float) -> float:
    """Return how many steps it takes, over how many a stated factor takes."""
    return float(np.log(stated) / np.log(factor))
