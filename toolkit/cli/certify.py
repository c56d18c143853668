"""``csgd certify`` and ``csgd verify``: exact bounds on worst cases, as files that anyone can check."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.options import progress, quiet_option
from toolkit.errors import WrongUse
from toolkit.progress import Progress

if TYPE_CHECKING:
    from proofs_check.worst_case.certificate import Certificate
    from proofs_check.worst_case.naming import Case

__all__ = ["certify", "verify"]

SMALL = 16  # vectors of a model up to which a bound without slack is looked for, for seconds
MEASURES = ["gap", "distance", "gradient", "potential"]
TARGETS = {"gap": "f(x_N) − f*", "distance": "‖x_N − x*‖²", "gradient": "‖∇f(x_N)‖²"}
OWN = "write a method such as ef21, or a class of yours as mymodule:MyMethod(beta=1/2)"


@click.command()
@click.argument("method", metavar="METHOD")
@click.option("--stepsize", required=True, metavar="γ", help="An exact number: 20/33, or 0.1.")
@click.option(
    "--class",
    "functions",
    default="smooth:mu=0,L=1",
    show_default=True,
    metavar="NAME[:…]",
    help="Of functions: smooth:mu=…,L=… (curvature from mu to L; mu = 0 is convex, mu < 0 not), quadratic:mu=…,L=…, "
    "convex, lipschitz:M=… (convex, slope up to M), or none, for gossip.",
)
@click.option(
    "--compressor",
    default="none",
    show_default=True,
    metavar="NAME[:…]",
    help="Class of compressors: contractive:delta=3/4, projection:delta=…, absolute-error:kappa_sq=…, "
    "unbiased:omega=… (in expectation; shared=true if workers draw the same numbers).",
)
@click.option("--steps", type=click.IntRange(1, 40), default=1, show_default=True, metavar="N")
@click.option("--workers", type=click.IntRange(1, 40), default=1, show_default=True, metavar="N")
@click.option(
    "--topology", type=click.Choice(["ring", "complete"]), help="The graph of gossip, with weights 1/3 or 1/n."
)
@click.option(
    "--measure",
    type=click.Choice(MEASURES),
    help="What is bounded after N steps; by default the potential of error-feedback, ef21 and gossip, else the gap.",
)
@click.option(
    "--initial",
    type=click.Choice(MEASURES),
    help="What is at most 1 at the start; by default the measure, but distance for the gap with mu = 0, and gap for "
    "the gradient with mu < 0. With potential, the start is any state.",
)
@click.option(
    "--minimiser",
    type=click.Choice(["own", "shared", "infimum", "none"]),
    help="What is known of one: of f, of all f_i, a lower bound, nothing. By default own, but infimum for the "
    "gradient of one worker with mu < 0.",
)
@click.option("--lower", is_flag=True, help="Certify a worst function instead, which is a lower bound.")
@click.option(
    "--every-step",
    is_flag=True,
    help="Prove a rate for every N, from any state: by the potential where it is measured, else by a Lyapunov function "
    "that is searched for.",
)
@click.option(
    "--slack",
    type=click.FloatRange(1e-9, 1),
    default=1e-5,
    show_default=True,
    metavar="S",
    help="How far the bound may lie from the numeric worst case, relative to it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the certificate goes; with --every-step FILE-step and, unless it measures the potential, FILE-bound.",
)
@quiet_option
def certify(method: str, slack: float, lower: bool, every_step: bool, out: Path | None, **told: Any) -> None:
    """Certify the worst case of a method: an exact bound for every function and compressor of a class.

    METHOD is a method of `csgd list methods` whose steps are linear (cgd and ef are short names), a classic
    (heavy-ball:momentum=…, nesterov, ogm, triple-momentum:…, optimistic-gradient), or a class of yours as
    mymodule:MyMethod(beta=1/2). For a small model a bound without slack is tried first. What is printed as proved was
    checked by the verifier. Ctrl-C waits for the solver.

    Measures are the gap f(x) − f*, the distance ‖x − x*‖², ‖gradient‖², or a potential V, s = √(1 − delta):

    \b
      error-feedback  ‖x − x* − mean e_i‖² + mean ‖e_i‖²/s
      ef21            mean ‖∇f_i(x) − d_i‖² + s ‖∇f(x)‖²
      choco, gossip   mean (‖x_i − mean x‖² + s ‖x_i − public_i‖²)

    \b
    Examples:
      csgd certify ef --stepsize 20/33 --class smooth:mu=1/10 --compressor contractive:delta=3/4
      csgd certify choco:consensus=1/3 --stepsize 0 --class none --topology ring --workers 4
          --compressor contractive:delta=3/4 --out gossip.json

    Exit codes: 0 proved; 2 wrong use, or nothing finite holds; 3 double precision does not suffice; 130 interrupted.
    """
    if out is not None and not out.absolute().parent.is_dir():
        raise WrongUse(f"csgd certify --out {out}", "there is no such folder", "name a file in an existing folder")
    if every_step and (lower or told["initial"] or told["steps"] > 1):
        asked = "csgd certify --every-step with --lower, --initial or --steps"
        raise WrongUse(asked, "it is an upper bound for every N, from any state", "leave these out")
    from proofs_check.worst_case.certificate import FEWER
    from proofs_check.worst_case.methods import SHORT
    from proofs_check.worst_case.naming import case, completed
    from proofs_check.worst_case.solving import Unbounded, Unsolved
    from proofs_check.worst_case.verify import Refused
    from toolkit import members
    from toolkit.cli.constructor import own_class

    named = own_class(method, OWN, [*members.names("toolkit.algorithms"), *SHORT])
    own = None if named is None else named[0]
    about = completed({"method": method, **{key: str(value) for key, value in told.items() if value is not None}}, own)
    found, said = case(about, own), progress()
    try:
        if every_step:
            _every_step(found, about, slack, out, said)
        else:
            _bound(found, about, slack, lower, out, said)
    except Refused as reason:
        asked = f"a certificate of {about['method']}"
        raise WrongUse(asked, f"it could not be verified: {reason}", FEWER) from None
    except Unsolved as error:
        if found.workers > 1 and found.minimiser == "own":
            wrong = "no finite bound was found" if error.status else error.wrong
            because = ": with several workers the gradients at x* are arbitrary"
            ending = f" (the solver ended with {error.status})" if error.status else ""
            remedy = "try --minimiser shared, or a measure without x* and f*"
            raise Unbounded(error.asked, wrong + because + ending, remedy) from None
        if every_step:  # nothing contracts, which is no fault of the machine's
            raise Unbounded(error.asked, error.wrong, error.remedy) from None
        raise


def _bound(found: Case, about: Mapping[str, str], slack: float, lower: bool, out: Path | None, said: Progress) -> None:
    """Certify the worst case of N steps, print the bound, and write it."""
    from proofs_check.worst_case.wording import bound_in_words

    certificate = _certificate(found, about, slack, lower, said)
    click.echo(f"proved: {bound_in_words(certificate.document)}  (about {float(certificate.bound):.9g})")
    if out is not None:
        certificate.save(out)
        click.echo(f"certificate: {out}")


def _certificate(found: Case, about: Mapping[str, str], slack: float, lower: bool, said: Progress) -> Certificate:
    """Print the numeric worst case of N steps, and return a certificate of it that was verified."""
    from proofs_check.worst_case import certify as with_slack
    from proofs_check.worst_case import certify_tightly, exhibit, solve
    from proofs_check.worst_case.certificate import require_checkable
    from proofs_check.worst_case.certifying import Uncertified
    from proofs_check.worst_case.statements import statement

    _require_few(found)
    model = found.model()
    said.say(f"checking that a model of {model.order} vectors is small enough to be verified …")
    require_checkable(statement(model, about))
    said.say("solving the semidefinite program …")
    click.echo(f"numeric worst case: {solve(model).value:.9g}")
    certificate = None
    if lower:
        said.say("looking for an exact worst function …")
        certificate = exhibit(model, slack=slack, about=about)
    elif model.order <= SMALL:
        said.say("looking for a certificate without slack …")
        with contextlib.suppress(Uncertified):
            certificate = certify_tightly(model, about=about)
    if certificate is None:
        said.say(f"making a certificate with a slack of {slack:g} …")
        certificate = with_slack(model, slack=slack, about=about)
    certificate.verified()
    return certificate


def _require_few(found: Case) -> None:
    """Refuse at once what has more vectors than the verifier reads: at least one for every worker and step."""
    from proofs_check.worst_case.certificate import FEWER

    if found.steps * found.workers > 100 and (found.functions or found.kind):
        asked = f"a certificate of {found.steps} steps of {found.workers} workers"
        raise WrongUse(asked, "its statement would be too large to be verified", FEWER)


def _every_step(found: Case, about: Mapping[str, str], slack: float, out: Path | None, said: Progress) -> None:
    """Certify a Lyapunov function, print the rate that it proves, and write the certificates.

    It is the potential where this is measured, which need not be searched for, and may then be of gossip too.
    """
    from proofs_check.worst_case import certify_every_step
    from proofs_check.worst_case.wording import initial_in_words, scales
    from toolkit.parameters import scheduled

    asked = f"a Lyapunov function of {about['method']}"
    if scheduled(found.method):
        wrong = "its numbers change from step to step"
        raise WrongUse(asked, wrong, "give constant ones, such as nesterov:momentum=1/2")
    if found.measure == "potential":
        step = _certificate(found, about, slack, False, said)
        if not scales(step.document):
            raise WrongUse(asked, "a constant bounds the model, so that nothing contracts", "take another class")
        start, target, factor, rate = initial_in_words(step.document), "V(x_N)", Fraction(1), step.bound
        files = {"step": step}
    else:
        said.say("searching the best rate of a Lyapunov function, by bisection …")
        proof = certify_every_step(found.run, found.called(found.measure), slack=slack)
        proof.verified()
        start, target = initial_in_words(proof.bound.document), TARGETS[found.measure]
        factor, rate = proof.factor, proof.rate
        of = f"{about['method']}, step size {about['stepsize']}"
        parts = {"step": (proof.step, "what V loses in a step"), "bound": (proof.bound, "what V bounds")}
        files = {
            part: _told(certificate, {"part": f"{what}, of a rate for every N", "of": of})
            for part, (certificate, what) in parts.items()
        }
    noisy = any(one["class"] == "unbiased" for one in files["step"].document["statement"]["messages"])
    shown = "" if factor == 1 else f"{factor} · "
    click.echo(f"rate: {float(rate):.9g}")
    click.echo(f"V(start) = {start}")
    click.echo(f"proved: {f'E[{target}]' if noisy else target} ≤ {shown}({rate})^N · V(start) for every N")
    if out is None:
        return
    for part, certificate in files.items():
        file = out.with_name(f"{out.stem}-{part}{out.suffix or '.json'}")
        certificate.save(file)
        click.echo(f"certificate: {file}")


def _told(certificate: Certificate, about: Mapping[str, str]) -> Certificate:
    """Return the certificate of a statement that says more about itself, with the same proof."""
    from proofs_check.worst_case.certificate import upper_certificate

    raw, proof = certificate.document["statement"], certificate.document["proof"]
    multipliers = {name: Fraction(value) for name, value in proof["multipliers"].items()}
    return upper_certificate({**raw, "about": dict(about)}, certificate.bound, multipliers)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@quiet_option
def verify(file: Path) -> int:
    """Check a certificate in exact arithmetic, and say what it proves.

    ``python -m proofs_check.worst_case.verify FILE`` does the same with the standard library alone, and so does a copy
    of that one file. The exit code is 1 if nothing is proved.
    """
    from proofs_check.worst_case.verify import Refused, check, read

    try:
        document = read(str(file))
        check(document)
    except Refused as reason:
        click.echo(f"not proved: {reason}", err=True)
        return 1
    from proofs_check.worst_case.wording import bound_in_words, setting_in_words

    click.echo(f"proved: {bound_in_words(document)}")
    for line in setting_in_words(document):
        click.echo(f"  {line}")
    click.echo(_origin(document))
    return 0


def _origin(document: Any) -> str:
    """Say whether the statement is what the method that the file names gives."""
    from proofs_check.worst_case.naming import DESCRIPTION, described
    from proofs_check.worst_case.statements import statement
    from toolkit.cli.constructor import OWN as PATTERN

    raw = document["statement"]
    about = raw["about"]
    if "method" not in about:
        return f"the file names no method; it says of itself: {about}" if about else "the file names no method"
    if PATTERN.fullmatch(about["method"]):  # a file is no reason to import what it names
        return f"{about['method']} is a class of somebody's own, so that the statement was not compared with it"
    told = DESCRIPTION | about
    try:
        if int(told["steps"]) * int(told["workers"]) > len(raw["vectors"]):  # found without a run, which may be long
            same = False
        else:
            same = statement(described(about), about) == raw
    except (WrongUse, LookupError, TypeError, ValueError) as error:
        return f"the statement cannot be compared with the method that the file names: {error}"
    verdict = "the statement is" if same else "the statement is NOT"
    return f"{verdict} what {about['method']} gives as simulate runs it, with step size {about['stepsize']}"
