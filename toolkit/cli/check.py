"""``csgd check``: the claims alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from toolkit.cli.options import compile_kernels, jobs_option, out_option, progress, quiet_option, resumable
from toolkit.errors import WrongUse

__all__ = ["check", "print_verdicts"]

SIDES = ("measured", "bound", "ratio")


@click.command()
@click.argument("claims", nargs=-1, metavar="[CLAIM]...")
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the records as JSON.")
@click.option(
    "--level", type=click.Choice(["quick", "full"]), default="quick", show_default=True, help="Size of the instances."
)
@out_option
@jobs_option
@quiet_option
def check(claims: tuple[str, ...], json_file: Path | None, level: str, out: Path, jobs: int | None) -> int:
    """Check published claims; all of them if none is named."""
    if json_file is not None and (json_file.is_dir() or not json_file.absolute().parent.is_dir()):
        asked = f"csgd check --json {json_file}"
        raise WrongUse(asked, "no file can be made there", "name a file in an existing folder")
    with resumable():
        from figures._reproduce import open_store
        from proofs_check.checking import check_claims, find_claims
        from toolkit.files import write_whole

        find_claims(claims)  # a wrong name is found before a folder is made
        store, told = open_store(out), progress()
        compile_kernels(told)
        records = check_claims(claims, level=level, store=store, jobs=jobs, progress=told)
        if json_file is not None:
            write_whole(json_file, json.dumps(records, ensure_ascii=False, indent=1) + "\n")
    return print_verdicts(records)


def print_verdicts(records: Sequence[dict[str, Any]]) -> int:
    """Print a line per claim with both sides, and return the exit code: 1 if a verdict differs from the expected."""
    width = max((len(record["id"]) for record in records), default=0)
    if records:
        click.echo(f"{'claim':{width}}  {'verdict':14}" + "".join(f"{side:>12}" for side in SIDES))
    for record in records:
        sides = "".join(f"{_number(record[side]):>12}" for side in SIDES)
        expected = "" if record["verdict"] == record["expected"] else f"  (expected: {record['expected']})"
        click.echo(f"{record['id']:{width}}  {record['verdict']:14}{sides}{expected}")
        if record["verdict"] not in ("holds", "tight"):
            click.echo(f"{'':{width}}  {record['reason']}")
    differing = sum(record["verdict"] != record["expected"] for record in records)
    outcome = f"{differing} of them differ" if differing else "every verdict is the expected one"
    click.echo(f"{len(records)} claims checked: {outcome}")
    return int(differing > 0)


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.4g}"
