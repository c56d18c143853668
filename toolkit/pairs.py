"""Which method may be combined with which compressor: supported, unproven or impossible, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.errors import WrongUse
from toolkit.parameters import bind, scheduled, swept

__all__ = ["Pair", "judge", "require"]

_MEANING = {
    "delta": "a contraction constant δ",
    "omega": "an unbiased compressor with variance ω",
    "kappa_sq": "an absolute error bound κ²",
    "ab": "an AB inequality",
}


@dataclass(frozen=True)
class Pair:
    """The verdict on a method with a compressor.

    Parameters
    ----------
    verdict : {'supported', 'unproven', 'impossible'}
        Whether a theorem covers the pair.
    reason : str
        Why.
    remedy : str
        The legal way out; empty if supported.
    """

    verdict: str
    reason: str
    remedy: str = ""


def judge(algorithm: Any, compressor: Any, d: int) -> Pair:
    """Judge a method (class or instance) with a compressor in dimension `d`.

    Examples
    --------
    >>> from toolkit.algorithms import EF21
    >>> from toolkit.compressors import TopK
    >>> judge(EF21(), TopK(k=1), 10).verdict
    'supported'
    """
    method, name = type(algorithm).__name__, type(compressor).__name__
    obstacle = algorithm.impossible(compressor)
    if obstacle is not None:
        return Pair("impossible", obstacle, f"use another method or another compressor than {name}")
    constants = _at_first(compressor).constants(d)
    if not algorithm.accepts:
        return Pair("supported", f"{method} works with any compressor")
    for need in algorithm.accepts:
        if need.met_by(constants):
            return Pair("supported", f"{name} has {_MEANING[need.constant]}")
    wanted = " or ".join(_MEANING[need.constant] for need in algorithm.accepts)
    remedy = "pass unproven=True to run it all the same"
    if constants.omega is not None and any(need.constant == "delta" for need in algorithm.accepts):
        remedy = f"wrap it as Scaled({compressor!r}), which has δ = 1/(1 + ω), or {remedy}"
    return Pair("unproven", f"{method} needs {wanted}, and {name} in dimension {d} has none", remedy)


def require(algorithm: Any, compressor: Any, d: int, *, unproven: bool) -> None:
    """Refuse an impossible pair, and an unproven one unless `unproven` is set.

    Raises
    ------
    WrongUse
        With the reason and the legal wrapper.
    """
    pair = judge(algorithm, compressor, d)
    if pair.verdict == "impossible" or (pair.verdict == "unproven" and not unproven):
        asked = f"{type(algorithm).__name__} with {compressor!r}"
        raise WrongUse(asked, f"this pair is {pair.verdict}: {pair.reason}", pair.remedy)


def _at_first(compressor: Any) -> Any:
    """Return the compressor at the first value of each swept set and schedule."""
    firsts = {path: values[0] for path, values in swept(compressor).items()}
    return bind(compressor, firsts | {path: schedule(0) for path, schedule in scheduled(compressor).items()})
