"""What a published statement is to the program: both sides, on every instance that meets its assumptions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

__all__ = ["LEVELS", "Claim", "Instance", "Verdict", "not_applicable", "summary"]

LEVELS = ("quick", "full")

# The verdict of a claim is the first of these that one of its instances has; 'not applicable' only if all have it.
SEVERITY = ("violated", "undecided", "tight", "holds")
Verdict = str  # one of SEVERITY or 'not applicable'


@dataclass(frozen=True)
class Instance:
    """One instance of a claim: both sides, and what follows.

    Parameters
    ----------
    name : str
        Problem, compressor and parameters, in words.
    verdict : {'holds', 'tight', 'violated', 'undecided', 'not applicable'}
        What the instance says about the statement.
    measured, bound : float or None
        Left and right side where their ratio is largest (for an equality, where they differ most).
    ratio : float or None
        measured / bound.
    error_probability : float
        Probability that the verdict contradicts the truth, at most; 0 for deterministic statements.
    basis : {'exact', 'bounded (…)', 'asymptotic (…)'}
        What the error probability rests on.
    runs : int
        Number of independent runs behind it.
    reason : str
        Why: which assumption fails, how large the rounding allowance is, where the constant is attained.
    """

    name: str
    verdict: Verdict
    measured: float | None = None
    bound: float | None = None
    ratio: float | None = None
    error_probability: float = 0.0
    basis: str = "exact"
    runs: int = 1
    reason: str = ""


def not_applicable(name: str, reason: str) -> Instance:
    """Return the instance that says which assumption fails."""
    return Instance(name, "not applicable", reason=reason)


class Claim:
    """A published statement; subclass it, fill the attributes and write `check`.

    A file of `proofs_check.claims` holds the claims of one paper or of one subject, a folder a group of files; every
    subclass with an `id` is a claim.

    Attributes
    ----------
    id : str
        Short name, as in the sheets: ``S-a5``.
    title : str
        The claim in one line of words.
    statement : str
        The statement in the paper's terms, in LaTeX.
    reference : str
        Paper and statement.
    status : {'code', 'derived', 'recalled'}
        Where the constants come from; recalled ones were not yet checked against the paper.
    kind : {'identity', 'upper bound', 'tight', 'lower bound', 'rate', 'counterexample'}
        What the statement asserts.
    expected : str
        The verdict that is expected.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    statement: ClassVar[str] = ""
    reference: ClassVar[str] = ""
    status: ClassVar[str] = "derived"
    kind: ClassVar[str] = "upper bound"
    expected: ClassVar[Verdict] = "holds"

    def experiments(self, level: str) -> dict[str, Experiment]:
        """Return what has to be run, by name; nothing for a statement about vectors."""
        return {}

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        """Return one instance per problem, compressor and setting, from the results of `experiments`."""
        raise TypeError(f"{type(self).__name__} does not say how it is checked: define check(data, level)")


def summary(claim: Claim, instances: list[Instance], seconds: float) -> dict[str, Any]:
    """Return the record of a checked claim, as it stands in ``claims.json``.

    Its sides, ratio and runs are those of the decisive instance: the worst verdict and, among equals, the ratio that is
    nearest to a violation: for an equality the one farthest from 1, for a lower bound the smallest, otherwise the
    largest. Its error probability is that of the claim's verdict, which rests on all applicable instances: the sum of
    theirs, at most 1 (union bound), on the bases of those in which something was left to chance.
    """
    applicable = [one for one in instances if one.verdict != "not applicable"]
    verdict = next((v for v in SEVERITY if any(one.verdict == v for one in applicable)), "not applicable")
    candidates = [one for one in applicable if one.verdict == verdict] or instances
    decisive = max(candidates, key=lambda one: _threat(one.ratio, claim.kind))
    bases = sorted({one.basis for one in applicable if one.error_probability})
    return {
        "id": claim.id,
        "title": claim.title,
        "statement": claim.statement,
        "reference": claim.reference,
        "status": claim.status,
        "kind": claim.kind,
        "verdict": verdict,
        "expected": claim.expected,
        "measured": _plain(decisive.measured),
        "bound": _plain(decisive.bound),
        "ratio": _plain(decisive.ratio),
        "error_probability": min(1.0, math.fsum(one.error_probability for one in applicable)),
        "basis": ", ".join(bases) or decisive.basis,
        "runs": decisive.runs,
        "seconds": round(seconds, 3),
        "reason": f"{decisive.name}: {decisive.reason}" if decisive.reason else decisive.name,
        "instances": [{name: _plain(value) for name, value in vars(one).items()} for one in instances],
    }


def _threat(ratio: float | None, kind: str) -> float:
    """Return how near a ratio is to a violation; NaN may be anything, so it is nearest.

    A slope and the law of a counterexample are equalities.
    """
    if ratio is None:
        return -math.inf
    if math.isnan(ratio):
        return math.inf
    if kind in ("identity", "rate", "counterexample"):
        return abs(ratio - 1)
    return -ratio if kind == "lower bound" else ratio


def _plain(value: Any) -> Any:
    """Return a number that JSON can hold: infinities and NaN become texts."""
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else str(float(value))
    return value.item() if isinstance(value, np.generic) else value
