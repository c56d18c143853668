"""``csgd check --compressor`` and ``--compressors`` as a user meets them."""

from __future__ import annotations

import json
import sys

import pytest

from proofs_check import examples
from proofs_check.examples import Log
from toolkit.__main__ import main

MINE = """
import numpy as np
from toolkit.compressors import Compressor
from toolkit.constants import CompressorConstants, exact


class Halve(Compressor):
    by: float = 2.0

    def message(self, x, draw):
        return x / np.asarray(self.by, x.dtype)

    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(1 - (1 - 1 / self.by) ** 2, "1 − (1 − 1/by)²"))


class Loses(Halve):
    def constants(self, d, n=1):
        return CompressorConstants(delta=exact(0.9, "a guess"))


class keeps_p(Compressor):
    p: float

    def message(self, x, draw):
        return x * np.asarray(self.p, x.dtype)
"""


@pytest.fixture
def csgd(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in a folder with a module of the user's, in this process."""
    (tmp_path / "my_compressors.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["csgd", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    yield run
    sys.modules.pop("my_compressors", None)


@pytest.mark.parametrize(
    "name",
    [
        "top-k:k=3",
        "TopK(k=3)",
        "top-k",
        "my_compressors:Halve",
        "my_compressors:Halve(by=4)",
        "my_compressors:keeps_p(p=0.5)",
    ],
)
def test_a_sound_compressor_ends_well(csgd, name):
    code, out, err = csgd("check", "--compressor", name)
    assert code == 0
    assert "keeps every contract" in out.partition("\n")[0]
    assert "contracts of" in err
    assert "100 %" in err


def test_a_violation_is_told_in_words_and_by_the_exit_code(csgd, tmp_path):
    code, out, _ = csgd("check", "--compressor", "my_compressors:Loses", "--json", "report.json")
    assert code == 1
    assert out.startswith("Loses() violates 2 contracts: approached, contraction\n")
    assert "x = [1]  (float64, d = 1)" in out
    assert "E‖C(x) − x‖² = 0.25 = 0.25·‖x‖²" in out
    record = json.loads((tmp_path / "report.json").read_text())
    assert not record["passed"]
    found = {finding["contract"]: finding for finding in record["findings"]}
    assert found["contraction"]["violation"]["x"] == [1.0]


def test_level_and_seed_are_those_asked_for(csgd):
    code, out, _ = csgd("check", "--compressor", "my_compressors:Halve", "--level", "full", "--seed", "7")
    assert code == 0
    assert "level full, seed 7" in out


def test_a_module_that_lacks_something_itself_says_what(csgd, tmp_path):
    (tmp_path / "lacking.py").write_text("import not_installed_anywhere\n")
    code, _, err = csgd("check", "--compressor", "lacking:Mine")
    assert code == 3
    assert "No module named 'not_installed_anywhere'" in err


def test_quiet_says_nothing_on_the_way(csgd):
    code, out, err = csgd("--quiet", "check", "--compressor", "identity")
    assert (code, err) == (0, "")
    assert out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--compressor", "no_module:Thing"], ["there is no module 'no_module' here", "mymodule:MyCompressor"]),
        (["--compressor", "my_compressors:Thing"], ["has no class 'Thing'"]),
        (["--compressor", "my_compressors:Halve(bi=2)"], ["there is no parameter 'bi'", "by"]),
        (["--compressor", "my_compressors:halve"], ["the module 'my_compressors' has no class 'halve'", "Halve"]),
        (["--compressor", "my_compressors:keeps_p"], ["csgd: keeps_p: it needs p. Write keeps_p:p=…"]),
        (["--compressor", "drive:lest-squares"], ["none of its choices"]),
        (["--compressor", "toq-k"], ["no member of that name", "top-k"]),
        (["--compressor", "json:JSONDecoder"], ["this is not a compressor"]),
        (["S-a1", "--compressor", "top-k"], ["do not go together"]),
        (["--examples", "10"], ["do not go together"]),
    ],
)
def test_wrong_use_is_told(csgd, arguments, words):
    code, out, err = csgd("check", *arguments)
    assert (code, out) == (2, "")
    for word in words:
        assert word in err


def test_a_violation_of_the_examples_is_told_by_the_exit_code(csgd, monkeypatch):
    log = Log(violations=[("TopK(k=1)", "it keeps too little")])
    monkeypatch.setattr(examples, "check_examples", lambda count, **options: log)
    code, out, _ = csgd("check", "--compressors")
    assert code == 1
    assert "it keeps too little" in out


def test_examples_are_counted(csgd, tmp_path):
    code, out, err = csgd("check", "--compressors", "--examples", "50", "--seed", "3", "--json", "log.json")
    assert code == 0
    record = json.loads((tmp_path / "log.json").read_text())
    assert record["passed"]
    assert record["total"] == sum(record["examples"].values()) >= 50
    assert "examples in" in out
    assert "no violation" in out
    assert "top-k" in out
    assert "golomb" in out
    assert "examples" in err
