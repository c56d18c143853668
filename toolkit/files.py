"""Writing files: never half of one, and never into a folder that belongs to something else."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from toolkit.errors import EnvironmentLack, WrongUse

__all__ = ["own_folder", "write_whole", "writing_to"]


@contextlib.contextmanager
def writing_to(place: str | Path) -> Iterator[None]:
    """Turn what the operating system refuses into an error that says where.

    Raises
    ------
    EnvironmentLack
        If the disk is full or the place cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise EnvironmentLack(
            f"writing to {place}",
            f"{error.strerror or error}",
            "free space or choose a place that can be written; nothing half-written was left",
        ) from error


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a file beside its place and move it there in one rename: it is there as a whole, or as it was.

    Raises
    ------
    EnvironmentLack
        If the disk is full or the folder cannot be written; nothing half-written remains.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "note.txt", "all of it")
    ...     [(path.name, path.read_text()) for path in Path(folder).iterdir()]
    [('note.txt', 'all of it')]
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with writing_to(path):
        try:
            draft.write_bytes(data)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)


def own_folder(folder: str | Path, what: str, form: int) -> Path:
    """Return a folder that is marked as ours, making or marking it if it is new or empty.

    Parameters
    ----------
    folder : path
        Made with its parents if it does not exist.
    what : str
        What the folder is, in one word: 'store', 'report'. The mark is the file ``csgd-<what>.json`` in it.
    form : int
        Number of the format in which this version writes it.

    Raises
    ------
    WrongUse
        If it is a file or a folder that holds something else, or one of a format this version does not know.
    EnvironmentLack
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     folder = own_folder(Path(parent) / "new", "store", 1)
    ...     print((folder / "csgd-store.json").read_text())
    {"what": "csgd-toolkit store", "format": 1}
    <BLANKLINE>
    """
    folder = Path(folder)
    mark = folder / f"csgd-{what}.json"
    if mark.is_file():
        _check_form(mark, what, form)
        return folder
    if folder.exists() and not _is_free(folder, mark):
        raise WrongUse(
            f"a {what} in {folder}",
            f"there is something else already, and no {mark.name} that marks it as a {what}",
            "name an empty or new folder",
        )
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_whole(mark, json.dumps({"what": f"csgd-toolkit {what}", "format": form}) + "\n")
    return folder


def _is_free(folder: Path, mark: Path) -> bool:
    """Tell whether a folder is empty, but for what a process left that was killed while it made the mark."""
    return folder.is_dir() and all(path.name.startswith(f".{mark.name}.") for path in folder.iterdir())


def _check_form(mark: Path, what: str, form: int) -> None:
    try:
        found = json.loads(mark.read_text())["format"]
    except (OSError, ValueError, TypeError, KeyError):
        found = "unreadable"
    if found != form:
        raise WrongUse(
            f"the {what} in {mark.parent}",
            f"its format is {found}, and this version knows format {form}",
            "name another folder, or use the version of the toolkit that wrote it",
        )
