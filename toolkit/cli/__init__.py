"""The command line, one command per file; nothing heavier than click is imported before a command runs."""

from __future__ import annotations

import click

from toolkit.cli import certify, check, doctor, listing, reproduce, run, show, store
from toolkit.cli.group import Group
from toolkit.cli.options import quiet_option

__all__ = ["csgd"]


def _print_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from toolkit.provenance import commit, toolkit_version

        click.echo(f"csgd {toolkit_version()} (commit {commit()})")
        context.exit()


version_option = click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show version and commit.",
)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@version_option
@quiet_option
def csgd() -> None:
    """An instrument for the theory of communication-compressed optimisation.

    Measures convergence, compression error and bits beside the published bounds. Exit codes: 0 fine, 1 a claim's
    verdict differs from the expected one, 2 wrong use, 3 the environment lacks something, 130 interrupted.
    """


for command in (
    reproduce.reproduce,
    check.check,
    listing.list_kind,
    show.show,
    run.run,
    certify.certify,
    certify.verify,
    store.store,
    doctor.doctor,
):
    csgd.add_command(command)
