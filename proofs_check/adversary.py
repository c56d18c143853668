"""Search for the worst input of a compressor: how near it comes to the declared constant, or how far beyond."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from proofs_check.ascent import Best, maximise, within
from proofs_check.families import starts
from proofs_check.measure import EPS, FORMULAS, PIECE, Error, Measure, constants_of
from proofs_check.minimal import minimal_input
from proofs_check.statistics import mean_interval
from toolkit.arrays import Array
from toolkit.compressors import Compressor
from toolkit.constants import Constant
from toolkit.draws import Draw
from toolkit.errors import WrongUse, nearest

__all__ = ["Found", "tightness", "worst_input"]

FEW, MORE, MANY = 32, 1024, 1 << 15  # at least MORE draws per candidate, per finalist, and for the one that is reported


@dataclass(frozen=True)
class Found:
    """The worst input that was found.

    Parameters
    ----------
    constant : {'omega', 'delta', 'kappa_sq', 'ab'}
        The constant it is held against.
    measure : str
        What is compared with it, as a formula.
    ratio : float
        The measure at `x`; where it is estimated from draws, a lower confidence limit.
    declared : float or None
        What the compressor says it cannot exceed: ω, 1 − δ, κ² or A; None if it does not say.
    x : array, shape (d,) or (worker, d)
        The input.
    where : str
        How it was come upon.
    evaluations : int
        How many inputs were tried.
    allowance : float
        How far rounding may have moved the ratio: see the notes of `worst_input`.
    estimate : float
        The measure at `x` without the confidence allowance.
    error_probability : float
        With which the measure at `x` is below `ratio`, at most; 0 if it is exact.
    basis : str
        What that rests on: 'exact' or 'bounded (empirical Bernstein)'.
    """

    constant: str
    measure: str
    ratio: float
    declared: float | None
    x: Array
    where: str
    evaluations: int
    allowance: float
    estimate: float
    error_probability: float = 0.0
    basis: str = "exact"

    @property
    def gap(self) -> float | None:
        """Declared value less ratio: negative if `x` violates it, or if rounding says so."""
        return None if self.declared is None else self.declared - self.ratio

    @property
    def violated(self) -> bool:
        """Whether the ratio exceeds the declared value by more than rounding."""
        return self.declared is not None and self.ratio > self.declared + self.allowance

    @property
    def reached(self) -> bool:
        """Whether the ratio is the declared value, to rounding."""
        return self.gap is not None and abs(self.gap) <= self.allowance


def worst_input(
    compressor: Compressor,
    d: int,
    *,
    n: int = 1,
    constant: str | None = None,
    error: Error | None = None,
    magnitudes: tuple[float, float] | None = None,
    seed: int = 0,
    effort: int = 1,
    error_probability: float = 1e-6,
) -> Found:
    r"""Search for the input with the largest ratio of expected error to what the declared constant bounds it by.

    .. math:: \frac{E\|C(x) - x\|^2}{\|x\|^2} \le \omega \text{ or } 1 - \delta, \qquad
              E\|C(x) - x\|^2 \le \kappa^2, \qquad
              \frac{E\|\frac1n\sum_i (C(x_i) - x_i)\|^2 + B\,\|\frac1n\sum_i x_i\|^2}{\frac1n\sum_i\|x_i\|^2} \le A .

    Parameters
    ----------
    compressor : Compressor
        With one value in every field.
    d, n : int
        Dimension, and number of workers, of whom the worst counts; with n > 1 inputs have one row per worker.
    constant : {'omega', 'delta', 'kappa_sq', 'ab'}, optional
        By default the first of these that is declared, and 'omega' if none is.
    error : callable, optional
        E‖C(x) − x‖², shape ``(candidate, n)``, of x, shape ``(candidate, n, d)``; for 'ab', that of the mean over
        workers, shape ``(candidate,)``. By default `Compressor.expected_error`; see the notes where that is unknown.
    magnitudes : (low, high), optional
        Where the magnitudes of coordinates that are not zero have to lie; by default where the constants hold
        (`Compressor.domain`), between 1e-60 and 1e60, so that squares are numbers too.
    seed : int
        The search is the same for the same seed.
    effort : int
        1 or more: how many random starts, ascents and steps.
    error_probability : float
        Of a ratio that has to be estimated.

    Returns
    -------
    Found

    Raises
    ------
    WrongUse
        If the compressor does not accept the dimension, a field is swept, or an argument is impossible.

    Notes
    -----
    The starts are the extremal vectors of `families` and random ones; `maximise` climbs from the best. What it finds
    is a lower bound of the supremum: a positive gap says that nothing worse was found, not that nothing is.

    *Rounding.* A compressor in floating point differs from itself in exact arithmetic by some (d/2 + 8) eps of ‖x‖, and
    sums of squares by (d + 8) eps, so a ratio r is good to (d + 16)(√r + r) eps; that is the allowance, with an eps of
    what is declared (of 1 if that is δ, or ω < 1: 1 − δ is as good as δ, and ω may come from it).

    *Without a closed form* a deterministic compressor is run. A random one is run with the same 32 draws for every
    candidate; the best ones are drawn anew, and the best of these is reported: with its exact expectation if all its
    outcomes can be enumerated, else with a lower confidence limit from further draws (up to 2¹⁵), which the search has
    not seen. They are cut off at the largest error among the earlier ones, so that the limit holds without any
    assumption on their law (empirical Bernstein).

    Examples
    --------
    >>> from toolkit.compressors import TopK
    >>> found = worst_input(TopK(k=2), 8)
    >>> found.ratio, found.declared, found.where, found.x
    (0.75, 0.75, 'constant magnitude', array([1., 1., 1., 1., 1., 1., 1., 1.]))
    """
    asked = f"worst_input({compressor!r}, {d}, n={n}, constant={constant!r}, effort={effort})"
    if d < 1 or n < 1 or effort < 1:
        raise WrongUse(asked, "dimension, workers and effort are at least 1", "give such numbers")
    compressor.batch(np.ones((1, n, d)), Draw(0))  # refuses what cannot be compressed
    constant = _first_declared(compressor, d, n) if constant is None else constant
    if constant not in FORMULAS:
        raise WrongUse(asked, "no such constant", f"choose one of: {', '.join(FORMULAS)}", nearest(constant, FORMULAS))
    measure = Measure(compressor, d, n, constant, error)
    if magnitudes is None:
        least, most = compressor.domain(d, np.dtype(float))
        magnitudes = max(least, 1e-60), min(most, 1e60)
    climb = partial(maximise, starts=starts(d, n, seed, 64 * effort), magnitudes=magnitudes, seed=seed)
    if measure.error is not None:
        best = climb(measure.values, restarts=12 * effort, steps=60 + 20 * effort)
        x = _simple(measure, best, magnitudes)
        return _found(measure, x, best.where, best.evaluations, float(measure.values(x[None])[0]))

    def estimate(x: Array) -> Array:
        return measure.worst(measure.drawn(x, FEW, seed, "search").mean(axis=0))

    # Few steps: a climb by few draws soon climbs their chance alone.
    best = climb(estimate, restarts=4 * effort, steps=8 * effort)
    return _reported(measure, best, seed, error_probability)


def _reported(measure: Measure, best: Best, seed: int, error_probability: float) -> Found:
    """Return the best of the finalists of a search by draws, judged by draws that the search has not seen."""
    again = measure.drawn(best.finalists, MORE, seed, "finalists").reshape(MORE, len(best.finalists), -1)
    if not np.isfinite(again).all():  # one such draw makes the expectation infinite
        row = int(np.argwhere(~np.isfinite(again))[0, 1])
        return _found(measure, best.finalists[row], best.names[row], best.evaluations, math.inf)
    means, spread = again.mean(axis=0), again.std(axis=0) / math.sqrt(MORE)
    top = np.unravel_index(means.argmax(), means.shape)
    # The first, which is a start as it is rather than the end of a climb, of those that are as good to a spread.
    row, worker = np.argwhere(means >= means[top] - spread[top])[0]
    x, largest = best.finalists[row], float(again.max())
    exact = measure.enumerated(x[None])
    if exact is not None:
        return _found(measure, x, best.names[row], best.evaluations, exact)
    draws = max(MORE, min(MANY, PIECE // x.size))
    samples = measure.drawn(x[None], draws, seed, "report").reshape(draws, -1)[:, worker]
    cut = np.minimum(samples, largest)
    limit = mean_interval(cut, error_probability, method="bernstein", support=(0.0, largest))
    found = _found(measure, x, best.names[row], best.evaluations, max(0.0, float(limit.low)))
    return dataclasses.replace(
        found, estimate=float(samples.mean()), error_probability=error_probability, basis=limit.basis
    )


def _found(measure: Measure, x: Array, where: str, evaluations: int, ratio: float) -> Found:
    return Found(
        constant=measure.constant,
        measure=FORMULAS[measure.constant],
        ratio=ratio,
        declared=measure.declared,
        x=x[0] if measure.n == 1 else x,
        where=where,
        evaluations=evaluations,
        allowance=measure.allowance(x[None], ratio),
        estimate=ratio,
    )


def tightness(compressors: Mapping[str, Compressor], d: int, *, n: int = 1, seed: int = 0) -> list[dict[str, Any]]:
    """Return one row per compressor and declared constant: the declared value against the worst input found.

    Parameters
    ----------
    compressors : mapping of str to Compressor
        By the names that the rows get.
    d, n, seed
        As of `worst_input`.

    Returns
    -------
    list of dict
        With the keys ``compressor`` and ``d``; ``constant``, ``declared`` (ω, 1 − δ, κ² or A), ``kind`` and ``source``;
        ``ratio``, ``used`` (ratio/declared, None for 0), ``gap``, ``reached``, ``violated``, ``where``, ``x``,
        ``error_probability``. The AB inequality is asked for with n > 1 only.

    Examples
    --------
    >>> from toolkit.compressors import Natural, TopK
    >>> rows = tightness({"top-2": TopK(k=2), "natural": Natural()}, 8)
    >>> [(row["compressor"], row["constant"], row["declared"], round(row["used"], 9)) for row in rows]
    [('top-2', 'delta', 0.75, 1.0), ('natural', 'omega', 0.125, 1.0), ('natural', 'delta', 0.125, 1.0)]
    """
    rows = []
    for name, compressor in compressors.items():
        constants = constants_of(compressor, d, n)
        measured: dict[str, Found] = {}
        for constant, formula in FORMULAS.items():
            declared: Constant | None = getattr(constants, constant)
            if declared is None or (constant == "ab" and n == 1):
                continue
            if formula not in measured:
                measured[formula] = worst_input(compressor, d, n=n, constant=constant, seed=seed)
            bound = Measure(compressor, d, n, constant).declared
            found = dataclasses.replace(measured[formula], constant=constant, declared=bound)
            rows.append(_row(name, d, declared, found))
    return rows


def _row(name: str, d: int, declared: Constant, found: Found) -> dict[str, Any]:
    kept = ("ratio", "gap", "reached", "violated", "where", "x", "error_probability")
    return {
        "compressor": name,
        "d": d,
        "constant": found.constant,
        "declared": found.declared,
        "kind": declared.kind,
        "source": declared.source,
        "used": found.ratio / found.declared if found.declared else None,
    } | {key: getattr(found, key) for key in kept}


def _first_declared(compressor: Compressor, d: int, n: int) -> str:
    declared = constants_of(compressor, d, n)
    return next((name for name in FORMULAS if getattr(declared, name) is not None), "omega")


def _simple(measure: Measure, best: Best, magnitudes: tuple[float, float]) -> Array:
    """Return the input in simple numbers, where these are as bad to rounding."""
    enough = best.value * (1 - 4 * EPS) if math.isfinite(best.value) else best.value

    def as_bad(x: Array) -> bool:
        return bool(within(x[None], magnitudes)[0] and measure.values(x[None])[0] >= enough)

    return minimal_input(as_bad, best.x, keep_dimension=True, calls=300) if as_bad(best.x) else best.x
