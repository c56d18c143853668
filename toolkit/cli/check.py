"""``csgd check``: the claims alone, or the contracts of a compressor."""

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
@click.argument("claims", nargs=-1, metavar="[CLAIM|GROUP]...")
@click.option(
    "--compressor",
    metavar="NAME[:…]",
    help="Check the contracts of a compressor instead: top-k:k=3, or mymodule:MyCompressor(k=2).",
)
@click.option("--compressors", is_flag=True, help="Check random vectors against the contracts of every compressor.")
@click.option(
    "--examples", type=click.IntRange(min=1), metavar="N", help="Of --compressors: how many; by default 10,000."
)
@click.option("--instances", is_flag=True, help="Print every instance below its claim.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the records as JSON.")
@click.option(
    "--level", type=click.Choice(["quick", "full"]), default="quick", show_default=True, help="How much is tried."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the contracts' draws.")
@out_option
@jobs_option
@quiet_option
def check(
    claims: tuple[str, ...], compressor: str | None, compressors: bool, examples: int | None, instances: bool,
    json_file: Path | None, level: str, seed: int, out: Path, jobs: int | None,
) -> int:  # fmt: skip
    """Check published claims, by name or by group; all of them if none is named. Or check that compressors keep their
    contracts.

    The exit code is 1 if a verdict differs from the expected one or a contract is violated.
    """
    if json_file is not None and (json_file.is_dir() or not json_file.absolute().parent.is_dir()):
        asked = f"csgd check --json {json_file}"
        raise WrongUse(asked, "no file can be made there", "name a file in an existing folder")
    if bool(claims) + (compressor is not None) + compressors > 1 or (examples is not None and not compressors):
        remedy = "name claims, or give --compressor, or --compressors with --examples if you like"
        raise WrongUse("csgd check", "these do not go together", remedy)
    if compressor is not None:
        return _contracts(compressor, level, seed, json_file)
    if compressors:
        return _examples(10_000 if examples is None else examples, seed, jobs, json_file)
    with resumable():
        from figures._reproduce import open_store
        from proofs_check.checking import check_claims, find_claims

        find_claims(claims)  # a wrong name is found before a folder is made
        store, told = open_store(out), progress()
        compile_kernels(told)
        records = check_claims(claims, level=level, store=store, jobs=jobs, progress=told)
        _write(json_file, records)
    return print_verdicts(records, instances=instances)


def _contracts(compressor: str, level: str, seed: int, json_file: Path | None) -> int:
    """Check one compressor and print its report."""
    from proofs_check import check_compressor
    from toolkit.cli.constructor import compressor_named

    named, told = compressor_named(compressor), progress()
    compile_kernels(told)
    report = check_compressor(named, level=level, seed=seed, raises=False, progress=told)
    _write(json_file, report.as_record())
    click.echo(str(report))
    return int(not report.passed)


def _examples(count: int, seed: int, jobs: int | None, json_file: Path | None) -> int:
    """Check random vectors against all compressors and codes, and print how many there were of each."""
    from proofs_check.examples import check_examples

    told = progress()
    compile_kernels(told)
    log = check_examples(count, seed=seed, jobs=jobs, progress=told)
    _write(json_file, log.as_record())
    click.echo(str(log))
    return int(not log.passed)


def _write(json_file: Path | None, record: Any) -> None:
    if json_file is not None:
        from toolkit.files import write_whole

        write_whole(json_file, json.dumps(record, ensure_ascii=False, indent=1) + "\n")


def print_verdicts(records: Sequence[dict[str, Any]], *, instances: bool = False) -> int:
    """Print a line per claim with both sides, and return the exit code: 1 if a verdict differs from the expected.

    With `instances`, two lines for each of a claim's instances too: its name, and its sides and reason.
    """
    width = max((len(record["id"]) for record in records), default=0)
    if records:
        click.echo(f"{'claim':{width}}  {'verdict':14}" + "".join(f"{side:>12}" for side in SIDES))
    for record in records:
        sides = "".join(f"{_number(record[side]):>12}" for side in SIDES)
        expected = "" if record["verdict"] == record["expected"] else f"  (expected: {record['expected']})"
        click.echo(f"{record['id']:{width}}  {record['verdict']:14}{sides}{expected}")
        if record["verdict"] not in ("holds", "tight"):
            click.echo(f"{'':{width}}  {record['reason']}")
        for one in record["instances"] if instances else ():
            click.echo(f"{'':{width}}    {one['name']}")
            sides = "".join(f"{_number(one[side], 10):>18}" for side in SIDES)
            click.echo(f"{'':{width}}    {one['verdict']:12}{sides}  {one['reason']}")
    differing = sum(record["verdict"] != record["expected"] for record in records)
    outcome = f"{differing} of them differ" if differing else "every verdict is the expected one"
    click.echo(f"{len(records)} claims checked: {outcome}")
    return int(differing > 0)


def _number(value: Any, digits: int = 4) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.{digits}g}"
