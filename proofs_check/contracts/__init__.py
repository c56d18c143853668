"""The properties that every compressor must have: one contract per file, found by scanning this folder.

``check_compressor(MyCompressor())`` plays all of them and returns a report in words, or raises it. A file ``zero.py``
holds the class ``Zero``, a subclass of `Contract`; nothing else has to be edited to add one.
"""

from __future__ import annotations

from proofs_check.contracts._base import Contract
from proofs_check.contracts._checking import check_compressor
from proofs_check.contracts._report import ContractViolation, Finding, Report, Violation

__all__ = ["Contract", "ContractViolation", "Finding", "Report", "Violation", "check_compressor"]
