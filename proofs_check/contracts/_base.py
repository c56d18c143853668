"""What a contract is to the program."""

from __future__ import annotations

import dataclasses
import traceback
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from proofs_check.contracts._report import Finding, Violation
from proofs_check.minimal import minimal_input
from toolkit.arrays import Array

if TYPE_CHECKING:
    from proofs_check.contracts._subject import Subject

__all__ = ["TOPICS", "Contract", "OverVectors"]

TOPICS = ("messages", "error", "randomness", "bits")
SHRINKING = 400  # the most calls that make a failing vector small


class Contract:
    """One property; a subclass says it in `statement` and decides it in `check`.

    Attributes
    ----------
    topic : {'messages', 'error', 'randomness', 'bits'}
        What it is about.
    statement : str
        What it says.
    """

    topic: ClassVar[str]
    statement: ClassVar[str]

    @property
    def name(self) -> str:
        """The name of its file, as on the command line."""
        return type(self).__module__.rpartition(".")[2].replace("_", "-")

    def check(self, subject: Subject) -> Finding:
        """Return what came of it for one compressor."""
        raise TypeError(f"{type(self).__name__} does not say how it is decided: define check(subject)")

    def finding(self, verdict: str, tried: str = "", **more: object) -> Finding:
        """Return a finding of this contract."""
        return Finding(self.name, self.topic, self.statement, verdict, tried, **more)  # type: ignore[arg-type]

    def guarded(self, subject: Subject) -> Finding:
        """Return what came of it; whatever the compressor raises violates it."""
        with np.errstate(all="ignore"):
            try:
                return self.check(subject)
            except Exception as error:
                return self.finding("violated", "it broke off", violation=Violation(_raised(error)))


class OverVectors(Contract):
    """A property of the message of every vector; the vectors are checked all at once, and a failing one is shrunk.

    Attributes
    ----------
    most : int, optional
        How many vectors are tried in each dimension and type at the quick level; all if None.
    of_several : bool
        Whether it is about several workers, also where their messages are made one by one.
    """

    most: ClassVar[int | None] = None
    of_several: ClassVar[bool] = False

    def reason_not_applicable(self, subject: Subject) -> str:
        """Return why there is nothing to check; empty if there is."""
        return ""

    def dimensions(self, subject: Subject) -> tuple[int, ...]:
        """Return the dimensions to try."""
        return subject.dimensions

    def vectors(self, subject: Subject, d: int, dtype: np.dtype[Any]) -> Array:
        """Return the vectors to try, shape ``(vector, worker, d)``."""
        return subject.vectors(d, dtype)

    def choose(self, subject: Subject, x: Array) -> Array:
        """Tell for which vectors, shape ``(vector, worker, d)``, the property is promised."""
        return np.ones(len(x), dtype=bool)

    def failing(self, subject: Subject, x: Array) -> Array:
        """Tell for which vectors, shape ``(vector, worker, d)``, the property fails."""
        raise TypeError(f"{type(self).__name__} does not say what fails: define failing(subject, x)")

    def violation(self, subject: Subject, x: Array) -> Violation:
        """Tell how the property fails for one vector, shape ``(1, worker, d)``."""
        raise TypeError(f"{type(self).__name__} does not say how it fails: define violation(subject, x)")

    def check(self, subject: Subject) -> Finding:
        why = self.reason_not_applicable(subject)
        if why:
            return self.finding("not applicable", why)
        count, sizes = 0, []
        for dtype in subject.dtypes:
            for d in self.dimensions(subject):
                x = self.vectors(subject, d, dtype)
                x = subject.some(x[self.choose(subject, x)], self.most)
                if not len(x):
                    continue
                found = self.against(subject, x)
                if found is not None:
                    return found
                count += len(x)
                sizes.append(d)
        if not count:
            return self.finding("not applicable", "no vector that it speaks of fits")
        dimensions = ", ".join(map(str, sorted(set(sizes))))
        types = " and ".join(dtype.name for dtype in subject.dtypes)
        tried = f"{count} vectors of dimension {dimensions}, {types}{self.how(subject)}"
        return self.finding("holds", tried, **self.chance(subject))

    def against(self, subject: Subject, x: Array) -> Finding | None:
        """Return the violation at one of these vectors, shape ``(vector, worker, d)``, or None if there is none."""
        failing, raising = self._failing(subject, x)
        if failing.any():
            return self._shrunk(subject, x[failing][:1], raised=False)
        if raising.any():
            return self._shrunk(subject, x[raising][:1], raised=True)
        return None

    def how(self, subject: Subject) -> str:
        """Return what else is worth saying of how it was decided."""
        return ""

    def chance(self, subject: Subject) -> dict[str, Any]:
        """Return `error_probability` and `basis` of a finding, if it rests on samples."""
        return {}

    def _failing(self, subject: Subject, x: Array) -> tuple[Array, Array]:
        """Tell which vectors fail, and which make the compressor raise something."""
        failing, raising = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=bool)
        try:
            return self.failing(subject, x), raising
        except Exception as error:
            for i, one in enumerate(x):
                raising[i] = self._raises(subject, one[None]) is not None
                failing[i] = not raising[i] and self.failing(subject, one[None])[0]
            if not (failing | raising).any():
                raise error from None
        return failing, raising

    def _raises(self, subject: Subject, x: Array) -> Exception | None:
        try:
            self.failing(subject, x)
        except Exception as error:
            return error
        return None

    def _shrunk(self, subject: Subject, x: Array, raised: bool) -> Finding:
        """Return the violation at a smaller vector that fails in the same way."""

        def fails(smaller: Array) -> bool:
            one = smaller[None]
            if not subject.accepts(one.shape[-1], one.shape[1]) or not self.choose(subject, one).all():
                return False
            if raised:
                return self._raises(subject, one) is not None
            return bool(self._failing(subject, one)[0][0])

        alone = fails(x[0])
        small = minimal_input(fails, x[0], calls=SHRINKING)[None] if alone else x
        error = self._raises(subject, small) if raised else None
        violation = Violation(_raised(error)) if error is not None else self._told(subject, small, alone)
        if violation.x is None:
            plain = small[0, 0] if small.shape[1] == 1 else small[0]
            violation = dataclasses.replace(violation, x=plain)
        how = "with the smallest vector found" if alone else "with one vector among others"
        return self.finding("violated", how, violation=violation, **self.chance(subject))

    def _told(self, subject: Subject, x: Array, alone: bool) -> Violation:
        """Return how the property fails, also if it fails once and then no more."""
        if alone:
            try:
                return self.violation(subject, x)
            except Exception as error:
                why = "it is as it has to be" if isinstance(error, StopIteration) else _raised(error)
        else:
            why = "alone it is as it has to be"
        return Violation(
            "what comes depends on what else is in the batch, or on what was compressed before",
            came=f"asked again, {why}",
            expected="the same again, whatever was compressed before and is compressed beside it",
        )


def _raised(error: Exception) -> str:
    """Return what was raised, and where, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"it raises {type(error).__name__}{where}: {error}"
