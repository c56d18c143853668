"""A worst case described in short texts, as on the command line and in a certificate: ``smooth:mu=1/10,L=1``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from proofs_check.worst_case.fields import fraction, made, split
from proofs_check.worst_case.functions import Convex, FunctionClass, Lipschitz, Smooth
from proofs_check.worst_case.measures import (
    EF21Potential,
    ErrorFeedbackPotential,
    GossipPotential,
    distance,
    gap,
    gradient,
)
from proofs_check.worst_case.messages import AbsoluteError, Contractive, MessageClass, Projection, Unbiased
from proofs_check.worst_case.methods import method_named
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.quadratics import Quadratic
from proofs_check.worst_case.tracing import Measure, Trace, trace
from toolkit import members
from toolkit.algorithms import Algorithm
from toolkit.errors import WrongUse, nearest
from toolkit.topology import Topology, complete, ring

__all__ = ["DESCRIPTION", "Case", "case", "completed", "described", "fraction"]

# What describes a worst case, and what is meant where nothing is said.
DESCRIPTION = {
    "method": "",
    "stepsize": "",
    "functions": "smooth",
    "compressor": "none",
    "steps": "1",
    "workers": "1",
    "topology": "",
    "measure": "",
    "initial": "",
    "minimiser": "own",
}
FUNCTIONS: dict[str, type] = {"smooth": Smooth, "convex": Convex, "lipschitz": Lipschitz, "quadratic": Quadratic}
MESSAGES: dict[str, type] = {
    "contractive": Contractive,
    "projection": Projection,
    "absolute-error": AbsoluteError,
    "unbiased": Unbiased,
}
MEASURES: dict[str, Measure] = {"gap": gap, "distance": distance, "gradient": gradient}
POTENTIALS: dict[str, Any] = {"ErrorFeedback": ErrorFeedbackPotential, "EF21": EF21Potential, "CHOCO": GossipPotential}
MINIMISERS = ("own", "shared", "infimum", "none")
GRAPHS = {"ring": ring, "complete": complete}
LARGEST = 40  # steps, workers


@dataclass(frozen=True)
class Case:
    """A worst case that short texts describe.

    Parameters
    ----------
    method : Algorithm
    functions : FunctionClass or None
    kind : MessageClass or None
        The class of compressors.
    steps, workers : int
    topology : Topology or None
    measure, initial : str
        What is bounded, and what is at most 1 at the start: gap, distance, gradient or potential.
    minimiser : str
    """

    method: Algorithm
    functions: FunctionClass | None
    kind: MessageClass | None
    steps: int
    workers: int
    topology: Topology | None
    measure: str
    initial: str
    minimiser: str

    def run(self, steps: int, start: str = "any") -> Trace:
        """Return the symbolic run of so many steps, from any state or from the method's own start."""
        return trace(
            self.method,
            self.functions,
            self.kind,
            steps=steps,
            workers=self.workers,
            start=start,
            minimiser=None if self.minimiser == "none" else self.minimiser,
            topology=self.topology,
        )

    def called(self, measure: str) -> Measure:
        """Return the measure of a name."""
        return MEASURES[measure] if measure in MEASURES else _potential(self.method, self.kind)

    def model(self) -> Model:
        """Return the model of the worst case: from any state if it starts with a potential."""
        run = self.run(self.steps, "any" if self.initial == "potential" else "init")
        return run.worst(self.called(self.measure), self.called(self.initial))


def described(given: Mapping[str, str], own: type | None = None) -> Model:
    """Return the model that short texts describe.

    Parameters
    ----------
    given : mapping of str to str
        The fields of `DESCRIPTION`: method (with fields of its own after a colon), stepsize, functions, compressor,
        steps, workers, topology (ring or complete), measure (gap, distance, gradient, or potential, the Lyapunov
        function of EF, EF21 or CHOCO-Gossip; by default that where there is one, else the gap), initial (what is at
        most 1 at the start, by default the measure) and minimiser.
    own : type, optional
        The class that the method's name means, where it is a user's own; see `method_named`.

    Raises
    ------
    WrongUse
        If a name is unknown, a number is none, or what is measured means nothing.

    Examples
    --------
    >>> from proofs_check.worst_case import solve
    >>> given = {"method": "ef21", "stepsize": "5/8", "functions": "smooth:mu=3/5"}
    >>> round(solve(described(given | {"compressor": "contractive:delta=8/9"})).value, 6)
    0.444444
    """
    return case(given, own).model()


def case(given: Mapping[str, str], own: type | None = None) -> Case:
    """Return what short texts describe, with `described`'s parameters and errors."""
    unknown = sorted(set(given) - set(DESCRIPTION))
    if unknown:
        raise WrongUse(f"a worst case with {unknown[0]!r}", "there is no such field", "see DESCRIPTION for all of them")
    told = DESCRIPTION | dict(given)
    for field in ("method", "stepsize"):
        if not told[field]:
            raise WrongUse("a worst case", f"it names no {field}", f"say which {field}")
    functions = None if told["functions"] == "none" else _made(FUNCTIONS, told["functions"], "class of functions")
    kind = None if told["compressor"] == "none" else _made(MESSAGES, told["compressor"], "class of compressors")
    steps, workers = _count("steps", told["steps"]), _count("workers", told["workers"])
    method = method_named(told["method"], fraction(told["stepsize"]), steps, own)
    name = type(method).__name__
    potential = name in POTENTIALS and (name != "CHOCO" or functions is None)
    measure = told["measure"] or ("potential" if potential else "gap")
    initial, minimiser = told["initial"] or measure, told["minimiser"]
    if minimiser not in MINIMISERS:
        raise WrongUse(
            f"the minimiser {minimiser!r}", "nothing of the kind is known", f"choose: {', '.join(MINIMISERS)}"
        )
    if functions is None or (name == "EF21" and measure == initial == "potential"):
        minimiser = "none"  # none of its vectors is one of x: only differences
    topology = _graph(told["topology"], workers)
    if topology is None and hasattr(method, "consensus"):
        raise WrongUse(
            told["method"], "it averages over a graph, and there is none", "give --topology ring or complete"
        )
    found = Case(method, functions, kind, steps, workers, topology, measure, initial, minimiser)
    for one in (measure, initial):
        _check_meaning(found, one)
    return found


def completed(given: Mapping[str, str], own: type | None = None) -> dict[str, str]:
    """Return a description that says what is measured, what is known at the start, and what of a minimiser.

    A measure means the same at the start, but for the gap of convex functions without curvature, which is bounded by
    the distance, and for the gradient of functions that are not convex, which is bounded by the gap to an infimum.

    Examples
    --------
    >>> found = completed({"method": "sgd", "stepsize": "1"})
    >>> found["measure"], found["initial"], found["minimiser"]
    ('gap', 'distance', 'own')
    """
    lower = not given.get("minimiser")
    told = {key: value for key, value in given.items() if value}
    functions = None if told.get("functions") == "none" else _made(
        FUNCTIONS, told.get("functions", DESCRIPTION["functions"]), "class of functions"
    )  # fmt: skip
    mu = getattr(functions, "mu", Fraction(0))
    if told.get("measure") == "gradient" and mu < 0 and "initial" not in told:
        told["initial"] = "gap"
        if lower and told.get("workers", "1") == "1":
            told["minimiser"] = "infimum"
    found = case(told, own)
    if found.measure == "gap" and mu == 0 and "initial" not in told and found.minimiser in ("own", "shared"):
        told["initial"] = "distance"
    return DESCRIPTION | told | {"measure": found.measure, "initial": told.get("initial", found.initial)}


def _made(classes: Mapping[str, type], text: str, what: str) -> Any:
    name, fields = split(text)
    called = {members.short(known): known for known in classes}.get(members.short(name))
    if called is None:
        remedy = f"choose one of: {', '.join([*classes, 'none'])}"
        raise WrongUse(f"the {what} {name[:80]!r}", "there is none of this name", remedy, nearest(name, classes))
    return made(classes[called], called, fields)


def _check_meaning(told: Case, name: str) -> None:
    """Refuse a measure that says nothing: of a minimiser that is not known, or of functions that are not there."""
    method = type(told.method).__name__
    if name == "potential":
        _potential(told.method, told.kind)
        if method == "CHOCO" and (told.functions is not None or told.method.stepsize != 0):
            remedy = "give --stepsize 0 --class none, or another measure"
            raise WrongUse("the potential of CHOCO", "it is one of gossip, without functions", remedy)
    elif name not in MEASURES:
        remedy = f"choose one of: {', '.join(MEASURES)}; error-feedback, ef21 and choco have a potential too"
        raise WrongUse(f"the measure {name[:80]!r} of {method}", "there is no such measure", remedy)
    elif told.functions is None:
        remedy = "give a class of functions, or measure the potential of gossip"
        raise WrongUse(f"the measure {name}", "it is one of functions, and there are none", remedy)
    about = {"gap": "f*", "distance": "x*"}.get(name, "x*" if (name, method) == ("potential", "ErrorFeedback") else "")
    known = {"own": ("f*", "x*"), "shared": ("f*", "x*"), "infimum": ("f*",), "none": ()}[told.minimiser]
    if about and about not in known:
        wrong = f"it is about {about}, of which nothing is known with the minimiser {told.minimiser!r}"
        raise WrongUse(f"the measure {name} of {method}", wrong, "take --minimiser own or shared, or measure gradient")


def _potential(method: Algorithm, kind: MessageClass | None) -> Measure:
    name = type(method).__name__
    potential = POTENTIALS.get(name)
    if potential is None:
        remedy = f"choose one of: {', '.join(MEASURES)}; error-feedback, ef21 and choco have a potential too"
        raise WrongUse(f"the measure 'potential' of {name}", "there is no such measure", remedy)
    if not isinstance(kind, Contractive):
        remedy = "give --compressor contractive:delta=3/4 or projection:…, or another --measure"
        raise WrongUse(f"the potential of {name}", "it is made for a relative error", remedy)
    error = 1 - kind.delta
    s = Fraction(isqrt(error.numerator), isqrt(error.denominator))
    if s * s != error or not s:
        asked = f"the potential of {name} with δ = {kind.delta}"
        raise WrongUse(asked, "√(1 − δ) is not a rational number above 0", "take 1 − δ a square, such as δ = 3/4")
    found: Measure = potential(s)
    return found


def _graph(text: str, workers: int) -> Topology | None:
    if text in ("", "none"):
        return None
    if text not in GRAPHS:
        remedy = f"choose one of: {', '.join(GRAPHS)}"
        raise WrongUse(f"the topology {text[:80]!r}", "there is none of this name", remedy, nearest(text, GRAPHS))
    if workers < 2:
        raise WrongUse(f"the topology {text}", "one worker has no neighbours", "give --workers 2 or more")
    return GRAPHS[text](workers)


def _count(what: str, text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= LARGEST):
        raise WrongUse(f"{what} = {text[:80]}", f"it is no whole number from 1 to {LARGEST}", "give such a number")
    return int(text)
