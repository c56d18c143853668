"""``csgd certify`` and ``csgd verify`` as a user meets them."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit.__main__ import main

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def csgd(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: Any) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["csgd", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


DESCENT = (
    "compressed-sgd",
    "--class",
    "smooth:mu=1/10",
    "--compressor",
    "contractive:delta=3/4",
    "--stepsize",
    "40/31",
)
FEEDBACK = ("ef21", "--class", "smooth:mu=0.1", "--compressor", "contractive:delta=0.75", "--stepsize", "20/33")


def test_a_bound_without_slack_is_made_and_checked(csgd: Command, tmp_path: Path) -> None:
    file = tmp_path / "cert.json"
    code, out, _ = csgd("certify", *DESCENT, "--out", file)
    assert code == 0
    assert "numeric worst case: 0.87513" in out
    assert "proved: f(x_1) − f* ≤ 841/961 · (f(x_0) − f*)" in out
    code, out, _ = csgd("verify", file)
    assert code == 0
    assert out.startswith("proved: f(x_1) − f* ≤ 841/961 · (f(x_0) − f*)\n")
    assert "c_0: contractive message of g_0, delta = 3/4" in out
    assert "x_1 = x_0 − 40/31 c_0" in out
    assert "the statement is what compressed-sgd gives as simulate runs it" in out


def test_an_irrational_rate_is_bounded_from_both_sides(csgd: Command, tmp_path: Path) -> None:
    bounds = []
    for side in ((), ("--lower",)):
        file = tmp_path / "cert.json"
        assert csgd("certify", *FEEDBACK, *side, "--out", file)[0] == 0
        code, out, _ = csgd("verify", file)
        assert code == 0
        assert ("can be" in out) == bool(side)
        assert "the statement is what ef21 gives" in out
        bounds.append(json.loads(file.read_text())["bound"])
    high, low = (int(p) / int(q) for p, q in (one.split("/") for one in bounds))
    assert low < 0.884808291 < high < low * 1.00003


def test_quadratic_functions_are_a_class(csgd: Command, tmp_path: Path) -> None:
    file = tmp_path / "cert.json"
    code, out, _ = csgd("certify", "sgd", "--class", "quadratic:mu=1/10,L=1", "--stepsize", "20/11", "--out", file)
    assert code == 0
    assert "proved: f(x_1) − f* ≤ 81/121 · (f(x_0) − f*)" in out
    code, out, _ = csgd("verify", file)
    assert "f: quadratic mu = 1/10, L = 1, minimal at 0 with value 0; gradient g_0 at x_0" in out
    assert "the statement is what sgd gives as simulate runs it" in out
    code, _, err = csgd("certify", "sgd", "--class", "quadratic:mu=-1", "--stepsize", "1")
    assert code != 0
    assert "not modelled for quadratic functions" in err


def test_a_method_of_ones_own(csgd: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
    from toolkit.algorithms import Algorithm, State, mean

    class Slow(Algorithm):
        share: float

        def step(self, state, oracle, channel, draw):
            return State(x=state.x - self.share * self.stepsize * mean(oracle.sample(state.x)))
    """
    (tmp_path / "slow_method.py").write_text(textwrap.dedent(text))
    monkeypatch.chdir(tmp_path)
    method = "slow_method:Slow(share=1/2)"
    code, out, _ = csgd("certify", method, "--stepsize", "1", "--class", "smooth:mu=1/10", "--out", "cert.json")
    assert code == 0
    assert "proved: f(x_1) − f* ≤ 361/400 · (f(x_0) − f*)" in out
    monkeypatch.delitem(sys.modules, "slow_method")
    code, out, _ = csgd("verify", "cert.json")
    assert code == 0
    assert "the statement was not compared with it" in out
    assert "slow_method" not in sys.modules  # a file is no reason to run code


def test_gossip_on_a_graph(csgd: Command, tmp_path: Path) -> None:
    file = tmp_path / "cert.json"
    gossip = ("choco:consensus=1/3", "--stepsize", "0", "--class", "none", "--topology", "ring", "--workers", "3")
    code, out, _ = csgd("certify", *gossip, "--compressor", "contractive:delta=3/4", "--out", file)
    assert code == 0
    assert abs(float(out.partition("numeric worst case: ")[2].split()[0]) - 0.5) < 1e-6
    assert "the statement is what choco:consensus=1/3 gives" in csgd("verify", file)[1]


def test_a_rate_for_every_step(csgd: Command, tmp_path: Path) -> None:
    descent = ("sgd", "--class", "smooth:mu=1/2", "--stepsize", "1", "--measure", "distance", "--every-step")
    code, out, _ = csgd("certify", *descent, "--out", tmp_path / "cert.json")
    assert code == 0
    assert "proved: ‖x_N − x*‖² ≤ " in out
    assert "V(start) = " in out
    rate = float(out.partition("rate: ")[2].split()[0])
    assert 0.25 <= rate < 0.25001
    for part, words in (("step", "what V loses in a step"), ("bound", "what V bounds")):
        code, out, _ = csgd("verify", tmp_path / f"cert-{part}.json")
        assert code == 0
        assert words in out


@pytest.mark.parametrize(("method", "low", "high"), [
    ((*FEEDBACK, "--workers", "2"), 0.8848082, 0.88482),
    (("choco:consensus=1/3", "--stepsize", "0", "--class", "none", "--topology", "complete", "--workers", "2",
      "--compressor", "contractive:delta=3/4"), 0.5 - 1e-9, 0.50001),
])  # fmt: skip
def test_a_potential_falls_in_every_step(
    csgd: Command, tmp_path: Path, method: tuple[str, ...], low: float, high: float
) -> None:
    code, out, _ = csgd("certify", *method, "--every-step", "--out", tmp_path / "cert")
    assert code == 0
    assert "proved: V(x_N) ≤ (" in out
    assert low <= float(out.partition("rate: ")[2].split()[0]) <= high
    assert f"the statement is what {method[0]} gives" in csgd("verify", tmp_path / "cert-step.json")[1]


def test_what_is_at_most_one_at_the_start(csgd: Command, tmp_path: Path) -> None:
    file = tmp_path / "cert.json"
    assert "proved: f(x_1) − f* ≤ 1/6 · ‖x_0‖²" in csgd("certify", "sgd", "--stepsize", "1", "--out", file)[1]
    assert "the statement is what sgd gives" in csgd("verify", file)[1]
    arguments = ("sgd", "--stepsize", "1", "--class", "smooth:mu=-1", "--measure", "gradient")
    assert "proved: ‖g_1‖² ≤ 8/7 · (f(0) − f_inf)" in csgd("certify", *arguments)[1]


def test_files_without_newer_fields_are_compared(csgd: Command, tmp_path: Path) -> None:
    from proofs_check.worst_case import certify_tightly
    from proofs_check.worst_case.naming import described

    about = {"method": "sgd", "stepsize": "1", "functions": "smooth:mu=1/10", "measure": "", "minimiser": "own"}
    file = tmp_path / "cert.json"
    certify_tightly(described(about), about=about).save(file)
    assert "the statement is what sgd gives" in csgd("verify", file)[1]


def test_what_is_being_done_is_told_unless_quiet(csgd: Command) -> None:
    assert "solving the semidefinite program" in csgd("certify", *DESCENT)[2]
    assert csgd("certify", *DESCENT, "-q")[2] == ""


def test_what_the_verifier_refuses_at_last_is_told(csgd: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from proofs_check.worst_case import verify

    monkeypatch.setattr(verify, "COST", 0)
    code, out, err = csgd("certify", *DESCENT)
    assert code == 2
    assert "proved" not in out
    assert "it could not be verified: the numbers are too long" in err


def test_a_statement_that_is_not_the_methods_is_said_so(csgd: Command, tmp_path: Path) -> None:
    from proofs_check.worst_case.certificate import upper_certificate

    file = tmp_path / "cert.json"
    csgd("certify", *DESCENT, "--out", file)
    document = json.loads(file.read_text())
    for changes, wanted in (
        ({"stepsize": "39/31"}, "is NOT what compressed-sgd gives"),
        ({"method": "ef21"}, "is NOT what ef21 gives"),
        ({"steps": "40"}, "is NOT"),
        ({"stepsize": "1e999999999"}, "cannot be compared"),
        ({"method": "no-such-method"}, "cannot be compared"),
        ({"functions": "smooth:mu=2"}, "cannot be compared"),
        ({"stepsize": ""}, "it names no stepsize"),
    ):
        raw = document["statement"] | {"about": document["statement"]["about"] | changes}
        changed = upper_certificate(raw, 0, {}).document | {"bound": document["bound"], "proof": document["proof"]}
        file.write_text(json.dumps(changed))
        code, out, _ = csgd("verify", file)
        assert code == 0  # what is proved is the statement, whatever the file says it is about
        assert wanted in out, changes


def test_what_is_not_proved_is_exit_code_1(csgd: Command, tmp_path: Path) -> None:
    file = tmp_path / "cert.json"
    csgd("certify", *DESCENT, "--out", file)
    file.write_text(file.read_text().replace('"bound": "841/961"', '"bound": "840/961"'))
    code, out, err = csgd("verify", file)
    assert (code, out) == (1, "")
    assert err == "not proved: the multipliers prove no bound as low as 840/961\n"
    assert csgd("verify", tmp_path / "none.json")[0] == 1


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("ef12", "--stepsize", "1"), 2, "no member of that name"),
    (("ef21", "--stepsize", "1/x"), 2, "no exact number"),
    (("ef21", "--stepsize", "1", "--class", "smoth"), 2, "Nearest names: smooth"),
    (("ef21", "--stepsize", "1", "--class", "smooth:nu=1"), 2, "its parameters are L, mu"),
    (("ef21", "--stepsize", "1", "--compressor", "contractive:delta"), 2, "no parameter"),
    (("ef21", "--stepsize", "1", "--compressor", "contractive:delta=3/5"), 2, "not a rational number"),
    (("ef21", "--stepsize", "1", "--compressor", "unbiased:omega=1"), 2, "made for a relative error"),
    (("sgd", "--stepsize", "1", "--measure", "potential"), 2, "there is no such measure"),
    (("sgd", "--stepsize", "1", "--out", "no/such/folder/cert.json"), 2, "no such folder"),
    (("error-feedback", "--stepsize", "20/33", "--class", "smooth:mu=1/10", "--compressor", "contractive:delta=3/4",
      "--workers", "2"), 2, "Try --minimiser shared"),
    (("sgd", "--stepsize", "3", "--measure", "distance", "--every-step"), 2, "none was found at the rate 1"),
    (("sgd", "--stepsize", "1", "--every-step", "--lower"), 2, "Leave these out"),
    (("sgd", "--stepsize", "1", "--every-step", "--steps", "2"), 2, "for every N"),
    (("nesterov", "--stepsize", "1", "--every-step"), 2, "change from step to step"),
    (("sgd", "--stepsize", "1", "--steps", "40", "--workers", "4"), 2, "Take fewer steps or workers"),
    (("mymodule:Mine", "--stepsize", "1"), 2, "there is no module 'mymodule'"),
    (("ef:foo", "--stepsize", "1"), 2, "'foo' is no parameter"),
    (("diana", "--stepsize", "1/4"), 2, "Write diana:rate=1/2"),
])  # fmt: skip
def test_what_cannot_be_certified_is_told(csgd: Command, arguments: tuple[str, ...], code: int, words: str) -> None:
    found = csgd("certify", *arguments)
    assert found[0] == code
    assert words in found[2]
