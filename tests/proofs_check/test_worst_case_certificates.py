"""Exact certificates of worst cases: that they bound, how closely, and that nothing else passes for one."""

from __future__ import annotations

import ast
import copy
import json
import random
import shutil
import subprocess
import sys
import time
from fractions import Fraction as Q
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from proofs_check.worst_case import (
    Certificate,
    Contractive,
    Projection,
    Smooth,
    Unbiased,
    certify,
    certify_tightly,
    distance,
    exhibit,
    gap,
    gradient,
    solve,
    statement,
    trace,
    verify,
)
from proofs_check.worst_case.certificate import upper_certificate
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.naming import described
from proofs_check.worst_case.settings import (
    FEEDBACK,
    best_stepsize,
    cgd,
    cgd_best_stepsize,
    ef21,
    error_feedback,
    feedback_factor,
)
from proofs_check.worst_case.tight import simplest
from proofs_check.worst_case.wording import bound_in_words, setting_in_words
from toolkit.algorithms import EF21, SGD, CompressedSGD
from toolkit.errors import WrongUse

MU, S = Q(1, 10), Q(1, 2)
SLACK = Q(1, 100_000)
VERIFIER = Path(verify.__file__)


def rehashed(document: dict[str, Any]) -> dict[str, Any]:
    proof = document["proof"]
    made = upper_certificate(document["statement"], Q(0), {})
    return {**document, "sha256": made.document["sha256"], "proof": proof}


def reason(document: Any) -> str:
    with pytest.raises(verify.Refused) as refused:
        verify.check(document)
    return str(refused.value)


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("name", ["CGD", "EF", "EF21"])
def test_bounds_from_both_sides_within_the_slack(name, steps):
    if name == "CGD":
        model, value = cgd(MU, S, cgd_best_stepsize(MU, S), steps), Q(841, 961) ** steps
    else:  # a rate that is rational, so that it can be compared exactly
        model, value = FEEDBACK[name](Q(3, 5), Q(1, 3), Q(5, 8), steps), Q(4, 9) ** steps
    above, below = certify(model), exhibit(model)
    # What the solver itself is off by, 1e-7, comes on top.
    assert value <= above.bound <= value * (1 + SLACK + Q(1, 10**7))
    assert value * (1 - SLACK - Q(1, 10**7)) <= below.bound <= value
    assert above.verified().startswith("proved: ")
    assert "can be" in below.verified()


RATIONAL = [(Q(3, 5), Q(1, 3), Q(4, 9)), (Q(2, 7), Q(1, 4), Q(9, 16)), (Q(5, 7), Q(1, 2), Q(9, 16)),
            (Q(3, 25), Q(1, 4), Q(49, 64))]  # fmt: skip


@pytest.mark.parametrize(("mu", "s", "factor"), RATIONAL)
def test_rational_rates_of_error_feedback_are_proved_without_slack(mu, s, factor):
    stepsize = best_stepsize(mu, s)
    for make in (error_feedback, ef21):
        found = certify_tightly(make(mu, s, stepsize))
        assert found.bound == factor
        assert found.verified()
        assert certify_tightly(make(mu, s, stepsize, 2)).bound == factor**2
    assert float(factor) == pytest.approx(feedback_factor(mu, s, stepsize), rel=1e-12)


def test_rates_of_compressed_descent_are_proved_without_slack():
    assert certify_tightly(cgd(MU, S, Q(40, 31))).bound == Q(841, 961)
    assert certify_tightly(cgd(MU, S, Q(1))).bound == Q(361, 400)
    with pytest.raises(Uncertified):
        certify_tightly(error_feedback(MU, S, best_stepsize(MU, S)))  # its rate is irrational


def test_the_proof_in_the_sheet_is_found():
    found = certify_tightly(error_feedback(Q(3, 5), Q(1, 3), Q(5, 8))).document["proof"]["multipliers"]
    assert found == {"initial": "4/9", "message 0": "3", "f(*,0)": "5/6", "f(0,*)": "5/6", "metric 0": "1"}


def test_other_models_are_certified():
    models = {
        "projection": cgd(MU, S, cgd_best_stepsize(MU, S), kind=Projection),
        "two workers": ef21(MU, S, best_stepsize(MU, S), workers=2),
        "large L": trace(CompressedSGD(stepsize=Q(1, 150)), Smooth(mu=10, L=100), Contractive(delta=Q(3, 4)), steps=2)
        .worst(gap, gap),
        "no convexity": trace(SGD(stepsize=Q(1)), Smooth(mu=-1), steps=2, minimiser="infimum")
        .worst(gradient, gap, smallest=True),
    }  # fmt: skip
    for name, model in models.items():
        value = solve(model).value
        above, below = certify(model), exhibit(model)
        assert above.verified(), name
        assert below.verified(), name
        assert below.bound <= above.bound <= below.bound * (1 + 3 * SLACK), name
        assert float(below.bound) <= value * (1 + 1e-6), name
    moments = trace(CompressedSGD(stepsize=Q(1, 2)), Smooth(mu=MU), Unbiased(omega=1), steps=1)
    model = moments.worst(distance, distance)
    assert certify(model).verified()
    with pytest.raises(WrongUse, match="a model of moments gives upper bounds only"):
        exhibit(model)


def test_hypothesis_of_the_closed_form_lies_in_the_bracket():
    generator = random.Random(4)
    for _ in range(4):
        mu, s = Q(generator.randrange(1, 90), 100), Q(generator.randrange(5, 90), 100)
        stepsize = best_stepsize(mu, s) * Q(generator.randrange(30, 105), 100)
        for make in (error_feedback, ef21):
            model = make(mu, s, stepsize)
            rate = feedback_factor(mu, s, stepsize)
            assert float(exhibit(model).bound) <= rate * (1 + 1e-12)
            assert float(certify(model).bound) >= rate * (1 - 1e-12)


@pytest.fixture(scope="module")
def upper() -> dict[str, Any]:
    return certify(cgd(MU, S, cgd_best_stepsize(MU, S))).document


@pytest.fixture(scope="module")
def lower() -> dict[str, Any]:
    return exhibit(cgd(MU, S, cgd_best_stepsize(MU, S))).document


def test_the_verifier_is_one_short_file_that_runs_alone(tmp_path, upper, lower):
    text = VERIFIER.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 250
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in imports for alias in node.names if isinstance(node, ast.Import)}
    names |= {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names
    assert not any(word in text for word in ("eval(", "exec(", "pickle", "__import__"))
    shutil.copy(VERIFIER, tmp_path / "verify.py")
    (tmp_path / "broken.json").write_text("{}")
    outcomes = {}
    for name, document in (("upper", upper), ("lower", lower), ("broken", None)):
        if document is not None:
            Certificate(document).save(tmp_path / f"{name}.json")
        command = [sys.executable, "-I", "-S", "verify.py", f"{name}.json"]
        outcomes[name] = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert [one.returncode for one in outcomes.values()] == [0, 0, 1]
    first, *rest = outcomes["upper"].stdout.splitlines()
    assert first == f"proved: f_1 <= {upper['bound']}, where f_0 + -1 <= 0"
    assert [line.split(":")[0] for line in rest] == ["functions", "messages", "named"]
    assert "'class': 'smooth'" in rest[0]
    assert outcomes["lower"].stdout.startswith(f"proved: f_1 can be {lower['bound']}, where f_0 + -1 <= 0\n")
    assert outcomes["broken"].stdout == ""
    assert "not proved: " in outcomes["broken"].stderr
    assert Certificate.load(tmp_path / "upper.json").document == upper
    with pytest.raises(WrongUse, match="cannot be read"):
        Certificate.load(tmp_path / "none.json")


def test_a_lower_bound_or_a_tied_multiplier_is_not_let_through(upper):
    lowered = {**upper, "bound": str(Q(upper["bound"]) * (1 - 2 * SLACK))}
    assert "no bound as low" in reason(lowered)
    for name, wanted in (("metric 0", "do not add up to 1"), ("f(*,1)", "do not cancel"), ("initial", "do not cancel")):
        changed = copy.deepcopy(upper)
        changed["proof"]["multipliers"][name] = str(Q(changed["proof"]["multipliers"][name]) + Q(1, 10**9))
        assert wanted in reason(changed), name
    negative = copy.deepcopy(upper)
    negative["proof"]["multipliers"]["f(1,0)"] = "-1/1000000000"
    assert "negative" in reason(negative)
    without = copy.deepcopy(upper)
    del without["proof"]["multipliers"]["message 0"]
    assert "not positive semidefinite" in reason(without)


def test_a_changed_statement_is_refused_by_its_hash_and_with_a_new_one_by_the_proof(upper):
    for field, value in (("mu", "1/11"), ("L", "11/10")):
        changed = copy.deepcopy(upper)
        changed["statement"]["functions"][0]["constants"][field] = value
        assert "not that of the hash" in reason(changed)
        assert reason(rehashed(changed))
    weaker = copy.deepcopy(upper)
    weaker["statement"]["messages"][0]["constants"]["delta"] = "1/2"
    assert "not positive semidefinite" in reason(rehashed(weaker))


def test_an_instance_that_breaks_a_constraint_or_is_no_gram_matrix_is_refused(lower):
    higher = {**lower, "bound": str(Q(lower["bound"]) + Q(1, 1000))}
    assert "violates 'metric 0'" in reason(higher)
    broken = copy.deepcopy(lower)
    broken["proof"]["gram"][-1][-1] = "-1"
    assert reason(broken)
    indefinite = copy.deepcopy(lower)
    indefinite["statement"] |= {"functions": [], "messages": [], "assumptions": []}
    indefinite["proof"]["gram"][1][0] = "1000"
    assert "not positive semidefinite" in reason(rehashed({**indefinite, "bound": "0"}))
    short = copy.deepcopy(lower)
    short["proof"]["gram"].pop()
    assert "missing" in reason(short)


def test_no_lower_bound_where_the_conditions_are_not_sufficient():
    moments = trace(CompressedSGD(stepsize=Q(1, 2)), Smooth(mu=MU), Unbiased(omega=1), steps=1)
    strong = trace(SGD(stepsize=Q(1)), Smooth(mu=Q(1, 2)), steps=1, minimiser="infimum")
    for model in (moments.worst(distance, distance), strong.worst(gradient, gap)):
        above = certify(model).document
        n, scalars = len(model.vectors), len(model.scalars)
        nothing = {"gram": [["0"] * (j + 1) for j in range(n)], "scalars": ["0"] * scalars}
        document = {**above, "bound": "0", "proof": {"kind": "lower", "multipliers": {}, **nothing}}
        assert any(word in reason(document) for word in ("moments", "suffice"))
        with pytest.raises(WrongUse, match=r"moments|suffice"):
            exhibit(model)


def not_convex(mu: Q, name: str, steps: int, minimiser: str = "infimum") -> Any:
    run = {
        "GD": lambda: trace(SGD(stepsize=Q(1)), Smooth(mu=mu), steps=steps, minimiser=minimiser),
        "EF21": lambda: trace(
            EF21(stepsize=Q(1, 2)), Smooth(mu=mu), Contractive(delta=Q(3, 4)), steps=steps, minimiser=minimiser
        ),
    }[name]()
    return run.worst(gradient, gap, smallest=True)


@pytest.mark.parametrize("mu", [Q(-1), Q(-1, 2), Q(-1, 10), Q(0)])
def test_descent_on_functions_of_bounded_concavity_has_the_published_rate(mu):
    """Rotaru, Glineur and Patrinos 2022 (recalled), for γL ≤ 1; its functions attain their minimum, as for μ < 0."""
    steps = 3
    value = 2 / (1 + steps * (2 + mu / (1 - mu)))
    model = not_convex(mu, "GD", steps)
    above, below = certify(model), exhibit(model)
    assert above.verified()
    assert below.verified()
    assert value * (1 - SLACK - Q(1, 10**7)) <= below.bound <= value <= above.bound


@pytest.mark.parametrize("name", ["GD", "EF21"])
def test_a_minimum_of_a_function_that_is_not_convex_is_worth_no_more_than_a_lower_bound(name):
    """Then f ≥ ‖g‖²/(2L) is no consequence of the other conditions, and without it nothing would be bounded."""
    above, below = (certify(not_convex(Q(-1, 2), name, 2, "own")), exhibit(not_convex(Q(-1, 2), name, 2, "own")))
    assert above.verified()
    assert below.verified()
    value = solve(not_convex(Q(-1, 2), name, 2)).value
    assert value * (1 - 2e-5) <= below.bound <= above.bound <= value * (1 + 2e-5)
    without = copy.deepcopy(above.document)
    without["proof"]["multipliers"] = {
        one: value for one, value in without["proof"]["multipliers"].items() if "infimum" not in one
    }
    assert reason(without)


@pytest.mark.parametrize(("name", "steps"), [("GD", 2), ("EF21", 1), ("EF21", 2)])
def test_lower_bounds_with_an_infimum_are_attained_by_functions_that_attain_it(name, steps):
    """One more point, without slope and with value 0 far away in a new direction, is added to the exact instance."""
    for mu, allowed in ((Q(-1, 2), True), (Q(0), False)):
        model = not_convex(mu, name, steps)
        above, below = certify(model), exhibit(model)
        assert below.bound <= above.bound <= below.bound * (1 + 3 * SLACK)
        document = copy.deepcopy(below.document)
        assert verify.check(document)
        document["statement"]["vectors"].append("far")
        document["proof"]["gram"].append(["0"] * len(model.vectors) + ["1"])
        point = {"x": {"far": "1000"}, "g": {}, "f": {}}
        document["statement"]["functions"][0]["points"].append(point)
        if allowed:
            assert verify.check(rehashed(document))
        else:  # a convex function with a slope somewhere, which its minimum at this place is too close to
            assert "the instance violates" in reason(rehashed(document))


def test_a_lower_bound_of_a_convex_function_need_not_be_its_infimum():
    """A function that is 1 everywhere is nowhere below 0, and a method stays at 1."""
    model = trace(SGD(stepsize=Q(1)), Smooth(mu=0), steps=1, minimiser="infimum").worst(gap, gap)
    assert certify_tightly(model).bound == 1
    assert "can be" in exhibit(model).verified()
    assert "nowhere below its lower bound" in setting_in_words(exhibit(model).document)[0]
    assert "f_inf" in bound_in_words(exhibit(model).document)


@settings(max_examples=60)
@given(data=st.data())
def test_any_change_of_one_text_is_refused_or_harmless(upper, data):
    """A text anywhere in the file is replaced; the hash is left, so only the bound and the multipliers can matter."""
    mutant = copy.deepcopy(upper)
    holders: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, str):
                holders.append((node, key))
            elif isinstance(value, (dict, list)):
                walk(value)

    walk(mutant)
    holder, key = data.draw(st.sampled_from(holders))
    new = data.draw(st.one_of(st.text(max_size=8), st.sampled_from(["1/0", "0", "-1", "1e9", "nan", "2", None, 3])))
    assume(new != holder[key])
    holder[key] = new
    try:
        verify.check(mutant)
    except verify.Refused:
        return
    assert Q(mutant["bound"]) >= Q(841, 961)


def heavy(**changes: Any) -> dict[str, Any]:
    """Return a certificate of a made-up statement."""
    names = [f"v{i}" for i in range(30)]
    raw: dict[str, Any] = {
        "format": verify.STATEMENT["format"].pattern, "about": {}, "vectors": names, "scalars": ["f_0"], "named": {},
        "functions": [], "messages": [], "assumptions": [],
        "metric": [{"products": [], "scalars": {"f_0": "1"}, "constant": "0"}],
    }  # fmt: skip
    return upper_certificate(raw | changes, Q(1), {}).document


def long_number(seed: int) -> str:
    draw = random.Random(seed)
    return f"{draw.randrange(10**198)}/{draw.randrange(10**198) | 1}"


def hostile() -> dict[str, Any]:
    dense = {f"v{i}": long_number(i) for i in range(30)}
    point = {"x": dense, "g": dense, "f": {"f_0": "1"}}
    function = {"name": "f", "class": "smooth", "constants": {"mu": "0", "L": "1"}, "anchor": "none"}
    product = [[long_number(k), {"v0": long_number(k + 1)}, {"v1": "1"}] for k in range(1000)]
    gram = [[str(random.Random(j).randrange(10**390)) for _ in range(j + 1)] for j in range(30)]
    for j in range(30):
        gram[j][j] = "1" + "0" * 395
    lower = {"kind": "lower", "multipliers": {}, "gram": gram, "scalars": ["1"]}
    return {
        "dense points": heavy(functions=[{**function, "points": [point] * 50}]),
        "a quadratic of many points": heavy(functions=[{
            **function, "class": "quadratic", "points": [{**point, "x": {"v0": str(k)}, "g": {}} for k in range(1000)]
        }]),
        "many denominators": heavy(assumptions=[
            {"name": "a", "is": "<= 0", "products": product, "scalars": {}, "constant": "0"}
        ]),
        "long Gram matrix": {**heavy(), "proof": lower},
        "many symbols": heavy(vectors=[f"v{i}" for i in range(10_000)]),
        "many members": heavy(scalars=["f_0"] * 30_000),
        "no metric": heavy(metric=[]),
        "odd name": heavy(vectors=["x; import os"]),
        "a long number": {**heavy(), "bound": "9" * 5000},
        "no number": {**heavy(), "bound": "__import__('os')"},
        "another format": heavy(format="worst case of a first-order method, 2"),
        "two of one name": heavy(vectors=["v0", "v0"]),
        "an unknown symbol": heavy(metric=[{"products": [], "scalars": {"f_9": "1"}, "constant": "0"}]),
        "a list": [],
        "nothing": None,
        "a number": 7,
    }  # fmt: skip


@pytest.mark.parametrize(("name", "document"), hostile().items())
def test_hostile_certificates_are_refused_quickly(name, document):
    begin = time.process_time()
    assert reason(document)
    assert time.process_time() - begin < 10  # most take milliseconds; the largest statements a few seconds


@pytest.mark.parametrize("content", [
    b"", b"{", b"[" * 100_000, b'{"a": 1, "a": 2}', b"\xff\xfe", b"NaN", b'{"statement": ' + b"1" * 10_000 + b"}",
    b'"' + b"x" * 2_100_000 + b'"', b"nul",
])  # fmt: skip
def test_files_that_are_no_certificates_are_refused(tmp_path, content):
    path = tmp_path / "cert.json"
    path.write_bytes(content)
    with pytest.raises(verify.Refused):
        verify.check(verify.read(str(path)))


def test_a_truncated_file_is_refused(tmp_path, upper):
    text = json.dumps(upper)
    path = tmp_path / "cert.json"
    for length in range(0, len(text) - 1, 97):
        path.write_text(text[:length])
        with pytest.raises(verify.Refused):
            verify.check(verify.read(str(path)))


def test_what_follows_from_a_noise_comes_after_it():
    right = verify.read(str(next(path for path in GOLDEN if path.stem == "unbiased-2-steps")))
    raw = right["statement"]
    names, past = raw["vectors"], [one["past"] for one in raw["messages"]]
    assert (names, past) == (["x_0", "g_0", "c_0", "g_1", "c_1"], ["2", "4"])
    # The first noise would be orthogonal to the gradient at x_1, which it moves.
    names[2:4], raw["messages"][0]["past"] = ["g_1", "c_0"], "3"
    assert "made of a noise" in reason(rehashed(right))
    names[2:4], raw["messages"][0]["past"] = ["c_0", "g_1"], "2"
    assert "proved in expectation" in verify.check(rehashed(right))
    # x_0 would be a difference of what the noise moves.
    raw["functions"][0]["points"].append({"x": {}, "g": {"g_1": "1", "x_0": "1"}, "f": {}})
    assert "made of a noise" in reason(rehashed(right))


@pytest.mark.parametrize(("part", "constants"), [
    ("messages", {"eps": "3/4"}), ("messages", {}), ("functions", {"L": "1"}),
    ("functions", {"mu": "1/10", "L": "1", "M": "1"}),
])  # fmt: skip
def test_constants_have_the_names_of_their_class(upper, part, constants):
    changed = copy.deepcopy(upper)
    changed["statement"][part][0]["constants"] = constants
    assert "other constants" in reason(rehashed(changed))


def test_no_symbol_is_called_as_a_part_of_an_expression(upper):
    text = json.dumps(upper["statement"]).replace('"g_1"', '"products"')
    assert "one name" in reason(rehashed({**upper, "statement": json.loads(text)}))


def test_semidefiniteness_is_decided_exactly():
    def form(matrix: list[list[Any]]) -> Any:
        n = len(matrix)
        return {(i, j): Q(matrix[i][j]) * (1 if i == j else 2) for j in range(n) for i in range(j + 1)}

    tiny = Q(1, 10**60)
    assert verify.semidefinite(form([[1, 1], [1, 1]]), 2)
    assert not verify.semidefinite(form([[1, 1], [1, 1 - tiny]]), 2)
    assert verify.semidefinite(form([[0, 0, 0], [0, 2, 1], [0, 1, Q(1, 2)]]), 3)
    assert not verify.semidefinite(form([[0, tiny], [tiny, 1]]), 2)
    assert not verify.semidefinite(form([[-tiny]]), 1)
    assert verify.semidefinite({}, 3)
    generator = np.random.default_rng(1)
    for _ in range(30):
        n = int(generator.integers(1, 6))
        factor = generator.integers(-3, 4, size=(n, n + int(generator.integers(-1, 2)) + 1))
        matrix = factor @ factor.T - generator.integers(0, 2) * np.eye(n, dtype=int)
        smallest = np.linalg.eigvalsh(matrix)[0]
        if abs(smallest) > 1e-9:
            assert verify.semidefinite(form(matrix.tolist()), n) == (smallest > 0)


def test_the_simplest_number_nearby():
    assert [simplest(value, 1e-6) for value in (0.0, 1 / 3, -2 / 7, 3.0, 0.875130072)] == [
        0, Q(1, 3), Q(-2, 7), 3, Q(841, 961),
    ]  # fmt: skip


GOLDEN = sorted((Path(__file__).parent / "certificates").glob("*.json"))
BOUNDS = {
    "cgd-1-step-tight": "841/961",
    "cgd-5-steps": "1076453/2097152",
    "cgd-5-steps-lower": "2152885/4194304",
    "ef-3-workers": "57987/65536",
    "ef-5-steps-tight": "1024/59049",
    "ef21-1-step": "57987/65536",
    "ef21-1-step-lower": "7422273/8388608",
    "ef21-5-steps-tight": "1024/59049",
    "quadratic-4-steps": "52643/262144",
    "unbiased-2-steps": "730591/1048576",
}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_certificates_made_earlier_still_prove_what_they_did(path):
    document = verify.read(str(path))
    assert verify.check(document).startswith("proved in expectation: " if "unbiased" in path.stem else "proved: ")
    assert document["bound"] == BOUNDS[path.stem]
    about = document["statement"]["about"]
    assert statement(described(about), about) == document["statement"]
    lowered = {**document, "bound": str(Q(document["bound"]) * (1 - 2 * SLACK))}
    raised = {**document, "bound": str(Q(document["bound"]) * (1 + 2 * SLACK))}
    assert reason(lowered if document["proof"]["kind"] == "upper" else raised)


def test_the_verifier_also_runs_as_a_module_of_the_package():
    assert {path.stem for path in GOLDEN} == set(BOUNDS)
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-m", "proofs_check.worst_case.verify", str(GOLDEN[0])]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "proved: f_1 <= 841/961, where f_0 + -1 <= 0")
