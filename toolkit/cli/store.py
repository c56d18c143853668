"""``csgd store``: what is kept of finished experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.group import Group
from toolkit.cli.options import out_option
from toolkit.errors import WrongUse

if TYPE_CHECKING:
    from toolkit.store import Store

__all__ = ["store"]


@click.group(cls=Group)
def store() -> None:
    """List or prune the store of finished experiments."""


@store.command("list")
@out_option
def list_cells(out: Path) -> None:
    """List what is stored, and which of it today's sources would use."""
    total = 0
    for cell in _open(out).cells():
        total += cell.bytes
        state = "current" if cell.current else "stale"
        click.echo(f"{cell.key[:12]}  {state:7}  {cell.bytes / 1024:8.0f} KiB  {_in_words(cell.description)}")
    click.echo(f"{total / 2**20:.1f} MiB in {out / 'store'}")


@store.command()
@out_option
def prune(out: Path) -> None:
    """Delete what today's sources cannot use, drafts of killed processes and damaged cells."""
    click.echo(f"{_open(out).prune()} stale experiments deleted")


def _open(out: Path) -> Store:
    if not (out / "store").is_dir():
        raise WrongUse(
            f"the store in {out}", "there is none", "name a report's folder with --out, or run `csgd reproduce` first"
        )
    from toolkit.store import Store

    return Store(out / "store")


def _in_words(description: dict[str, Any]) -> str:
    def name(part: str) -> str:
        return str(description[part]["class"]).rpartition(".")[2]

    size = f"{description['steps']} steps, {description['runs']} runs, seed {description['seed']}"
    return f"{name('algorithm')}, {name('compressor')}, {name('problem')}: {size}"
