"""``csgd certify`` and ``csgd verify``: exact bounds on worst cases, as files that anyone can check."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from toolkit.cli.options import quiet_option
from toolkit.errors import WrongUse

__all__ = ["certify", "verify"]

SMALL = 16  # vectors of a model up to which a bound without slack is looked for, for seconds


@click.command()
@click.argument("method", metavar="METHOD")
@click.option("--stepsize", required=True, metavar="γ", help="An exact number: 20/33, or 0.1.")
@click.option(
    "--class",
    "functions",
    default="smooth:mu=0,L=1",
    show_default=True,
    metavar="NAME[:…]",
    help="Of functions: smooth:mu=…,L=…, quadratic:mu=…,L=…, convex, lipschitz:M=….",
)
@click.option(
    "--compressor",
    default="none",
    show_default=True,
    metavar="NAME[:…]",
    help="Class of compressors: contractive:delta=3/4, projection:delta=…, absolute-error:kappa_sq=…, "
    "unbiased:omega=….",
)
@click.option("--steps", type=click.IntRange(1, 40), default=1, show_default=True, metavar="N")
@click.option("--workers", type=click.IntRange(1, 40), default=1, show_default=True, metavar="N")
@click.option(
    "--measure",
    type=click.Choice(["gap", "distance", "gradient", "potential"]),
    help="What is bounded after N steps, given that it is at most 1 at the start; by default the Lyapunov "
    "function of error-feedback and ef21, else the gap f − f*.",
)
@click.option(
    "--minimiser",
    type=click.Choice(["own", "shared", "infimum", "none"]),
    default="own",
    show_default=True,
    help="What is known of one: of f, of all f_i, a lower bound, nothing.",
)
@click.option("--lower", is_flag=True, help="Certify a worst function instead, which is a lower bound.")
@click.option(
    "--slack",
    type=click.FloatRange(1e-9, 1),
    default=1e-5,
    show_default=True,
    metavar="S",
    help="How far the bound may lie from the numeric worst case, relative to it.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where the certificate goes.")
@quiet_option
def certify(
    method: str, stepsize: str, functions: str, compressor: str, steps: int, workers: int, measure: str | None,
    minimiser: str, lower: bool, slack: float, out: Path | None,
) -> None:  # fmt: skip
    """Certify the worst case of a method: an exact bound for every function and compressor of a class.

    For a small model a bound without slack is tried first. What is printed as proved was checked by the verifier.
    """
    if out is not None and not out.absolute().parent.is_dir():
        raise WrongUse(f"csgd certify --out {out}", "there is no such folder", "name a file in an existing folder")
    from proofs_check.worst_case import certify as with_slack
    from proofs_check.worst_case import certify_tightly, exhibit, solve
    from proofs_check.worst_case.certifying import Uncertified
    from proofs_check.worst_case.naming import described
    from proofs_check.worst_case.wording import bound_in_words

    about = {
        "method": method, "stepsize": stepsize, "functions": functions, "compressor": compressor, "steps": str(steps),
        "workers": str(workers), "measure": measure or "", "minimiser": minimiser,
    }  # fmt: skip
    model = described(about)
    click.echo(f"numeric worst case: {solve(model).value:.9g}")
    if lower:
        found = exhibit(model, slack=slack, about=about)
    else:
        found = None
        if model.order <= SMALL:
            with contextlib.suppress(Uncertified):
                found = certify_tightly(model, about=about)
        found = found or with_slack(model, slack=slack, about=about)
    found.verified()
    click.echo(f"proved: {bound_in_words(found.document)}  ({float(found.bound):.9g})")
    if out is not None:
        found.save(out)
        click.echo(f"certificate: {out}")


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
    from proofs_check.worst_case.naming import described
    from proofs_check.worst_case.statements import statement

    raw = document["statement"]
    about = raw["about"]
    if "method" not in about:
        return "the file names no method"
    try:
        if int(about["steps"]) * int(about["workers"]) > len(raw["vectors"]):  # found without a run, which may be long
            same = False
        else:
            same = statement(described(about), about) == raw
    except (WrongUse, LookupError, TypeError, ValueError) as error:
        return f"the statement cannot be compared with the method that the file names: {error}"
    told = "the statement is" if same else "the statement is NOT"
    return f"{told} what {about['method']} gives as simulate runs it, with step size {about.get('stepsize')}"
