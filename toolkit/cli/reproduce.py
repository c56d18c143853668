"""``csgd reproduce``: every figure and claim, and a report of them."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.check import print_verdicts
from toolkit.cli.options import compile_kernels, jobs_option, out_option, progress, quiet_option, resumable

__all__ = ["reproduce"]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="At reduced size, in about a minute.")
@out_option
@jobs_option
@quiet_option
def reproduce(names: tuple[str, ...], quick: bool, out: Path, jobs: int | None) -> int:
    """Compute figures and check claims, and write a report.

    NAME is a figure, which brings the claims it illustrates, or a claim; without a name everything is computed.
    """
    with resumable():
        from figures import _reproduce

        told = progress()
        compile_kernels(told)
        level = "quick" if quick else "full"
        made = _reproduce.reproduce(names, level=level, out=out, jobs=jobs, progress=told)
    exit_code = print_verdicts(made.records)
    click.echo(f"report: {made.page}")
    return exit_code
