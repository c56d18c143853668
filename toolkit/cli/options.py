"""Options that several commands share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from toolkit.progress import Progress

__all__ = ["compile_kernels", "jobs_option", "out_option", "progress", "quiet_option", "resumable"]


def _remember_quiet(context: click.Context, parameter: click.Parameter, quiet: bool) -> None:
    context.find_root().ensure_object(dict).setdefault("quiet", False)
    context.find_root().obj["quiet"] |= quiet


quiet_option = click.option(
    "--quiet", "-q", is_flag=True, expose_value=False, callback=_remember_quiet, help="Print results only, no progress."
)
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="report",
    metavar="DIR",
    show_default=True,
    help="The report's folder; finished experiments are kept in its store.",
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes; by default one per core."
)


def progress() -> Progress:
    """Return where the running command tells its progress."""
    return Progress(quiet=click.get_current_context().find_root().obj["quiet"])


def compile_kernels(progress: Progress) -> None:
    """Compile the kernels, and say so, if no former process has left them compiled."""
    from toolkit import kernels

    if not kernels.is_compiled():
        progress.say("compiling kernels, once per machine and version …")
        kernels.warm_up(lambda done, of: progress.say(f"compiling kernels: {done} of {of}"))


@contextlib.contextmanager
def resumable() -> Iterator[None]:
    """Say on Ctrl-C that nothing finished is lost, and exit with 130."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("csgd: interrupted; what was finished is kept, and the same command goes on from there", err=True)
        raise SystemExit(130) from None
