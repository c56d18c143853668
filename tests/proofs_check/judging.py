"""What tests of claims do: collect claims, run what they need at the quick level, judge them, and break them."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import xarray

from proofs_check.checking import judge_claims, needed
from proofs_check.claim import Claim
from toolkit.sweep import run_all

__all__ = ["Results", "broken", "claims_in", "record_of", "records_of", "results_of", "times", "verdict_of"]

Results = Mapping[str, xarray.Dataset]


def claims_in(*modules: ModuleType) -> dict[str, Claim]:
    """Return the claims that modules define, by their ids."""
    return {
        value.id: value()
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Claim) and value.id and value.__module__ == module.__name__
    }


def results_of(*claims: Claim) -> Results:
    """Return what claims need at the quick level, freshly run."""
    return run_all(needed({claim.id: claim for claim in claims}, "quick"), jobs=1)


def records_of(*claims: Claim, results: Results | None = None) -> dict[str, dict[str, Any]]:
    """Return the records of claims by their ids, from results that are there, such as those of a sound claim."""
    found = results_of(*claims) if results is None else results
    by_id = {claim.id: claim for claim in claims}
    return {record["id"]: record for record in judge_claims(by_id, found, "quick")}


def record_of(claim: Claim, results: Results | None = None) -> dict[str, Any]:
    """Return the record of one claim."""
    return records_of(claim, results=results)[claim.id]


def verdict_of(claim: Claim, results: Results | None = None) -> str:
    """Return the verdict of one claim."""
    return str(record_of(claim, results)["verdict"])


def broken(kind: type[Any], **changes: Any) -> Claim:
    """Return a claim some of whose attributes are others."""
    return type(f"Broken{kind.__name__}", (kind,), changes)()


def times(factor: float, method: str, kind: type[Any]) -> Claim:
    """Return a claim of which what a method returns is multiplied."""
    original = getattr(kind, method)
    return broken(kind, **{method: lambda self, *args: factor * original(self, *args)})
