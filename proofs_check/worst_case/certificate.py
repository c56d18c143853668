"""A certificate: a statement, a bound, and the exact numbers that prove it, as a JSON file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from proofs_check.worst_case import verify
from toolkit.errors import WrongUse
from toolkit.files import write_whole

__all__ = ["Certificate", "lower_certificate", "require_checkable", "upper_certificate"]

CLAIM = 200  # letters of a claim that stand for a certificate
FEWER = "take fewer steps or workers"


@dataclass(frozen=True, repr=False)
class Certificate:
    """A certificate, proved or not.

    Parameters
    ----------
    document : dict
        What the file holds.

    Notes
    -----
    Source: a format of this package; what a certificate proves is decided by `verify` alone.

    Examples
    --------
    >>> from proofs_check.worst_case import Smooth, certify_tightly, distance, gap, trace
    >>> from toolkit.algorithms import SGD
    >>> run = trace(SGD(stepsize=1), Smooth(L=1), steps=1)
    >>> found = certify_tightly(run.worst(gap, initial=distance))
    >>> found.bound
    Fraction(1, 6)
    >>> Certificate({**found.document, "bound": "1/7"}).verified()
    Traceback (most recent call last):
    ...
    toolkit.errors.WrongUse: a certificate of a worst case: it is not proved: the multipliers prove no bound as low...
    """

    document: dict[str, Any]

    def __repr__(self) -> str:
        """Return what it claims; whether that is proved, `verified` tells."""
        from proofs_check.worst_case.wording import bound_in_words

        try:
            told = bound_in_words(self.document)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
            told = "nothing that can be read"
        return f"<certificate, claims: {told if len(told) <= CLAIM else told[:CLAIM] + '…'}>"

    @property
    def bound(self) -> Fraction:
        """The bound that it claims."""
        return Fraction(self.document["bound"])

    def verified(self) -> str:
        """Return what the verifier says it proves.

        Raises
        ------
        WrongUse
            If it proves nothing, with the verifier's reason.
        """
        try:
            return verify.check(self.document)
        except verify.Refused as reason:
            remedy = "make a certificate anew"
            raise WrongUse("a certificate of a worst case", f"it is not proved: {reason}", remedy) from None

    @property
    def text(self) -> str:
        """What its file holds, as JSON."""
        return json.dumps(self.document, indent=1) + "\n"

    def save(self, path: Path | str) -> None:
        """Write it to a file, in one piece.

        Raises
        ------
        WrongUse
            If the file would be larger than the verifier reads.
        """
        if len(self.text.encode()) > verify.BYTES:
            wrong = f"it is larger than the {verify.BYTES} bytes that the verifier reads"
            raise WrongUse(f"the certificate {path}", wrong, FEWER)
        write_whole(Path(path), self.text)

    @classmethod
    def load(cls, path: Path | str) -> Certificate:
        """Read one from a file; what it proves is another question.

        Raises
        ------
        WrongUse
            If the file cannot be read as JSON.
        """
        try:
            return cls(verify.read(str(path)))
        except verify.Refused as reason:
            raise WrongUse(f"the certificate {path}", str(reason), "name a file that `csgd certify` made") from None


def require_checkable(statement: dict[str, Any]) -> None:
    """Refuse a statement that the verifier would refuse, whatever the proof: before a long search for one.

    Raises
    ------
    WrongUse
        With the verifier's reason, as that it is too large.
    """
    try:
        verify.Statement(statement)
    except verify.Refused as reason:
        large = "too large" in str(reason) or "too many" in str(reason)
        remedy = FEWER if large else "state it as the verifier wants it"
        raise WrongUse("a certificate of this worst case", f"it could not be verified: {reason}", remedy) from None


def upper_certificate(statement: dict[str, Any], bound: Fraction, multipliers: dict[str, Fraction]) -> Certificate:
    """Return the certificate of an upper bound."""
    told = {name: str(value) for name, value in multipliers.items() if value}
    return _certificate(statement, bound, {"kind": "upper", "multipliers": told, "gram": [], "scalars": []})


def lower_certificate(
    statement: dict[str, Any], bound: Fraction, gram: list[list[Fraction]], scalars: list[Fraction]
) -> Certificate:
    """Return the certificate of a lower bound; `gram` has rows of 1, 2, … entries."""
    told = {"gram": [[str(value) for value in row] for row in gram], "scalars": [str(value) for value in scalars]}
    return _certificate(statement, bound, {"kind": "lower", "multipliers": {}, **told})


def _certificate(statement: dict[str, Any], bound: Fraction, proof: dict[str, Any]) -> Certificate:
    text = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    sha256 = hashlib.sha256(text).hexdigest()
    return Certificate({"statement": statement, "sha256": sha256, "bound": str(bound), "proof": proof})
