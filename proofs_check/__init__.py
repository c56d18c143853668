"""Published statements and declared properties against the instrument; public names load when they are first used."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Claim": "proofs_check.claim",
    "ContractViolation": "proofs_check.contracts",
    "Instance": "proofs_check.claim",
    "check_claims": "proofs_check.checking",
    "check_compressor": "proofs_check.contracts",
    "worst_input": "proofs_check.adversary",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
