"""Finished experiments on disk: found again by what they are and by the sources that made them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import EnvironmentLack
from toolkit.experiment import Experiment
from toolkit.files import own_folder, writing_to
from toolkit.netcdf import from_bytes, to_bytes
from toolkit.provenance import libraries, source_hash

if TYPE_CHECKING:
    import xarray

__all__ = ["Cell", "Kept", "Store"]

FORMAT = 1
DRAFT_LIFE = 600  # seconds after which a draft is one of a killed process: writing one takes a moment


@dataclass(frozen=True)
class Cell:
    """One stored experiment as `Store.cells` lists it."""

    key: str
    path: Path
    bytes: int
    current: bool
    description: dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A stored result by its place: quickly handed to another process, which reads it.

    Parameters
    ----------
    cell : Path
        The folder of the experiment.
    description : str
        The experiment's, as one line of JSON.
    """

    cell: Path
    description: str

    def load(self) -> xarray.Dataset:
        """Return the result.

        Raises
        ------
        EnvironmentLack
            If it is no longer there, or damaged.
        """
        data = self.read()
        if data is None:
            wrong = "what was stored there is gone or damaged"
            raise EnvironmentLack(f"reading {self.cell}", wrong, "start the same again: what is missing is computed")
        return from_bytes(data)

    def read(self) -> bytes | None:
        """Return the data, or None if they are not there, damaged, or those of another experiment.

        Raises
        ------
        EnvironmentLack
            If it cannot be read.
        """
        try:
            text, data = (self.cell / "cell.json").read_text(), (self.cell / "data.nc").read_bytes()
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            return None
        except OSError as error:  # passing, or a matter of permissions: the cell itself may be fine
            remedy = "mend that, or choose another folder"
            raise EnvironmentLack(f"reading {self.cell}", f"{error.strerror or error}", remedy) from error
        try:
            known = json.loads(text)
            intact = known["sha256"] == hashlib.sha256(data).hexdigest()
            ours = known["key"] == self.cell.name and known["description"] == json.loads(self.description)
        except (ValueError, KeyError, TypeError):
            return None
        return data if intact and ours else None


class Store:
    """A folder of finished experiments.

    Every cell is a folder named by the experiment's key, with ``data.nc`` (NetCDF) and ``cell.json`` (description,
    hash of the sources, SHA-256 of the data); it appears in one atomic rename. A cell that does not match its
    checksum or its description is moved to ``set-aside`` and counts as missing.

    Parameters
    ----------
    folder : path
        Made if it does not exist.

    Raises
    ------
    WrongUse
        If the folder holds something else, or a store of a format this version does not know.
    EnvironmentLack
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from problems import Quadratic
    >>> from toolkit import Experiment, simulate
    >>> from toolkit.algorithms import SGD
    >>> experiment = Experiment(Quadratic(hessians=[[1.0, 2.0]]), SGD(), stepsize=0.1, steps=5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(folder)
    ...     experiment in store
    False
    """

    def __init__(self, folder: str | Path) -> None:
        # Absolute: a process that works for this one, and was started elsewhere, reads and writes the same folder.
        self.folder = own_folder(folder, "store", FORMAT).absolute()

    @staticmethod
    def key(experiment: Experiment) -> str:
        """Return the hash of the description and of what computes: our sources and the libraries' versions."""
        made_by = json.dumps(_made_by(), sort_keys=True)
        return hashlib.sha256(f"{made_by}\n{experiment.canonical}".encode()).hexdigest()

    def __contains__(self, experiment: Experiment) -> bool:
        return (self.folder / self.key(experiment)).is_dir()

    def find(self, experiment: Experiment) -> Kept | None:
        """Return where the result is, or None if it is not stored; a damaged or foreign one is set aside."""
        kept = Kept(self.folder / self.key(experiment), experiment.canonical)
        if not os.path.lexists(kept.cell):
            return None
        if kept.read() is None:
            self._set_aside(kept.cell)
            return None
        return kept

    def load(self, experiment: Experiment) -> xarray.Dataset | None:
        """Return the stored result, or None if there is none; a damaged or foreign one is set aside."""
        kept = self.find(experiment)
        return None if kept is None else kept.load()

    def _set_aside(self, cell: Path) -> None:
        with writing_to(self.folder):
            aside = self.folder / "set-aside"
            aside.mkdir(exist_ok=True)
            target = Path(tempfile.mkdtemp(prefix=f"{cell.name[:16]}-", dir=aside))
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                os.replace(cell, target / "cell")

    def save(self, experiment: Experiment, result: xarray.Dataset) -> Kept:
        """Store a result, and return where it is.

        It is written beside, then moved in one rename, so that a killed process leaves no half cell.

        Raises
        ------
        EnvironmentLack
            If the disk is full or the folder cannot be written; nothing half-written remains.
        """
        key = self.key(experiment)
        target = self.folder / key
        data = to_bytes(result)
        checksum = hashlib.sha256(data).hexdigest()
        known = {"key": key, "sha256": checksum, "made_by": _made_by(), "description": experiment.description}
        with writing_to(self.folder):
            draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.folder))
            try:
                (draft / "data.nc").write_bytes(data)
                (draft / "cell.json").write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n")
                os.replace(draft, target)
            except OSError:
                if not target.is_dir():  # else another process finished the same cell first, with the same bits
                    raise
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return Kept(target, experiment.canonical)

    def cells(self) -> Iterator[Cell]:
        """List what is stored; `current` tells whether today's sources would use it."""
        for path in sorted(self.folder.glob("[!.]*/cell.json")):
            try:
                known = json.loads(path.read_text())
                size = sum(file.stat().st_size for file in path.parent.iterdir())
                current = known["made_by"] == _made_by()
                yield Cell(path.parent.name, path.parent, size, current, known["description"])
            except (OSError, ValueError, KeyError):
                continue

    def prune(self) -> int:
        """Delete cells that today's sources cannot use, drafts of killed processes and what was set aside.

        Returns
        -------
        int
            Number of cells deleted.
        """
        stale = [cell.path for cell in self.cells() if not cell.current]
        drafts = [path for path in self.folder.glob(".draft-*") if _age(path) > DRAFT_LIFE]
        for path in [*stale, *drafts, self.folder / "set-aside"]:
            shutil.rmtree(path, ignore_errors=True)
        return len(stale)


def _made_by() -> dict[str, Any]:
    return {"sources": source_hash(), "libraries": libraries()}


def _age(path: Path) -> float:
    """Return the seconds since a folder was last changed, 0 if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
