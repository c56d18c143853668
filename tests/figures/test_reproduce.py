"""From nothing to a report: the same in one process and in two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from figures._reproduce import reproduce

NAMES = ["three-workers", "accounting"]


def timeless(records: list[dict[str, Any]]) -> str:
    return json.dumps([record | {"seconds": None} for record in records])


def test_report_is_the_same_whatever_the_number_of_jobs(tmp_path: Path) -> None:
    first, second = (reproduce(NAMES, level="quick", out=tmp_path / str(jobs), jobs=jobs).records for jobs in (1, 2))
    assert timeless(first) == timeless(second)
    for name in ("figures", "store"):
        one, two = (
            {path.relative_to(tmp_path / jobs / name): path.read_bytes() for path in files(tmp_path / jobs / name)}
            for jobs in "12"
        )
        assert one == two
        assert one


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
