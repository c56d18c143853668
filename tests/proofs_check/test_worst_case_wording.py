"""Certificates in words: expectations, means over workers, what may be scaled, and what points and noises are."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import pytest

from proofs_check.worst_case import AbsoluteError, Contractive, Model, Smooth, Unbiased, gap, statement, trace
from proofs_check.worst_case.certificate import Certificate, upper_certificate
from proofs_check.worst_case.naming import described
from proofs_check.worst_case.wording import bound_in_words, initial_in_words, setting_in_words
from toolkit.algorithms import SGD, CompressedSGD


def claimed(model: Model, **changes: Any) -> dict[str, Any]:
    """Return a document that claims 1/2 of a model; what it says does not depend on the proof."""
    return upper_certificate({**statement(model), **changes}, Q(1, 2), {}).document


def model(**given: str) -> Model:
    return described({"method": "sgd", "stepsize": "1/2", "functions": "smooth:mu=1/10"} | given)


def test_moments_are_told_as_expectations() -> None:
    document = claimed(model(method="cgd", compressor="unbiased:omega=1", workers="2", minimiser="shared"))
    assert bound_in_words(document) == "E[f(x_1) − f*] ≤ 1/2 · E[f(x_0) − f*]"
    lines = "\n".join(setting_in_words(document))
    assert "its noise c_0[0] has mean 0 and is orthogonal to all vectors up to g_0[1]\n" in lines
    assert "its noise c_0[1] has mean 0 and is orthogonal to all vectors up to c_0[0]\n" in lines
    assert "order: x_0, g_0[0], g_0[1], c_0[0], c_0[1], g_1[0], g_1[1]" in lines


def test_shared_randomness_is_told() -> None:
    run = trace(CompressedSGD(stepsize=1), Smooth(), Unbiased(omega=1, shared=True), steps=1, workers=2)
    lines = "\n".join(setting_in_words(claimed(run.worst(gap, gap))))
    assert (
        "its noise c_0[1] has mean 0 and is orthogonal to all vectors up to g_1[1], and may share its random " in lines
    )
    assert "numbers with c_0[0]" in lines


def test_contractive_messages_hold_in_expectation_too() -> None:
    document = claimed(model(method="cgd", compressor="contractive:delta=3/4"))
    assert bound_in_words(document) == "f(x_1) − f* ≤ 1/2 · (f(x_0) − f*)"
    assert "c_0: contractive message of g_0, delta = 3/4 (random ones: in expectation)" in setting_in_words(document)


def test_the_mean_of_all_workers_is_f() -> None:
    document = claimed(model(workers="3"))
    assert bound_in_words(document) == "f(x_1) − f* ≤ 1/2 · (f(x_0) − f*)"
    lines = setting_in_words(document)
    assert any(
        line.startswith("f is the mean of f0, f1, f2") and "values are normalised" in line and "so is f*" in line
        for line in lines
    )
    shared = setting_in_words(claimed(model(workers="3", minimiser="shared")))
    assert "f is the mean of f0, f1, f2" in shared


def test_a_part_of_the_mean_is_bracketed() -> None:
    made = model(workers="2", minimiser="shared")
    first = next(iter(statement(made)["metric"][0]["scalars"]))
    document = claimed(made, metric=[{"products": [], "scalars": {first: "1/3"}, "constant": "0"}])
    assert bound_in_words(document).startswith("1/3 (f0(x_1) − f0*) ≤ ")


def test_without_a_common_minimum_there_is_no_lowest_value() -> None:
    document = claimed(model(workers="2", functions="smooth:mu=-1"))
    assert "*" not in bound_in_words(document)  # stationary is not minimal
    assert "normalised" not in "\n".join(setting_in_words(document))


def test_what_is_assumed_is_solved_for_its_constant() -> None:
    run = trace(CompressedSGD(stepsize=1), Smooth(), AbsoluteError(kappa_sq=1), steps=1)
    document = claimed(run.worst(gap, gap))
    assert bound_in_words(document) == "f(x_1) − f* ≤ 1/2, if f(x_0) − f* ≤ 1"
    assert initial_in_words(document) == "f(x_0) − f*"


@pytest.mark.parametrize("change", ["metric", "second", "sign", "equality"])
def test_only_what_scales_is_scaled(change: str) -> None:
    raw = statement(model())
    first = raw["assumptions"][0]
    changes: dict[str, Any] = {
        "metric": {"metric": [{**raw["metric"][0], "constant": "1"}]},
        "second": {"assumptions": [first, {**first, "name": "other"}]},
        "sign": {"assumptions": [{**first, "products": [["-1", {"x_0": "1"}, {"x_0": "1"}]]}]},
        "equality": {"assumptions": [{**first, "is": "= 0"}]},
    }[change]
    assert "·" in bound_in_words(claimed(model()))
    text = bound_in_words(claimed(model(), **changes))
    assert "·" not in text
    assert ", if " in text


def test_values_of_points_are_visible() -> None:
    raw = statement(model())
    raw["functions"][0]["points"][1]["f"] = {"f_0": "1/1000"}
    document = upper_certificate(raw, Q(1, 2), {}).document
    assert "f(x_0)" not in bound_in_words(document)  # f_0 is no longer the value of one point alone
    lines = "\n".join(setting_in_words(document))
    assert "gradient g_0, value f_0 at x_0; gradient g_1, value 1/1000 f_0 at x_1" in lines
    plain = "\n".join(setting_in_words(claimed(model())))
    assert "gradient g_0 at x_0; gradient g_1 at x_1" in plain


def test_a_certificate_is_shown_by_what_it_claims() -> None:
    run = trace(SGD(stepsize=1), Smooth(), Contractive(delta=1), steps=1)
    text = repr(Certificate(claimed(run.worst(gap, gap))))
    assert text == "<certificate, claims: f(x_1) − f* ≤ 1/2 · (f(x_0) − f*)>"
    assert repr(Certificate({"statement": 3})) == "<certificate, claims: nothing that can be read>"
