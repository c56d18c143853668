"""The signs of a vector with noise added to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._check import check_choice, check_positive
from toolkit.compressors._signs import signed
from toolkit.layout import Field, Levels


class NoisySign(Compressor):
    r"""Noisy sign: send the sign of each coordinate plus noise of a known law.

    .. math:: C(x)_j = \mathrm{sign}(x_j + \sigma\,\xi_j), \qquad P(C(x)_j = 1) = F(x_j/\sigma), \qquad
              E(C(x)_j - x_j)^2 = F(|x_j|/\sigma)\,(1 - |x_j|)^2 + F(-|x_j|/\sigma)\,(1 + |x_j|)^2 ,

    where F is the distribution function of ξ_j, which is symmetric.

    Parameters
    ----------
    noise : float
        σ, above 0, in the unit of the message; may be swept.
    law : {'normal', 'uniform'}
        That of ξ_j: standard normal, or uniform on [−1, 1].

    Raises
    ------
    WrongUse
        If `noise` is not a positive number or `law` is none of the two.

    Notes
    -----
    It has none of the constants, as `RawSign`: no scale is sent, and C(0) is a fair coin for each coordinate. The noise
    makes the mean of the message nearly proportional to x where |x_j| is well below σ: E C(x)_j = erf(x_j/(σ√2)) for
    normal noise, and x_j/σ, exactly, for uniform noise and |x_j| ≤ σ. So σ·C(x) with uniform noise has the law of
    ``StochasticSign(bound=σ)``.

    A message draws one uniform number u_j for each coordinate and sends +1 if u_j < F(x_j/σ), which is the sign of
    x_j + σξ_j for the noise ξ_j = −F⁻¹(u_j). The price is d bits.

    Source: Chen et al., 'Distributed training with heterogeneous data: bridging median- and mean-based algorithms'
    (2020), and Tang et al., 'z-SignFedAvg' (2023) (recalled); the error is derived.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> NoisySign(noise=1.0, law="uniform").compress(np.array([5.0, -2.0]), Draw(seed=1))
    array([ 1., -1.])
    >>> NoisySign(noise=2.0).expected_error(np.array([[[0.0, 0.0, 0.0]]]))
    array([[3.]])
    """

    random: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True
    fixes_zero: ClassVar[bool] = False

    noise: float
    law: str = "normal"

    def validate(self) -> None:
        check_positive(self, "noise")
        check_choice(self, "law", _DISTRIBUTION)

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        return (Levels("negative", d, 0, 1),)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        positive = _DISTRIBUTION[self.law](x / np.asarray(self.noise, dtype=float))
        return {"negative": draw.of("noise").uniform(x.shape[-1]) >= positive}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        return signed(parts, np.ones((1, 1, 1), dtype=dtype))

    def expected_error(self, x: Array) -> Array:
        magnitude = np.abs(x).astype(float)
        wrong = _DISTRIBUTION[self.law](-magnitude / self.noise)
        error = (1 - wrong) * (1 - magnitude) ** 2 + wrong * (1 + magnitude) ** 2
        return error.sum(axis=-1).astype(x.dtype)

    def price(self, n: int, d: int, dtype: Any) -> float:
        return float(d)


def _normal(z: Array) -> Array:
    from scipy.special import ndtr

    return ndtr(z)


def _uniform(z: Array) -> Array:
    return np.clip(0.5 + 0.5 * z, 0, 1)


_DISTRIBUTION: dict[str, Callable[[Array], Array]] = {"normal": _normal, "uniform": _uniform}
