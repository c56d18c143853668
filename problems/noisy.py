"""A problem whose gradients come with noise of a chosen law, direction and memory."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np

from problems._wrapped import Wrapped
from toolkit import kernels
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse, nearest

__all__ = ["Noisy"]

LAWS = ("normal", "flipping", "opposing", "vanishing")
COINS = 256  # steps whose coins are drawn together


class Noisy(Wrapped):
    r"""A problem with declared gradient noise, :math:`g_i(x; \theta) = \nabla f_i(x) + \xi_i(x; \theta)`, unbiased.

    With z standard normal and P the projection onto the m directions that are left by `avoiding`:

    ==========  ==============================================  =========  =====================================
    law         ξ(x; θ)                                         E‖ξ‖²      Lipschitz in x
    ==========  ==============================================  =========  =====================================
    normal      :math:`\sigma P z / \sqrt m`                    σ²         yes: ℓ̃ = L
    flipping    the same, with a sign that changes with x       σ²         no: E‖ξ(x) − ξ(y)‖² ∝ |⟨a, x − y⟩|/w
    opposing    along one direction e, against ⟨e, x − c⟩       σ²         no, nor is its law continuous in x
    vanishing   :math:`\sigma\|x - c\|\,P z/\|Pz\|`             σ²‖x−c‖²   yes: ℓ̃ = L + σ
    ==========  ==============================================  =========  =====================================

    Parameters
    ----------
    problem : Problem
        The problem f; samples of its own, if it has such, are not taken.
    sigma_sq : float
        σ², of one sample; that of a batch of B is σ²/B.
    law : {'normal', 'flipping', 'opposing', 'vanishing'}
        What the noise looks like.
    avoiding : array, shape (d,) or (count, d), optional
        Directions in which there is no noise, such as ``toolkit.stationarity.escape_directions(problem, saddle)``: all
        energy is orthogonal to them (exactly, if they are axes, else to rounding), the worst case for escape. By
        default the noise is isotropic.
    along : array, shape (d,), optional
        The direction e of the 'opposing' law, such as the escape direction.
    autocorrelation : float
        c in [−1, 1]: E⟨ξ_t, ξ_{t−j}⟩ = c^j σ², of the normal law.
    centre : array, shape (d,), optional
        c of the last two laws, such as the saddle; by default 0.
    width : float
        w of the 'flipping' law, the distance between its changes of sign.
    rarity : float
        Of the 'opposing' law: the probability, in (0, 1/2], of its long samples that lead away.

    Attributes
    ----------
    lipschitz : float or None
        ℓ̃, with which ‖g(x; θ) − g(y; θ)‖ ≤ ℓ̃‖x − y‖ for almost every θ; None if there is none.

    Raises
    ------
    WrongUse
        If a parameter is out of its range or belongs to another law.

    Notes
    -----
    *Flipping*: the sign is that of the cell, of width w and with a uniformly random offset, in which ⟨a, x⟩ lies,
    a = (1, …, 1)/√d; E‖ξ(x) − ξ(y)‖² = 4σ²|⟨a, x − y⟩|/w up to the distance w. At each single point the law is that of
    the normal noise, so that a run of SGD has the same law as with it; what differs is two points under the same
    sample: coupled runs, and methods that ask a sample twice. *Opposing*: e times σ√(p/(1 − p)) with the sign that
    leads a descent step towards the hyperplane through c, with probability 1 − p, and −σ√((1 − p)/p) times that sign
    otherwise, p being `rarity`. *Vanishing*: at c there is no noise, and a batch is the mean of its samples.

    *Autocorrelation.* A random number is a function of its address, so noise cannot remember. It is *held* instead:
    at every step from 1 on, each run renews the noise of all its workers with probability 1 − |c|, by coins whose
    address is the step, and otherwise keeps the vector of the last renewal, which is found by looking back. The law of
    every ξ_t is normal, E⟨ξ_t, ξ_{t−j}⟩ = σ²·P(no renewal in j steps) = |c|^j σ², and with c < 0 the sign alternates
    while the vector is held. The process is stationary from step 0, but jointly not Gaussian: it stays and jumps.
    c = 1 is a constant. Source: sheet saddle_escape, A2 and A4 (what is asked of noise); constructions derived here.

    Examples
    --------
    >>> from problems import StrictSaddle
    >>> from toolkit import Draw
    >>> problem = Noisy(StrictSaddle([-1.0, 1.0, 1.0]), sigma_sq=4.0, avoiding=[1.0, 0.0, 0.0])
    >>> sample = problem.stochastic_gradient(np.zeros((1, 1, 3)), Draw(seed=0).per_worker, 1)
    >>> bool(sample[0, 0, 0] == 0), bool(sample[0, 0, 1] == 0)
    (True, False)
    >>> float(problem.constants.sigma_sq), problem.lipschitz, problem.default_batch
    (4.0, 2.0, 1)
    """

    def __init__(
        self,
        problem: Any,
        sigma_sq: float,
        law: str = "normal",
        *,
        avoiding: Any = None,
        along: Any = None,
        autocorrelation: float = 0.0,
        centre: Any = None,
        width: float = 1.0,
        rarity: float = 0.125,
    ) -> None:
        super().__init__(problem)
        d, asked = self.dimension, f"Noisy({type(problem).__name__}, sigma_sq={sigma_sq!r}, law={law!r})"
        if law not in LAWS:
            raise WrongUse(asked, "there is no such law", f"choose {', '.join(LAWS)}", nearest(law, LAWS))
        if not (0 <= sigma_sq < np.inf and -1 <= autocorrelation <= 1 and width > 0 and 0 < rarity <= 0.5):
            remedy = "give σ² ≥ 0, −1 ≤ autocorrelation ≤ 1, width > 0 and 0 < rarity ≤ 1/2"
            raise WrongUse(asked, "a number is out of its range", remedy)
        if (along is not None) != (law == "opposing") or (autocorrelation and law != "normal"):
            remedy = "give `along` to the law 'opposing', and to no other, and autocorrelation only to 'normal'"
            raise WrongUse(asked, "a setting belongs to another law", remedy)
        if avoiding is not None and law == "opposing":
            raise WrongUse(asked, "the law 'opposing' has one direction, `along`", "leave out `avoiding`")
        self.sigma_sq, self.law, self.autocorrelation = float(sigma_sq), law, float(autocorrelation)
        self.width, self.rarity = float(width), float(rarity)
        self.avoiding = None if avoiding is None else _orthonormal(asked, avoiding, d)
        self.along = None if along is None else _orthonormal(asked, along, d)[0]
        self.centre = np.zeros(d) if centre is None else np.array(centre, dtype=float)
        if self.centre.shape != (d,):
            raise WrongUse(asked, f"the centre has shape {self.centre.shape}", f"give shape ({d},)")
        self.free = d if self.avoiding is None else d - len(self.avoiding)
        if self.free == 0:
            raise WrongUse(asked, "no direction is left to the noise", "avoid fewer directions")
        self.default_batch = 1 if self.sigma_sq > 0 else "full"

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        """Return the exact gradient plus the mean of the noise of `batch` samples."""
        sample = self.noise(x, draw, batch)
        sample += self.problem.gradient(x)
        return sample

    def noise(self, x: Array, draw: Any, batch: int = 1) -> Array:
        """Return the noise at points of shape ``(run, worker or 1, d)``; the draw has the workers of the problem."""
        if self.law == "normal":
            z = draw.normal(self.dimension) if self.autocorrelation == 0 else self._held(draw)
            return self._projected(z, np.sqrt(self.sigma_sq / (self.free * batch)))
        noise = self._sample(x, draw.of("of a batch", 0))
        for number in range(1, batch):
            noise += self._sample(x, draw.of("of a batch", number))
        return noise / batch

    def _sample(self, x: Array, draw: Any) -> Array:
        if self.law == "opposing":
            return self._opposing(x, draw)
        z = draw.normal(self.dimension)
        if self.law == "vanishing":
            z = self._projected(z, 1.0)
            far = kernels.sum_sq(x - self.centre) / kernels.sum_sq(z)
            return np.sqrt(self.sigma_sq * far)[..., None] * z
        place = x.sum(axis=-1, keepdims=True) / np.sqrt(self.dimension) / self.width
        cell = np.floor(place + 2 * draw.of("offset").uniform(1))  # of a period of two cells
        return self._projected(z, np.sqrt(self.sigma_sq / self.free)) * (1 - 2 * (cell % 2))

    def _opposing(self, x: Array, draw: Any) -> Array:
        p, sigma = self.rarity, np.sqrt(self.sigma_sq)
        side = np.where(((x - self.centre) * self.along).sum(axis=-1, keepdims=True) < 0, -1.0, 1.0)
        lengths = np.where(draw.uniform(1) < p, -np.sqrt((1 - p) / p), np.sqrt(p / (1 - p)))
        return sigma * side * lengths * self.along

    def _projected(self, z: Array, scale: float) -> Array:
        """Return scale·Pz, in the place of z."""
        z *= scale
        for direction in () if self.avoiding is None else self.avoiding:
            z -= (z * direction).sum(axis=-1, keepdims=True) * direction
        return z

    def _held(self, draw: Any) -> Array:
        """Return the vectors of the last renewal of each run, with alternating signs if c < 0."""
        now = draw.address[1]
        renewals = self._renewals(draw, now)
        held = np.empty((*draw.shape, self.dimension))
        for step in np.unique(renewals):
            rows = renewals == step
            sign = -1.0 if self.autocorrelation < 0 and (now - step) % 2 else 1.0
            held[rows] = sign * draw.at(int(step)).runs(rows).of("held").normal(self.dimension)
        return held

    def _renewals(self, draw: Any, now: int) -> Array:
        """Return the step of the last renewal of each run, shape ``(run,)``: 0 if there was none."""
        found = np.zeros(draw.shape[0], dtype=int)
        if abs(self.autocorrelation) == 1:
            return found
        open_, block = np.ones(len(found), dtype=bool), now // COINS
        while block >= 0 and open_.any():
            first = block * COINS
            coins = draw.at(0).runs(open_).of("renewals", block).uniform(COINS)[:, 0]
            renewed = coins[:, : now - first + 1] >= abs(self.autocorrelation)
            last = renewed.shape[1] - 1 - renewed[:, ::-1].argmax(axis=1)
            any_ = renewed.any(axis=1)
            rows = np.flatnonzero(open_)[any_]
            found[rows], open_[rows] = first + last[any_], False
            block -= 1
        return found

    @cached_property
    def lipschitz(self) -> float | None:
        """ℓ̃, the Lipschitz constant of g(·; θ), the largest of the workers'; None if g is not Lipschitz."""
        L_i = self.problem.constants.L_i
        if self.law in ("flipping", "opposing") or L_i is None:
            return None
        return float(np.max(L_i.value)) + (float(np.sqrt(self.sigma_sq)) if self.law == "vanishing" else 0.0)

    @cached_property
    def constants(self) -> ProblemConstants:
        """Those of the problem, with σ²; σ² is absent for the law 'vanishing', whose variance has no bound."""
        sigma_sq = None if self.law == "vanishing" else exact(self.sigma_sq, "declared")
        return dataclasses.replace(self.problem.constants, sigma_sq=sigma_sq)

    def describe(self) -> dict[str, Any]:
        names = ("problem", "sigma_sq", "law", "avoiding", "along", "autocorrelation", "centre", "width", "rarity")
        return {name: getattr(self, name) for name in names}


def _orthonormal(asked: str, directions: Any, d: int) -> Array:
    """Return orthonormal rows that span the directions; coordinate axes stay exactly what they are."""
    rows = np.atleast_2d(np.array(directions, dtype=float))
    if rows.ndim != 2 or rows.shape[1] != d or not np.isfinite(rows).all() or np.linalg.matrix_rank(rows) < len(rows):
        raise WrongUse(asked, "directions are independent vectors of the dimension", f"give shape (count, {d})")
    basis, triangle = np.linalg.qr(rows.T)
    return np.ascontiguousarray((basis * np.sign(np.diag(triangle))).T)
