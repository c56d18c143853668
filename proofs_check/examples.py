"""Random examples by the thousand: vectors against the contracts of every compressor, and data against every code.

An example is one that Hypothesis draws: for a compressor one vector (one for each worker where messages are made
together) with parameters of the compressor, for a code one list of integers. Examples are drawn one by one and checked
in batches, which is quicker by far; a failing vector is then shrunk by `minimal_input`.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import hypothesis
import numpy as np
from hypothesis import strategies as st

from proofs_check.codes import codes, data_for, wrong_with
from proofs_check.contracts._base import OverVectors
from proofs_check.contracts._checking import all_contracts
from proofs_check.contracts._of_law import OfLaw
from proofs_check.contracts._report import Finding
from proofs_check.contracts._subject import Level, Subject
from proofs_check.strategies import compressors, vectors
from toolkit import members
from toolkit.compressors import Compressor
from toolkit.errors import WrongUse, nearest
from toolkit.processes import spread
from toolkit.progress import Progress
from toolkit.simulation import default_threads

__all__ = ["Log", "check_examples"]

MANY = 20_000  # examples, of which starting processes takes little time
CHUNK = 250  # examples of one member in one dimension
DIMENSIONS = (3, 1, 2, 8, 4, 5, 13, 2, 33, 3, 4, 64)  # in turn
LARGEST = max(DIMENSIONS)
POOL = 6  # compressors of one chunk, of different parameters
WORKERS = 3
LEVEL = Level(vectors=4, runs=4096, times=2)
OUTCOMES = 1 << 15  # of a batch of vectors: of more, no law is asked for


@dataclass
class Log:
    """What was checked.

    Parameters
    ----------
    examples : dict of str to int
        How many examples of each compressor and code.
    checked : dict of str to int
        How many examples each contract was checked on; not every contract speaks of every vector.
    violations : list of (str, str)
        Compressor or code, and what is wrong.
    seconds : float
        How long it took.
    """

    examples: Counter[str] = dataclasses.field(default_factory=Counter)
    checked: Counter[str] = dataclasses.field(default_factory=Counter)
    violations: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether there is no violation."""
        return not self.violations

    def add(self, other: Log) -> None:
        """Take in the log of more examples."""
        self.examples += other.examples
        self.checked += other.checked
        self.violations += other.violations

    def as_record(self) -> dict[str, Any]:
        """Return the log as numbers and texts that can be written as JSON."""
        counts = {"examples": dict(self.examples), "checked": dict(self.checked), "total": self.examples.total()}
        return counts | {"violations": self.violations, "seconds": self.seconds, "passed": self.passed}

    def __str__(self) -> str:
        lines = [f"{name:24}{count:10,}" for name, count in sorted(self.examples.items())]
        lines += ["", "checked on so many of them"]
        lines += [f"{name:24}{count:10,}" for name, count in sorted(self.checked.items())]
        lines += [f"\n{name}\n{wrong}" for name, wrong in self.violations]
        count = len(self.violations)
        outcome = f"{count} violation{'s' * (count != 1)}" if count else "no violation"
        return "\n".join([*lines, "", f"{self.examples.total():,} examples in {self.seconds:.0f} s: {outcome}"])


class _Chunk(NamedTuple):
    """Examples of one member to draw."""

    package: str
    name: str
    dimension: int
    dtype: str
    seed: int
    size: int


def check_examples(
    count: int,
    *,
    names: tuple[str, ...] | None = None,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Log:
    """Check random examples of all compressors and codes, the same number of each.

    Parameters
    ----------
    count : int
        How many examples in all; a few more are drawn, so that each member has as many.
    names : tuple of str, optional
        Compressors and codes by command-line name; by default all.
    seed : int
        The same seed, the same examples.
    jobs : int, optional
        Processes; by default one, or for many examples one per core.
    progress : Progress, optional
        Is told of each chunk as it is done.

    Returns
    -------
    Log

    Examples
    --------
    >>> log = check_examples(100, names=("top-k", "gaps"))
    >>> log.examples["top-k"], log.examples["gaps"], log.passed
    (50, 50, True)
    """
    chunks = list(_chunks(count, names, seed))
    log, began = Log(), time.perf_counter()
    with (progress or Progress(quiet=True)).work("examples", sum(chunk.size for chunk in chunks)) as advance:
        jobs = jobs or (default_threads() if count >= MANY else 1)
        calls = {f"{number}, of {chunk.name}": (chunk,) for number, chunk in enumerate(chunks)}
        for called, part in spread(_checked, calls, what="chunk", jobs=jobs):
            log.add(part)
            (chunk,) = calls[called]
            advance(f"{chunk.name}: {log.examples[chunk.name]:,}", chunk.size)
    log.seconds = time.perf_counter() - began
    return log


def _chunks(count: int, names: tuple[str, ...] | None, seed: int) -> Iterator[_Chunk]:
    """Yield the chunks of all members in turn."""
    packages = "toolkit.compressors", "toolkit.codecs"
    found = [
        (package, name)
        for package in packages
        for name in (members.names(package) if package == packages[0] else codes())
        if names is None or name in names
    ]
    known = [*members.names(packages[0]), *codes()]
    unknown = [name for name in names or () if name not in known]
    if unknown or not found:
        wrong = f"there is nothing of the name {' or '.join(map(repr, unknown))}" if unknown else "no name is given"
        remedy = "name compressors and codes, or give none for all"
        raise WrongUse(f"check_examples(names={names})", wrong, remedy, nearest("".join(unknown[:1]), known))
    each = -(-count // len(found))
    for number in range(-(-each // CHUNK)):
        size = min(CHUNK, each - number * CHUNK)
        dimension, dtype = DIMENSIONS[number % len(DIMENSIONS)], ("float64", "float32")[number % 5 == 4]
        for package, name in found:
            yield _Chunk(package, name, dimension, dtype, seed * 1_000_003 + number, size)


def _checked(chunk: _Chunk) -> Log:
    """Draw the examples of a chunk and check them."""
    log = Log()
    if chunk.package == "toolkit.codecs":
        for coded in _drawn(data_for(chunk.name), chunk):
            log.examples[chunk.name] += 1
            log.checked["round trip of a code"] += 1
            wrong = wrong_with(coded)
            if wrong:
                log.violations.append((repr(coded.code), f"{wrong}, of {coded}"))
                break
        return log
    batches: dict[str, tuple[Compressor, list[Any]]] = {}
    for compressor, rows in _drawn(_compressed(chunk), chunk):
        log.examples[chunk.name] += 1
        batches.setdefault(repr(compressor), (compressor, []))[1].append(np.stack(rows))
    for compressor, rows in batches.values():
        subject = Subject(
            compressor,
            WORKERS,
            (rows[0].shape[-1],),
            (rows[0].dtype,),
            LEVEL,
            chunk.seed % 2**31,
            error_probability=1e-9,
        )
        for contract in all_contracts():
            if isinstance(contract, OverVectors):
                checked, finding = _against(contract, subject, np.stack(rows))
                log.checked[contract.name] += checked
                if finding is not None:
                    log.violations.append((repr(compressor), str(finding)))
    return log


def _against(contract: OverVectors, subject: Subject, x: Any) -> tuple[int, Finding | None]:
    """Return on how many vectors a contract could be checked, and the violation if there is one."""
    d = x.shape[-1]
    if (contract.of_several and not subject.compressor.correlated) or contract.reason_not_applicable(subject):
        return 0, None
    with np.errstate(all="ignore"):
        if isinstance(contract, OfLaw) or contract.name == "permutation":
            why, outcomes = subject.laws.finite(d, subject.n)
            if why or d not in contract.dimensions(subject) or outcomes * len(x) > OUTCOMES:
                return 0, None
        chosen = subject.some(x[contract.choose(subject, x)], contract.most)
        return len(chosen), contract.against(subject, chosen) if len(chosen) else None


def _compressed(chunk: _Chunk) -> st.SearchStrategy[tuple[Compressor, tuple[Any, ...]]]:
    """Return some compressors of the member, with a vector for each of the workers that they need.

    They work in the dimension of the chunk or, if none does, in the next larger one in which some do.
    """
    for d in range(chunk.dimension, 2 * LARGEST):
        for workers in (1, WORKERS):
            try:
                strategy = compressors(d, workers=workers, names=[chunk.name])
            except WrongUse:
                continue
            some = [one for one in _drawn(strategy, chunk._replace(size=POOL)) if one.correlated == (workers > 1)]
            if some:
                row = vectors(d, d, dtype=chunk.dtype)
                return st.tuples(st.sampled_from(some), st.tuples(*[row] * workers))
    raise WrongUse(f"examples of {chunk.name}", "no parameters of it are known", "give its fields defaults")


def _drawn(strategy: st.SearchStrategy[Any], chunk: _Chunk) -> list[Any]:
    """Return what Hypothesis draws: as many examples as the chunk says."""
    drawn: list[Any] = []
    more = 0
    while len(drawn) < chunk.size:

        @hypothesis.seed(chunk.seed + 7919 * more)
        @hypothesis.settings(
            max_examples=chunk.size - len(drawn),
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(strategy)
        def collect(example: Any) -> None:
            drawn.append(example)

        collect()
        more += 1
    return drawn
