"""Which method may be combined with which compressor: supported, unproven or impossible, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit import members
from toolkit.constants import CompressorConstants
from toolkit.errors import WrongUse
from toolkit.parameters import at_each

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
        The legal ways out: a wrapper, or methods that accept the compressor; empty if supported or if there is none.
    """

    verdict: str
    reason: str
    remedy: str = ""


def judge(algorithm: Any, compressor: Any, d: int, n: int = 1) -> Pair:
    """Judge a method (class or instance) with a compressor in dimension `d`, with `n` workers.

    With a swept compressor, a pair is supported if it is at every value.

    Examples
    --------
    >>> from toolkit.algorithms import EF21
    >>> from toolkit.compressors import TopK
    >>> judge(EF21(), TopK(k=1), 10).verdict
    'supported'
    >>> from toolkit.algorithms import CompressedSGD
    >>> judge(CompressedSGD(), TopK(k=1), 10).remedy
    'use CHOCO, CompressedPerturbedSGD, EF21, EF21Momentum, ErrorFeedback or GradientMemory, whose theorems cover TopK'
    """
    method, name = type(algorithm).__name__, type(compressor).__name__
    cells = [one.constants(d, n) for one in at_each(compressor)]
    covering = _covering(cells)
    others = f"use {_listed(covering)}, whose theorems cover {name}" if covering else ""
    obstacle = algorithm.impossible(compressor)
    if obstacle is not None:
        return Pair("impossible", obstacle, others or f"use another method or another compressor than {name}")
    if not algorithm.accepts:
        return Pair("supported", f"{method} needs no constant of {name}")
    for need in algorithm.accepts:
        if all(map(need.met_by, cells)):
            return Pair("supported", f"{name} has {_MEANING[need.constant]}")
    wanted = " or ".join(_MEANING[need.constant] for need in algorithm.accepts)
    ways = [others] if others else []
    if all(one.omega is not None for one in cells) and any(need.constant == "delta" for need in algorithm.accepts):
        ways.insert(0, f"wrap it as Scaled({compressor!r}), which has δ = 1/(1 + ω)")
    return Pair("unproven", f"{method} needs {wanted}, and {name} in dimension {d} has none", ", or ".join(ways))


def require(
    algorithm: Any, compressor: Any, d: int, n: int = 1, *, unproven: bool, switch: str = "unproven=True"
) -> None:
    """Refuse an impossible pair, and an unproven one unless `unproven` is set.

    Parameters
    ----------
    algorithm, compressor, d, n
        As in `judge`.
    unproven : bool
        Whether a pair that no theorem covers is to be run.
    switch : str
        What the user passes to set it.

    Raises
    ------
    WrongUse
        With the reason and the legal wrapper.
    """
    pair = judge(algorithm, compressor, d, n)
    if pair.verdict == "supported" or (pair.verdict == "unproven" and unproven):
        return
    remedy = pair.remedy
    if pair.verdict == "unproven":
        remedy += f"{', or ' if remedy else ''}pass {switch} to run it all the same"
    asked = f"{type(algorithm).__name__} with {compressor!r}"
    raise WrongUse(asked, f"this pair is {pair.verdict}: {pair.reason}", remedy)


def _covering(cells: list[CompressorConstants]) -> list[str]:
    """Return what real workers can use that has a theorem for these constants, those of each cell of a sweep."""
    package = "toolkit.algorithms"
    methods = [members.load(package, name) for name in members.names(package)]
    real = (one for one in methods if one.implementable)
    return [one.__name__ for one in real if any(all(map(need.met_by, cells)) for need in one.accepts)]


def _listed(names: list[str]) -> str:
    """Return names as a sentence gives them: A, B or C."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
