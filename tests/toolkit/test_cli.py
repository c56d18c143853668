"""The command line as a user meets it: by its output, its errors and its exit codes.

What only reads or refuses runs in this process, everything else in one of its own.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray

from toolkit.__main__ import main
from toolkit.cli.run import _table
from toolkit.progress import Progress

ROOT = Path(__file__).parent.parent.parent

# A distribution that joins through entry points: a figure with a long experiment, and claims: one is wrong, one cannot
# be checked, and one takes an hour.
THIRD_PARTY = """
import os
import time
from pathlib import Path
from figures._base import Drawing, Figure
from problems import Quadratic
from proofs_check.claim import Claim, Instance
from toolkit import Experiment
from toolkit.algorithms import SGD


class Slow(Figure):
    '''Four runs of gradient descent.'''

    name = "slow"
    title = "Four runs, of which one is long"
    claims = ("T-1",)

    def experiments(self, level):
        def one(steps, seed):
            return Experiment(Quadratic(hessians=[[1.0, 2.0]]), SGD(), stepsize=0.1, steps=steps, seed=seed)

        return {str(seed): one(50, seed) for seed in range(3)} | {"long": one(int(os.environ["LONG_STEPS"]), 9)}

    def draw(self, data, records, level):
        import pandas
        from matplotlib.figure import Figure as Picture

        return Drawing(self.title, Picture(), pandas.DataFrame({"seed": list(data)}), "Nothing is drawn.")


class Wrong(Claim):
    id = "T-1"
    title = "Two is at most one"
    statement = r"2 \\le 1"
    reference = "Nobody"

    def check(self, data, level):
        return [Instance("always", "violated", measured=2.0, bound=1.0, ratio=2.0, reason="2 > 1")]


class Refused(Wrong):
    id = "T-2"

    def check(self, data, level):
        from toolkit.compressors import TopK

        TopK(k=0)


class Endless(Wrong):
    id = "T-3"

    def check(self, data, level):
        Path("begun").touch()
        time.sleep(3600)
"""
ENTRY_POINTS = "[csgd.figures]\nslow = third_party:Slow\n[csgd.claims]\nwrong = third_party:Wrong\n"


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("third_party")
    (folder / "third_party.py").write_text(THIRD_PARTY)
    (folder / "third_party-1.0.dist-info").mkdir()
    (folder / "third_party-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n"
    )
    (folder / "third_party-1.0.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def environment(*more: Path, **variables: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [ROOT, *more])), "COLUMNS": "200"} | variables


Done = subprocess.CompletedProcess[str]
Command = Callable[..., Done]


@pytest.fixture
def csgd(tmp_path: Path) -> Command:
    """Run the command in an empty folder, in a process of its own."""

    def run(*arguments: str | Path, more: tuple[Path, ...] = (), **options: Any) -> Done:
        command = [sys.executable, "-m", "toolkit", *map(str, arguments)]
        variables = environment(*more, LONG_STEPS="300")
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, **options)

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in an empty folder, in this process."""

    def run(*arguments: str) -> Done:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["csgd", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return subprocess.CompletedProcess(arguments, ended.value.code or 0, *capsys.readouterr())

    return run


def fails(done: Done, exit_code: int, *words: str) -> None:
    """Check a failure: its exit code, one paragraph that has these words, and nothing else."""
    assert done.returncode == exit_code, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def hashes(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_help_names_every_command(here: Command) -> None:
    done = here("--help")
    assert done.returncode == 0
    commands = ("reproduce", "check", "list", "show", "run", "certify", "verify", "store", "doctor")
    for command in (*commands, "--version", "--quiet"):
        assert command in done.stdout


def test_version_has_the_commit(csgd: Command) -> None:
    done = csgd("--version")
    assert re.fullmatch(r"csgd \S+ \(commit (unknown|[0-9a-f]{40}(-dirty)?)\)\n", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["reprodce"], ["there is no such command", "Nearest names: reproduce"]),
        (["store", "lst"], ["there is no such command", "Nearest names: list"]),
        (["list", "compressor"], ["there is no such kind", "Nearest names: compressors"]),
        (["show", "topk2"], ["nothing has this name", "Nearest names: top-k"]),
        (["show", "top-k", "--k"], ["parameters are written as --name value"]),
        (["show", "top-k", "--j", "3"], ["there is no parameter 'j'"]),
        (["check", "S-a55"], ["there is no claim or group of that name", "S-a5"]),
        (["reproduce", "three-worker"], ["there is no such figure or claim", "three-workers"]),
        (["run", "--method", "ef12"], ["no member of that name", "ef21"]),
        (["run", "--method", "ef21", "--compressor", "top-k:k=0"], ["k must be an integer of at least 1"]),
        (["run", "--method", "ef21", "--compressor", "top-k:k=11", "--d", "10"], ["larger than the dimension"]),
        (["run", "--method", "ef21", "--compressor", "top-k"], ["exactly one of the two", "as k, or as a fraction"]),
        (["run", "--method", "ef21", "--compressor", "rand-k"], ["it needs k", "rand-k:k="]),
        (["run", "--method", "ef21", "--compressor", "top-k:kk=1"], ["no parameter 'kk'", "Nearest names: k"]),
        (["run", "--method", "ef21", "--compressor", "top-k:1,k=1"], ["given twice"]),
        (["run", "--method", "ef21", "--compressor", "top-k:1,none,lowest,2"], ["one parameter too many"]),
        (["run", "--method", "ef21", "--compressor", "qsgd:s=4"], ["Wrap it as Scaled(QSGD(s=4))", "--unproven"]),
        (["run", "--method", "sgd", "--compressor", "top-k:k=1"], ["impossible", "Use CHOCO, ", ", EF21, "]),
        (["run", "--method", "sgd", "--stepsize=-1"], ["at least 0"]),
        (["run", "--method", "sgd", "--stepsize", "nan"], ["finite"]),
        (["run", "--method", "sgd", "--stepsize", "theory*x"], ["this is no step size"]),
        (["run", "--method", "sgd", "--stepsize", "theory*-1"], ["above 0"]),
        (["run", "--method", "sgd", "--steps", "0"], ["integer of at least 1"]),
        (["run", "--method", "sgd", "--batch", "some"], ["this is no batch"]),
        (["run", "--method", "sgd", "--problem", "logistic-regression"], ["it needs name"]),
        (["run", "--method", "sgd", "--problem", "logistic-regression:digits", "--d", "7"], ["its own dimension"]),
        (["run", "--method", "sgd", "--problem", "logistic-regression:no-such-file"], ["no-such-file"]),
        (["run", "--method", "sgd", "--problem", "quadratic:spectrum=abc"], ["spectrum"]),
        (["run", "--method", "sgd", "--problem", "quadratic:heterogeneity=abc"], ["heterogeneity=abc"]),
        (["run", "--method", "sgd", "--problem", "quadratic:workers=2.5"], ["workers=2.5 is not a whole number"]),
        (["run", "--method", "sgd", "--problem", "quadratic:rotated=maybe"], ["rotated=maybe is not true or false"]),
        (["run", "--method", "sgd", "--problem", "quadratic:seed=-1"], ["seed"]),
        (["run", "--method", "sgd", "--problem", "logistic-regression:digits,workers=abc"], ["workers=abc"]),
        (["run", "--method", "sgd", "--problem", "logistic-regression:digits,strength=abc"], ["strength=abc"]),
        (["run", "--method", "sgd", "--problem", "logistic-regression:digits,seed=-1"], ["a seed is at least 0"]),
        (["run", "--method", "sgd", "--problem", "logistic-regression:5"], ["data set '5'"]),
        (["run", "--method", "ef21", "--compressor", "perm-k"], ["Wrap it as Scaled(PermK())", "--unproven"]),
        (
            ["run", "--method", "compressed-sgd", "--compressor", "top-k:1"],
            ["ErrorFeedback or GradientMemory, whose theorems cover", "--unproven"],
        ),
        (["run", "--method", "sgd", "--save", "no/folder/curve"], ["no such folder"]),
        (["check", "D5-repair", "--json", "no/folder/claims.json"], ["no file can be made there"]),
        (["check", "D5-repair", "--json", "."], ["no file can be made there"]),
        (["store", "list"], ["there is none", "csgd reproduce"]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_use_is_told_in_one_paragraph(
    here: Command, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    fails(here(*arguments), 2, *words)
    assert not list(tmp_path.iterdir())


def test_labels_that_are_not_two_valued_name_their_file(here: Command, tmp_path: Path) -> None:
    for lines, found in (("1 1:2\n1 1:3\n", "1 value (1)"), ("1 1:2\n2 1:3\n3 1:4\n", "3 values (1, 2, 3)")):
        (tmp_path / "mine.libsvm").write_text(lines)
        fails(here("run", "--method", "sgd", "--problem", "logistic-regression:mine.libsvm"), 2, "mine.libsvm: ", found)


def test_too_little_memory_is_exit_code_3(csgd: Command) -> None:
    """A Hessian of 10⁶ × 10⁶ and a hundred million runs are beyond the address space of 8 GiB."""
    limit = (8 * 2**30, 8 * 2**30)
    csgd("run", "--method", "sgd", "--d", "3", "--steps", "1")  # so that no kernel has to be compiled under the limit
    for too_much in (["--d", "1000000"], ["--runs", "100000000"]):
        done = csgd(
            *["run", "--method", "sgd", "--steps", "1", *too_much],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
        )
        fails(done, 3, "there is not enough memory", "Ask for less")


@pytest.mark.parametrize("arguments", [["run", "--method", "sgd", "--steps", "1"], ["doctor"]], ids=" ".join)
def test_an_impossible_number_of_threads_is_wrong_use(
    here: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("CSGD_THREADS", "abc")
    fails(here(*arguments), 2, "CSGD_THREADS")


def test_one_run_is_not_held_against_a_bound_of_an_expectation(here: Command) -> None:
    noisy = ["--problem", "quadratic:sigma_sq=1", "--method", "error-feedback", "--compressor", "top-k:k=2"]
    random = ["--method", "error-feedback", "--compressor", "rand-k:k=2"]
    for one in (noisy, random):
        done = here("run", *one, "--d", "10", "--steps", "20")
        assert re.search(r"S-d3.*, S-d4: bounds of expectations.*give --runs 2 or more", done.stdout)
        assert "measured/bound" not in done.stdout
        assert "no published bound" not in done.stdout
        done = here("run", *one, "--d", "10", "--steps", "20", "--runs", "4")
        assert "S-d4: " in done.stdout
        assert "measured/bound" in done.stdout
        assert "--runs" not in done.stdout


def test_what_is_left_out_of_the_data_is_said(here: Command) -> None:
    done = here("run", "--problem", "logistic-regression:breast-cancer", "--method", "sgd", "--steps", "2")
    assert "9 of 569 samples left out, so that shards are equal; 0 of 30 features left out" in done.stdout
    shown = " ".join(here("show", "logistic-regression").stdout.split())
    assert "9 of 569 samples of breast-cancer" in shown
    assert "17 of 1797 samples and 3 of 64 features of digits" in shown
    assert "logistic-regression is the name of a problem and a figure: first the problem" in shown


def test_a_missing_option_is_wrong_use(here: Command) -> None:
    done = here("run")
    assert done.returncode == 2
    assert "Missing option '--method'" in done.stderr


def test_a_malformed_data_file_is_told_by_file_and_line(here: Command, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("1 1:0.5\n-1 1:half\n")
    fails(
        here("run", "--method", "sgd", "--problem", "logistic-regression:data.txt,workers=1"), 2, "data.txt", "line 2"
    )


@pytest.mark.parametrize("kind", ["compressors", "methods", "problems", "claims", "figures"])
def test_listing(here: Command, kind: str) -> None:
    plain, as_json = here("list", kind), here("list", kind, "--json")
    assert plain.returncode == as_json.returncode == 0
    records = json.loads(as_json.stdout)
    assert records
    assert [line.split()[0] for line in plain.stdout.splitlines()] == [record["name"] for record in records]
    assert all(record["title"] for record in records)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["top-k:k=25", "--d", "100"], ["‖C(x) - x‖²", "δ        0.25", "S-a1", "compressed-sgd      unproven"]),
        (["TopK"], ["top-k (compressor)", "TopK(k=1)"]),
        (["majority-vote"], ["v = 1/n Σᵢ sᵢ,"]),
        (["perm-k", "--d", "10", "--workers", "5"], ["(A, B)   (1, 1)", "unproven    EF21 needs a contraction"]),
        (["blocks", "--compressor", "(top-k:k=2)", "--size=5", "--d", "10"], ["Blocks(compressor=TopK(k=2), size=5)"]),
        (["scaled:compressor=(rand-k:k=2,unbiased=true)", "--d", "8"], ["δ        0.25"]),
        (
            ["top-k", "--d", "1000", "--k", "10"],
            ["398.0", "values only", "320.0", "640.0", "960.0", "deterministic", "lacks the positions"],
        ),
        (["rand-k:k=3", "--unbiased=true", "--d", "9"], ["RandK(k=3, unbiased=True)", "side information"]),
        (
            ["float-format:format=bfloat16"],
            ["they hold for coordinates that are 0 or of magnitude 1.18e-38 to 3.39e+38"],
        ),
        (["hard-threshold"], ["κ²       100", "δ        none"]),
        (["ef21"], ["gᵢ + C(∇fᵢ(x) - gᵢ)", "qsgd                unproven", "wrap it as Scaled(QSGD(s=1))"]),
        (["quadratic", "--d", "5", "--workers", "3"], ["3 workers in dimension 5", "μ        0.1"]),
        (["logistic-regression"], ["logistic-regression (problem)", "(figure)", "Write its parameters"]),
        (["s-A5"], ["S-a5 (claim)", "γ²κ²", "expected verdict: "]),
        (["three-workers"], ["three-workers (problem)", "three-workers (figure)", "D5-repair"]),
    ],
    ids=lambda value: value[0],
)
def test_showing(here: Command, arguments: list[str], words: list[str]) -> None:
    done = here("show", *arguments)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in done.stdout
    assert "\\" not in done.stdout


def test_a_run_prints_a_table_and_a_curve_and_saves_it(here: Command, tmp_path: Path) -> None:
    arguments = [
        "--method",
        "ef21",
        "--compressor",
        "top-k:k=2",
        "--d",
        "10",
        "--stepsize",
        "theory*4",
        "--steps",
        "200",
    ]
    done = here("run", *arguments, "--runs", "3", "--save", "curve")
    assert done.returncode == 0, done.stderr
    assert "runs: 3 done" in done.stdout
    rows = {
        int(line.split()[0]): line.split()
        for line in done.stdout.splitlines()
        if re.match(r" +\d+ +\S+ +\S+ +\S+ ", line)
    }
    assert {0, 1, 200} <= set(rows)
    header = next(line.split() for line in done.stdout.splitlines() if "grad_norm_sq" in line)
    assert 0 < float(rows[200][header.index("f_gap")]) < float(rows[0][header.index("f_gap")])
    assert {path.name for path in tmp_path.iterdir()} == {f"curve.{kind}" for kind in ("svg", "pdf", "png", "csv")}


def test_means_over_the_runs_still_going_are_not_printed_as_those_over_all() -> None:
    curves = {"f": [[4.0, 3.0, 2.0], [8.0, math.nan, math.nan]], "bits_up": [[0.0, 8.0, 16.0], [0.0, 8.0, math.nan]]}
    result = xarray.Dataset({name: (("run", "step"), y) for name, y in curves.items()}, coords={"step": [0, 1, 2]})
    header, first, second, third, _ = _table(result).splitlines()
    assert header.split() == ["step", "f", "bits_up"]
    assert first.split() == ["0", "6", "0"]
    fewer = "  over the 1 of 2 runs still going"
    assert second.endswith(fewer)
    assert third.endswith(fewer)
    assert second.removesuffix(fewer).split() == ["1", "3", "8"]
    assert third.removesuffix(fewer).split() == ["2", "2", "16"]


def test_a_diverging_run_is_a_status_and_not_an_error(here: Command) -> None:
    done = here("run", "--method", "sgd", "--d", "5", "--stepsize", "100", "--steps", "100")
    assert done.returncode == 0
    assert "runs: 1 diverged" in done.stdout
    assert "nan" not in done.stdout


def test_a_claim_that_differs_is_exit_code_1(csgd: Command, third_party: Path, tmp_path: Path) -> None:
    done = csgd("check", "T-1", "D5-repair", "--json", "claims.json", more=(third_party,))
    assert done.returncode == 1, done.stderr
    assert re.search(r"^claim +verdict +measured +bound +ratio$", done.stdout, re.MULTILINE)
    assert re.search(r"^T-1 +violated +2 +1 +2  \(expected: holds\)$", done.stdout, re.MULTILINE)
    assert "1 of them differ" in done.stdout
    records = {record["id"]: record for record in json.loads((tmp_path / "claims.json").read_text())}
    assert set(records) == {"T-1", "D5-repair"}
    needed = {"id", "reference", "kind", "verdict", "expected", "measured", "bound", "ratio", "error_probability"}
    assert needed | {"basis", "runs", "seconds", "reason"} <= set(records["D5-repair"])


def test_reproducing_twice_computes_once_and_says_so(csgd: Command, here: Command, tmp_path: Path) -> None:
    first = csgd("reproduce", "three-workers", "--quick")
    assert first.returncode == 0, first.stderr
    report = tmp_path / "report"
    found = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    figures = {f"figures/three-workers.{kind}" for kind in ("svg", "pdf", "png", "csv")}
    assert figures | {"index.html", "claims.json", "versions.json", "csgd-report.json"} <= found
    assert "commit" in json.loads((report / "versions.json").read_text())
    assert re.search(r"experiments: [1-9]\d* computed, 0 from the store", first.stderr)
    again = csgd("reproduce", "three-workers", "--quick", "--jobs", "1")
    assert again.returncode == 0
    assert re.search(r"experiments: 0 computed, [1-9]\d* from the store", again.stderr)
    assert again.stdout == first.stdout
    listed = here("store", "list")
    assert "current" in listed.stdout
    assert "stale" not in listed.stdout
    assert here("store", "prune").stdout == "0 stale experiments deleted\n"
    quiet = here("--quiet", "reproduce", "three-workers", "--quick")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert quiet.stdout == first.stdout


@pytest.mark.parametrize("command", [["reproduce", "--quick", "three-workers"], ["check", "D5-repair"]])
def test_a_folder_of_something_else_is_left_untouched(here: Command, tmp_path: Path, command: list[str]) -> None:
    thesis = tmp_path / "thesis"
    (thesis / "chapters").mkdir(parents=True)
    (thesis / "chapters" / "one.tex").write_text("precious")
    (thesis / "index.html").write_text("mine")
    before = hashes(thesis)
    fails(here(*command, "--out", "thesis"), 2, "something else already", "Name an empty or new folder")
    assert hashes(thesis) == before


@pytest.mark.parametrize("mark", ["csgd-report.json", "store/csgd-store.json"])
def test_an_unknown_format_is_refused(here: Command, tmp_path: Path, mark: str) -> None:
    (tmp_path / "report" / "store").mkdir(parents=True)
    (tmp_path / "report" / "csgd-report.json").write_text('{"what": "csgd-toolkit report", "format": 1}')
    (tmp_path / "report" / mark).write_text('{"format": 99}')
    before = hashes(tmp_path)
    fails(here("check", "D5-repair"), 2, "its format is 99, and this version knows format 1")
    assert hashes(tmp_path) == before


def test_a_full_disk_is_exit_code_3_and_leaves_nothing_half_written(csgd: Command, tmp_path: Path) -> None:
    """Files that cannot grow above 6000 bytes: the marks can be written, and no cell."""
    csgd("run", "--method", "ef21", "--steps", "1")  # so that no kernel has to be compiled, and kept, under the limit
    limit = (6000, resource.RLIM_INFINITY)
    done = csgd(
        "reproduce",
        "three-workers",
        "--quick",
        "--jobs",
        "1",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert done.returncode == 3, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert set(hashes(tmp_path)) == {"report/csgd-report.json", "report/store/csgd-store.json"}


def test_ctrl_c_is_exit_code_130_and_the_same_command_goes_on(csgd: Command, third_party: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "toolkit", "reproduce", "slow", "--jobs", "2"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    variables = environment(third_party, LONG_STEPS=str(10**7))
    with subprocess.Popen(command, cwd=tmp_path, env=variables, **options) as process:
        end = time.monotonic() + 300
        while len(list((tmp_path / "report" / "store").glob("*/cell.json"))) < 3:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end, "nothing was stored within five minutes"
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 130, error
    assert error.endswith("interrupted; what was finished is kept, and the same command goes on from there\n")
    assert "Traceback" not in error
    assert not (tmp_path / "report" / "index.html").exists()
    again = csgd("reproduce", "slow", more=(third_party,))
    assert "experiments: 1 computed, 3 from the store" in again.stderr
    assert again.returncode == 1  # the figure brings its claim, which is wrong
    assert "Four runs, of which one is long" in (tmp_path / "report" / "index.html").read_text()


def test_ctrl_c_while_claims_are_judged_ends_all_processes(third_party: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "toolkit", "check", "T-3", "T-1", "--jobs", "2"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment(third_party), **options) as process:
        end = time.monotonic() + 300
        while not (tmp_path / "begun").exists():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end, "no claim was begun within five minutes"
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        error = process.communicate(timeout=60)[1]  # until all have closed their ends
    assert process.returncode == 130, error
    assert error.endswith("interrupted; what was finished is kept, and the same command goes on from there\n")
    assert "Traceback" not in error


def test_a_claim_that_cannot_be_checked_is_named(csgd: Command, third_party: Path) -> None:
    done = csgd("--quiet", "check", "T-1", "T-2", "--jobs", "2", more=(third_party,))
    fails(done, 2, "k must be", "This was the claim T-2.")


def test_doctor_is_content_here(csgd: Command) -> None:
    done = csgd("doctor")
    assert done.returncode == 0, done.stdout
    for word in ("Python", "toolkit", "problems", "proofs_check", "figures", "compiled kernels", "threads", "CuPy"):
        assert word in done.stdout


def test_a_file_that_hides_a_package_is_found(csgd: Command, tmp_path: Path) -> None:
    (tmp_path / "problems.py").write_text("")
    done = csgd("doctor")
    assert done.returncode == 3
    assert f"LACK  problems: hidden by {tmp_path / 'problems.py'}" in done.stdout
    fails(csgd("run", "--method", "sgd"), 3, "problems", "csgd doctor")


@pytest.mark.parametrize(
    ("terminal", "expected"), [(True, ["50% |", " left"]), (False, ["work:  50 %, one", "work: 100 %, two"])]
)
def test_bars_on_a_terminal_and_lines_elsewhere(monkeypatch, terminal: bool, expected: list[str]) -> None:
    master, slave = pty.openpty() if terminal else os.pipe()
    if terminal:
        termios.tcsetwinsize(slave, (25, 100))
    with os.fdopen(slave, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with Progress().work("work", total=2) as advance:
            time.sleep(0.2)
            advance("one", 1)
            advance("two", 1)
        stream.flush()
        shown = ""
        while not re.search("done|100 %, two", shown):
            shown += os.read(master, 100_000).decode()
    os.close(master)
    for words in expected:
        assert words in shown


def test_check_prints_instances_where_asked(csgd: Command) -> None:
    done = csgd("check", "WC-known", "--instances")
    assert done.returncode == 0
    _, _, *lines, last = done.stdout.splitlines()
    assert last == "1 claims checked: every verdict is the expected one"
    assert len(lines) == 2 * 29  # the quick level leaves one of the 30 rows out
    assert lines[0].strip() == "row 1: gradient descent, two points"
    verdict, value, *_ = lines[1].split()
    assert verdict == "holds"
    assert abs(float(value) - 0.81) < 1e-6
    assert "closed form; differs by" in lines[1]
