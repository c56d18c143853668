"""Rows of one sign pattern: batch-1 signSGD moves along a line and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np

from problems._base import Problem
from toolkit.arrays import Array
from toolkit.constants import ProblemConstants, exact
from toolkit.errors import WrongUse

__all__ = ["OneSign"]


class OneSign(Problem):
    r"""Least squares whose rows all have the signs of one vector s, or of −s; one row is sampled at a time.

    .. math:: f(x) = \frac cm \sum_{r=1}^m (\langle a_r, x\rangle - b_r)^2, \qquad \mathrm{sign}(a_r) \in \{s, -s\}

    Parameters
    ----------
    rows : array, shape (m, d)
        The a_r, without zeros.
    targets : array, shape (m,), optional
        The b_r; zero by default.
    scale : float
        c.
    start : array, shape (d,), optional
        Where runs begin; zero by default.

    Raises
    ------
    WrongUse
        If a row has a zero or other signs, shapes do not fit, or the scale is not above 0.

    Notes
    -----
    Every sample is a multiple of a row, so its sign is s or −s, and whatever the step sizes
    f(x_t) ≥ min_c f(x_0 + cs). That exceeds f* for almost every x_0 if d ≥ 2 and the minimiser is unique. A rate is not
    contradicted: S-s1 needs batches as large as the number of steps, and the sign of a full gradient is another one.
    What repairs it: a memory (EF-signSGD). Source: Karimireddy et al., ICML 2019, Theorem I (statement recalled,
    derived).

    Examples
    --------
    >>> problem = OneSign([[1.0, -2.0], [-3.0, 1.0]], targets=[1.0, 2.0])
    >>> problem.signs, round(problem.barrier(), 3), round(problem.f_star, 3)
    (array([ 1., -1.]), 2.0, 0.0)
    """

    workers = 1
    default_batch = 1

    def __init__(self, rows: Any, targets: Any = None, scale: float = 1.0, start: Any = None) -> None:
        self.rows = np.array(rows, dtype=float)
        if self.rows.ndim != 2 or not self.rows.size:
            raise WrongUse("OneSign(rows=…)", f"it has shape {self.rows.shape}", "give shape (m, d), a row each")
        self.signs = np.sign(self.rows[0])
        relative = np.sign(self.rows) * self.signs
        if (relative == 0).any() or (relative != relative[:, :1]).any():
            raise WrongUse("OneSign(rows=…)", "a row has a zero or other signs", "give rows with signs s or −s each")
        self.dimension = self.rows.shape[1]
        self.targets = np.zeros(len(self.rows)) if targets is None else np.array(targets, dtype=float)
        self.scale = float(scale)
        self.start = np.zeros(self.dimension) if start is None else np.array(start, dtype=float)
        if self.targets.shape != self.rows.shape[:1] or self.start.shape != self.rows.shape[1:] or not self.scale > 0:
            asked = f"OneSign with targets {self.targets.shape}, start {self.start.shape}, scale={self.scale:g}"
            m, d = self.rows.shape
            raise WrongUse(asked, "they do not fit the rows", f"give shapes ({m},) and ({d},), and a scale above 0")
        self.x_star = np.linalg.lstsq(self.rows, self.targets, rcond=None)[0]
        self.f_star = float(self._mean_square(self.rows @ self.x_star - self.targets))

    @classmethod
    def generate(cls, rows: int, dimension: int, seed: int = 0) -> OneSign:
        """Return a random instance: a random sign pattern, magnitudes between ½ and 1½, consistent targets."""
        rng = np.random.default_rng(seed)
        signs = rng.choice([-1.0, 1.0], (rows, 1)) * rng.choice([-1.0, 1.0], dimension)
        a = signs * rng.uniform(0.5, 1.5, (rows, dimension))
        return cls(a, targets=a @ rng.standard_normal(dimension))

    def _mean_square(self, residuals: Array) -> Array:
        return self.scale * np.mean(residuals**2, axis=-1)

    def _residuals(self, x: Array) -> Array:
        return (x[..., None, :] * self.rows).sum(axis=-1) - self.targets

    def value(self, x: Array) -> Array:
        return self._mean_square(self._residuals(x))

    def gradient(self, x: Array) -> Array:
        each = self._residuals(x)[..., None] * self.rows
        return 2 * self.scale * each.mean(axis=-2)

    def stochastic_gradient(self, x: Array, draw: Any, batch: int) -> Array:
        chosen = np.floor(draw.uniform(batch) * len(self.rows)).astype(int)
        a, b = self.rows[chosen], self.targets[chosen]
        residuals = (x[..., None, :] * a).sum(axis=-1) - b
        return 2 * self.scale * (residuals[..., None] * a).mean(axis=-2)

    @property
    def constants(self) -> ProblemConstants:
        hessian = 2 * self.scale * self.rows.T @ self.rows / len(self.rows)
        values = np.linalg.eigvalsh(hessian)
        smooth = exact(float(values[-1]), "largest eigenvalue of the Hessian")
        return ProblemConstants(
            L=smooth,
            L_i=exact(values[-1:], "one worker"),
            L_tilde=smooth,
            mu=exact(float(values[0]), "smallest eigenvalue") if values[0] > 1e-12 * values[-1] else None,
            convex=True,
        )

    def barrier(self) -> float:
        """Return min_c f(x_0 + cs), below which batch-1 signSGD never comes."""
        along, residuals = self.rows @ self.signs, self._residuals(self.start)
        c = -(along @ residuals) / (along @ along)
        return float(self._mean_square(residuals + c * along))
