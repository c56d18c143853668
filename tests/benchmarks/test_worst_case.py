"""The benchmark of sweeps: both contestants solve the same programs."""

from __future__ import annotations

import pytest

from benchmarks import worst_case
from proofs_check.worst_case.settings import cgd_factor, feedback_factor


@pytest.mark.parametrize("name", worst_case.MODELS)
def test_ours_finds_the_exact_rates(name):
    rows = worst_case.points(name, 5)
    factor = cgd_factor if name == "CGD" else feedback_factor
    assert worst_case.ours(name, rows) == pytest.approx([factor(*row) for row in rows.tolist()], rel=1e-6)
    assert all(factor(*row) < 1 for row in rows.tolist())


@pytest.mark.filterwarnings("ignore")  # of a package that we do not maintain
@pytest.mark.parametrize("name", worst_case.MODELS)
def test_pepit_finds_the_same(name):
    pytest.importorskip("PEPit")
    rows = worst_case.points(name, 2)
    assert worst_case.theirs(name, rows) == pytest.approx(worst_case.ours(name, rows), rel=1e-5)
