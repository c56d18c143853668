"""Barnes, Inan, Isik and Özgür, 'rTop-k …', JSAIT 2020: one message, and those of workers that hold one vector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from proofs_check.claim import Claim, Instance
from proofs_check.outcomes import Outcomes
from proofs_check.panel import integers, panel
from proofs_check.ranks import ranked_outcomes
from proofs_check.sides import equality, inequality
from toolkit.arrays import Array
from toolkit.compressors.r_top_k import RTopK, best_r

REFERENCE = "Barnes, Inan, Isik and Özgür, JSAIT 2020"


def top_energy(x: Array, r: int) -> Array:
    """Return the sum of the r largest squares of each vector, shape ``(vector,)``."""
    return np.sort(x[:, 0] ** 2, axis=-1)[:, ::-1][:, :r].sum(axis=-1)


def lowest_energy(x: Array, count: int) -> Array:
    """Return the sum of so many smallest squares of each vector, shape ``(vector,)``."""
    return np.sort(x[:, 0] ** 2, axis=-1)[:, :count].sum(axis=-1)


class _OnVectors(Claim):
    """A statement about the law of one message."""

    reference = f"{REFERENCE} (S-b4)"
    compressor: ClassVar[type[RTopK]] = RTopK

    def expected_errors(self, x: Array, k: int, r: int) -> Array:
        """Return E‖w − rTop_k(w)‖² over all messages, shape ``(vector,)``."""
        every = ranked_outcomes(self.compressor(k=k, r=r), x)
        return every.expect(((every.sent - x[every.vector])[:, 0] ** 2).sum(axis=-1))


def _sizes(d: int) -> Iterator[tuple[int, int]]:
    """Yield all k and r."""
    return ((k, r) for r in range(1, d + 1) for k in range(1, r + 1))


class ErrorIdentity(_OnVectors):
    """The exact error of a message."""

    id = "S-b4"
    title = "The expected error of rTop-k: of the r largest squares the share k/r is kept"
    statement = (
        r"E\lVert w-\mathrm{rTop}_k(w)\rVert^2=\lVert w\rVert^2-\frac kr\lVert w_{S_r}\rVert^2,\qquad "
        r"S_r\text{ the }r\text{ largest }\lvert w_j\rvert"
    )
    kind = "identity"

    def stated(self, x: Array, k: int, r: int) -> Array:
        """Return the right side, as what is outside S_r and the share 1 − k/r of what is inside."""
        return lowest_energy(x, x.shape[-1] - r) + (1 - k / r) * top_energy(x, r)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 8, "full": 100}[level]
        instances = []
        for d in (3, 4):
            vectors = panel(d, count)
            for k, r in _sizes(d):
                found = self.expected_errors(vectors.x, k, r)
                stated = self.stated(vectors.x, k, r)
                # Sums of at most 24·4 terms, pairwise; none is negative.
                name = f"k = {k}, r = {r}, d = {d}"
                instances.append(equality(name, found, stated, rounding=16, kinds=vectors.kinds))
        return instances


class Contraction(_OnVectors):
    """The contraction that follows, the same for every r."""

    id = "S-b4-delta"
    title = "rTop-k is a contraction with δ = k/d whatever r is, and not with a larger one"
    statement = r"E\lVert w-\mathrm{rTop}_k(w)\rVert^2\le\Big(1-\frac kd\Big)\lVert w\rVert^2"
    kind = "tight"
    expected = "tight"

    def delta(self, k: int, r: int, d: int) -> float:
        """Return δ."""
        return k / d

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 8, "full": 100}[level]
        instances = []
        for d in (3, 4):
            vectors = panel(d, count, {"constant magnitude": np.where(np.arange(d) % 2, -1.0, 1.0)})
            for k, r in _sizes(d):
                if k < d:  # else both sides are 0
                    found = self.expected_errors(vectors.x, k, r)
                    bound = (1 - self.delta(k, r, d)) * top_energy(vectors.x, d)
                    name = f"k = {k}, r = {r}, d = {d}"
                    instances.append(inequality(name, found, bound, rounding=16, kinds=vectors.kinds))
        return instances


class Equality(_OnVectors):
    """Where the contraction is attained."""

    id = "S-b4-equality"
    title = "The contraction is attained if and only if all magnitudes are equal or r = d"
    statement = (
        r"E\lVert w-\mathrm{rTop}_k(w)\rVert^2=\Big(1-\frac kd\Big)\lVert w\rVert^2\iff "
        r"\lvert w_1\rvert=\dots=\lvert w_d\rvert\ \text{or}\ r=d"
    )
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 40, "full": 200}[level]
        instances = []
        for d in (2, 4):
            x = np.concatenate([integers(d, count), np.full((1, 1, d), 2.0), np.zeros((1, 1, d))])
            for k, r in _sizes(d):
                # Of integers both sides are multiples of 1/(dr): further apart than rounding, or equal.
                gap = (1 - k / d) * top_energy(x, d) - self.expected_errors(x, k, r)
                attained = abs(gap) < 1e-9
                predicted = (np.ptp(abs(x[:, 0]), axis=-1) == 0) | (r == d)
                reason = f"attained by {attained.sum()} of {len(x)} vectors of integers"
                name = f"k = {k}, r = {r}, d = {d}"
                instances.append(equality(name, attained, predicted, rounding=0, reason=reason))
        return instances


class Monotone(_OnVectors):
    """What a larger r costs one message."""

    id = "S-b4-monotone"
    title = "The contraction of a given vector does not grow with r"
    statement = (
        r"\delta_r(w)=1-\frac{E\lVert w-\mathrm{rTop}_k(w)\rVert^2}{\lVert w\rVert^2}\ \Rightarrow\ "
        r"\delta_{r+1}(w)\le\delta_r(w)"
    )
    kind = "tight"
    expected = "tight"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        count = {"quick": 8, "full": 100}[level]
        instances = []
        for d in (3, 4):
            vectors = panel(d, count, {"constant magnitude": np.ones(d)})
            some = vectors.x[:, 0].any(axis=-1)
            x, kinds = vectors.x[some], [kind for kind, kept in zip(vectors.kinds, some, strict=True) if kept]
            for k in range(1, d):
                errors = np.stack([self.expected_errors(x, k, r) for r in range(k, d + 1)])
                delta = 1 - errors / top_energy(x, d)
                name = f"k = {k}, r from {k} to {d}, d = {d}"
                # δ comes from 1 − a number good to some eps; it is at least k/d ≥ 1/4.
                sides = delta[1:].ravel(), delta[:-1].ravel()
                instances.append(inequality(name, *sides, rounding=64, kinds=kinds * (d - k)))
        return instances


class _SeveralWorkers(Claim):
    """A statement about workers that hold one vector and draw independently: over all that they can send."""

    reference = f"{REFERENCE} (S-b5)"
    compressor: ClassVar[type[RTopK]] = RTopK

    def sent(self, p: Array, k: int, r: int, n: int) -> Outcomes:
        """Return all messages of `n` workers that hold `p`, of shape ``(vector, 1, d)``."""
        return ranked_outcomes(self.compressor(k=k, r=r), np.repeat(p, n, axis=1))

    def sizes(self, level: str) -> Iterator[tuple[int, int, int, int]]:
        """Yield d, k, r and n."""
        for d, workers in ((3, (1, 2, 3)), (4, (1, 2))):
            for k, r in _sizes(d):
                yield from ((d, k, r, n) for n in workers if level == "full" or n == workers[-1] or r == d)

    def vectors(self, d: int, level: str) -> tuple[Array, list[str]]:
        """Return vectors without zeros, few enough to play all orders for."""
        j = np.arange(d)
        found = {"constant magnitude": np.ones(d), "geometric": -(0.5**j), "linear": d - j, "two levels": 1 + (j < 2)}
        if level == "full":
            found |= {f"powers −{a}": (j + 1.0) ** -a for a in (0.1, 0.3, 1, 2)}
        return np.array(list(found.values()), dtype=float)[:, None], list(found)


class Coverage(_SeveralWorkers):
    """How many coordinates arrive."""

    id = "S-b5-coverage"
    title = "The expected number of different coordinates that n workers send"
    statement = r"E\lvert U_1\cup\dots\cup U_n\rvert=r\big(1-(1-k/r)^n\big)"
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        found, stated, kinds = [], [], []
        for d, k, r, n in self.sizes(level):
            p = np.arange(d, 0, -1.0)[None, None]
            every = self.sent(p, k, r, n)
            found.append(float(every.expect((every.sent != 0).any(axis=1).sum(axis=-1))[0]))
            stated.append(self.compressor(k=k, r=r).coverage(n))
            kinds.append(f"d = {d}, k = {k}, r = {r}, n = {n}")
        # Each side is good to some eps.
        return [equality("n ≤ 3, d ≤ 4", found, stated, rounding=32, kinds=kinds, reason="over all messages")]


class Moments(_SeveralWorkers):
    """Mean and variance of what the server makes of the messages, coordinate by coordinate."""

    id = "S-b5-moments"
    title = "Mean and variance of every coordinate of the average of n messages"
    statement = (
        r"\bar p=\frac1n\sum_i\mathrm{rTop}_k(p)_i\ \Rightarrow\ E\bar p_j=\frac krp_j,\quad "
        r"\mathrm{Var}\,\bar p_j=\frac1n\frac kr\Big(1-\frac kr\Big)p_j^2\quad(j\in S_r)"
    )
    kind = "identity"

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        sides: dict[str, tuple[list[Array], list[Array]]] = {"mean": ([], []), "variance": ([], [])}
        for d, k, r, n in self.sizes(level):
            p = np.arange(d, 0, -1.0)
            every = self.sent(p[None, None], k, r, n)
            average = every.sent.mean(axis=1)
            mean = every.expect(average)[0]
            inside = np.arange(d) < r
            sides["mean"][0].append(mean)
            sides["mean"][1].append(np.where(inside, k / r * p, 0.0))
            sides["variance"][0].append(every.expect((average - mean) ** 2)[0])
            sides["variance"][1].append(np.where(inside, k / r * (1 - k / r) * p**2 / n, 0.0))
        # Sums of up to 200 terms of at most 16, pairwise.
        return [
            equality(f"{name}, n ≤ 3, d ≤ 4", np.concatenate(left), np.concatenate(right), rounding=32, scale=16.0)
            for name, (left, right) in sides.items()
        ]


class ErrorOfMean(_SeveralWorkers):
    """What is lost in one step of several workers."""

    id = "S-b5"
    title = "The squared error of the average of n messages of rTop-k, for workers that hold one vector"
    statement = (
        r"E\lVert p-\bar p\rVert^2=\lVert p\rVert^2-w(r)\lVert p_{S_r}\rVert^2,\qquad "
        r"w(r)=\frac kr\Big(2-\frac1n\Big)-\frac{k^2}{r^2}\Big(1-\frac1n\Big)"
    )
    kind = "identity"

    def stated(self, p: Array, k: int, r: int, n: int) -> Array:
        """Return the right side, shape ``(vector,)``."""
        return self.compressor(k=k, r=r).error_of_mean(p, n)[:, 0]

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, k, r, n in self.sizes(level):
            p, kinds = self.vectors(d, level)
            found = errors_of_mean(self.sent(p, k, r, n), p)
            sides = found, self.stated(p, k, r, n)
            name = f"d = {d}, k = {k}, r = {r}, n = {n}"
            # Sums of some hundred terms of at most ‖p‖², pairwise.
            scale = top_energy(p, d)
            instances.append(equality(name, *sides, rounding=32, scale=scale, kinds=kinds, reason="over all messages"))
        return instances


def errors_of_mean(every: Outcomes, p: Array) -> Array:
    """Return E‖p − p̄‖², shape ``(vector,)``."""
    average = every.sent.mean(axis=1)
    return every.expect(((average - p[every.vector, 0]) ** 2).sum(axis=-1))


class Gain(_SeveralWorkers):
    """How much more energy arrives than by Top-k."""

    id = "S-b5-gain"
    title = "Random choice gains over Top-k at most the factor 2 − 1/n of the energy"
    statement = (
        r"\lVert p\rVert^2-E\lVert p-\bar p\rVert^2\le\Big(2-\frac1n\Big)\lVert p_{S_k}\rVert^2"
        r"\quad\text{for every }r\ge k,\ n\ge2"
    )

    def factor(self, n: int) -> float:
        """Return the factor."""
        return 2 - 1 / n

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        d = {"quick": 256, "full": 4096}[level]
        j = np.arange(1, d + 1.0)
        vectors = {"constant magnitude": np.ones(d)} | {f"p_j = j^−{a}": j**-a for a in (0.1, 0.25, 0.5, 1, 2)}
        x = np.array(list(vectors.values()))[:, None]
        instances = []
        for name, chosen in {"constant magnitude": slice(0, 1), "powers": slice(1, None)}.items():
            several, names = x[chosen], list(vectors)[chosen]
            left, right, kinds = [], [], []
            for k in (1, 8):
                for n in (2, 8, 64):
                    for r in np.unique(np.geomspace(k, d, 12).astype(int)).tolist():
                        gained = top_energy(several, d) - self.compressor(k=k, r=r).error_of_mean(several, n)[:, 0]
                        left.append(gained)
                        right.append(self.factor(n) * top_energy(several, k))
                        kinds += [f"{kind}, k = {k}, r = {r}, n = {n}" for kind in names]
            # What arrives is a difference of numbers of up to d/k times its size, each good to some eps.
            sides = np.concatenate(left), np.concatenate(right)
            instance = inequality(f"{name}, d = {d}", *sides, rounding=4 * d, kinds=kinds)
            instances.append(instance)
        return instances


class BestRange(_SeveralWorkers):
    """Which r loses least."""

    id = "S-b5-best"
    title = "The r that loses least in one step is the one that the formula says: k for one worker, more for several"
    statement = (
        r"\operatorname{argmin}_rE\lVert p-\bar p\rVert^2=\operatorname{argmax}_rw(r)\lVert p_{S_r}\rVert^2,\qquad "
        r"n=1\Rightarrow r=k"
    )
    kind = "identity"

    def chosen(self, p: Array, k: int, n: int) -> int:
        """Return the r that is said to be best."""
        return best_r(p, k, n)

    def check(self, data: Mapping[str, Any], level: str) -> list[Instance]:
        instances = []
        for d, k, n in ((4, 1, 1), (4, 1, 2), (4, 2, 2), (3, 1, 3)):
            p, kinds = self.vectors(d, level)
            errors = np.stack([errors_of_mean(self.sent(p, k, r, n), p) for r in range(k, d + 1)])
            best = [self.chosen(one, k, n) for one in p[:, 0]]
            left = [errors[r - k, i] for i, r in enumerate(best)]
            reason = f"r = {', '.join(map(str, best))}"
            sides = left, errors.min(axis=0)
            name = f"d = {d}, k = {k}, n = {n}"
            scale = top_energy(p, d)
            instances.append(equality(name, *sides, rounding=32, scale=scale, kinds=kinds, reason=reason))
            if n == 1:
                instances.append(equality(f"{name}: Top-k", best, [k] * len(best), rounding=0))
        return instances
