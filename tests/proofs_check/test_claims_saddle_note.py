"""The note on the saddle claims speaks of claims that there are, and says of all that fail that they do."""

from __future__ import annotations

import re

from proofs_check.checking import find_claims
from proofs_check.claims import saddle

INFERRED = ("A4-break-even-power", "A4-two-terms")  # beside A4-memory-predicted, which nobody has published


def test_note_names_claims_and_what_is_contradicted():
    claims, note = find_claims(["saddle"]), saddle.__doc__
    assert set(re.findall(r"\bA\d-[a-z0-9-]+[a-z0-9]", note)) - {"A4-gain"} <= set(claims)
    failing = {name for name, claim in claims.items() if claim.expected == "violated"}
    assert failing == {*INFERRED, "A4-memory-predicted"}
    supported, _, rest = note.partition("**supported**")[2].partition("**contradicted")
    contradicted, _, _ = rest.partition("Left open")
    assert all(name in contradicted and name not in supported for name in INFERRED)
