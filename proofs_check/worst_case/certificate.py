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

__all__ = ["Certificate", "lower_certificate", "upper_certificate"]


@dataclass(frozen=True)
class Certificate:
    """A certificate, proved or not.

    Parameters
    ----------
    document : dict
        What the file holds.
    """

    document: dict[str, Any]

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
        """Write it to a file, in one piece."""
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
