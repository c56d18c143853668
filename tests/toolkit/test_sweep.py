"""Many experiments: the same bits however they are run, and nothing lost but what was in flight."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import xarray

from problems import Quadratic
from toolkit import Experiment, Store
from toolkit.algorithms import EF21
from toolkit.compressors import RandK
from toolkit.errors import EnvironmentLack
from toolkit.progress import Progress
from toolkit.simulation import run
from toolkit.sweep import run_all

ROOT = Path(__file__).parent.parent.parent

# Three small experiments and one that takes a while: sweeps begin with the longest, so `last` is in flight to the end.
SWEEP = """
import sys
from problems import Quadratic
from toolkit import Experiment, Store
from toolkit.algorithms import EF21
from toolkit.compressors import RandK
from toolkit.progress import Progress
from toolkit.sweep import run_all

def experiments(long_steps):
    problem = Quadratic(hessians=[[1.0, 2.0, 3.0]], linear=[[1.0, 1.0, 1.0]], sigma_sq=1.0)
    def one(steps, seed):
        return Experiment(problem, EF21(), RandK(k=1), stepsize=0.05, steps=steps, runs=2, seed=seed)
    return {f"small {i}": one(60, i) for i in range(3)} | {"long": one(long_steps, 9)}

if __name__ == "__main__":
    folder, long_steps, jobs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    run_all(experiments(long_steps), Store(folder), jobs=jobs, progress=Progress())
"""
LONG = 10**7  # steps, minutes of work
SHORT = 300


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "sweep_script.py"
    path.write_text(SWEEP)
    return path


def start(script: Path, store: Path, steps: int, jobs: int) -> subprocess.Popen[str]:
    command = [sys.executable, script, store, str(steps), str(jobs)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for_cells(store: Path, count: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 300
    while len(list(store.glob("*/cell.json"))) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "nothing was stored within five minutes"
        time.sleep(0.02)


def experiment(seed: int = 0, **settings: object) -> Experiment:
    problem = Quadratic(hessians=[[1.0, 2.0, 3.0]], linear=[[1.0, 1.0, 1.0]], sigma_sq=1.0)
    return Experiment(
        problem, EF21(), RandK(k=1), **{"stepsize": 0.05, "steps": 60, "runs": 2, "seed": seed} | settings
    )


def contents(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.glob("*/*") if path.is_file()}


def test_a_sweep_killed_in_the_middle_loses_the_cell_in_flight_only(script: Path, tmp_path: Path) -> None:
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    process = start(script, killed, LONG, jobs=2)
    wait_for_cells(killed, 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = contents(killed)
    assert len(Store(killed).load(experiment(seed=1)).step) == len(run(experiment(seed=1)).step)
    assert len(list(Store(killed).cells())) == 3

    resumed, fresh = start(script, killed, SHORT, jobs=1), start(script, straight, SHORT, jobs=2)
    assert "experiments: 1 computed, 3 from the store" in resumed.communicate()[1]
    assert "experiments: 4 computed, 0 from the store" in fresh.communicate()[1]
    assert kept.items() <= contents(killed).items()
    assert contents(killed) == contents(straight)  # the same bits: two processes or one, straight or killed and resumed


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_at_once_and_keeps_what_is_finished(script: Path, tmp_path: Path, jobs: int) -> None:
    """Ctrl-C reaches every process of the terminal, so the signal goes to the whole group."""
    store = tmp_path / "store"
    if jobs == 1:  # the longest comes first, and alone it would be all there is: store the small ones before
        assert "4 computed" in start(script, store, SHORT, jobs=1).communicate()[1]
    process = start(script, store, LONG, jobs)
    wait_for_cells(store, 3, process)
    if jobs == 1:
        time.sleep(3.0)  # until the long one runs
    os.killpg(process.pid, signal.SIGINT)
    begin = time.monotonic()
    error = process.communicate(timeout=60)[1]
    assert time.monotonic() - begin < 30  # of minutes of work
    assert process.returncode != 0
    assert error.count("KeyboardInterrupt") == 1, error  # the parent alone tells of it
    assert len(list(Store(store).cells())) == (4 if jobs == 1 else 3)


def test_equal_experiments_run_once_and_names_keep_their_order(tmp_path: Path) -> None:
    progress = Progress(quiet=True)
    wanted = {"b": experiment(), "a": experiment(seed=1), "c": experiment()}
    results = run_all(wanted, Store(tmp_path / "store"), jobs=1, progress=progress)
    assert list(results) == ["b", "a", "c"]
    assert (progress.computed, progress.stored) == (2, 0)
    assert results["b"] is results["c"]
    xarray.testing.assert_identical(results["a"], run(experiment(seed=1)))
    again = run_all(wanted, Store(tmp_path / "store"), jobs=1, progress=progress)
    assert (progress.computed, progress.stored) == (2, 2)
    for name in wanted:
        xarray.testing.assert_identical(again[name], results[name])


def test_results_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    results = run_all({"a/one": experiment(), "b/two": experiment(seed=1)}, store, jobs=1)
    sent = pickle.loads(pickle.dumps(results))
    shutil.rmtree(tmp_path / "store" / store.key(experiment(seed=1)))
    xarray.testing.assert_identical(sent["a/one"], run(experiment()))
    assert list(sent.under("b")) == ["two"]
    with pytest.raises(EnvironmentLack, match="gone"):
        sent.under("b")["two"]
    more = sent.under("b") | {"two": sent["a/one"], "three": sent["a/one"]}
    assert more["two"] is more["three"] is sent["a/one"]


def test_nothing_to_do_is_nothing_done(tmp_path: Path) -> None:
    assert run_all({}, Store(tmp_path / "store")) == {}


def test_a_class_without_readable_source_is_run_but_not_stored_and_this_is_said(tmp_path: Path) -> None:
    made: dict[str, type] = {}
    exec(
        "from problems import Quadratic\nclass Unread(Quadratic): pass", {"__name__": "nowhere"}, made
    )  # as in a notebook
    one = experiment()
    unread = Experiment(made["Unread"](hessians=[[1.0, 2.0]]), EF21(), RandK(k=1), stepsize=0.05, steps=5)
    store = Store(tmp_path / "store")
    with pytest.warns(UserWarning, match="'mine' is run but not stored.*cannot be read"):
        results = run_all({"mine": unread, "ours": one}, store, jobs=1)
    assert set(results) == {"mine", "ours"}
    assert [cell.key for cell in store.cells()] == [Store.key(one)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # without a store there is nothing to say
        assert run_all({"mine": unread}, jobs=1)["mine"].sizes["step"] == 6


class Killed(Quadratic):
    """A problem whose process the system kills."""

    def gradient(self, x):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_is_told_as_a_lack(tmp_path: Path) -> None:
    wanted = {
        str(seed): Experiment(Killed(hessians=[[1.0]]), EF21(), stepsize=0.1, steps=1, seed=seed) for seed in (0, 1)
    }
    with pytest.raises(EnvironmentLack, match="a process was killed from outside"):
        run_all(wanted, Store(tmp_path / "store"), jobs=2)
