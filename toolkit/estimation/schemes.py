r"""Who sends what of a vector of zeros and ones, in how many bits, and the exact risk of the mean that is estimated.

Worker i sees independent coins, :math:`X_{ij} \sim \mathrm{Bern}(\theta_j)`, and sends a message from which the centre
makes :math:`\hat X_i`; the estimate is :math:`\hat\theta = \frac1n \sum_i \hat X_i`. With messages that are
independent over the workers its risk is

.. math:: E\|\hat\theta - \theta\|^2
          = \|E\hat X - \theta\|^2 + \frac1n\left(E\|\hat X\|^2 - \|E\hat X\|^2\right) .

Positions are sent one by one, in ⌈log2 d⌉ bits each, so that a message has a fixed length.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors import Compressor, Identity, NonzeroSampling, RandK, TopK
from toolkit.compressors._bits import symbol_bits
from toolkit.errors import WrongUse
from toolkit.estimation.poisson_binomial import poisson_binomial

__all__ = ["AllCoordinates", "LowestOnes", "RandomCoordinates", "RandomOnes", "Scheme"]


class Scheme(ABC):
    """What a worker sends of its vector."""

    @abstractmethod
    def bits(self, d: int) -> int:
        """Return the length of a message in dimension `d`."""

    @abstractmethod
    def risk(self, theta: Any, n: int) -> float:
        """Return the exact E‖θ̂ − θ‖² with `n` workers, for θ of shape ``(d,)``."""

    @property
    @abstractmethod
    def compressor(self) -> Compressor | None:
        """The compressor C with X̂ = C(X), odd, so that one step of `CompressedSGD` makes the estimate; None if none."""


@dataclass(frozen=True)
class RandomOnes(Scheme):
    r"""Send N, the number of ones, and the positions of m of them, chosen at random (all of them if N ≤ m).

    .. math:: \hat X_j = \max\!\Big(\frac Nm, 1\Big)\,1[j \text{ is sent}], \qquad
              E\|\hat\theta - \theta\|^2 = \frac1n\Big(E\big[N\max(1, N/m)\big] - \|\theta\|^2\Big) .

    Parameters
    ----------
    m : int
        How many positions are sent.

    Notes
    -----
    ALG-b3, the scheme of Barnes, Inan, Isik and Özgür (2020) (recalled, the rule derived); its risk is S-b1 (derived).
    θ̂ has no bias. By Hoeffding's comparison E g(N) ≤ E g(B) for convex g, where B is the number of ones of the flat θ
    of the same sum; g(N) = N max(1, N/m) is convex and ‖θ‖² least for the flat θ, so this one is the worst of its sum
    (derived).

    Examples
    --------
    >>> scheme = RandomOnes.within(bits=80, d=256)
    >>> scheme, scheme.bits(256)
    (RandomOnes(m=8), 73)
    >>> round(scheme.risk(np.full(256, 16 / 256), n=10), 6)
    3.288477
    """

    m: int

    def __post_init__(self) -> None:
        _check_count(self, self.m)

    @classmethod
    def within(cls, bits: int, d: int) -> RandomOnes:
        """Return the scheme with as many positions as so many bits pay for after N is sent.

        Raises
        ------
        WrongUse
            If they do not pay for one.
        """
        return cls(_paid(f"RandomOnes.within(bits={bits}, d={d})", bits, d))

    def bits(self, d: int) -> int:
        return self.m * _bits_of_one(d, 0) + _bits_of_one(d, 1)

    def risk(self, theta: Any, n: int) -> float:
        theta = np.asarray(theta, dtype=float)
        mean, squares = theta.sum(), (theta**2).sum()
        few = poisson_binomial(theta, self.m - 1)
        count = np.arange(few.size)
        # N max(1, N/m) is N²/m but for N < m, so only so few probabilities enter.
        second = (mean**2 + mean - squares) / self.m + (few * count * (1 - count / self.m)).sum()
        return float((second - squares) / n)

    @property
    def compressor(self) -> Compressor:
        return NonzeroSampling(k=self.m)


@dataclass(frozen=True)
class RandomCoordinates(Scheme):
    r"""Send what is at m of the d coordinates, chosen at random, scaled by d/m.

    .. math:: E\|\hat\theta - \theta\|^2
              = \frac1n\Big(\frac dm \sum_j\theta_j - \|\theta\|^2\Big), \qquad \text{common sets: }
              \frac1n\,\frac dm \sum_j\theta_j(1 - \theta_j) + \Big(\frac dm - 1\Big)\|\theta\|^2 .

    Parameters
    ----------
    m : int
        How many coordinates are sent.
    sets : {'public', 'private', 'common'}
        Every worker has its own set, which the centre knows as well or has to be told; or all have the same one.

    Notes
    -----
    S-b2 (derived). With a common set the second term does not fall with n.

    Examples
    --------
    >>> theta = np.full(256, 16 / 256)
    >>> RandomCoordinates(m=64).risk(theta, n=10), RandomCoordinates(m=64, sets="common").risk(theta, n=10)
    (6.3, 9.0)
    >>> RandomCoordinates(m=64).bits(256), RandomCoordinates(m=64, sets="private").bits(256)
    (64, 576)
    """

    m: int
    sets: Literal["public", "private", "common"] = "public"

    def __post_init__(self) -> None:
        _check_count(self, self.m)
        if self.sets not in ("public", "private", "common"):
            raise WrongUse(repr(self), "there are no such sets", "choose public, private or common")

    def bits(self, d: int) -> int:
        return self.m * (1 + _bits_of_one(d, 0) * (self.sets == "private"))

    def risk(self, theta: Any, n: int) -> float:
        theta = np.asarray(theta, dtype=float)
        if self.m > theta.size:
            raise WrongUse(f"the risk of {self!r}", f"there are {theta.size} coordinates", "choose no larger an m")
        mean, squares, factor = theta.sum(), (theta**2).sum(), theta.size / self.m
        if self.sets == "common":
            return float(factor * (mean - squares) / n + (factor - 1) * squares)
        return float((factor * mean - squares) / n)

    @property
    def compressor(self) -> Compressor:
        return RandK(k=self.m, unbiased=True, common=self.sets == "common")


@dataclass(frozen=True)
class LowestOnes(Scheme):
    r"""Send N and the positions of the first m ones, as Top-m does whose ties go to the lowest index.

    .. math:: E\hat X_j = \theta_j\,E\big[c(N)\,1[A_j < m] \,\big|\, X_j = 1\big], \qquad
              A_j = \#\{i < j : X_i = 1\}, \qquad c = 1 \text{ or } c(N) = \max(N/m, 1) .

    Parameters
    ----------
    m : int
        How many positions are sent.
    scaled : bool
        Whether the centre scales by c(N) = max(N/m, 1), which makes the sum of θ̂ right on average.

    Notes
    -----
    S-b2 (derived). It is biased, scaled or not: its risk does not fall below ‖E X̂ − θ‖², however many workers there
    are.

    Examples
    --------
    >>> LowestOnes(m=1).mean(np.array([0.5, 0.5]))
    array([0.5 , 0.25])
    >>> LowestOnes(m=1, scaled=True).mean(np.array([0.5, 0.5]))
    array([0.75, 0.25])
    """

    m: int
    scaled: bool = False

    def __post_init__(self) -> None:
        _check_count(self, self.m)

    def bits(self, d: int) -> int:
        return RandomOnes(self.m).bits(d)

    def mean(self, theta: Any) -> Array:
        """Return E X̂, shape ``(d,)``."""
        return self._moments(np.asarray(theta, dtype=float))[0]

    def bias_sq(self, theta: Any) -> float:
        """Return ‖E X̂ − θ‖², the risk of infinitely many workers."""
        return float(((self.mean(theta) - np.asarray(theta, dtype=float)) ** 2).sum())

    def risk(self, theta: Any, n: int) -> float:
        mean, second = self._moments(np.asarray(theta, dtype=float))
        return self.bias_sq(theta) + float((second.sum() - (mean**2).sum()) / n)

    @property
    def compressor(self) -> Compressor | None:
        return None if self.scaled else TopK(k=self.m)

    def _moments(self, theta: Array) -> tuple[Array, Array]:
        """Return E X̂_j and E X̂_j², each of shape ``(d,)``."""
        d = theta.size
        scale = np.maximum(np.arange(d + 1) / self.m, 1.0) if self.scaled else np.ones(d + 1)
        # after[a]: the mean of c and of c² over the coordinates from j on, if there are a ones before.
        after = np.stack([scale, scale**2])
        later = np.empty((d, 2, self.m))
        for j in range(d)[::-1]:
            later[j] = _first(after[:, 1:], self.m)  # there is a one at j
            after = theta[j] * after[:, 1:] + (1 - theta[j]) * after[:, :-1]
        before = np.eye(1, self.m)[0]  # P(A_j = a) for a < m
        moments = np.empty((2, d))
        for j in range(d):
            moments[:, j] = theta[j] * (later[j] @ before)
            before = (1 - theta[j]) * before + theta[j] * np.append(0.0, before[:-1])
        return moments[0], moments[1]


def _first(values: Array, count: int) -> Array:
    """Return the first so many columns, zeros beyond the last, where no ones can be."""
    found = np.zeros((len(values), count))
    found[:, : values.shape[1]] = values[:, :count]
    return found


@dataclass(frozen=True)
class AllCoordinates(Scheme):
    r"""Send the whole vector, in d bits.

    .. math:: E\|\hat\theta - \theta\|^2 = \frac1n \sum_j \theta_j(1 - \theta_j)

    Notes
    -----
    S-b2 (derived): what the workers know of θ limits every scheme; see `toolkit.information.sparse_mean`.

    Examples
    --------
    >>> AllCoordinates().risk(np.array([0.5, 0.5, 1.0]), n=2)
    0.25
    """

    def bits(self, d: int) -> int:
        return d

    def risk(self, theta: Any, n: int) -> float:
        theta = np.asarray(theta, dtype=float)
        return float((theta * (1 - theta)).sum() / n)

    @property
    def compressor(self) -> Compressor:
        return Identity()


def _bits_of_one(d: int, more: int) -> int:
    """Return ⌈log2(d + more)⌉, the bits of one of so many."""
    return int(symbol_bits(d + more))


def _paid(asked: str, bits: int, d: int) -> int:
    """Return how many positions so many bits pay for after N is sent."""
    count = min((bits - _bits_of_one(d, 1)) // max(_bits_of_one(d, 0), 1), d)
    if count < 1:
        least = _bits_of_one(d, 0) + _bits_of_one(d, 1)
        raise WrongUse(asked, "the bits do not pay for one position and N", f"give {least} or more")
    return count


def _check_count(scheme: Scheme, m: Any) -> None:
    if isinstance(m, bool) or not isinstance(m, (int, np.integer)) or m < 1:
        raise WrongUse(repr(scheme), "m is no integer of at least 1", "give m=1 or more")
