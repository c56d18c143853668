"""Bernstein et al., ICML 2018 and ICLR 2019: how often a sign, and a vote on a sign, is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np
from scipy import stats
from scipy.optimize import linprog, minimize_scalar

from problems.coordinate_noise import LAWS, CoordinateNoise, gauss_bound
from proofs_check.claim import Claim, Instance
from proofs_check.sides import inequality
from proofs_check.sign_law import vote_wrong, worst_vote
from toolkit.arrays import Array
from toolkit.compressors.raw_sign import RawSign
from toolkit.rates import slope

REFERENCE = "Bernstein, Wang, Azizzadenesheli and Anandkumar, ICML 2018"
VOTE = "Bernstein, Zhao, Azizzadenesheli and Anandkumar, ICLR 2019"
ROOT_3 = float(np.sqrt(3))
LARGEST = 199  # workers
SOLVED = 1e4  # eps: the optimum is a vertex of two atoms, solved for by an exchange of some dozens of bases
OUTCOMES = {"quick": 2**12, "full": 2**18}


def ratios(level: str) -> Array:
    """Return signal-to-noise ratios S, among them those at which the bounds change or are loosest."""
    count = {"quick": 16, "full": 400}[level]
    return np.sort(np.append(np.geomspace(0.01, 30.0, count), [ROOT_3 / 2, 1.0, 2 / ROOT_3, ROOT_3]))


class _WrongSign(Claim):
    """A bound on the probability of a wrong sign, which a family of laws attains."""

    reference = f"{REFERENCE} (S-s2)"
    kind = "tight"
    expected = "tight"
    law: ClassVar[str] = ""
    compressor: ClassVar[RawSign] = RawSign()

    def bound(self, S: Array) -> Array:
        """Return the right side."""
        raise NotImplementedError

    def largest(self, S: float) -> float:
        """Return the optimum of a linear programme over the laws, on a grid that holds the extremal ones."""
        raise NotImplementedError

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        S = ratios(level)
        few = S[:: {"quick": 3, "full": 8}[level]]
        solved = [self.largest(one) for one in few]
        found = [
            inequality("the linear programme over laws", solved, self.bound(few), rounding=SOLVED, kinds=_names(few)),
            self._outcomes(level),
        ]
        laws = {name: law.wrong_sign(S) for name, law in LAWS.items() if name == self.law or self.covers(name)}
        for name, wrong in laws.items():
            found.append(inequality(f"{name} noise", wrong, self.bound(S), rounding=8, kinds=_names(S)))
        return found

    def covers(self, law: str) -> bool:
        """Tell whether the statement speaks of a law."""
        return law != "skewed"

    def _outcomes(self, level: str) -> Instance:
        """Count the wrong signs among equally likely outcomes of the extremal noise: the law to one outcome."""
        count, S = OUTCOMES[level], ratios("quick")
        problem = CoordinateNoise(np.ones(S.size), np.ones(S.size), law=self.law)
        x = np.broadcast_to(S, (count, 1, S.size))
        sample = problem.stochastic_gradient(np.ascontiguousarray(x), _Quantiles(count), 1)
        wrong = (self.compressor.compress(sample)[:, 0] < 0).mean(axis=0)
        name = f"signs of {count} equally likely outcomes of {self.law} noise"
        return inequality(name, wrong, self.bound(S) + 1 / count, rounding=8, reason="the bound plus one outcome")


class _Quantiles:
    """A draw whose runs are the midpoints of equal parts of (0, 1), the same for every coordinate."""

    def __init__(self, count: int) -> None:
        self._u = (np.arange(count) + 0.5)[:, None, None] / count

    def of(self, purpose: str, index: int = 0) -> _Quantiles:
        return self

    def uniform(self, d: int) -> Array:
        return np.repeat(self._u, d, axis=-1)


def _names(S: Array) -> list[str]:
    return [f"S = {one:.4g}" for one in S]


class WrongSign(_WrongSign):
    """Gauss's inequality, attained at every S.

    A symmetric unimodal law is a mixture of uniform laws on [−a, a], of which one has P(ξ ≤ −S) = (1 − S/a)₊/2 and
    variance a²/3, so the largest probability is a linear programme in the weights, of two constraints. Its dual prices
    prove the bound for all a: with S ≥ 2/√3 and u = a/S, 4u³/27 − u + 1 = (u − 3/2)²(4u + 12)/27 ≥ 0; below, with
    v = a/√3, v³ − 3v + 2 = (v − 1)²(v + 2) ≥ 0.
    """

    id = "S-s2"
    title = "With symmetric unimodal noise a sign is wrong at most as often as Gauss's inequality says"
    statement = (
        r"P(\mathrm{sign}\,\tilde g_i\ne\mathrm{sign}\,g_i)\le"
        r"\begin{cases}\frac{2}{9S^2}&S>\frac2{\sqrt3}\\\frac12-\frac S{2\sqrt3}&\text{else}\end{cases},"
        r"\qquad S=\frac{\lvert g_i\rvert}{\sigma_i}"
    )
    law = "unimodal"

    def bound(self, S: Array) -> Array:
        return gauss_bound(S)

    def largest(self, S: float) -> float:
        ends = np.unique(np.concatenate([np.geomspace(0.01, 1000, 300), [ROOT_3, 1.5 * S]]))
        ends = np.append(0.0, ends)
        with np.errstate(divide="ignore"):
            wrong = np.maximum((1 - S / ends) / 2, 0)
        return _optimum(wrong, at_most=ends**2 / 3)


class WrongSignAnyShape(_WrongSign):
    """Cantelli's inequality: what is true of all laws, and twice as strong as Markov's at S = 1."""

    id = "S-s2-cantelli"
    title = "Whatever the noise, a sign is wrong with probability at most 1/(1 + S²)"
    statement = r"P(\mathrm{sign}\,\tilde g_i\ne\mathrm{sign}\,g_i)\le\frac1{1+S^2}"
    law = "skewed"

    def bound(self, S: Array) -> Array:
        return 1 / (1 + S**2)

    def largest(self, S: float) -> float:
        values = np.unique(np.concatenate([np.linspace(-40, 40, 161), [-S, 1 / S]]))
        return _optimum((values <= -S).astype(float), at_most=values**2, zero=values)

    def covers(self, law: str) -> bool:
        return True


class WrongSignMarkov(WrongSignAnyShape):
    """The bound of the theorem's proof, which no law attains."""

    id = "S-s2-markov"
    title = "Whatever the noise, a sign is wrong with probability at most 1/S"
    statement = r"P(\mathrm{sign}\,\tilde g_i\ne\mathrm{sign}\,g_i)\le\frac1S"
    kind = "upper bound"
    expected = "holds"

    def bound(self, S: Array) -> Array:
        return 1 / S


def _optimum(gain: Array, at_most: Array, zero: Array | None = None) -> float:
    """Return the largest mean gain over laws on a grid with E at_most ≤ 1, and E zero = 0 if that is given."""
    rows = np.ones((1, gain.size)) if zero is None else np.stack([np.ones(gain.size), zero])
    solution = linprog(-gain, A_ub=at_most[None], b_ub=[1.0], A_eq=rows, b_eq=np.eye(len(rows))[0])
    return -float(solution.fun)


class VoteBound(Claim):
    """Cantelli's inequality for the number of right votes, and Gauss's for one vote."""

    id = "S-s3"
    title = "A vote of M workers is wrong with probability at most 1/(√M S), ties counted as wrong"
    statement = (
        r"P(\text{vote wrong})\le\frac{1}{1+M\varepsilon^2/(1/4-\varepsilon^2)}\le\frac{1}{\sqrt M\,S},"
        r"\qquad\varepsilon=\frac12-q"
    )
    reference = f"{VOTE} (S-s3)"

    def cantelli(self, q: Array, workers: int) -> Array:
        """Return the middle of the chain."""
        return 1 / (1 + workers * (0.5 - q) ** 2 / (q * (1 - q)))

    def bound(self, S: Array, workers: int) -> Array:
        """Return the right side."""
        return 1 / (np.sqrt(workers) * S)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        links: dict[str, list[tuple[Array, Array, list[str]]]] = {}
        for workers in range(1, LARGEST + 1):
            S = np.append(ratios("quick"), ratios(level) / np.sqrt(workers))
            q, kinds = gauss_bound(S), [f"M = {workers}, {name}" for name in _names(S)]
            exact, middle, right = vote_wrong(q, workers), self.cantelli(q, workers), self.bound(S, workers)
            parity = "odd M" if workers % 2 else "even M, ties wrong"
            for link, sides in {
                f"the whole chain, {parity}": (exact, right),
                f"exact binomial and Cantelli, {parity}": (exact, middle),
                "Cantelli and 1/(√M S)": (middle, right),
            }.items():
                links.setdefault(link, []).append((*sides, kinds))
        return [
            _joined(name, parts, f"M = 1, …, {LARGEST}, largest q that S-s2 allows") for name, parts in links.items()
        ]


class ByzantineVote(VoteBound):
    """Votes with adversaries among the voters, for every number of them below one half.

    If they invert their votes, M(1 − 2α)ε is how far the mean of the right votes is above M/2, and their variance is as
    before; whatever they send, a vote is wrong only if M(1/2 − α) honest ones are (Markov).
    """

    id = "S-s7-vote"
    title = "A vote with a fraction α of adversaries: inverting ones cost a factor, arbitrary ones the help of numbers"
    statement = (
        r"P(\text{vote wrong})\le\frac1{(1-2\alpha)\sqrt M\,S}\quad\text{(inverting)},\qquad "
        r"P(\text{vote wrong})\le\frac{2(1-\alpha)}{1-2\alpha}\,q\quad\text{(arbitrary)}"
    )
    reference = f"{VOTE} (S-s7)"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        adversaries: dict[str, list[tuple[Array, Array, list[str]]]] = {}
        for workers in range(1, 100, {"quick": 7, "full": 1}[level]):
            S = np.append(ratios("quick"), ratios("quick") / np.sqrt(workers))
            q = gauss_bound(S)
            for liars in range((workers + 1) // 2):
                alpha = liars / workers
                kinds = [f"M = {workers}, {liars} adversaries, {name}" for name in _names(S)]
                for adversary, right in {
                    "inverting": self.bound(S, workers) / (1 - 2 * alpha),
                    "omniscient": 2 * (1 - alpha) / (1 - 2 * alpha) * q,
                }.items():
                    left = vote_wrong(q, workers, liars, adversary)
                    adversaries.setdefault(f"{adversary} adversaries", []).append((left, right, kinds))
        return [_joined(name, parts, "largest q that S-s2 allows") for name, parts in adversaries.items()]


def _joined(name: str, parts: list[tuple[Array, Array, list[str]]], reason: str) -> Instance:
    left, right, kinds = zip(*parts, strict=True)
    names = [name for part in kinds for name in part]
    return inequality(name, np.concatenate(left), np.concatenate(right), rounding=64, kinds=names, reason=reason)


class VoteSharp(Claim):
    """The same with the smallest constant that holds for every odd M, approached as M grows.

    For odd M a vote is wrong with probability at most Φ(−2ε√M): both are 1/2 at ε = 0, the vote's falls faster there,
    as M C(M − 1, (M − 1)/2) 2^(1 − M) ≥ √(2M/π), the derivatives cross once, and Φ is the larger one at ε = 1/2. With
    the worst noise S = 2√3 ε up to S = 2/√3, which makes S times this (√3/√M) tΦ(−t) at t = 2ε√M; beyond, q falls like
    S^(−2) and a vote at least as fast as q, so that the product falls. For normal noise the limit is seen, not shown.
    """

    id = "S-s3-sharp"
    title = "With an odd number of workers the constant 1 of the vote's bound may be replaced by 0.2944"
    statement = (
        r"P(\text{vote wrong})\le\frac{c}{\sqrt M\,S},\qquad c=\sqrt3\,\max_tt\Phi(-t)\approx0.2944\quad"
        r"\Big(\text{normal noise: }\sqrt{\tfrac\pi2}\,\max_tt\Phi(-t)\approx0.2130\Big)"
    )
    reference = f"{VOTE} (S-s3, how loose)"
    factor: ClassVar[float] = 1.0

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        workers = np.arange(1, LARGEST + 1, {"quick": 22, "full": 2}[level])
        return [
            inequality(
                f"{name} noise",
                [worst_vote(int(M), LAWS[law].wrong_sign)[1] for M in workers],
                np.full(workers.size, self.factor * limit),
                rounding=64,
                kinds=[f"M = {M}" for M in workers],
                reason="sup over S of √M S P(vote wrong)",
            )
            for name, (law, limit) in limits().items()
        ]


@cache
def limits() -> dict[str, tuple[str, float]]:
    """Return the limits of √M sup_S S·P(vote wrong): ε is q′(0)·S for small S, and the vote is normal for large M."""
    found = minimize_scalar(lambda t: -t * stats.norm.cdf(-t), bounds=(0.1, 3), method="bounded")
    top = -float(found.fun)
    return {
        "worst symmetric unimodal": ("unimodal", ROOT_3 * top),
        "normal": ("normal", float(np.sqrt(np.pi / 2)) * top),
    }


class VoteExponent(Claim):
    """The exponent of M belongs to the supremum over S, not to a fixed S, where the decrease is exponential."""

    id = "S-s3-exponent"
    title = "The supremum over S of S·P(vote wrong) falls like M to the power −1/2"
    statement = r"\sup_SS\cdot P(\text{vote wrong})=\Theta(M^{-1/2})"
    reference = f"{VOTE} (S-s3, how loose)"
    kind = "rate"
    exponent: ClassVar[float] = -0.5
    margin: ClassVar[float] = 0.01

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        workers = np.arange(25, LARGEST + 1, {"quick": 58, "full": 6}[level])
        found = []
        for name, (law, _) in limits().items():
            supremum = np.array([worst_vote(int(M), LAWS[law].wrong_sign)[1] for M in workers]) / np.sqrt(workers)
            measured = slope(workers.astype(float), supremum).value
            apart = abs(measured - self.exponent)
            one = inequality(f"{name} noise", [apart], [self.margin], rounding=0, reason="exact, no sampling")
            reason = f"{one.reason}; exponent {measured:.4f}, within {self.margin:g} of {self.exponent:g}"
            found.append(
                Instance(one.name, one.verdict, measured, self.exponent, measured / self.exponent, reason=reason)
            )
        return found
