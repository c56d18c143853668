"""The errors users see: what was asked, what is wrong, what would make it right, the nearest valid names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["EnvironmentLack", "ToolkitError", "WrongUse", "nearest"]


class ToolkitError(Exception):
    """An error told in four parts.

    Parameters
    ----------
    asked : str
        What the user asked for.
    wrong : str
        What is wrong with it.
    remedy : str
        What would make it right.
    nearest : iterable of str, optional
        The nearest valid names.

    Examples
    --------
    >>> print(WrongUse("TopK(k=0)", "k must be at least 1", "give k=1 or more"))
    TopK(k=0): k must be at least 1. Give k=1 or more.
    """

    exit_code = 1

    def __init__(self, asked: str, wrong: str, remedy: str, nearest: Iterable[str] = ()) -> None:
        self.asked, self.wrong, self.remedy, self.nearest = asked, wrong, remedy, tuple(nearest)
        super().__init__(asked, wrong, remedy, self.nearest)

    def __str__(self) -> str:
        text = f"{self.asked}: {self.wrong}. {self.remedy[:1].upper()}{self.remedy[1:]}."
        return text + (f" Nearest names: {', '.join(self.nearest)}." if self.nearest else "")


class WrongUse(ToolkitError, ValueError):
    """The request itself is wrong (exit code 2 on the command line)."""

    exit_code = 2


class EnvironmentLack(ToolkitError, RuntimeError):
    """The request is fine, but this machine lacks something it needs (exit code 3)."""

    exit_code = 3


def nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the up to three valid names that look most like `name`.

    Examples
    --------
    >>> nearest("topk", ["top-k", "rand-k", "identity"])
    ('top-k',)
    """
    by_lower = {one.lower(): one for one in names}
    return tuple(by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6))
