"""Mutants of the golden certificates, judged by the worst cases of their own statements, which are read twice."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction as Q
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofs_check.worst_case import verify
from proofs_check.worst_case.certificate import upper_certificate
from proofs_check.worst_case.program import Program, entries
from proofs_check.worst_case.solving import Unsolved, solve

GOLDEN = {path.stem: verify.read(str(path)) for path in (Path(__file__).parent / "certificates").glob("*.json")}
UPPER = [name for name, document in GOLDEN.items() if document["proof"]["kind"] == "upper"]
NEAR = 1e-6  # relative, and a tenth of it absolute: what an interior-point method in double precision is trusted with

Row = tuple[Any, Any, float, bool]  # ⟨A, G⟩ + b'(F, t) + c ≤ 0, or = 0 if the last is True


class Reading:
    """A statement as arrays: its basis vectors are unit vectors, and each product is a matrix.

    Parameters
    ----------
    raw : dict
        The statement, of shape as the verifier wants it.
    """

    def __init__(self, raw: Any) -> None:
        # The matrix inequality of a quadratic has as many vectors of its own as the function has points.
        own = sum(len(one["points"]) for one in raw["functions"] if one["class"] == "quadratic")
        self.vectors, self.order = list(raw["vectors"]), len(raw["vectors"]) + own
        self.places = {name: np.eye(self.order)[i] for i, name in enumerate(self.vectors)}
        self.places |= {name: self.vector(one) for name, one in raw["named"].items()}
        self.scalars = dict(zip(raw["scalars"], np.eye(len(raw["scalars"]) + 1), strict=False))
        self.nothing, self.t = np.zeros((self.order, self.order)), np.eye(len(raw["scalars"]) + 1)[-1]
        self.moments = any(one["class"] in ("unbiased", "variance") for one in raw["messages"])
        self.rows: list[Row] = [(*self.expression(one), one["is"] == "= 0") for one in raw["assumptions"]]
        free = len(self.vectors)
        for one in raw["functions"]:
            self.function(one, np.eye(self.order)[free:])
            free += len(one["points"]) if one["class"] == "quadratic" else 0
        made = [(one["x"], one["g"]) for function in raw["functions"] for one in function["points"]]
        made += [(one["given"], one["arrived"]) for one in raw["messages"]]
        for one in raw["messages"]:
            self.message(one, [(self.vector(old), self.vector(new)) for old, new in made])
        for one in raw["metric"]:
            A, b, c = self.expression(one)
            self.rows.append((-A, self.t - b, -c, False))

    def vector(self, raw: Any) -> Any:
        return sum((float(Q(a)) * self.places[name] for name, a in raw.items()), np.zeros(self.order))

    def scalar(self, raw: Any) -> Any:
        return sum((float(Q(a)) * self.scalars[name] for name, a in raw.items()), 0 * self.t)

    def expression(self, raw: Any) -> tuple[Any, Any, float]:
        products = (float(Q(w)) * dot(self.vector(u), self.vector(v)) for w, u, v in raw["products"])
        return sum(products, self.nothing), self.scalar(raw["scalars"]), float(Q(raw["constant"]))

    def least(self, A: Any, b: Any, c: float = 0.0) -> None:
        """Add that something is at least 0."""
        self.rows.append((-A, -b, -c, False))

    def function(self, raw: Any, free: Any) -> None:
        kind, constants = raw["class"], {name: float(Q(value)) for name, value in raw["constants"].items()}
        mu, L = (constants["mu"], constants["L"]) if kind in ("smooth", "quadratic") else (0.0, np.inf)
        known = [(self.vector(one["x"]), self.vector(one["g"]), self.scalar(one["f"])) for one in raw["points"]]
        for _, g, f in known if raw["anchor"] != "none" else []:  # a step of 1/L from here is not below the infimum
            self.least(-dot(g, g) / (2 * L), f)
        if raw["anchor"] == "minimum":
            known.append((np.zeros(self.order), np.zeros(self.order), 0 * self.t))
        if kind == "quadratic":
            return self.quadratic(known, mu, L, free)
        for (x, g, f), (y, h, e) in permutations(known, 2):
            # Taylor, Hendrickx and Glineur 2017, Theorem 4, as printed; for L = ∞ the inequality of subgradients.
            curved = dot(g - h, g - h) / L + mu * dot(x - y, x - y) - 2 * mu / L * dot(h - g, y - x)
            self.least(-dot(h, x - y) - curved / (2 * (1 - mu / L)), f - e)
        for _, g, _ in known if kind == "lipschitz" else []:
            self.least(-dot(g, g), 0 * self.t, constants["M"] ** 2)

    def quadratic(self, known: list[Any], mu: float, L: float, free: Any) -> None:
        """Bousselmi, Hendrickx and Glineur 2024: X'G is symmetric and (G − mu X)'(LX − G) positive semidefinite.

        Points count from the last, whose own lines are dropped.
        """
        if not known:
            return
        *others, (x, g, f) = known
        for i, (y, h, e) in enumerate(others):
            self.rows.append((dot(y - x, h + g) / 2, f - e, 0.0, True))
            for j, (z, k, _) in enumerate(others[: i + 1]):
                self.rows.append((dot(y - x, k - g) - dot(z - x, h - g), 0 * self.t, 0.0, True))
                block = dot(h - g - mu * (y - x), L * (z - x) - (k - g))
                self.rows.append((block - dot(free[i], free[j]), 0 * self.t, 0.0, True))

    def message(self, raw: Any, made: list[tuple[Any, Any]]) -> None:
        """State what is known of a message; its noise is orthogonal to the past as far as that is not made of it."""
        given, arrived = self.vector(raw["given"]), self.vector(raw["arrived"])
        error, kind = arrived - given, raw["class"]
        (constant,) = (float(Q(value)) for value in raw["constants"].values())
        relative = {"contractive": 1 - constant, "projection": 1 - constant, "unbiased": constant}.get(kind, 0.0)
        absolute = constant if kind in ("absolute", "variance") else 0.0
        self.least(relative * dot(given, given) - dot(error, error), 0 * self.t, absolute)
        if kind == "projection":
            self.rows.append((dot(arrived, given) - dot(arrived, arrived), 0 * self.t, 0.0, True))
        if kind in ("unbiased", "variance"):
            later = error != 0
            for _ in made:
                for old, new in made:
                    if (later & (old != 0)).any():
                        later = later | (new != 0)
            for name in self.vectors[: int(raw["past"])]:
                if not later[self.vectors.index(name)]:
                    self.rows.append((dot(error, self.places[name]), 0 * self.t, 0.0, True))

    def worst(self) -> float:
        """Return the worst case: infinite if the metric has no bound, −infinite if nothing satisfies the statement."""
        i, j = entries(self.order)
        A = np.array([row[0][i, j] * np.where(i == j, 1, 2) for row in self.rows])
        b, c, equality = (np.array([row[k] for row in self.rows]) for k in (1, 2, 3))
        names = tuple(map(str, range(len(self.rows))))
        try:
            return solve(Program(names, equality, A, b, c, self.order)).value
        except Unsolved as unsolved:  # the solver sees the dual program
            endless = {"PrimalInfeasible": np.inf, "DualInfeasible": -np.inf}
            return next((value for status, value in endless.items() if status in str(unsolved)), np.nan)


def dot(u: Any, v: Any) -> Any:
    """Return the matrix of ⟨u, v⟩ as a form in the Gram matrix."""
    return (np.outer(u, v) + np.outer(v, u)) / 2


def refused(document: Any) -> str:
    """Return why a certificate proves nothing, an empty text if it proves something."""
    try:
        verify.check(document)
    except verify.Refused as reason:
        return str(reason)
    return ""


def rehashed(document: Any) -> Any:
    return {**document, "sha256": upper_certificate(document["statement"], Q(0), {}).document["sha256"]}


Choose = Callable[[Sequence[Any]], Any]
SMALL = [Q(sign * k, 10**e) for e in (1, 2, 4, 7) for k in (1, 3) for sign in (1, -1)]
WORDS = {
    "class": ["smooth", "convex", "lipschitz", "quadratic", "contractive", "projection", "absolute", "unbiased",
              "variance"],
    "anchor": ["minimum", "infimum", "none"], "is": ["= 0", "<= 0"], "kind": ["upper", "lower"],
    "past": [str(k) for k in range(8)],
}  # fmt: skip


def holders(node: Any) -> Iterator[Any]:
    """Yield every list and object in a document, but what is only told."""
    if isinstance(node, (dict, list)):
        yield node
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if key != "about":
                yield from holders(value)


def items(node: Any) -> list[tuple[Any, Any]]:
    """Return the places of all texts in a document: holder, and key or index."""
    found = ((one, list(one) if isinstance(one, dict) else range(len(one))) for one in holders(node))
    return [(one, key) for one, keys in found for key in keys if isinstance(one[key], str)]


def change_numbers(part: str) -> Callable[[Any, Choose], None]:
    def change(document: Any, choose: Choose) -> None:
        places = [(one, key) for one, key in items(document[part]) if verify.NUMBER.fullmatch(one[key])]
        for holder, key in (choose(places) for _ in range(choose([1, 1, 3]))):
            value, amount = Q(holder[key]), choose(SMALL)
            holder[key] = str(choose([value * (1 + amount), value + amount, -value, 2 * value, Q(0)]))

    return change


def change_bound(document: Any, choose: Choose) -> None:
    document["bound"] = str(Q(document["bound"]) * (1 + choose(SMALL)))


def loosen_bound(document: Any, choose: Choose) -> None:
    """Make room for changes that make the worst case worse."""
    sign = 1 if document["proof"]["kind"] == "upper" else -1
    document["bound"] = str(Q(document["bound"]) * (1 + sign * abs(choose(SMALL))))


def change_a_constant(document: Any, choose: Choose) -> None:
    raw = document["statement"]
    holder = choose([one["constants"] for one in raw["functions"] + raw["messages"]] + raw["assumptions"])
    key = "constant" if "constant" in holder else choose(list(holder))
    holder[key] = str(Q(holder[key]) * (1 + choose(SMALL)))


def scale_the_metric(document: Any, choose: Choose) -> None:
    """Scale bound, multipliers and metric, or two of them; without the metric also its own multiplier, which is 1."""
    factor, left = 1 + choose(SMALL), choose(["nothing", "bound", "multipliers", "metric"])
    if left != "bound":
        document["bound"] = str(Q(document["bound"]) * factor)
    for name, value in document["proof"]["multipliers"].items() if left != "multipliers" else ():
        stays = name.startswith("metric") and left != "metric"
        document["proof"]["multipliers"][name] = value if stays else str(Q(value) * factor)
    for one in document["statement"]["metric"] if left != "metric" else ():
        one["products"] = [[str(Q(w) * factor), u, v] for w, u, v in one["products"]]
        one["scalars"] = {name: str(Q(value) * factor) for name, value in one["scalars"].items()}


def raise_opposite_multipliers(document: Any, choose: Choose) -> None:
    """Add to the multipliers of f(i,j) and f(j,i), so that values still cancel."""
    one = choose(document["statement"]["functions"])
    i, j, amount = *(choose(["*", "0", "1", "2"]) for _ in range(2)), abs(choose(SMALL))
    multipliers = document["proof"]["multipliers"]
    for name in (f"{one['name']}({i},{j})", f"{one['name']}({j},{i})"):
        multipliers[name] = str(Q(multipliers.get(name, 0)) + amount)


def swap_names(document: Any, choose: Choose) -> None:
    """Call a symbol by the name of another and the other way round, in the statement or in all of the file."""
    raw = document["statement"]
    names = [*raw["vectors"], *raw["scalars"], *raw["named"], "other"]
    one, other = choose(names), choose(names)
    parts = choose([["statement"], ["statement", "proof"]])
    pattern = rf'(?<=[" ])({re.escape(one)}|{re.escape(other)})(?=")'
    for part in parts:
        text = re.sub(pattern, lambda found: other if found[0] == one else one, json.dumps(document[part]))
        document[part] = json.loads(text)


def lists(document: Any) -> list[Any]:
    return [one for one in holders(document) if isinstance(one, list) and one]


def swap_members(document: Any, choose: Choose) -> None:
    one = choose(lists(document))
    i, j = (choose(range(len(one))) for _ in range(2))
    one[i], one[j] = one[j], one[i]


def repeat_a_member(document: Any, choose: Choose) -> None:
    one = choose(lists(document))
    one.append(copy.deepcopy(choose(one)))


def drop_a_part(document: Any, choose: Choose) -> None:
    objects = (one for one in holders(document) if isinstance(one, dict) and one)
    texts = [one for one in objects if all(isinstance(value, str) for value in one.values())]
    one = choose([*lists(document), *texts])
    del one[choose(list(one) if isinstance(one, dict) else range(len(one)))]


def change_a_word(document: Any, choose: Choose) -> None:
    holder, key = choose([(one, key) for one, key in items(document) if key in WORDS])
    holder[key] = choose(WORDS[key])


CHANGES = [  # some more often, as they are accepted more often with another worst case
    change_numbers("statement"), change_numbers("proof"), change_a_constant, change_a_constant, change_bound,
    loosen_bound, scale_the_metric, scale_the_metric, raise_opposite_multipliers, swap_names, swap_members,
    repeat_a_member, drop_a_part, change_a_word,
]  # fmt: skip
NAMES = [  # the larger ones take longer, and so come less often
    name
    for name, document in sorted(GOLDEN.items())
    for _ in range(max(1, 12 // len(document["statement"]["vectors"])))
]


@st.composite
def mutants(draw: Any) -> tuple[str, Any]:
    name = draw(st.sampled_from(NAMES))
    document = copy.deepcopy(GOLDEN[name])

    def choose(options: Sequence[Any]) -> Any:
        if not options:
            raise LookupError
        return options[draw(st.integers(0, len(options) - 1))]

    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3)):
        with suppress(LookupError, TypeError, ValueError):  # an earlier change left none of what this one is about
            change(document, choose)
    return name, rehashed(document)


@pytest.mark.parametrize("examples", [200, pytest.param(5000, marks=pytest.mark.slow)])
def test_no_accepted_mutant_states_more_than_its_own_worst_case(examples):
    seen: Counter[str] = Counter()
    values = {name: Reading(document["statement"]).worst() for name, document in GOLDEN.items()}
    worst = {json.dumps(GOLDEN[name]["statement"], sort_keys=True): value for name, value in values.items()}

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(mutants())
    def judge(mutant: tuple[str, Any]) -> None:
        name, document = mutant
        raw = document["statement"]
        changed = raw != GOLDEN[name]["statement"]
        if changed:
            assert refused({**document, "sha256": GOLDEN[name]["sha256"]})
        if refused(document):
            seen["refused"] += 1
            return
        reading, text = Reading(raw), json.dumps(raw, sort_keys=True)
        if text not in worst:
            worst[text] = reading.worst()
        value, bound = worst[text], float(Q(document["bound"]))
        if np.isnan(value):  # the solver gave up
            seen["not judged"] += 1
            return
        seen["accepted"] += 1
        seen["accepted with another worst case"] += changed and not np.isclose(value, values[name], rtol=NEAR)
        allowed = NEAR * (0.1 + abs(value)) if np.isfinite(value) else 0.0
        if document["proof"]["kind"] == "upper":
            assert bound >= value - allowed
        else:
            assert bound <= value + allowed
            assert not reading.moments

    judge()
    assert seen["refused"] > examples / 10
    assert seen["accepted"] > examples / 10
    assert seen["accepted with another worst case"] > examples / 50
    assert seen["not judged"] < examples / 50


@pytest.mark.parametrize("name", UPPER)
def test_a_bound_below_the_worst_case_is_refused(name):
    document = GOLDEN[name]
    value = Reading(document["statement"]).worst()
    bound = float(Q(document["bound"]))
    assert value * (1 - NEAR) <= bound <= value * (1 + 1.1e-5)  # its slack
    for below in (1e-6, 1e-4, 1e-2, 1):
        assert "no bound as low" in refused({**document, "bound": str(Q(value) * (1 - Q(below)))})


@pytest.mark.parametrize("name", UPPER)
def test_a_multiplier_tied_by_an_equality_or_a_sign_cannot_be_changed(name):
    """Tied is that of what has values of the function or the metric in it; a quadratic's f(i,j) have products only."""
    raw, bound, proof = (GOLDEN[name][part] for part in ("statement", "bound", "proof"))
    statement, multipliers = verify.Statement(raw), proof["multipliers"]
    statement.upper(Q(bound), proof)

    def refuses(one: str, value: Q, reason: str) -> None:
        with pytest.raises(verify.Refused, match=reason):
            statement.upper(Q(bound) + 1, {**proof, "multipliers": {**multipliers, one: str(value)}})

    quadratic = raw["functions"][0]["class"] == "quadratic"
    pattern = r"metric \d+|f\d*\((\d+),\1\)" if quadratic else r"metric \d+|f\d*\(\S+,\S+\)"
    tied = [one for one in multipliers if re.fullmatch(pattern, one)]
    assert len(tied) >= 2
    for one in tied:
        value = Q(multipliers[one])
        for changed in (value + Q(1, 10**12), value * (1 - Q(1, 10**12)), 2 * value):
            refuses(one, changed, "do not add up to 1|do not cancel")
    for one, (_, equality) in statement.forms.items():
        if not equality:
            refuses(one, Q(-1, 10**12), "is negative")
