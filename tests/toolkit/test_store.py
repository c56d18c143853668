"""Finished experiments on disk: found again, never wrong, never half there."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from problems import Quadratic
from toolkit import Experiment, Store
from toolkit.algorithms import EF21, SGD
from toolkit.averages import uniform
from toolkit.compressors import TopK
from toolkit.errors import EnvironmentLack, WrongUse
from toolkit.files import own_folder, write_whole
from toolkit.netcdf import from_bytes, to_bytes
from toolkit.simulation import run

ROOT = Path(__file__).parent.parent.parent


def experiment(steps: int = 5, seed: int = 0) -> Experiment:
    problem = Quadratic(hessians=[[1.0, 2.0, 3.0]], linear=[[1.0, 1.0, 1.0]], sigma_sq=1.0)
    return Experiment(problem, EF21(), TopK(k=[1, 2]), stepsize=0.1, steps=steps, runs=3, seed=seed)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def stored(store: Store) -> tuple[Store, Path, xarray.Dataset]:
    result = run(experiment())
    store.save(experiment(), result)
    return store, store.folder / store.key(experiment()), result


def test_what_is_stored_is_what_was_computed(stored: tuple[Store, Path, xarray.Dataset]) -> None:
    store, _, result = stored
    found = store.load(experiment())
    assert found is not None
    xarray.testing.assert_identical(found, result)
    assert experiment() in store
    assert store.load(experiment(seed=1)) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"keep": ("x", "estimate"), "record": "all"},
        {"stepsize": [0.1, 0.2, 1e3], "limit": 10.0},
        {"down": TopK(k=[1, 3]), "average": {"x": uniform}},
        {"record": [5], "runs": 1},
    ],
)
def test_results_are_read_as_xarray_reads_them(store: Store, settings: dict[str, Any]) -> None:
    problem = Quadratic(hessians=[[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]], linear=[[1.0, 1.0, 1.0], [0.0, 1.0, 0.0]])
    one = Experiment(problem, EF21(), TopK(k=1), **{"stepsize": 0.1, "steps": 40, "runs": 2} | settings)
    result = run(one)
    store.save(one, result)
    xarray.testing.assert_identical(store.load(one), result)
    path = store.folder / store.key(one) / "data.nc"
    xarray.testing.assert_identical(store.load(one), xarray.load_dataset(path, engine="h5netcdf"))


def test_any_data_set_is_read_as_it_was_written() -> None:
    """More attributes than HDF5 keeps in an object's header, texts, no dimensions, and a dimension without values."""
    many = {f"attribute {i}": i for i in range(20)} | {"unit": "γ"}
    variables = {
        "text": ((), np.array("κ²")),
        "texts": (("run",), np.array(["", "done"])),
        "sent": (("run", "coordinate"), np.array([[True, False, True], [False, True, True]]), many),
        "single": (("coordinate", "run"), np.arange(6, dtype=np.float32).reshape(3, 2)),
    }
    result = xarray.Dataset(variables, {"run": [4, 5], "seed": ("run", [7, 8])}, many)
    data = to_bytes(result)
    xarray.testing.assert_identical(from_bytes(data), result)
    xarray.testing.assert_identical(xarray.load_dataset(io.BytesIO(data), engine="h5netcdf"), result)
    assert to_bytes(result.copy(deep=True)) == data


def test_what_is_kept_is_read_elsewhere_or_told_to_be_gone(stored: tuple[Store, Path, xarray.Dataset]) -> None:
    store, cell, result = stored
    kept = store.find(experiment())
    assert kept == store.save(experiment(), result)
    xarray.testing.assert_identical(pickle.loads(pickle.dumps(kept)).load(), result)
    assert len(pickle.dumps(kept)) < 10_000
    damage_flipped_bit(cell)
    with pytest.raises(EnvironmentLack, match="is gone or damaged"):
        kept.load()
    shutil.rmtree(cell)
    with pytest.raises(EnvironmentLack, match="is gone or damaged"):
        kept.load()


def test_a_relative_folder_is_the_same_for_a_process_that_works_elsewhere(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    copied = pickle.loads(pickle.dumps(Store("store")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    one = experiment()
    kept = copied.save(one, run(one))
    assert (tmp_path / "store" / copied.key(one)).is_dir()
    monkeypatch.chdir(tmp_path)
    assert kept.load().identical(copied.load(one))


def test_an_opened_store_is_the_same_store(stored: tuple[Store, Path, xarray.Dataset]) -> None:
    assert Store(stored[0].folder).load(experiment()) is not None


def damage_truncated(cell: Path) -> None:
    data = (cell / "data.nc").read_bytes()
    (cell / "data.nc").write_bytes(data[: len(data) // 2])


def damage_flipped_bit(cell: Path) -> None:
    data = bytearray((cell / "data.nc").read_bytes())
    data[-100] ^= 1
    (cell / "data.nc").write_bytes(bytes(data))


def damage_empty_description(cell: Path) -> None:
    (cell / "cell.json").write_text("")


def damage_description(cell: Path) -> None:
    text = (cell / "cell.json").read_text()
    changed = text.replace('"steps": 5', '"steps": 4')
    assert changed != text
    (cell / "cell.json").write_text(changed)


def damage_no_data(cell: Path) -> None:
    (cell / "data.nc").unlink()


def damage_not_a_folder(cell: Path) -> None:
    shutil.rmtree(cell)
    cell.write_text("a file")


def damage_foreign(cell: Path) -> None:
    """Put another experiment's whole and intact cell in its place."""
    other = experiment(steps=7)
    store = Store(cell.parent)
    store.save(other, run(other))
    shutil.rmtree(cell)
    (cell.parent / store.key(other)).rename(cell)


DAMAGES = [
    damage_truncated, damage_flipped_bit, damage_empty_description, damage_description, damage_no_data,
    damage_not_a_folder, damage_foreign,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda function: function.__name__.removeprefix("damage_"))
def test_a_damaged_cell_is_set_aside_and_can_be_stored_anew(stored: tuple[Store, Path, xarray.Dataset], damage) -> None:
    store, cell, result = stored
    damage(cell)
    assert store.load(experiment()) is None
    assert not cell.exists()
    assert len(list((store.folder / "set-aside").iterdir())) == 1
    store.save(experiment(), result)
    xarray.testing.assert_identical(store.load(experiment()), result)


def test_a_second_process_with_the_same_result_changes_nothing(stored: tuple[Store, Path, xarray.Dataset]) -> None:
    store, cell, result = stored
    before = {path.name: path.read_bytes() for path in cell.iterdir()}
    store.save(experiment(), result)
    assert {path.name: path.read_bytes() for path in cell.iterdir()} == before
    assert not list(store.folder.glob(".draft-*"))


def test_listing_and_pruning(stored: tuple[Store, Path, xarray.Dataset]) -> None:
    store, cell, _ = stored
    stale = store.folder / ("0" * 64)
    shutil.copytree(cell, stale)
    known = json.loads((cell / "cell.json").read_text())
    (stale / "cell.json").write_text(json.dumps(known | {"made_by": "older sources"}))
    old_draft, new_draft = store.folder / ".draft-old", store.folder / ".draft-new"
    for draft in (old_draft, new_draft):
        draft.mkdir()
    os.utime(old_draft, (0, 0))
    (store.folder / "set-aside").mkdir()
    assert {one.key: one.current for one in store.cells()} == {cell.name: True, stale.name: False}
    assert store.prune() == 1
    assert {path.name for path in store.folder.iterdir()} == {"csgd-store.json", cell.name, new_draft.name}
    assert store.load(experiment()) is not None


def test_a_folder_with_other_things_is_refused_and_left_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(WrongUse, match="something else already"):
        Store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("precious")
    with pytest.raises(WrongUse, match="something else already"):
        Store(tmp_path / "store")
    assert (tmp_path / "store").read_text() == "precious"


@pytest.mark.parametrize("mark", ['{"what": "csgd-toolkit store", "format": 99}', "[]", "no json", ""])
def test_an_unknown_format_is_refused(tmp_path: Path, mark: str) -> None:
    (tmp_path / "csgd-store.json").write_text(mark)
    with pytest.raises(WrongUse, match=r"its format is (99|unreadable), and this version knows format 1"):
        Store(tmp_path)
    assert (tmp_path / "csgd-store.json").read_text() == mark


def test_a_folder_is_taken_again_after_a_kill_while_it_was_marked(tmp_path: Path) -> None:
    (tmp_path / ".csgd-store.json.4711").write_text("{")
    assert own_folder(tmp_path, "store", 1) == tmp_path


def fails_with(number: int):
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("function", ["mkdtemp", "replace"])
def test_a_full_disk_is_told_and_leaves_nothing(store: Store, monkeypatch, function: str) -> None:
    owner = {"mkdtemp": "tempfile.mkdtemp", "replace": "os.replace"}[function]
    monkeypatch.setattr(owner, fails_with(errno.ENOSPC))
    with pytest.raises(EnvironmentLack, match="No space left on device"):
        store.save(experiment(), run(experiment()))
    assert [path.name for path in store.folder.iterdir()] == ["csgd-store.json"]


FULL = """
import resource, signal, sys
from problems import Quadratic
from toolkit import Experiment, Store
from toolkit.algorithms import SGD
from toolkit.errors import EnvironmentLack
from toolkit.simulation import run

experiment = Experiment(Quadratic(hessians=[[1.0] * 50]), SGD(), stepsize=0.1, steps=300, runs=20, record="all")
result, store = run(experiment), Store(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for room in (0, 1000, 100_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        store.save(experiment, result)
    except EnvironmentLack as error:
        print(error)
"""


def test_a_file_that_cannot_grow_leaves_nothing_and_does_not_crash(tmp_path: Path) -> None:
    """The limit on file sizes makes real writes fail half-way, as a full disk does."""
    folder = tmp_path / "store"
    done = subprocess.run([sys.executable, "-c", FULL, folder], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # a segmentation fault of a file library would show here
    assert done.stdout.count("File too large") == 3
    assert [path.name for path in folder.iterdir()] == ["csgd-store.json"]


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_whole(path, "old")
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, before[1]))
    try:
        with pytest.raises(EnvironmentLack, match="File too large"):
            write_whole(path, "much longer than two bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


KEY = """
from problems import Quadratic
from toolkit import Experiment, Store
from toolkit.algorithms import SGD
print(Store.key(Experiment(Quadratic(hessians=[[1.0, 2.0]]), SGD(), stepsize=0.1, steps=5)))
"""


def test_a_changed_source_is_a_miss(tmp_path: Path) -> None:
    """Even a comment changes the key; a file outside `toolkit` and `problems` does not."""
    for package in ("toolkit", "problems"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))

    def key() -> str:
        command = [sys.executable, "-B", "-c", KEY]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    first = key()
    (tmp_path / "elsewhere.py").write_text("# a comment\n")
    assert key() == first
    source = tmp_path / "toolkit" / "algorithms" / "sgd.py"
    source.write_text(source.read_text() + "# a comment\n")
    second = key()
    assert second != first
    (tmp_path / "problems" / "a_new_one.py").write_text("")
    assert key() not in (first, second)


def test_the_key_depends_on_every_setting() -> None:
    problem = Quadratic(hessians=[[1.0, 2.0]])
    settings = {"stepsize": 0.1, "steps": 5}
    variants = [{}, {"stepsize": 0.2}, {"steps": 6}, {"runs": 2}, {"seed": 1}, {"x0": [1.0, 1.0]}, {"limit": 1e6}]
    variants += [{"record": [5]}, {"keep": ("x",)}]
    keys = {Store.key(Experiment(problem, SGD(), **settings | variant)) for variant in variants}
    assert len(keys) == len(variants)
    assert Store.key(Experiment(Quadratic(hessians=[[1.0, 3.0]]), SGD(), **settings)) not in keys
    assert Store.key(Experiment(Quadratic(hessians=np.array([[1.0, 2.0]])), SGD(), **settings)) in keys
