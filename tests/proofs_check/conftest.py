"""What tests of claims share: what the claims of a module, its `CLAIMS`, need at the quick level, and their records."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proofs_check.judging import Results, records_of, results_of


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> Results:
    return results_of(*request.module.CLAIMS.values())


@pytest.fixture(scope="module")
def records(request: pytest.FixtureRequest, results: Results) -> dict[str, dict[str, Any]]:
    return records_of(*request.module.CLAIMS.values(), results=results)
