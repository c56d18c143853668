"""A command group that names the nearest commands when one is unknown."""

from __future__ import annotations

from typing import Any

import click

from toolkit.errors import WrongUse, nearest

__all__ = ["Group"]


class Group(click.Group):
    """A click group whose unknown commands are refused with the nearest names."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            raise WrongUse(
                f"{ctx.command_path} {args[0]}",
                "there is no such command",
                f"choose one of: {', '.join(known)}",
                nearest(args[0], known),
            )
        return super().resolve_command(ctx, args)
