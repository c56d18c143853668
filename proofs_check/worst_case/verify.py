"""Check a certificate of a worst case in exact arithmetic, with the standard library: ``python verify.py cert.json``.

It derives every constraint anew from the statement: an affine form in the Gram matrix G of the vectors, the scalars F
and the (smallest) metric t. Upper bound: multipliers λ, ≥ 0 but for equalities, make Σ λ·form = t + ⟨S, G⟩ − b, S ⪰ 0,
b ≤ bound. Lower bound: some G ⪰ 0, F and t = bound satisfy them, and so, by interpolation, do functions of the classes.
Nothing read is evaluated, nor is it decided whether anything is as assumed: of nothing, every bound is true.
"""

import hashlib
import json
import re
import sys
from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from math import lcm
from typing import Any

BYTES, MOST, LENGTH, BITS, WORK, COST = 2_000_000, 2e4, 400, 1500, 7e5, 2e11  # what a file may ask of its reader
NAME, NUMBER = re.compile(r"[A-Za-z][\w*]{0,40}(\[[0-9]{1,4}\])?", re.A), re.compile(r"-?[0-9]+(/[1-9][0-9]*)?", re.A)
TEXT, VECTOR = re.compile(r"[ -~γμκδω²]{0,400}"), {NAME: NUMBER}
EXPRESSION = {"products": [(NUMBER, VECTOR, VECTOR)], "scalars": VECTOR, "constant": NUMBER}
CONSTANTS = {"smooth": "L mu", "quadratic": "L mu", "convex": "", "lipschitz": "M", "contractive": "delta", "absolute":
             "kappa_sq", "projection": "delta", "unbiased": "omega", "variance": "sigma_sq"}  # fmt: skip
FUNCTION = {"name": NAME, "class": re.compile("smooth|convex|lipschitz|quadratic"), "constants": VECTOR, "anchor":
            re.compile("minimum|infimum|none"), "points": [dict.fromkeys("xgf", VECTOR)]}  # fmt: skip
MESSAGE = {"class": re.compile("contractive|projection|absolute|unbiased|variance"), "constants": VECTOR,
           "given": VECTOR, "arrived": VECTOR, "past": re.compile("[0-9]{1,3}")}  # fmt: skip
STATEMENT = {"format": re.compile("worst case of a first-order method, 1"), "about": {TEXT: TEXT}, "vectors": [NAME],
             "scalars": [NAME], "named": {NAME: VECTOR}, "functions": [FUNCTION], "messages": [MESSAGE], "assumptions":
             [{"name": NAME, "is": re.compile("<= 0|= 0"), **EXPRESSION}], "metric": [EXPRESSION]}  # fmt: skip
CERTIFICATE = {"statement": STATEMENT, "sha256": TEXT, "bound": NUMBER, "proof": {"kind": re.compile("upper|lower"),
               "multipliers": {TEXT: NUMBER}, "gram": [[NUMBER]], "scalars": [NUMBER]}}  # fmt: skip


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
    kind = str if isinstance(shape, re.Pattern) else dict if isinstance(shape, dict) else list
    fine = isinstance(value, kind) and len(value) <= (LENGTH if kind is str else MOST)
    require(fine and (kind is not str or shape.fullmatch(value)), f"{where} cannot be {str(value)[:40]!r}")
    if kind is list:
        require(isinstance(shape, list) or len(value) == len(shape), f"{where} has not {len(shape)} members")
        for k, one in enumerate(value):
            shaped(one, shape[k if isinstance(shape, tuple) else 0], f"{where}[{k}]")
    elif kind is dict:
        free = isinstance(name := next(iter(shape)), re.Pattern)  # any names of this pattern, or just these
        require(free or value.keys() == shape.keys(), f"{where} must have the fields {', '.join(map(str, shape))}")
        for key, one in value.items():
            shaped(key, name if free else TEXT, f"a name in {where}")
            shaped(one, shape[name if free else key], f"{where}.{key}")


class Statement:
    """The constraints that follow from a statement: `forms`, and whether each is an equality, by their names."""

    def __init__(self, raw: Any) -> None:
        self.names, self.order, self.work, self.no_lower = raw["vectors"], len(raw["vectors"]), 0, ""
        names = ["products", *self.names, *raw["scalars"], *raw["named"]]  # the first would be misread in `words`
        names += [one["name"] for one in raw["assumptions"] + raw["functions"]]
        fine = len(set(names)) == len(names) <= 501 and self.order <= 100 and raw["metric"]
        require(fine, "two symbols have one name, there are too many, or there is no metric")
        self.scalars = {name: {("F", name): Fraction(1)} for name in raw["scalars"]}
        self.vectors = {name: {i: Fraction(1)} for i, name in enumerate(self.names)}
        self.vectors |= {name: self.combine(value, self.vectors) for name, value in raw["named"].items()}
        self.forms = {one["name"]: (self.expression(one), one["is"] == "= 0") for one in raw["assumptions"]}
        self.made, self.first = list[Any](), self.order  # what is made of what; the first noise
        for one in raw["functions"] + raw["messages"]:
            require(" ".join(sorted(one["constants"])) == CONSTANTS[one["class"]], "a class has other constants")
        for one in raw["functions"]:
            self.function(one, {name: Fraction(value) for name, value in one["constants"].items()})
        for k, one in enumerate(raw["messages"]):
            self.message(f"message {k}", one, *map(Fraction, one["constants"].values()))
        often = Counter(i for _, new in self.made for i in new)
        late = [(old, new) for old, new in self.made if max(old, default=-1) >= self.first]
        fine = all(len(new) == 1 and often[min(new)] == 1 and min(new) >= max(old) for old, new in late)
        require(fine, "what is made of a noise must be one vector of its own, later than the noise")
        for k, one in enumerate(raw["metric"]):
            self.forms[f"metric {k}"] = self.plus({"t": Fraction(1)}, self.expression(one), -1), False

    def plus(self, form: Any, other: Any, factor: Any = 1) -> Any:
        """Add to a vector, or a form: a dict of coefficients by (i, j) of G, i ≤ j, by ("F", name), "t" and "1"."""
        total, self.work = dict(form), self.work + len(form) // 8
        for key, value in other.items() if isinstance(other, dict) else other:
            total[key], self.work = total.get(key, 0) + factor * value, self.work + 1
            fine = self.work <= WORK and total[key].denominator.bit_length() <= BITS
            require(fine, "the statement is too large, or its numbers have too many denominators")
        return total

    def combine(self, raw: Any, known: Any) -> Any:
        """Return the sum of known forms, or vectors, with the coefficients given by their names."""
        terms = ((key, Fraction(value) * one) for name, value in raw.items() for key, one in known[name].items())
        return {key: value for key, value in self.plus({}, terms).items() if value}

    def dot(self, u: Any, v: Any, factor: Any = 1) -> Any:
        terms = (((min(i, j), max(i, j)), a * b) for (i, a), (j, b) in product(u.items(), v.items()))
        return self.plus({}, terms, factor)

    def expression(self, raw: Any) -> Any:
        form = self.plus(self.combine(raw["scalars"], self.scalars), {"1": Fraction(raw["constant"])})
        for weight, *pair in raw["products"]:
            form = self.plus(form, self.dot(*(self.combine(one, self.vectors) for one in pair)), Fraction(weight))
        return form

    def function(self, raw: Any, constants: dict[str, Fraction]) -> None:
        """State the interpolation conditions of a function: `name(i,j)`, the minimiser being `*`."""
        name, kind, anchor = raw["name"], raw["class"], raw["anchor"]
        mu, L = constants.get("mu", Fraction(0)), constants.get("L")
        require(L is None or mu < L > 0, "it must be that mu < L and L > 0")
        below = anchor == "infimum" or (anchor == "minimum" and mu < 0)  # when f ≥ 0 is a condition of its own
        if below and (mu > 0 or kind == "quadratic"):
            self.no_lower = f"the conditions of this class are not known to suffice with mu = {mu} and a known {anchor}"
        known: list[Any] = [("*", {}, {}, {})] if anchor == "minimum" else []
        for k, one in enumerate(raw["points"]):
            x, g = (self.combine(one[key], self.vectors) for key in "xg")
            known.append((k, x, g, self.combine(one["f"], self.scalars)))
            self.made.append((x, g))
        if kind == "quadratic":
            return self.quadratic(name, known, mu, L)
        for (a, x, g, f), (b, y, h, e) in permutations(known, 2):
            step = self.plus(x, y, -1)
            bent, form = self.plus(self.plus(g, h, -1), step, -mu), self.plus(self.plus(e, f, -1), self.dot(h, step))
            form = self.plus(form, self.dot(bent, bent, 1 / (2 * (L - mu)) if L else 0))
            self.forms[f"{name}({a},{b})"] = self.plus(form, self.dot(step, step, mu / 2)), False
        for a, _, g, f in known:
            if kind == "lipschitz":
                self.forms[f"{name}({a}) slope"] = self.plus(self.dot(g, g), {"1": -(constants["M"] ** 2)}), False
            if below and a != "*":
                self.forms[f"{name}({a}) infimum"] = self.plus(self.dot(g, g, 1 / (2 * L)) if L else {}, f, -1), False

    def quadratic(self, name: str, known: list[Any], mu: Any, L: Any) -> None:
        """State, for steps u and v = Au, that ⟨u, v'⟩ = ⟨u', v⟩, and ⟨v − mu u, L u' − v'⟩ are products of vectors."""
        (_, x, g, f), *others = known
        steps = [(self.plus(y, x, -1), self.plus(h, g, -1), self.plus(e, f, -1), a) for a, y, h, e in others]
        for (i, (u, v, rise, a)), (j, (w, z, _, b)) in combinations_with_replacement(enumerate(steps, self.order), 2):
            bent = self.dot(self.plus(v, u, -mu), self.plus(self.plus({}, w, L), z, -1))
            self.forms[f"{name}({a},{b}) bent"] = self.plus(bent, {(i, j): Fraction(-1)}), True
            other = self.dot(w, v) if i < j else self.plus(self.plus({}, rise, 2), self.dot(u, g), -2)
            self.forms[f"{name}({a},{b})"] = self.plus(self.dot(u, z), other, -1), True
        self.order += len(steps)

    def message(self, name: str, raw: Any, constant: Fraction) -> None:
        """State what is known of a message and of what it was made from."""
        kind, past = raw["class"], int(raw["past"])
        given, arrived = self.combine(raw["given"], self.vectors), self.combine(raw["arrived"], self.vectors)
        error = {i: a for i, a in self.plus(arrived, given, -1).items() if a}
        absolute, noisy = kind in ("absolute", "variance"), kind in ("unbiased", "variance")
        require(constant >= 0 and (constant <= 1 or absolute or noisy), f"{name}: its constant is out of range")
        allowed = {"1": constant} if absolute else self.dot(given, given, constant if noisy else 1 - constant)
        self.forms[name] = self.plus(self.dot(error, error), allowed, -1), False
        self.made.append((given | error, error) if noisy else (given, arrived))
        if kind == "projection":
            self.forms[f"{name} projection"] = self.dot(arrived, error, -1), True
        if noisy:
            require(max(given, default=-1) < past <= min(error, default=-1), f"{name}: its noise must follow its past")
            self.no_lower, self.first = "a model of moments gives upper bounds only", min(self.first, *error)
            self.forms |= {f"{name} noise {v}": (self.dot(error, self.vectors[v]), True) for v in self.names[:past]}

    def upper(self, bound: Fraction, proof: Any) -> None:
        total = self.combine(proof["multipliers"], {name: form for name, (form, _) in self.forms.items()})
        for name, text in proof["multipliers"].items():
            require(self.forms[name][1] or text[0] != "-", f"the multiplier of the inequality {name!r} is negative")
        require(total.pop("t", 0) == 1, "the multipliers of the metrics do not add up to 1")
        require(not any(("F", name) in total for name in self.scalars), "the scalars do not cancel")
        require(-total.pop("1", Fraction(0)) <= bound, f"the multipliers prove no bound as low as {bound}")
        require(semidefinite(total, self.order), "the residual matrix is not positive semidefinite")

    def lower(self, bound: Fraction, proof: Any) -> None:
        require(not self.no_lower, self.no_lower)
        G = {(i, j): Fraction(proof["gram"][j][i]) for j in range(self.order) for i in range(j + 1)}
        F = {("F", name): Fraction(text) for name, text in zip(self.scalars, proof["scalars"], strict=True)}
        values = {key: {"": value} for key, value in ({"t": bound, "1": Fraction(1)} | G | F).items()}
        for name, (form, equality) in self.forms.items():
            total = self.combine(form, values).get("", 0)
            require(total == 0 if equality else total <= 0, f"the instance violates {name!r}")
        fine = semidefinite({(i, j): g if i == j else 2 * g for (i, j), g in G.items()}, self.order)
        require(fine, "the Gram matrix is not positive semidefinite")


def semidefinite(form: Any, n: int) -> bool:
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
        for i, j in combinations_with_replacement(range(k + 1, n if pivot else 0), 2):
            M[i][j] = M[j][i] = (pivot * M[i][j] - row[i] * row[j]) // last
        last = pivot or last
    return True


def words(raw: Any) -> str:
    terms = list(raw.items())  # of a vector, or else of an expression
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
        statement, above = Statement(raw), proof["kind"] == "upper"
        (statement.upper if above else statement.lower)(bound, proof)
    except (LookupError, TypeError, ValueError) as error:
        raise Refused(f"something is missing, or one too many: {error}") from None
    mean, metric = " in expectation" * (statement.first < len(statement.names)), " or ".join(map(words, raw["metric"]))
    given = ", ".join(f"{words(one)} {one['is']}" for one in raw["assumptions"])
    return f"proved{mean}: {metric} {'<=' if above else 'can be'} {bound}, where {given}"


if __name__ == "__main__":
    try:
        print(check(found := read(*sys.argv[1:])))
        print(*(f"{key}: {found['statement'][key]}" for key in ("functions", "messages", "named")), sep="\n")
    except (Refused, TypeError) as reason:
        sys.exit(f"not proved: {reason}")
