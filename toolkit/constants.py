"""A constant of a compressor or a problem: its value and where it comes from.

An absent constant is ``None``, never 0: a method that needs it must be able to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.errors import WrongUse

__all__ = ["CompressorConstants", "Constant", "ProblemConstants", "exact", "upper_bound"]


@dataclass(frozen=True)
class Constant:
    """A number with its source.

    Parameters
    ----------
    value : float or array
        The number; an array of shape ``(run, 1, 1)`` where a swept field enters it.
    kind : {'exact', 'upper bound', 'lower bound', 'estimated'}
        What the number is to the true constant.
    source : str
        The formula or the statement it comes from.

    Examples
    --------
    >>> float(exact(0.25, "k/d"))
    0.25
    """

    value: Any
    kind: str
    source: str

    def __float__(self) -> float:
        return float(self.value)


def exact(value: Any, source: str) -> Constant:
    """Return the best possible constant, attained or approached by some input."""
    return Constant(value, "exact", source)


def upper_bound(value: Any, source: str) -> Constant:
    """Return a valid constant that may be larger than the best one."""
    return Constant(value, "upper bound", source)


@dataclass(frozen=True)
class CompressorConstants:
    """The constants of a compressor in dimension d.

    ``delta`` (contraction): E‖C(x) − x‖² ≤ (1 − δ)‖x‖²; ``omega`` (relative variance): E C(x) = x and
    E‖C(x) − x‖² ≤ ω‖x‖²; ``kappa_sq`` (absolute error): E‖C(x) − x‖² ≤ κ² for all x; ``ab``: the pair
    (A, B) of the AB inequality of correlated compressors.

    Raises
    ------
    WrongUse
        If one is a number without a source.
    """

    delta: Constant | None = None
    omega: Constant | None = None
    kappa_sq: Constant | None = None
    ab: Constant | None = None

    def __post_init__(self) -> None:
        for name, constant in vars(self).items():
            if not isinstance(constant, Constant | None):
                raise WrongUse(
                    f"CompressorConstants({name}={constant!r})",
                    "a constant is a number with its source",
                    f"give exact({constant!r}, 'where it comes from'), or upper_bound(…)",
                )


@dataclass(frozen=True)
class ProblemConstants:
    """The constants of a problem f = (1/n) Σ f_i.

    ``L``: smoothness of f; ``L_i``: smoothness of every f_i, an array of shape ``(worker,)``; ``L_tilde``:
    √((1/n) Σ L_i²); ``mu``: strong convexity of f; ``mu_pl``: Polyak–Łojasiewicz constant of f; ``sigma_sq``:
    E‖g_i − ∇f_i‖² of one stochastic gradient (batch 1); ``zeta_sq``: (1/n) Σ ‖∇f_i(x) − ∇f(x)‖², bounded over x;
    ``heterogeneity``: D = (1/n) Σ ‖∇f_i(x*)‖²; ``rho``: Lipschitz constant of the Hessian.
    ``convex``: True if every f_i is convex.
    """

    L: Constant | None = None
    L_i: Constant | None = None
    L_tilde: Constant | None = None
    mu: Constant | None = None
    mu_pl: Constant | None = None
    sigma_sq: Constant | None = None
    zeta_sq: Constant | None = None
    heterogeneity: Constant | None = None
    rho: Constant | None = None
    convex: bool | None = None
