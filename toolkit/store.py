"""Finished experiments on disk: found again by what they are and by the sources that made them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import EnvironmentLack, WrongUse
from toolkit.experiment import Experiment
from toolkit.provenance import source_hash

if TYPE_CHECKING:
    import xarray

__all__ = ["Cell", "Store"]

FORMAT = 1
_MARK = "csgd-store.json"


@dataclass(frozen=True)
class Cell:
    """One stored experiment as `Store.cells` lists it."""

    key: str
    path: Path
    bytes: int
    current: bool
    description: dict[str, Any]


class Store:
    """A folder of finished experiments.

    Every cell is a folder named by the experiment's key, with ``data.nc`` (NetCDF), ``cell.json`` (description,
    hash of the sources) and ``sha256``; it appears in one atomic rename. A cell that does not match its checksum is
    moved to ``set-aside`` and counts as missing.

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
        self.folder = Path(folder)
        mark = self.folder / _MARK
        if mark.exists():
            self._check_format(mark)
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            raise WrongUse(
                f"a store in {self.folder}",
                "the folder holds files that are not a store",
                "name an empty or new folder",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(json.dumps({"what": "csgd-toolkit store", "format": FORMAT}) + "\n")
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def _check_format(self, mark: Path) -> None:
        try:
            found = json.loads(mark.read_text()).get("format")
        except (OSError, ValueError, AttributeError):
            found = "unreadable"
        if found != FORMAT:
            raise WrongUse(
                f"the store in {self.folder}",
                f"its format is {found}, and this version reads format {FORMAT}",
                "name another folder, or use the version of the toolkit that wrote it",
            )

    @staticmethod
    def key(experiment: Experiment) -> str:
        """Return the hash of the description and of the sources of `toolkit` and `problems`."""
        return hashlib.sha256(f"{source_hash()}\n{experiment.canonical}".encode()).hexdigest()

    def __contains__(self, experiment: Experiment) -> bool:
        return (self.folder / self.key(experiment)).is_dir()

    def load(self, experiment: Experiment) -> xarray.Dataset | None:
        """Return the stored result, or None if there is none; a damaged one is set aside."""
        import xarray

        cell = self.folder / self.key(experiment)
        if not cell.is_dir():
            return None
        data = cell / "data.nc"
        try:
            intact = (cell / "sha256").read_text().strip() == hashlib.sha256(data.read_bytes()).hexdigest()
            if intact and json.loads((cell / "cell.json").read_text())["key"] == cell.name:
                return xarray.load_dataset(data, engine="h5netcdf")
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self._set_aside(cell)
        return None

    def _set_aside(self, cell: Path) -> None:
        aside = self.folder / "set-aside"
        aside.mkdir(exist_ok=True)
        target = Path(tempfile.mkdtemp(prefix=f"{cell.name[:16]}-", dir=aside))
        os.replace(cell, target / "cell")

    def save(self, experiment: Experiment, result: xarray.Dataset) -> None:
        """Store a result: written beside, then moved in one rename, so that a killed process leaves no half cell.

        Raises
        ------
        EnvironmentLack
            If the disk is full or the folder cannot be written; nothing half-written remains.
        """
        key = self.key(experiment)
        try:
            draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.folder))
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        try:
            result.to_netcdf(draft / "data.nc", engine="h5netcdf")
            (draft / "sha256").write_text(hashlib.sha256((draft / "data.nc").read_bytes()).hexdigest() + "\n")
            known = {"key": key, "sources": source_hash(), "description": experiment.description}
            (draft / "cell.json").write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n")
            target = self.folder / key
            if target.is_dir():  # another process finished the same cell first, with the same bits
                return
            os.replace(draft, target)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def cells(self) -> Iterator[Cell]:
        """List what is stored; `current` tells whether today's sources would use it."""
        for path in sorted(self.folder.glob("*/cell.json")):
            try:
                known = json.loads(path.read_text())
                size = sum(file.stat().st_size for file in path.parent.iterdir())
                current = known["sources"] == source_hash()
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
        for path in [*stale, *self.folder.glob(".draft-*"), self.folder / "set-aside"]:
            shutil.rmtree(path, ignore_errors=True)
        return len(stale)


def _cannot_write(folder: Path, error: OSError) -> EnvironmentLack:
    return EnvironmentLack(
        f"writing to {folder}",
        f"{error.strerror or error}",
        "free space or choose a folder that can be written; nothing half-written was left",
    )
