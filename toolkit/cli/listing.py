"""``csgd list``: the names there are."""

from __future__ import annotations

import json

import click

__all__ = ["list_kind"]


@click.command("list")
@click.argument("kind")
@click.option("--json", "as_json", is_flag=True, help="As JSON: a list of records with name and title.")
def list_kind(kind: str, as_json: bool) -> None:
    """List what there is of a KIND: compressors, methods, problems, claims or figures."""
    from toolkit.cli.kinds import named
    from toolkit.cli.plain import plain_text

    records = [{"name": one.name, "title": plain_text(one.title)} for one in named(kind)]
    if as_json:
        click.echo(json.dumps(records, ensure_ascii=False, indent=1))
        return
    width = max((len(record["name"]) for record in records), default=0)
    for record in records:
        click.echo(f"{record['name']:{width}}  {record['title']}")
