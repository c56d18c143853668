"""How long code words are, one by one and in the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array

__all__ = ["elias_delta_bits", "elias_gamma_bits", "elias_omega_bits", "golomb_rate", "qsgd_elias_bits"]


def _log2(n: Any) -> Array:
    """Return ⌊log2 n⌋ of integers from 1 to 2⁵³, exactly."""
    return np.frexp(np.asarray(n, dtype=float))[1].astype(np.int64) - 1


def elias_gamma_bits(n: Any) -> Array:
    r"""Return the bits of the Elias gamma code word, :math:`2\lfloor\log_2 n\rfloor + 1`.

    Parameters
    ----------
    n : array of int
        From 1 to 2⁵².

    Returns
    -------
    array of int64
        Of the shape of `n`.

    Notes
    -----
    Source: Elias, 'Universal codeword sets and representations of the integers' (1975); malcom_psgd, 3.3 (derived).

    Examples
    --------
    >>> elias_gamma_bits([1, 2, 3, 4])
    array([1, 3, 3, 5])
    """
    return 2 * _log2(n) + 1


def elias_delta_bits(n: Any) -> Array:
    r"""Return the bits of the Elias delta code word, :math:`L + 2\lfloor\log_2(L + 1)\rfloor + 1`, L = ⌊log2 n⌋.

    Parameters and result are those of `elias_gamma_bits`; source: Elias (1975).

    Examples
    --------
    >>> elias_delta_bits([1, 2, 3, 4])
    array([1, 4, 4, 5])
    """
    digits = _log2(n)
    return digits + elias_gamma_bits(digits + 1)


def elias_omega_bits(n: Any) -> Array:
    r"""Return the bits of the Elias omega code word: l(1) = 1 and :math:`l(n) = l(L) + L + 1`, L = ⌊log2 n⌋.

    Parameters and result are those of `elias_gamma_bits`; source: Elias (1975).

    Examples
    --------
    >>> elias_omega_bits([1, 2, 3, 4])
    array([1, 3, 3, 6])
    """
    n = np.asarray(n)
    bits = np.ones(n.shape, np.int64)
    while np.any(n > 1):
        digits = _log2(n)
        bits += np.where(n > 1, digits + 1, 0)
        n = np.maximum(digits, 1)
    return bits


def golomb_rate(p: Any) -> Array:
    r"""Return the mean bits of a run under the best Golomb code, for runs P(r) = (1 − p)^r p.

    .. math:: E_G(p) = k + \frac{\theta^{2^k - m}}{1 - \theta^m}, \qquad \theta = 1 - p, \qquad
              m = \Big\lceil \frac{\ln(1 + \theta)}{-\ln\theta} \Big\rceil, \qquad k = \lceil \log_2 m \rceil .

    Parameters
    ----------
    p : array of float
        The density, in (0, 1].

    Returns
    -------
    array of float
        Bits for each run, that is for each position of a support of that density.

    Notes
    -----
    Source: sheet malcom_psgd, 3.2 (derived); m from Gallager and van Voorhis, 'Optimal source codes for geometrically
    distributed integer alphabets' (1975).

    Examples
    --------
    >>> np.round(golomb_rate([0.5, 0.05]), 3)
    array([2.   , 5.762])
    """
    p = np.asarray(p, dtype=float)
    log_theta = np.log1p(-np.where(p < 1, p, 0.5))
    m = np.where(p < 1, np.maximum(np.ceil(np.log1p(np.exp(log_theta)) / -log_theta), 1), 1)
    k = np.ceil(np.log2(m))
    rate = k + np.exp((2**k - m) * log_theta) / -np.expm1(m * log_theta)
    return np.where(p < 1, rate, 1.0)[()]


def qsgd_elias_bits(d: Any, s: Any) -> Array:
    r"""Return the printed bound on the mean bits of an Elias-coded QSGD message, without its o(1).

    .. math:: \Big(3 + \tfrac32 \log_2 \frac{2(s^2 + d)}{s(s + \sqrt d)}\Big)\, s(s + \sqrt d) + 32

    Parameters
    ----------
    d : array of int
        The dimension.
    s : array of int
        The number of levels above zero.

    Notes
    -----
    Source: S-q3 (recalled). The o(1) beside 3/2 is not known, so for a given d this is no proven bound. At s = √d it is
    9d + 32; the 2.8d + 32 bits that are also printed for this case must belong to another way of coding.

    Examples
    --------
    >>> float(qsgd_elias_bits(d=100, s=10))
    932.0
    """
    d, s = np.asarray(d, dtype=float), np.asarray(s, dtype=float)
    nonzero = s * (s + np.sqrt(d))
    return ((3 + 1.5 * np.log2(2 * (s * s + d) / nonzero)) * nonzero + 32)[()]
