"""Random signs whose mean is the vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from toolkit.arrays import Array, namespace
from toolkit.compressors._base import Compressor
from toolkit.compressors._bits import width
from toolkit.compressors._check import check_choice, check_positive
from toolkit.compressors._fields import like
from toolkit.compressors._norms import NORMS, norm_and_levels
from toolkit.compressors._signs import signed
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, exact
from toolkit.errors import WrongUse
from toolkit.layout import Field, Levels, Numbers


class StochasticSign(Compressor):
    r"""Stochastic sign: send B or −B, with probabilities that make the mean x_j where |x_j| ≤ B.

    .. math:: C(x)_j = \pm B, \qquad P(C(x)_j = B) = \tfrac12 + \frac{\min(\max(x_j, -B), B)}{2B}, \qquad
              E(C(x)_j - x_j)^2 = \begin{cases} B^2 - x_j^2, & |x_j| \le B, \\ (|x_j| - B)^2, & |x_j| > B . \end{cases}

    Parameters
    ----------
    bound : float, optional
        B, above 0, in the unit of the message and known to the receiver; may be swept. A coordinate beyond it is sent
        as ±B with certainty, so the message is biased there.
    norm : {'max', '2', '1'}, optional
        B is this norm of each vector, sent with the signs; then every coordinate is within it.

    Raises
    ------
    WrongUse
        If not exactly one of the two is given, or it is impossible.

    Notes
    -----
    With `bound` there is no ω, since C(0) ≠ 0, and no κ², since the error grows without limit beyond B; for vectors
    within ±B the message is unbiased and the error at most dB², attained by the zero vector.

    With `norm` the message is unbiased and the error is d‖x‖² − ‖x‖₂² in that norm. ω = d − 1 in the maximum norm,
    attained by 1-sparse vectors, and in the 2-norm, by every vector; ω = d² − 1 in the 1-norm, by vectors of constant
    magnitude (all derived). The price is d bits, and the norm if it is sent.

    Source of P: Safaryan and Richtárik, 'Stochastic sign descent methods' (2-norm), and Jin et al., 'Stochastic-sign
    SGD for federated learning' (fixed B); both send ±1 and leave B to the step size (recalled).

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.draws import Draw
    >>> StochasticSign(bound=2.0).compress(np.array([5.0, -2.0, 2.0]), Draw(seed=1))
    array([ 2., -2.,  2.])
    >>> StochasticSign(norm="max").expected_error(np.array([[[3.0, -1.0]]]))
    array([[8.]])
    """

    keyword_only: ClassVar[bool] = True
    random: ClassVar[bool] = True
    symmetric: ClassVar[bool] = True

    bound: float | None = None
    norm: str | None = None

    def validate(self) -> None:
        if (self.bound is None) == (self.norm is None):
            raise WrongUse(
                f"StochasticSign(bound={self.bound!r}, norm={self.norm!r})",
                "exactly one of the two must be given",
                "give a number as bound, or the norm that each message takes for it",
            )
        if self.norm is None:
            check_positive(self, "bound")
        else:
            check_choice(self, "norm", NORMS)

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        return self.norm is not None

    @property
    def fixes_zero(self) -> bool:  # type: ignore[override]
        return self.norm is not None

    def layout(self, d: int, dtype: Any) -> tuple[Field, ...]:
        signs = Levels("negative", d, 0, 1)
        return (signs,) if self.norm is None else (Numbers("bound", 1, side=True), signs)

    def parts(self, x: Array, draw: Any) -> dict[str, Array]:
        xp = namespace(x)
        bound, magnitude = self._bound_and_magnitudes(x)
        level = xp.sign(x) * xp.minimum(magnitude, xp.ones_like(magnitude))
        negative = draw.of("signs").uniform(x.shape[-1]) >= 0.5 + 0.5 * level
        if self.norm is None:
            return {"negative": negative}
        return {"bound": bound, "negative": negative & (bound > 0)}

    def assemble(self, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Array:
        xp = namespace(parts["negative"])
        bound = xp.asarray(self.bound, dtype=dtype) if self.norm is None else parts["bound"]
        return signed(parts, bound)

    def _bound_and_magnitudes(self, x: Array) -> tuple[Array, Array]:
        """Return B and |x_j|/B."""
        if self.norm is not None:
            norm, magnitude = norm_and_levels(x, self.norm)
            return norm, namespace(x).astype(magnitude, x.dtype)
        bound = like(self.bound, x)
        return bound, namespace(x).abs(x) / bound

    def constants(self, d: int, n: int = 1) -> CompressorConstants:
        if self.norm is None:
            return CompressorConstants()
        if self.norm == "1":
            return unbiased(exact(float(d * d - 1), "derived: d² − 1, attained by constant magnitude"), n)
        who = "1-sparse vectors" if self.norm == "max" else "every vector"
        return unbiased(exact(float(d - 1), f"derived: d − 1, attained by {who}"), n)

    def expected_error(self, x: Array) -> Array:
        xp = namespace(x)
        bound, magnitude = self._bound_and_magnitudes(x)
        error = (1 - magnitude) * xp.where(magnitude <= 1, 1 + magnitude, 1 - magnitude)
        return (bound * bound * xp.sum(error, axis=-1, keepdims=True))[..., 0]

    def price(self, n: int, d: int, dtype: Any) -> float:
        return float(d if self.norm is None else d + width(dtype))
