"""The constants of one function that is not convex and belongs to one worker."""

from __future__ import annotations

import numpy as np

from toolkit.constants import Constant, ProblemConstants, exact

__all__ = ["of_one_worker"]


def of_one_worker(L: Constant, rho: Constant, *, noise: bool = False) -> ProblemConstants:
    """Return them from L and ρ; with noise, σ² is not known.

    Examples
    --------
    >>> found = of_one_worker(exact(2.0, "the largest eigenvalue"), exact(1.0, "declared"))
    >>> float(found.L_tilde), found.L_i.value.tolist(), float(found.sigma_sq), found.convex
    (2.0, [2.0], 0.0, False)
    """
    return ProblemConstants(
        L=L,
        L_i=exact(np.array([L.value]), L.source),
        L_tilde=L,
        sigma_sq=None if noise else exact(0.0, "no noise"),
        zeta_sq=exact(0.0, "one worker"),
        heterogeneity=exact(0.0, "one worker"),
        rho=rho,
        convex=False,
    )
