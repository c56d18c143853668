"""Checking a compressor: all contracts, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from proofs_check.contracts._base import TOPICS, Contract
from proofs_check.contracts._report import ContractViolation, Report
from proofs_check.contracts._subject import LEVELS, Subject, choose_dimensions
from toolkit import members
from toolkit.compressors import Compressor
from toolkit.errors import WrongUse, nearest
from toolkit.members import short
from toolkit.parameters import scheduled, swept
from toolkit.progress import Progress

__all__ = ["all_contracts", "check_compressor"]

PACKAGE = "proofs_check.contracts"


def check_compressor(
    compressor: Compressor,
    *,
    dimensions: int | Sequence[int] | None = None,
    workers: int = 3,
    dtypes: Any = ("float64", "float32"),
    contracts: Iterable[str] | None = None,
    level: str = "quick",
    seed: int = 0,
    error_probability: float = 1e-6,
    raises: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Check that a compressor keeps the contracts, its own declarations among them.

    Parameters
    ----------
    compressor : Compressor
        One instance; its fields have one value each.
    dimensions : int or sequence of int, optional
        Dimensions to try; by default the smallest that it accepts and some larger ones.
    workers : int
        Number of workers where several are needed.
    dtypes : sequence of dtype
        Types of numbers to try.
    contracts : iterable of str, optional
        Names of contracts; by default all.
    level : {'quick', 'full'}
        How much is tried.
    seed : int
        Of all that is random: the same seed, the same report.
    error_probability : float
        Of each statement that rests on samples.
    raises : bool
        Raise a violation; otherwise return the report whatever it says.
    progress : Progress, optional
        Is told of each contract as it is done.

    Returns
    -------
    Report
        Printed, it shows each contract, its verdict and what was tried.

    Raises
    ------
    ContractViolation
        If a contract is violated; an `AssertionError` whose text shows the smallest failing vector that was found.
    WrongUse
        If this is no compressor, or a dimension, type, contract or level is impossible.

    Examples
    --------
    >>> from toolkit.compressors import TopK
    >>> report = check_compressor(TopK(k=2), contracts=["zero", "contraction"])
    >>> report.passed, report["contraction"].verdict
    (True, 'holds')
    """
    if not isinstance(compressor, Compressor):
        hint = "pass an instance, such as TopK(k=3)" if isinstance(compressor, type) else "pass one, such as TopK(k=3)"
        raise WrongUse(f"check_compressor({compressor!r})", "this is not a compressor", hint)
    for path in (*swept(compressor), *scheduled(compressor)):
        why = f"{'.'.join(path)} is not one value but a set or a schedule"
        raise WrongUse(f"check_compressor({compressor!r})", why, "check one compressor for each value")
    chosen = _chosen(contracts)
    if level not in LEVELS:
        raise WrongUse(f"check_compressor(level={level!r})", "there is no such level", f"choose {' or '.join(LEVELS)}")
    n = workers if compressor.correlated else 1
    sizes = choose_dimensions(compressor, n) if dimensions is None else tuple(np.atleast_1d(dimensions).tolist())
    kinds = tuple(np.dtype(one) for one in ([dtypes] if isinstance(dtypes, (str, type, np.dtype)) else dtypes))
    types = [kind.name for kind in kinds]
    asked = f"check_compressor(dimensions={list(sizes)}, workers={workers}, dtypes={types}, seed={seed})"
    if not set(kinds) <= {np.dtype("float32"), np.dtype("float64")} or not kinds:
        raise WrongUse(asked, "compressors take single and double precision", "give float32, float64 or both")
    if workers < 1 or not 0 <= seed < 2**31 or not sizes:
        raise WrongUse(
            asked, "no worker, no dimension, or no such seed", "give 1 or more of them, and a seed below 2³¹"
        )
    for d in sizes:
        compressor.check(d)
    subject = Subject(compressor, workers, sizes, kinds, LEVELS[level], seed, error_probability)
    findings = []
    with (progress or Progress(quiet=True)).work(f"contracts of {compressor!r}", len(chosen)) as advance:
        for contract in chosen:
            findings.append(contract.guarded(subject))
            advance(f"{contract.name}: {findings[-1].verdict}", 1)
    conditions = (
        f"dimensions {', '.join(map(str, sizes))}; {' and '.join(kind.name for kind in kinds)}; "
        f"{workers} workers; level {level}, seed {seed}"
    )
    report = Report(repr(compressor), conditions, tuple(findings))
    if raises and not report.passed:
        raise ContractViolation(report)
    return report


def all_contracts() -> list[Contract]:
    """Return every contract, by topic."""
    found = [members.load(PACKAGE, name)() for name in members.names(PACKAGE)]
    return sorted(found, key=lambda contract: (TOPICS.index(contract.topic), contract.name))


def _chosen(names: Iterable[str] | None) -> list[Contract]:
    contracts = all_contracts()
    if names is None:
        return contracts
    known = {short(contract.name): contract for contract in contracts}
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if short(name) not in known:
            every = [contract.name for contract in contracts]
            raise WrongUse(
                f"the contract {name!r}",
                "there is none of that name",
                f"choose from: {', '.join(every)}",
                nearest(name, every),
            )
    return [known[name] for name in dict.fromkeys(map(short, wanted))]
