"""Every outcome of a compressor that only puts its uniform numbers in order, such as one that keeps the k largest."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np

from proofs_check.enumeration import Script
from proofs_check.outcomes import NotFinite, Outcomes
from toolkit.arrays import Array
from toolkit.compressors import Compressor

__all__ = ["ranked_outcomes"]

LIMIT = 1 << 18  # rows compressed


def ranked_outcomes(compressor: Compressor, x: Array) -> Outcomes:
    """Return the message of each vector for every order of the uniform numbers, all equally probable.

    Parameters
    ----------
    compressor : Compressor
        One whose message depends only on the order of d uniform numbers per worker, drawn once, such as `RTopK`.
    x : array, shape (vector, worker, d)
        Finite vectors; workers draw independently.

    Raises
    ------
    NotFinite
        If there are too many orders.

    Notes
    -----
    That the numbers enter by their order alone is tested with the numbers moved inside their ranks. In a run, two of
    them are equal with a probability of at most d²·2⁻³³.

    Examples
    --------
    >>> from toolkit.compressors import RTopK
    >>> every = ranked_outcomes(RTopK(k=1, r=2), np.array([[[1.0, -8.0, 4.0]]]))
    >>> every.sent.shape, every.expect(every.sent)
    ((6, 1, 3), array([[[ 0., -4.,  2.]]]))
    """
    vectors, workers, d = x.shape
    count = math.factorial(d) ** workers
    if count * vectors > LIMIT:
        raise NotFinite(f"there are {count} orders for each of {vectors} vectors", too_many=True)
    orders = np.array(list(product(permutations(range(d)), repeat=workers)), dtype=float)
    rows = np.repeat(x, count, axis=0)
    sent = [compressor.message(rows, Script(np.tile((orders + inside) / d, (vectors, 1, 1)))) for inside in (0.5, 0.25)]
    if not np.array_equal(*sent):
        raise NotFinite("the numbers matter otherwise than by their order")
    vector = np.repeat(np.arange(vectors), count)
    return Outcomes(sent[0], np.full(len(rows), 1 / count), vector)
