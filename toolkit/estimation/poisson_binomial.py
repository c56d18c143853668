"""How many of some independent coins show a one."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array

__all__ = ["poisson_binomial"]


def poisson_binomial(theta: Any, largest: int | None = None) -> Array:
    r"""Return the probabilities of N = Σ_j X_j for independent :math:`X_j \sim \mathrm{Bern}(\theta_j)`.

    .. math:: \sum_a P(N = a)\,z^a = \prod_j (1 - \theta_j + \theta_j z)

    Parameters
    ----------
    theta : array, shape (d,)
        The probabilities θ_j.
    largest : int, optional
        The largest a that is of interest; by default d.

    Returns
    -------
    array, shape (min(d, largest) + 1,)
        P(N = a) for a = 0, 1, …

    Notes
    -----
    The polynomials are multiplied in pairs, then pairs of pairs, term by term: no term is negative, so that every
    probability, however small, is right to some d eps of itself. A Fourier transform is right only to eps of the
    largest.

    Examples
    --------
    >>> poisson_binomial([0.5, 0.5, 1.0])
    array([0.  , 0.25, 0.5 , 0.25])
    >>> poisson_binomial([0.5, 0.5, 1.0], largest=1)
    array([0.  , 0.25])
    """
    theta = np.asarray(theta, dtype=float)
    size = (theta.size if largest is None else min(largest, theta.size)) + 1
    products = np.stack([1 - theta, theta], axis=1)[:, :size] if theta.size else np.ones((1, 1))
    while len(products) > 1:
        if len(products) % 2:
            last = np.zeros((1, products.shape[1]))
            last[0, 0] = 1.0
            products = np.concatenate([products, last])
        products = _in_pairs(products[0::2], products[1::2], size)
    found = np.zeros(size)
    found[: products.shape[1]] = products[0]
    return found


def _in_pairs(a: Array, b: Array, size: int) -> Array:
    """Return the products of the polynomials in the rows of a with those of b, up to so many terms."""
    product = np.zeros((len(a), min(a.shape[1] + b.shape[1] - 1, size)))
    for power in range(b.shape[1]):
        length = min(a.shape[1], product.shape[1] - power)
        product[:, power : power + length] += a[:, :length] * b[:, power, None]
    used = np.flatnonzero(product.any(axis=0))  # high powers underflow where ones are rare, low ones where they are not
    return product[:, : used[-1] + 1 if used.size else 1]
