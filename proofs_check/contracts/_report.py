"""What was found about a compressor, in words."""

from __future__ import annotations

import dataclasses
import textwrap
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import WrongUse, nearest
from toolkit.members import short

__all__ = ["ContractViolation", "Finding", "Report", "Verdict", "Violation", "in_words"]

Verdict = Literal["holds", "violated", "not applicable", "undecided"]
WIDTH = 110
MOST_ENTRIES = 16


@dataclass(frozen=True)
class Violation:
    """One input for which a contract fails, the smallest that was found.

    Parameters
    ----------
    wrong : str
        What is wrong, in one sentence.
    x : array, shape (d,) or (worker, d), optional
        The input; None if the contract is not about inputs.
    draw : str
        The randomness: 'none', 'all outcomes', or a draw.
    came, expected : str
        What came, and what the contract asks for.
    """

    wrong: str
    x: Array | None = None
    draw: str = ""
    came: str = ""
    expected: str = ""

    def __str__(self) -> str:
        lines = [self.wrong]
        if self.x is not None:
            *_, d = self.x.shape
            workers = f", {self.x.shape[0]} workers" if self.x.ndim > 1 else ""
            lines.append(f"at        x = {in_words(self.x)}  ({self.x.dtype.name}, d = {d}{workers})")
        lines += [f"{name:9} {text}" for name, text in vars(self).items() if name not in ("wrong", "x") and text]
        return "\n".join(lines)


@dataclass(frozen=True)
class Finding:
    """What came of one contract.

    Parameters
    ----------
    contract, topic, statement : str
        Its name, what it is about, and what it says.
    verdict : {'holds', 'violated', 'not applicable', 'undecided'}
    tried : str
        What was tried; why, if it is not applicable or undecided.
    error_probability : float
        Probability at most with which the verdict is wrong by chance; 0 if nothing was sampled.
    basis : str
        What that rests on.
    measured : tuple of str
        Numbers worth knowing, one per line.
    violation : Violation or None
    """

    contract: str
    topic: str
    statement: str
    verdict: Verdict
    tried: str = ""
    error_probability: float = 0.0
    basis: str = "exact"
    measured: tuple[str, ...] = ()
    violation: Violation | None = None

    def __str__(self) -> str:
        chance = f" (error probability {self.error_probability:g}, {self.basis})" if self.error_probability else ""
        told = f": {self.tried}{chance}" if self.tried else ""
        lines = [_wrapped(f"{self.contract:18} {self.verdict}{told}", 21)]
        lines += [_wrapped(line, 21, first=21) for line in self.measured]
        if self.violation is not None:
            lines.append(_wrapped(f"asked     {self.statement}", 31, first=21))
            lines += [_wrapped(line, 31, first=21) for line in str(self.violation).split("\n")]
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What came of all contracts; printed, it is a page in words.

    Parameters
    ----------
    compressor : str
        What was checked.
    conditions : str
        In which dimensions, types and so on.
    findings : tuple of Finding
        One per contract.
    """

    compressor: str
    conditions: str
    findings: tuple[Finding, ...]

    @property
    def violations(self) -> tuple[Finding, ...]:
        """The findings that are violations."""
        return tuple(finding for finding in self.findings if finding.verdict == "violated")

    @property
    def passed(self) -> bool:
        """Whether no contract is violated."""
        return not self.violations

    def as_record(self) -> dict[str, Any]:
        """Return the report as numbers and texts that can be written as JSON."""
        record = dataclasses.asdict(self)
        for finding in record["findings"]:
            violation = finding["violation"]
            if violation is not None and violation["x"] is not None:
                x = violation["x"]
                violation["x"] = x.tolist() if np.isfinite(x).all() else in_words(x)  # JSON has no NaN
        return record | {"passed": self.passed}

    def __getitem__(self, contract: str) -> Finding:
        """Return the finding of a contract; refuse the name of one that was not checked."""
        found = {short(finding.contract): finding for finding in self.findings}
        if short(contract) not in found:
            names = [finding.contract for finding in self.findings]
            remedy = f"choose from: {', '.join(names)}"
            raise WrongUse(f"report[{contract!r}]", "no such contract was checked", remedy, nearest(contract, names))
        return found[short(contract)]

    def __str__(self) -> str:
        count = len(self.violations)
        names = ", ".join(finding.contract for finding in self.violations)
        outcome = f"violates {count} contract{'s' * (count > 1)}: {names}" if count else "keeps every contract"
        lines = [f"{self.compressor} {outcome}", _wrapped(f"({self.conditions})", 1)]
        for topic in dict.fromkeys(finding.topic for finding in self.findings):
            lines += ["", f"{topic[:1].upper()}{topic[1:]}"]
            lines += [textwrap.indent(str(finding), "  ") for finding in self.findings if finding.topic == topic]
        return "\n".join(lines)


class ContractViolation(AssertionError):
    """A compressor violates contracts; the message is the report of those.

    Parameters
    ----------
    report : Report
        All that was found.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        report = self.report
        return str(Report(report.compressor, report.conditions, report.violations))


def in_words(x: Array) -> str:
    """Return numbers as text that reads back as the same numbers; of long vectors only the beginning.

    Examples
    --------
    >>> in_words(np.array([0.1, -2.0]))
    '[0.1, -2]'
    """
    x = np.asarray(x)
    if x.ndim > 1:
        return f"[{', '.join(in_words(row) for row in x)}]"
    shown = [str(value).removesuffix(".0") for value in x[:MOST_ENTRIES]]
    rest = [f"… {x.size} in all"] if x.size > MOST_ENTRIES else []
    return f"[{', '.join(shown + rest)}]"


def _wrapped(text: str, indent: int, first: int = 0) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=" " * first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
