"""A few bits for each coordinate of a randomly rotated vector."""

from __future__ import annotations

import numpy as np

from toolkit.compressors._base import Compressor
from toolkit.compressors._check import check_choice, check_size
from toolkit.compressors._fitted import ALIGNED, LEAST_SQUARES, Fitted
from toolkit.compressors._rotation import Rotation
from toolkit.constants import CompressorConstants, Constant, exact
from toolkit.errors import WrongUse

MOST = 8  # bits


class Eden(Rotation):
    r"""EDEN: rotate the vector at random, round every coordinate to 2^b Gaussian levels, and fit the scale.

    .. math:: y = Rx, \qquad C(x) = \rho\,R^{-1} q, \qquad q_j = c_{i(j)}, \qquad
              i(j) = \arg\min_i \Big|\frac{\sqrt D\,y_j}{\|y\|} - c_i\Big|,

    where R is that of `Rotated`, in dimension D, and c are the 2^b Lloyd–Max levels of the normal law.

    Parameters
    ----------
    bits : int
        Number b of bits per coordinate, 1 to 8.
    scale : {'aligned', 'least-squares'}
        ρ = ‖x‖²/⟨q, y⟩, so that ⟨C(x), x⟩ = ‖x‖²; or ρ = ⟨q, y⟩/‖q‖², which gives the smallest error.

    Raises
    ------
    WrongUse
        If a field is something else.

    Notes
    -----
    *Uniformly distributed rotations.* The law of C(x) is then symmetric about the line through x, so the aligned form
    is unbiased; and y is distributed like a normal vector but for its length, so that as d grows the error over ‖x‖²
    tends to D_b with least squares and to 1/(1 − D_b) − 1 if aligned, D_b the distortion `LloydMax` has on the normal
    law: 1 − 2/π and π/2 − 1 for one bit (derived).

    *This rotation* has 2^d outcomes only, under which the aligned form is biased, so there is no ω: for d = 2 and
    a > b > 0 every one of them gives ((a² + b²)/a, 0). The limits are those of vectors whose entries are all small; a
    vector of two equal entries stays at 1/2 with one bit and least squares, for every d.

    *δ with least squares.* A coordinate √D y_j/‖y‖ is t = Σ ±x_i/‖x‖, so E|t| ≥ 1/√2 (Khintchine's inequality with
    Szarek's constant) and E t⁴ ≤ 3. One bit: the error is ‖x‖² − ‖y‖₁²/D, so δ = 1/2, attained by (1, 1, 0, …, 0).
    More bits: ρ is at least as good as ‖x‖/√D, with which (t − q(t))² ≤ e² + max(|t| − c, 0)² ≤ e² + t⁴/(16c²), c the
    largest level and e the largest distance of a smaller t to the nearest one, so δ ≥ 1 − e² − 3/(16c²) (derived).

    The price is a scale, b bits for each of D coordinates, and a seed of 32 bits. The expected error is the average
    over all rotations for d ≤ 12. Source: Vargaftik and others (ICML 2022), with whole bits and Lloyd–Max levels (code:
    the authors'); with one bit it is `Drive`.

    Examples
    --------
    >>> from toolkit.draws import Draw
    >>> x = np.random.default_rng(0).standard_normal(4096)
    >>> for bits in (1, 2, 4):
    ...     sent = Eden(bits, "least-squares").compress(x, Draw(seed=1))
    ...     print(bits, round(float(((sent - x) ** 2).sum() / (x**2).sum()), 2))
    1 0.36
    2 0.12
    4 0.01
    """

    bits: int
    scale: str = ALIGNED

    def validate(self) -> None:
        check_size(self, "bits")
        if self.bits > MOST:
            raise WrongUse(f"Eden(bits={self.bits})", f"there are at most {MOST} bits", "give fewer")
        check_choice(self, "scale", (ALIGNED, LEAST_SQUARES))

    @property
    def rotated(self) -> Compressor:
        return Fitted(levels=2**self.bits, fit=self.scale)

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if self.scale == ALIGNED:
            return CompressorConstants()
        if d == 1:
            return CompressorConstants(delta=exact(1.0, "one coordinate is sent exactly"))
        if self.bits == 1:
            return CompressorConstants(delta=exact(0.5, "1/2, attained by two equal entries"))
        e, c = self._spread()
        return CompressorConstants(delta=Constant(1 - e**2 - 3 / (16 * c**2), "lower bound", "1 − e² − 3/(16c²)"))

    def _spread(self) -> tuple[float, float]:
        """Return the largest distance of a t in [0, c] to its level, and the largest level c."""
        count = 2**self.bits
        parts = {"scale": np.ones((1, 1, 1)), "level": np.arange(count)[None, None]}
        positive = self.rotated.assemble(parts, None, count, np.float64)[0, 0, count // 2 :]
        return max(float(positive[0]), float(np.diff(positive).max(initial=0.0)) / 2), float(positive[-1])
