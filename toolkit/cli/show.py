"""``csgd show``: one thing in full."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from toolkit.errors import WrongUse

if TYPE_CHECKING:
    from toolkit.cli.kinds import Named

__all__ = ["show"]

SYMBOLS = {"delta": "δ", "omega": "ω", "kappa_sq": "κ²", "ab": "(A, B)", "L_tilde": "L̃", "mu": "μ", "mu_pl": "μ (PL)"}
SYMBOLS |= {"sigma_sq": "σ²", "zeta_sq": "ζ²", "heterogeneity": "D", "rho": "ρ"}


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("name")
@click.option("--d", "dimension", type=click.IntRange(min=1), metavar="D", help="Dimension; 100 unless told.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Workers; 8 unless told.")
@click.pass_context
def show(context: click.Context, name: str, dimension: int | None, workers: int | None) -> None:
    """Show a compressor, method, problem, claim or figure: formula, constants, source, and what it combines with.

    Of a compressor it also shows what one message costs, by every count found in practice. Parameters follow as
    options, as in top-k --k 10, or within NAME, as in scaled:compressor=(qsgd:s=4); else they are the simplest ones.
    """
    from toolkit.cli.kinds import find

    name = _with_parameters(name, context.args)
    found = find(name.partition(":")[0])
    if len(found) > 1:
        kinds = " and ".join(f"a {one.kind.removesuffix('s')}" for one in found)
        click.echo(f"{found[0].name} is the name of {kinds}: first the {found[0].kind.removesuffix('s')}\n")
    for one in found:
        lines = "\n".join(_lines(one, name, dimension, workers))  # all of them first: nothing is shown of an error
        click.echo(f"{one.name} ({one.kind.removesuffix('s')})\n\n{lines}\n")


def _lines(one: Named, name: str, dimension: int | None, workers: int | None) -> Iterator[str]:
    if one.kind == "claims":
        return _claim(one.thing)
    if one.kind == "figures":
        return _figure(one.thing)
    if one.kind == "problems":
        return _problem(one, name, dimension, workers)
    if one.kind == "compressors":
        return _compressor(one, name, dimension or 100, workers or 8)
    return _method(one, name, dimension or 100, workers or 8)


def _figure(figure: Any) -> Iterator[str]:
    from toolkit.cli.plain import plain_text

    yield plain_text(figure.title)
    yield f"\nIt illustrates the claims: {', '.join(figure.claims) or 'none'}"


def _claim(claim: Any) -> Iterator[str]:
    from toolkit.cli.plain import plain_formula, plain_text

    yield plain_text(claim.title)
    yield "\n" + textwrap.fill(plain_formula(claim.statement), 100, initial_indent="    ", subsequent_indent="    ")
    yield f"\n{plain_text(claim.reference)}; the constants are {claim.status}"
    yield f"{claim.kind}; expected verdict: {claim.expected}"


def _with_parameters(name: str, options: list[str]) -> str:
    """Return the one word of a member with parameters given as ``--k 10`` or ``--k=10`` taken into it."""
    words = [word for one in options for word in (one.split("=", 1) if one.startswith("--") else [one])]
    keys, values = words[::2], words[1::2]
    if len(keys) != len(values) or not all(key.startswith("--") for key in keys):
        raise WrongUse(
            f"csgd show {name} {' '.join(options)}", "parameters are written as --name value", "write --k 10, say"
        )
    pairs = [f"{key[2:].replace('-', '_')}={value}" for key, value in zip(keys, values, strict=True)]
    return f"{name}{',' if ':' in name else ':'}{','.join(pairs)}" if pairs else name


def _compressor(one: Named, name: str, d: int, workers: int) -> Iterator[str]:
    from toolkit.cli.message import declarations, message_costs

    yield _documentation(one.thing)
    compressor = _instance(one, name)
    if compressor is None:
        yield f"\nWrite its parameters to see constants: {_signature(one)}"
        return
    compressor.check(d)
    yield f"\nConstants of {compressor!r} in dimension {d} with {workers} workers"
    yield from _constants(compressor.constants(d, workers))
    yield from _domain(compressor, d)
    yield "\nIts messages"
    yield from declarations(compressor)
    yield ""
    yield from message_costs(compressor, d, workers)
    yield "\nWith methods"
    yield from _pairs("methods", lambda method: (method, compressor), d, workers)


def _method(one: Named, name: str, d: int, workers: int) -> Iterator[str]:
    yield _documentation(one.thing)
    method = _instance(one, name)
    if method is None:
        yield f"\nWrite its parameters to see what it combines with: {_signature(one)}"
        return
    yield f"\nWith compressors, in dimension {d} with {workers} workers"
    yield from _pairs("compressors", lambda compressor: (method, compressor), d, workers)


def _problem(one: Named, name: str, d: int | None, workers: int | None) -> Iterator[str]:
    from toolkit.cli.inline import build_problem, missing

    yield _documentation(one.thing)
    if missing(one.thing, name):
        yield f"\nWrite its parameters to see constants: {_signature(one)}"
        return
    problem = build_problem(name, workers=workers, dimension=d)
    yield f"\nConstants with {problem.workers} workers in dimension {problem.dimension}"
    yield from _constants(problem.constants)


def _instance(one: Named, name: str) -> Any:
    from toolkit.cli.inline import build
    from toolkit.cli.kinds import PACKAGES
    from toolkit.cli.simplest import simplest

    return build(PACKAGES[one.kind], name) if ":" in name else simplest(one.thing)


def _signature(one: Named) -> str:
    from toolkit.cli.inline import maker

    return f"{one.name}:" + ",".join(f"{name}=…" for name in inspect.signature(maker(one.thing)).parameters)


def _documentation(thing: Any) -> str:
    """Return a class's docstring without its examples, formulas as plain text."""
    from toolkit.cli.plain import plain_text

    return plain_text((inspect.getdoc(thing) or "").partition("\nExamples\n")[0].strip())


def _constants(constants: Any) -> Iterator[str]:
    for field in dataclasses.fields(constants):
        constant = getattr(constants, field.name)
        symbol = SYMBOLS.get(field.name, field.name)
        if constant is None:
            yield f"    {symbol:8} none"
        elif isinstance(constant, bool):
            yield f"    {symbol:8} {'yes' if constant else 'no'}"
        else:
            yield f"    {symbol:8} {_number(constant.value):22}  {constant.kind}; {constant.source}"


def _domain(compressor: Any, d: int) -> Iterator[str]:
    """Yield where the constants hold, if there is more to it than that nothing may overflow."""
    low, high = compressor.domain(d, float)
    if low > 0 or high < 1e100:
        yield f"    they hold for coordinates that are 0 or of magnitude {low:.3g} to {high:.3g}, in double precision"


def _number(value: Any) -> str:
    import numpy as np

    if isinstance(value, tuple):
        return f"({', '.join(map(_number, value))})"
    low, high = np.min(value), np.max(value)
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _pairs(kind: str, pair: Callable[[Any], tuple[Any, Any]], d: int, workers: int) -> Iterator[str]:
    """Judge the shown member with every one of another kind, these at their simplest parameters."""
    from toolkit.cli.kinds import named
    from toolkit.cli.simplest import simplest
    from toolkit.pairs import judge

    for other in named(kind):
        instance = simplest(other.thing)
        if instance is None:
            continue
        method, compressor = pair(instance)
        verdict = judge(method, compressor, d, workers)
        text = f"{verdict.reason}{'; ' if verdict.remedy else ''}{verdict.remedy}"
        yield textwrap.fill(f"    {other.name:19} {verdict.verdict:11} {text}", 100, subsequent_indent=" " * 36)
