"""The total-error problem by enumeration of everything that can be kept or sent: at most some twenty entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.budget._input import Values, check_values, sequences
from toolkit.errors import WrongUse

__all__ = ["all_kept", "all_schedules"]

LARGEST = 20  # entries: a million supports
CHUNK = 2**14  # supports that are tried at once


def all_kept(p: Any) -> Array:
    """Return the least total error of K kept entries of given vectors, K = 0, …, T·d, among all sets of entries.

    Parameters
    ----------
    p : array, shape (T, d)
        The vectors; at most 20 entries.

    Returns
    -------
    array, shape (T·d + 1,)

    Raises
    ------
    WrongUse
        If the shape is another, a number is not finite, or there are more entries.

    Examples
    --------
    >>> all_kept([[3.0, 1.0], [-2.0, 0.5]])
    array([14.25,  5.25,  1.25,  0.25,  0.  ])
    """
    batch = _small(p, "all_kept(p)")
    curve = np.full(batch[0].size + 1, np.inf)
    for kept in _supports(batch.shape[1:]):
        errors = np.where(kept, 0.0, batch**2).sum(axis=(1, 2))
        np.minimum.at(curve, kept.sum(axis=(1, 2)), errors)
    return curve


def all_schedules(g: Any, values: Values = "exact") -> Array:
    """Return the least total error of at most K sends under error feedback, K = 0, …, T·d, among all schedules.

    Parameters
    ----------
    g : array, shape (T, d)
        The gradients; at most 20 entries.
    values : {'exact', 'free'}
        As for `coupled_optimum`; the free values of a schedule are found by least squares.

    Returns
    -------
    array, shape (T·d + 1,)

    Raises
    ------
    WrongUse
        If the shape is another, a number is not finite, or there are more entries.

    Examples
    --------
    >>> all_schedules([[1.0], [-1.0], [2.0]]), all_schedules([[1.0], [-1.0], [2.0]], "free")
    (array([5., 1., 1., 0.]), array([5. , 1. , 0.5, 0. ]))
    """
    asked = f"all_schedules(g, {values!r})"
    batch = _small(g, asked)
    errors = _of_free_values if check_values(values, asked) else _of_exact_sends
    curve = np.full(batch[0].size + 1, np.inf)
    for sent in _supports(batch.shape[1:]):
        np.minimum.at(curve, sent.sum(axis=(1, 2)), errors(batch, sent))
    return np.minimum.accumulate(curve)


def _small(x: Any, asked: str) -> Array:
    batch, single = sequences(x, asked)
    if not single or batch.size > LARGEST:
        wrong = f"enumeration would try 2^{batch[0].size} sets of each of {len(batch)} sequences"
        raise WrongUse(asked, wrong, f"give one sequence of at most {LARGEST} entries")
    return batch.astype(float)


def _supports(shape: tuple[int, int]) -> Iterator[Array]:
    """Yield all masks, shape ``(support, T, d)``, in pieces."""
    entries = shape[0] * shape[1]
    for start in range(0, 2**entries, CHUNK):
        numbers = np.arange(start, min(start + CHUNK, 2**entries))
        yield (numbers[:, None] >> np.arange(entries) & 1).astype(bool).reshape(-1, *shape)


def _of_exact_sends(g: Array, sent: Array) -> Array:
    """Return the total error of each schedule: what is sent leaves 0."""
    e, error = np.zeros(sent[:, 0].shape), np.zeros(len(sent))
    for t in range(g.shape[1]):
        e = np.where(sent[:, t], 0.0, e + g[:, t])
        error += (e**2).sum(axis=-1)
    return error


def _of_free_values(g: Array, sent: Array) -> Array:
    """Return the total error of each schedule with the best values.

    The memory is the cumulated gradient less the cumulated messages, and these are any steps at the sends. Steps at
    different sends of a coordinate span what indicators of its segments span, which are orthogonal: the squared
    lengths of the projections on these are what the messages save.
    """
    cumulated = np.cumsum(g, axis=1)
    saved = np.zeros(len(sent))
    since_sum, since_count = np.zeros(sent[:, 0].shape), np.zeros(sent[:, 0].shape)
    started = np.zeros(sent[:, 0].shape, dtype=bool)
    for t in range(g.shape[1] + 1):
        over = sent[:, t] if t < g.shape[1] else np.ones_like(started)
        ended = started & over
        saved += np.where(ended, since_sum**2 / np.maximum(since_count, 1), 0.0).sum(axis=-1)
        if t < g.shape[1]:
            since_sum = np.where(over, 0.0, since_sum) + cumulated[:, t]
            since_count = np.where(over, 0.0, since_count) + 1
            started = started | over
    return (cumulated**2).sum() - saved
