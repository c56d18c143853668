"""Check a certificate of a worst case in exact arithmetic, with the standard library: ``python verify.py cert.json``.

From the statement it derives every constraint anew: an affine form in the Gram matrix G of the vectors, the scalars F
and the (smallest) metric t, at most 0 or equal to 0. Upper bound: multipliers λ, ≥ 0 but for equalities, make Σ λ·form
= t + ⟨S, G⟩ − b, S positive semidefinite and b ≤ bound. Lower bound: a positive semidefinite G, F and t = bound satisfy
all constraints; then functions of the classes have them, by interpolation. It evaluates nothing it reads.
"""

import hashlib
import json
import re
import sys
from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from math import lcm
from typing import Any

BYTES, MOST, LENGTH, BITS, WORK, COST = 2_000_000, 20_000, 400, 1500, 300_000, 2e11  # what a file may ask of its reader
NAME, NUMBER = re.compile(r"[A-Za-z][\w*]{0,40}(\[[0-9]{1,4}\])?", re.A), re.compile(r"-?[0-9]+(/[1-9][0-9]*)?", re.A)
TEXT, VECTOR = re.compile(r"[ -~γμκδω²]{0,400}"), {NAME: NUMBER}
EXPRESSION = {"products": [(NUMBER, VECTOR, VECTOR)], "scalars": VECTOR, "constant": NUMBER}
FUNCTION = {"name": NAME, "class": re.compile("smooth|convex|lipschitz|quadratic"), "constants": VECTOR, "anchor":
            re.compile("minimum|infimum|none"), "points": [dict.fromkeys("xgf", VECTOR)]}  # fmt: skip
MESSAGE = {"class": re.compile("contractive|projection|absolute|unbiased|variance"), "constants": VECTOR,
           "given": VECTOR, "arrived": VECTOR, "past": re.compile("[0-9]{1,3}")}  # fmt: skip
STATEMENT = {"format": re.compile("worst case of a first-order method, 1"), "about": {TEXT: TEXT}, "vectors": [NAME],
             "scalars": [NAME], "named": {NAME: VECTOR}, "functions": [FUNCTION], "messages": [MESSAGE], "assumptions":
             [{"name": NAME, "is": re.compile("<= 0|= 0"), **EXPRESSION}], "metric": [EXPRESSION]}  # fmt: skip
CERTIFICATE = {"statement": STATEMENT, "sha256": TEXT, "bound": NUMBER, "proof": {"kind": re.compile("upper|lower"),
               "multipliers": {TEXT: NUMBER}, "gram": [[NUMBER]], "scalars": [NUMBER]}}  # fmt: skip

Form = dict[Any, Fraction]  # coefficients by (i, j), i ≤ j, of G; by ("F", name) of F; by "t" of t; by "1" the constant


class Refused(Exception):
    """The file is no certificate, or its proof does not go through; the message says why."""


def require(fine: Any, reason: str) -> None:
    if not fine:
        raise Refused(reason)


def read(path: str) -> Any:
    """Return the content of a certificate file; a number becomes a text, an object that names a field twice None."""
    try:
        with open(path, "rb") as file:
            data = file.read(BYTES + 1)
        require(len(data) <= BYTES, f"the file is larger than {BYTES} bytes")
        fields: Any = lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else None  # noqa: E731
        return json.loads(data, object_pairs_hook=fields, parse_float=str, parse_int=str, parse_constant=str)
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"the file cannot be read as JSON: {error}") from None


def shaped(value: Any, shape: Any, where: str) -> None:
    """Refuse what is not of a shape: a pattern for texts, [shape] for lists, (shapes) for lists of one length."""
    if isinstance(shape, re.Pattern):
        fine = isinstance(value, str) and len(value) <= LENGTH and shape.fullmatch(value)
        require(fine, f"{where} cannot be {str(value)[:40]!r}")
    elif isinstance(shape, dict):
        free = isinstance(next(iter(shape)), re.Pattern)  # any names of this pattern, or just these
        require(isinstance(value, dict) and len(value) <= MOST, f"{where} is no object, or too large")
        require(free or value.keys() == shape.keys(), f"{where} must have the fields {', '.join(map(str, shape))}")
        for key, inner in value.items():
            shaped(key, next(iter(shape)) if free else TEXT, f"a name in {where}")
            shaped(inner, next(iter(shape.values())) if free else shape[key], f"{where}.{key}")
    else:
        require(isinstance(value, list) and len(value) <= MOST, f"{where} is no list, or too long")
        require(isinstance(shape, list) or len(value) == len(shape), f"{where} has not {len(shape)} members")
        for k, inner in enumerate(value):
            shaped(inner, shape[k if isinstance(shape, tuple) else 0], f"{where}[{k}]")


def add(form: Any, other: Any, factor: Any = 1) -> Any:
    """Add a multiple of a form, or of a vector, to another in place."""
    for key, value in other.items():
        form[key] = form.get(key, Fraction(0)) + factor * value
        require(form[key].denominator.bit_length() <= BITS, "the numbers have too many denominators")
    return form


def combine(raw: Any, known: Any) -> Any:
    """Return the sum of known forms, or vectors, with the coefficients given by their names."""
    total: Any = {}
    for name, value in raw.items():
        add(total, known[name], Fraction(value))
    return {key: value for key, value in total.items() if value}


class Statement:
    """The constraints that follow from a statement: `forms`, and whether each is an equality, by their names."""

    def __init__(self, raw: Any) -> None:
        self.names, self.order = raw["vectors"], len(raw["vectors"])
        others = (one["name"] for one in raw["assumptions"] + raw["functions"])
        names = [*self.names, *raw["scalars"], *raw["named"], *others]
        fine = len(set(names)) == len(names) <= 500 and self.order <= 100 and raw["metric"]
        require(fine, "two symbols have one name, there are too many, or there is no metric")
        self.scalars = {name: {("F", name): Fraction(1)} for name in raw["scalars"]}
        self.vectors = {name: {i: Fraction(1)} for i, name in enumerate(self.names)}
        self.vectors |= {name: combine(value, self.vectors) for name, value in raw["named"].items()}
        self.work, self.no_lower = 0, ""  # the latter says why there can be no lower bound
        self.forms = {one["name"]: (self.expression(one), one["is"] == "= 0") for one in raw["assumptions"]}
        for one in raw["functions"]:
            self.function(one, {name: Fraction(value) for name, value in one["constants"].items()})
        for k, one in enumerate(raw["messages"]):
            self.message(f"message {k}", one, *map(Fraction, one["constants"].values()))
        for k, one in enumerate(raw["metric"]):
            self.forms[f"metric {k}"] = add({"t": Fraction(1)}, self.expression(one), -1), False

    def expression(self, raw: Any) -> Form:
        form = add(combine(raw["scalars"], self.scalars), {"1": Fraction(raw["constant"])})
        for weight, u, v in raw["products"]:
            add(form, self.dot(combine(u, self.vectors), combine(v, self.vectors), Fraction(weight)))
        return form

    def dot(self, u: Any, v: Any, factor: Any = 1) -> Form:
        self.work += 5 + len(u) * len(v)
        require(self.work <= WORK, "the statement is too large")
        form: Form = {}
        for (i, a), (j, b) in product(u.items(), v.items()):
            add(form, {(min(i, j), max(i, j)): factor * a * b})
        return form

    def function(self, raw: Any, constants: dict[str, Fraction]) -> None:
        """State the interpolation conditions of a function: `name(i,j)`, the minimiser being `*`."""
        name, kind, anchor = raw["name"], raw["class"], raw["anchor"]
        mu, L = (constants["mu"], constants["L"]) if kind in ("smooth", "quadratic") else (Fraction(0), None)
        require(L is None or mu < L > 0, "it must be that mu < L and L > 0")
        below = anchor == "infimum" or (anchor == "minimum" and mu < 0)  # when f ≥ 0 is a condition of its own
        if below and (mu > 0 or kind == "quadratic"):
            self.no_lower = f"the conditions of this class are not known to suffice with mu = {mu} and a known {anchor}"
        known: list[Any] = [("*", {}, {}, {})] if anchor == "minimum" else []
        for k, one in enumerate(raw["points"]):
            known.append((k, *(combine(one[part], self.vectors) for part in "xg"), combine(one["f"], self.scalars)))
        if kind == "quadratic":
            return self.quadratic(name, known, mu, L)
        for (a, x, g, f), (b, y, h, e) in permutations(known, 2):
            step = add(dict(x), y, -1)
            change, form = add(add(dict(g), h, -1), step, -mu), add(add(dict(e), f, -1), self.dot(h, step))
            add(add(form, self.dot(step, step, mu / 2)), self.dot(change, change, 1 / (2 * (L - mu)) if L else 0))
            self.forms[f"{name}({a},{b})"] = form, False
        for a, _, g, f in known:
            if kind == "lipschitz":
                self.forms[f"{name}({a}) slope"] = add(self.dot(g, g), {"1": -(constants["M"] ** 2)}), False
            if below and a != "*":
                self.forms[f"{name}({a}) infimum"] = add(self.dot(g, g, 1 / (2 * L)) if L else {}, f, -1), False

    def quadratic(self, name: str, known: list[Any], mu: Any, L: Any) -> None:
        """State that a step u changes g by v = Au and f by ⟨g + v/2, u⟩, where mu ≤ A = A' ≤ L."""
        (_, x, g, f), *others = known
        steps = [(add(dict(y), x, -1), add(dict(h), g, -1), add(dict(e), f, -1), a) for a, y, h, e in others]
        # That is, ⟨u_i, v_j⟩ is symmetric, and ⟨v_i − mu u_i, L u_j − v_j⟩ the Gram matrix of vectors at the end of G.
        for (i, (u, v, rise, a)), (j, (w, z, _, b)) in combinations_with_replacement(enumerate(steps, self.order), 2):
            bent = self.dot(add(dict(v), u, -mu), add(add({}, w, L), z, -1))
            self.forms[f"{name}({a},{b}) bent"] = add(bent, {(i, j): Fraction(-1)}), True
            other = self.dot(w, v) if i < j else add(add({}, rise, 2), self.dot(u, g), -2)
            self.forms[f"{name}({a},{b})"] = add(self.dot(u, z), other, -1), True
        self.order += len(steps)

    def message(self, name: str, raw: Any, constant: Fraction) -> None:
        """State what is known of a message and of what it was made from."""
        kind, past = raw["class"], int(raw["past"])
        given, arrived = combine(raw["given"], self.vectors), combine(raw["arrived"], self.vectors)
        error = {i: a for i, a in add(dict(arrived), given, -1).items() if a}
        absolute, noisy = kind in ("absolute", "variance"), kind in ("unbiased", "variance")
        require(constant >= 0 and (constant <= 1 or absolute or noisy), f"{name}: its constant is out of range")
        allowed = {"1": constant} if absolute else self.dot(given, given, constant if noisy else 1 - constant)
        self.forms[name] = add(self.dot(error, error), allowed, -1), False
        if kind == "projection":
            self.forms[f"{name} projection"] = self.dot(arrived, error, -1), True
        if noisy:
            self.no_lower = "a model of moments gives upper bounds only"
            fresh = len(error) == 1 and max(given, default=-1) < past <= min(error)
            require(fresh, f"{name}: its noise must be one vector, later than its past, which holds what is given")
            self.forms |= {f"{name} noise {v}": (self.dot(error, self.vectors[v]), True) for v in self.names[:past]}

    def upper(self, bound: Fraction, proof: Any) -> None:
        total = combine(proof["multipliers"], {name: form for name, (form, _) in self.forms.items()})
        for name, text in proof["multipliers"].items():
            require(self.forms[name][1] or text[0] != "-", f"the multiplier of the inequality {name!r} is negative")
        require(total.pop("t", 0) == 1, "the multipliers of the metrics do not add up to 1")
        require(not any(total.pop(("F", name), 0) for name in self.scalars), "the scalars do not cancel")
        require(-total.pop("1", Fraction(0)) <= bound, f"the multipliers prove no bound as low as {bound}")
        require(semidefinite(total, self.order), "the residual matrix is not positive semidefinite")

    def lower(self, bound: Fraction, proof: Any) -> None:
        require(not self.no_lower, self.no_lower)
        G = {(i, j): Fraction(proof["gram"][j][i]) for j in range(self.order) for i in range(j + 1)}
        F = {("F", name): Fraction(text) for name, text in zip(self.scalars, proof["scalars"], strict=True)}
        values = {key: {"": value} for key, value in ({"t": bound, "1": Fraction(1)} | G | F).items()}
        for name, (form, equality) in self.forms.items():
            total = combine(form, values).get("", 0)
            require(total == 0 if equality else total <= 0, f"the instance violates {name!r}")
        twice = {(i, j): g if i == j else 2 * g for (i, j), g in G.items()}
        require(semidefinite(twice, self.order), "the Gram matrix is not positive semidefinite")


def semidefinite(form: Form, n: int) -> bool:
    """Tell whether the matrix of a form ⟨S, G⟩ is positive semidefinite, by LDLᵀ without fractions (Bareiss)."""
    scale, last, M = 2, 1, [[0] * n for _ in range(n)]
    for value in form.values():
        scale = lcm(scale, 2 * value.denominator)
        require(scale.bit_length() <= BITS, "the numbers have too many denominators")
    for (i, j), value in form.items():
        M[i][j] = M[j][i] = int(value * scale) if i == j else int(value * scale) // 2
    bits = max((abs(value).bit_length() for row in M for value in row), default=0)
    require(n**3 * (n * bits) ** 1.5 <= COST, "the numbers are too long for a matrix of this order")
    for k in range(n):
        pivot, row = M[k][k], M[k]
        if pivot < 0 or (pivot == 0 and any(row[k:])):
            return False
        for i in range(k + 1, n if pivot else 0):
            for j in range(i, n):
                M[i][j] = M[j][i] = (pivot * M[i][j] - row[i] * row[j]) // last
        last = pivot or last
    return True


def words(raw: Any) -> str:
    """Return an expression, or a vector, of a statement as text."""
    terms = list(raw.items())
    if "products" in raw:
        products = [(f"<{words(u)}, {words(v)}>", weight) for weight, u, v in raw["products"]]
        terms = [*products, *raw["scalars"].items(), ("", raw["constant"])]
    return " + ".join(f"{value} {name}".strip().removeprefix("1 ") for name, value in terms if value != "0") or "0"


def check(certificate: Any) -> str:
    """Return what a certificate proves, in one line; raise `Refused` if it proves nothing."""
    shaped(certificate, CERTIFICATE, "certificate")
    raw, bound, proof = certificate["statement"], Fraction(certificate["bound"]), certificate["proof"]
    text = json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
    require(hashlib.sha256(text).hexdigest() == certificate["sha256"], "the statement is not that of the hash")
    try:
        getattr(Statement(raw), proof["kind"])(bound, proof)  # upper or lower, and nothing else
        metric, sign = " or ".join(map(words, raw["metric"])), "<=" if proof["kind"] == "upper" else "can be"
        given = ", ".join(f"{words(one)} {one['is']}" for one in raw["assumptions"])
    except (LookupError, TypeError, ValueError) as error:
        raise Refused(f"something is missing, or one too many: {error}") from None
    return f"proved: {metric} {sign} {bound}, where {given}"


if __name__ == "__main__":
    try:
        print(check(read(sys.argv[1])))
    except (Refused, IndexError) as reason:
        sys.exit(f"not proved: {reason}")
