"""``csgd run``: one experiment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.options import compile_kernels, progress, quiet_option
from toolkit.errors import WrongUse

if TYPE_CHECKING:
    import xarray

    from proofs_check.lines import Line
    from toolkit.experiment import Experiment

__all__ = ["run"]

COLUMNS = ("f", "f_gap", "grad_norm_sq", "bits_up", "bits_down", "total_error")
ROWS = 12


@click.command()
@click.option(
    "--problem", default="quadratic", show_default=True, metavar="NAME[:…]", help="Such as logistic-regression:digits."
)
@click.option("--method", required=True, metavar="NAME[:…]", help="Such as ef21.")
@click.option("--compressor", default="identity", show_default=True, metavar="NAME[:…]", help="Such as top-k:k=3.")
@click.option("--down", metavar="NAME[:…]", help="Compressor of messages from the server.")
@click.option("--stepsize", default="theory", show_default=True, metavar="γ", help="A number, theory, or theory*4.")
@click.option("--steps", type=int, default=1000, show_default=True, metavar="T")
@click.option(
    "--runs", type=int, default=1, show_default=True, metavar="R", help="Repetitions with seeds one after the other."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Of a generated problem; 8 unless told.")
@click.option(
    "--d", "dimension", type=click.IntRange(min=1), metavar="D", help="Of a generated problem; 100 unless told."
)
@click.option("--batch", metavar="B", help="Samples per gradient, or full; by default the problem's.")
@click.option("--unproven", is_flag=True, help="Run a pair that no theorem covers.")
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="By default one per core.")
@click.option("--save", type=click.Path(path_type=Path), metavar="NAME", help="Write NAME.svg, .pdf, .png and .csv.")
@quiet_option
def run(
    problem: str, method: str, compressor: str, down: str | None, stepsize: str, workers: int | None,
    dimension: int | None, batch: str | None, threads: int | None, save: Path | None, **settings: Any,
) -> None:  # fmt: skip
    """Run one experiment: print what was recorded, and its curve with the theory line where one is known.

    Parameters of a problem, method or compressor follow its name, as in top-k:k=3 or scaled:compressor=(qsgd:s=4).
    """
    from proofs_check.lines import Theory
    from toolkit.cli.inline import build, build_problem
    from toolkit.experiment import Experiment
    from toolkit.pairs import require
    from toolkit.simulation import run as run_experiment

    if save is not None and not save.absolute().parent.is_dir():
        raise WrongUse(f"csgd run --save {save}", "there is no such folder", "name a file in an existing folder")
    if down is not None:
        settings["down"] = build("toolkit.compressors", down)
    on = build_problem(problem, workers=workers, dimension=dimension)
    algorithm, up = build("toolkit.algorithms", method), build("toolkit.compressors", compressor)
    up.check(on.dimension)
    require(algorithm, up, on.dimension, on.workers, unproven=settings["unproven"], switch="--unproven")
    experiment = Experiment(
        on,
        algorithm,
        up,
        stepsize=_stepsize(stepsize),
        batch=_batch(batch),
        **settings,
    )
    told = progress()
    compile_kernels(told)
    theory = Theory(experiment)
    result = run_experiment(theory.experiment, progress=not told.quiet, threads=threads)
    lines = theory.lines(result)
    heading = _heading(experiment, result)
    click.echo(f"{heading}\n\n{_table(result)}\n")
    _print_curves(result, lines, theory.unseen(result))
    if save is not None:
        from figures._one_run import draw_one_run
        from figures._report import save as save_drawing

        save_drawing(draw_one_run(heading.partition("\n")[0], result, lines), save.parent, save.name)


def _stepsize(text: str) -> Any:
    """Return a number, or what the method's theorem prescribes, times a factor."""
    from toolkit.stepsizes import prescribed

    found = re.fullmatch(r"theory(?:\*(.+))?", text.replace(" ", ""))
    try:
        return float(text) if found is None else prescribed(factor=float(found[1] or 1))
    except ValueError as error:
        if isinstance(error, WrongUse):
            raise
        raise WrongUse(f"--stepsize {text}", "this is no step size", "give a number, theory, or theory*4") from None


def _batch(text: str | None) -> Any:
    if text is None or text == "full":
        return text
    try:
        return int(text)
    except ValueError:
        raise WrongUse(f"--batch {text}", "this is no batch", "give a number of samples, or full") from None


def _heading(experiment: Experiment, result: xarray.Dataset) -> str:
    import numpy as np

    problem = experiment.problem
    states, counts = np.unique(result["status"].values, return_counts=True)
    outcome = ", ".join(f"{count} {state}" for state, count in zip(states, counts, strict=True))
    return (
        f"{type(experiment.algorithm).__name__} with {experiment.compressor!r} on {type(problem).__name__}"
        f" ({problem.workers} workers, {problem.dimension} coordinates)\n"
        f"step size {float(result['stepsize'].values.flat[0]):.6g}, {experiment.steps} steps, seed {experiment.seed},"
        f" runs: {outcome}" + (f"\n{problem.left_out}" if hasattr(problem, "left_out") else "")
    )


def _table(result: xarray.Dataset) -> str:
    """Return means over runs at some of the recorded steps, up to where the last run ended."""
    import numpy as np

    ran = abs(result["f"]) < np.inf
    going = ran.sum("run").values
    mean = result[[name for name in COLUMNS if name in result]].where(ran).mean("run").isel(step=going > 0)
    going = going[going > 0]
    steps = mean.step.values
    # Logarithmically spaced: most happens early.
    wanted = {
        0,
        *np.searchsorted(steps, np.geomspace(1, max(1, steps[-1]), ROWS - 1)).clip(max=len(steps) - 1).tolist(),
    }
    runs = result.sizes["run"]
    lines = ["    step" + "".join(f"{name!s:>14}" for name in mean)]
    for i in sorted(wanted):
        fewer = "" if going[i] == runs else f"  over the {going[i]} of {runs} runs still going"
        lines.append(f"{steps[i]:8d}" + "".join(f"{float(mean[name][i]):14.6g}" for name in mean) + fewer)
    return "\n".join([*lines, "means over the runs; bits per worker, so far"])


def _print_curves(result: xarray.Dataset, lines: Sequence[Line], unseen: Sequence[str]) -> None:
    """Print the gap, each quantity that a published bound is about, with the bound, and which bounds one run hides."""
    from toolkit.cli.chart import chart

    name = "f_gap" if "f_gap" in result else "grad_norm_sq"
    y = result[name].mean("run", skipna=False).values  # as long as all runs are going
    if (y > 0).any():
        click.echo(chart({name: (result.step.values, y)}, "step"))
    for line in lines:
        title, last = line.claim.title, line.measured[-1] / line.bound[-1]
        click.echo(f"\n{line.claim.id}: {title}; at the last step measured/bound = {last:.4g}\n")
        click.echo(chart({"measured": (line.step, line.measured), line.claim.id: (line.step, line.bound)}, "step"))
    if unseen:
        one_run = "bounds of expectations, of which one run says nothing: give --runs 2 or more"
        click.echo(f"\n{', '.join(unseen)}: {one_run}")
    if not lines and not unseen:
        click.echo("\nno published bound is known that covers this experiment")
