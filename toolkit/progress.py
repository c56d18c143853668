"""Telling how far a long piece of work has come: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["Advance", "Progress"]

Advance = Callable[[str, float], None]  # what is done, and how much of the total it was

LINE_EVERY = 2.0  # seconds between two plain lines of one piece of work


class Progress:
    """Where a long piece of work says what it does: on standard error, so that results stay apart.

    On a terminal a piece of work is a bar with the time left; elsewhere a line every few seconds; nothing if quiet.

    Parameters
    ----------
    quiet : bool
        Say nothing.

    Attributes
    ----------
    computed, stored : int
        How many experiments were computed, and how many found in a store.

    Examples
    --------
    >>> with Progress(quiet=True).work("drawing", total=2) as advance:
    ...     advance("first", 1)
    ...     advance("second", 1)
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.computed = self.stored = 0

    def ran(self, *, computed: int, stored: int) -> None:
        """Note, and say, how many experiments were computed and how many found in a store."""
        self.computed += computed
        self.stored += stored
        if computed or stored:
            self.say(f"experiments: {computed} computed, {stored} from the store")

    def say(self, line: str) -> None:
        """Write one line."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def work(self, title: str, total: float) -> Iterator[Advance]:
        """Open a piece of work; call what it yields as ``advance(what, amount)`` whenever a part is done."""
        if self.quiet or total <= 0:
            yield lambda what, amount: None
        elif sys.stderr.isatty():
            with self._bar(title, total) as advance:
                yield advance
        else:
            yield self._lines(title, total)

    @contextlib.contextmanager
    def _bar(self, title: str, total: float) -> Iterator[Advance]:
        from tqdm import tqdm

        form = "{desc} {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left{postfix}"
        with tqdm(desc=title, total=total, bar_format=form, leave=False, dynamic_ncols=True, smoothing=0) as bar:

            def advance(what: str, amount: float) -> None:
                bar.set_postfix_str(what, refresh=False)
                bar.update(amount)

            yield advance
        self.say(f"{title}: done")

    def _lines(self, title: str, total: float) -> Advance:
        done, said = 0.0, 0.0

        def advance(what: str, amount: float) -> None:
            nonlocal done, said
            done += amount
            finished = done >= total * (1 - 1e-9)
            if finished or time.monotonic() - said > LINE_EVERY:
                said = time.monotonic()
                self.say(f"{title}: {100 * min(done / total, 1):3.0f} %, {what}")

        return advance
