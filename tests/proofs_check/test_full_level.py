"""Every claim at its full size: some minutes on two cores, so run on demand with ``python -m pytest -m slow``."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs_check import check_claims
from toolkit import Store


@pytest.mark.slow
def test_every_claim_has_its_expected_verdict_at_full_size(tmp_path: Path) -> None:
    records = check_claims(level="full", store=Store(tmp_path / "store"))
    assert {record["id"]: record["verdict"] for record in records} == {
        record["id"]: record["expected"] for record in records
    }
    decidable = [record for record in records if record["expected"] != "undecided"]  # the others are conjectures
    undecided = [one["name"] for record in decidable for one in record["instances"] if one["verdict"] == "undecided"]
    assert not undecided
