"""Estimating the mean of sparse Bernoulli vectors: where the schemes cross, and what no scheme can do better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from scipy.optimize import brentq

from problems.sparse_bernoulli import SparseBernoulli
from proofs_check.claim import Claim, Instance
from proofs_check.claims.rtop_k.bernoulli_mean import REFERENCE
from proofs_check.sides import equality, inequality
from toolkit.arrays import Array
from toolkit.draws import Draw
from toolkit.estimation.poisson_binomial import poisson_binomial
from toolkit.estimation.schemes import AllCoordinates, LowestOnes, RandomCoordinates, RandomOnes, Scheme
from toolkit.information.sparse_mean import score_proxy, sparse_mean_limit

__all__ = ["crossing"]


def crossing(d: int, bits: int) -> float | None:
    """Return the s at which random ones and random coordinates of equally long messages have equal risks.

    For flat θ, the worst of both; None if they do not cross for s ≤ d/2.
    """
    ones, coordinates = RandomOnes.within(bits, d), RandomCoordinates(min(bits, d))

    def ahead(s: float) -> float:
        theta = SparseBernoulli.flat(1, d, s).theta
        return ones.risk(theta, 1) - coordinates.risk(theta, 1)

    return float(brentq(ahead, 1e-3, d / 2, xtol=1e-6)) if ahead(d / 2) > 0 > ahead(1e-3) else None


class Crossover(Claim):
    """Where the number of ones is too large to name them."""

    id = "S-b2-crossover"
    title = "At equal bits, random coordinates overtake random ones at s = dm/k, within 5 %"
    statement = (
        r"\text{risk of }m\text{ random ones}=\text{risk of }k\text{ random coordinates at }"
        r"s^\star=\frac{dm}k(1\pm0.05),\qquad m=\left\lfloor\frac{k-\lceil\log_2(d+1)\rceil}{\lceil\log_2d\rceil}"
        r"\right\rfloor,\quad\theta=\frac sd(1,\dots,1)"
    )
    reference = f"{REFERENCE} (S-b2)"
    kind = "rate"
    margin: ClassVar[float] = 0.05

    def predicted(self, d: int, bits: int) -> float:
        """Return where they should cross."""
        return d * RandomOnes.within(bits, d).m / bits

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        dimensions = {"quick": (256, 1024), "full": (256, 512, 1024, 2048, 4096)}[level]
        step = {"quick": 40, "full": 10}[level]
        instances = []
        for d in dimensions:
            bits = range(40, 161, step)
            found = {k: crossing(d, k) for k in bits}
            ratios = {k: (s or np.inf) / self.predicted(d, k) for k, s in found.items()}
            worst = max(bits, key=lambda k: abs(ratios[k] - 1))
            by_order = [s * np.log2(d) / d for s in found.values() if s is not None]
            instances.append(
                Instance(
                    f"d = {d}, k from 40 to 160",
                    "holds" if abs(ratios[worst] - 1) <= self.margin else "violated",
                    measured=found[worst],
                    bound=self.predicted(d, worst),
                    ratio=float(ratios[worst]),
                    reason=f"farthest at k = {worst}; s* log2(d)/d, the order of the crossing, is between "
                    f"{min(by_order, default=np.nan):.2f} and {max(by_order, default=np.nan):.2f}",
                )
            )
        return instances


class Bias(Claim):
    """What ties that go to the lowest index cost."""

    id = "S-b2-bias"
    title = "Top-m with ties to the lowest index keeps its bias, however many workers there are"
    statement = (
        r"\lim_{n\to\infty}E\lVert\hat\theta-\theta\rVert^2=\sum_j\theta_j^2\,P(A_j\ge m)^2,\qquad "
        r"A_j=\sum_{i<j}X_i"
    )
    reference = f"{REFERENCE} (S-b2)"
    kind = "identity"
    scheme: ClassVar[type[LowestOnes]] = LowestOnes

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        d, workers = {"quick": 60, "full": 200}[level], 10**9
        instances = []
        for s in (4.0, 12.0):
            theta = SparseBernoulli.power_law(1, d, s, exponent=0.5).theta
            for m in (2, 8):
                dropped = np.array([max(0.0, 1 - poisson_binomial(theta[:j], m - 1).sum()) for j in range(d)])
                limit = float((theta**2 * dropped**2).sum())
                # The risk of n workers is a + b/n: from two n follows a.
                scheme = self.scheme(m)
                first, second = scheme.risk(theta, workers), scheme.risk(theta, 2 * workers)
                left = 2 * second - first
                ahead = RandomOnes(m)
                enough = ahead.risk(theta, 1) / limit
                reason = f"m random ones, which have no bias, are better from {enough:.0f} workers on"
                name = f"θ ∝ j^(−1/2), d = {d}, s = {s:g}, m = {m}"
                # Every probability is good to d eps, and so are their sums.
                scale = float((theta**2).sum())
                instances.append(equality(name, [left], [limit], rounding=4 * d, scale=scale, reason=reason))
        return instances


class Information(Claim):
    """What a message tells about θ."""

    id = "S-b3-information"
    title = "The Fisher information in a message is at most twice the score's proxy times the message's length"
    statement = (
        r"\operatorname{tr}I_M(\theta)\le2v\,I(X;M)\le2v\,b\log2,\qquad "
        r"v=\max_j\frac{1-2\theta_j}{2\log\frac{1-\theta_j}{\theta_j}}\,\frac1{\theta_j^2(1-\theta_j)^2}"
        r"\qquad(b\text{ bits})"
    )
    reference = "derived; the order is that of Barnes, Han and Özgür (S-b3, uncertain)"

    def proxy(self, theta: Array) -> float:
        """Return v."""
        return float(score_proxy(theta).max())

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 30, "full": 2000}[level]
        instances = []
        for theta in ((0.5,), (0.1,), (0.2, 0.2, 0.2), (0.05, 0.1, 0.3, 0.4)):
            told, bound, kinds = [], [], []
            for kind, channels in _channels(len(theta), count).items():
                left, right = self._sides(np.array(theta), channels)
                told.append(left)
                bound.append(right)
                kinds += [kind] * len(channels)
            name = f"θ = {', '.join(map(str, theta))}"
            sides = np.concatenate(told), np.concatenate(bound)
            # Of a message that says next to nothing, both sides come from differences of 1e-3 of numbers near 1.
            instances.append(inequality(name, *sides, rounding=1 << 14, kinds=kinds))
        return instances

    def _sides(self, theta: Array, channels: Array) -> tuple[Array, Array]:
        """Return tr I_M and 2v·I(X; M) in nats, of channels of shape (channel, sample, message)."""
        samples = (np.arange(2**theta.size)[:, None] >> np.arange(theta.size)) & 1
        likelihood = np.where(samples == 1, theta, 1 - theta).prod(axis=1)
        score = (samples - theta) / (theta * (1 - theta))
        message = np.einsum("x,cxm->cm", likelihood, channels)[:, None]
        # How much more probable a message is than usual; where it never comes, nothing.
        excess = np.divide(channels - message, message, out=np.zeros(channels.shape), where=message > 0)
        mean_score = np.einsum("x,xj,cxm->cjm", likelihood, score, excess)
        told = (message[:, 0] * (mean_score**2).sum(axis=1)).sum(axis=1)
        # (1 + u) log(1 + u) − u, whose mean is that of (1 + u) log(1 + u), has no sum that cancels.
        log = np.log1p(np.where(excess > -1, excess, 0.0))
        divergence = np.einsum("x,cxm->cm", likelihood, (1 + excess) * log - excess)
        return told, 2 * self.proxy(theta) * (message[:, 0] * divergence).sum(axis=1)


def _channels(d: int, count: int) -> dict[str, Array]:
    """Return channels from the 2^d samples to messages, by kind, each of shape (channel, sample, message)."""
    weight = -np.log(Draw(np.arange(count)).of("channels").uniform(2**d * 4).reshape(count, 2**d, 4))

    def normalised(weight: Array) -> Array:
        return weight / weight.sum(axis=2, keepdims=True)

    return {
        "the sample itself": np.eye(2**d)[None],
        "a random channel": normalised(weight),
        "a random function of the sample": (weight == weight.max(axis=2, keepdims=True)).astype(float),
        "a channel that is hardly more than noise": normalised(1 + 1e-3 * weight),
    }


class Limit(Claim):
    """No scheme is below the limit."""

    id = "S-b3-limit"
    title = "No estimate from messages of so many bits has a smaller worst risk than the van Trees limit"
    statement = (
        r"\sup_{\sum_j\theta_j\le s}E\lVert\hat\theta-\theta\rVert^2\ge\frac{D^2}{n\min\{2v(a)b\log2,\,"
        r"D\,E\frac1{\theta(1-\theta)}\}+\frac{4\pi^2D}{(h-a)^2}},\qquad h=\frac sD,\ a<h,\ D\le d"
    )
    reference = "derived (van Trees; transport inequality); the order is that of S-b3 (uncertain)"
    kind = "lower bound"
    schemes: ClassVar[Mapping[str, Callable[[int, int], Scheme]]] = {
        "random ones": RandomOnes.within,
        "random coordinates": lambda bits, d: RandomCoordinates(min(bits, d)),
        "all coordinates": lambda bits, d: AllCoordinates(),
    }

    def bits(self, scheme: Scheme, d: int) -> int:
        """Return the length of a message."""
        return scheme.bits(d)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        workers = {"quick": (1, 10**3, 10**6, 10**9), "full": tuple(10**i for i in range(13))}[level]
        instances = []
        for name, within in self.schemes.items():
            risks, limits, kinds = [], [], []
            for d, s, bits in ((256, 16, 40), (256, 16, 160), (4096, 16, 160), (4096, 256, 640)):
                scheme = within(bits, d)
                theta = SparseBernoulli.flat(1, d, s).theta  # of all with Σ θ_j ≤ s ≤ d/2 the worst of these schemes
                for n in workers:
                    risks.append(scheme.risk(theta, n))
                    limits.append(sparse_mean_limit(d, s, n, self.bits(scheme, d)).risk)
                    kinds.append(f"d = {d}, s = {s}, {self.bits(scheme, d)} bits, n = {n:g}")
            above = inequality(name, limits, risks, rounding=64, kinds=kinds)
            at = int(np.argmax(np.divide(limits, risks)))
            verdict = "holds" if above.verdict == "tight" else above.verdict
            ratio = risks[at] / limits[at]
            instances.append(Instance(name, verdict, risks[at], limits[at], ratio, reason=above.reason))
        return instances
