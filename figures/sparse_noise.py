"""Noise in one coordinate of a hundred: what signs gain there, and what error feedback gives back."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from problems import CoordinateNoise
from toolkit.algorithms import SGD, ErrorFeedback, SignSGD
from toolkit.arrays import Array
from toolkit.compressors import MajorityVote, RawSign, ScaledSign
from toolkit.draws import Draw
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

DIMENSION, NOISE = 100, 100.0
STEPSIZE, SIGN_STEP = 0.001, 0.01
RUNS = {"quick": 16, "full": 128}
STEPS = {"quick": 3000, "full": 10000}
CURVES: dict[str, Any] = {
    "SGD": ("uncompressed", 0.34, "above"),
    "EF-signSGD": ("EF14 sign", 0.42, "below"),
    "signSGD": ("raw sign", 0.4, "below"),
}


class SparseNoise(Figure):
    """signSGD takes steps of one length where SGD is thrown far off; EF-signSGD follows SGD."""

    name = "sparse-noise"
    title = "Where one coordinate has all the noise, signs gain, and error feedback gives it back"
    claims = ("S-s1", "S-s5")

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem, runs = CoordinateNoise.sparse(DIMENSION, NOISE), RUNS[level]
        start = Draw(seed=np.arange(runs)).of("start").normal(DIMENSION)[:, 0]
        last = STEPS[level]
        record = np.concatenate([np.geomspace(1, last, 80), np.linspace(0, last, 101)]).astype(int)
        settings: dict[str, Any] = {"steps": last, "runs": runs, "x0": start, "record": [*record, 1000]}
        return {
            "SGD": Experiment(problem, SGD(), stepsize=STEPSIZE, **settings),
            "EF-signSGD": Experiment(problem, ErrorFeedback(), ScaledSign(), stepsize=STEPSIZE, **settings),
            "signSGD": Experiment(problem, SignSGD(), RawSign(), down=MajorityVote(), stepsize=SIGN_STEP, **settings),
        }

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        runs, last = RUNS[level], STEPS[level]
        start = Draw(seed=np.arange(runs)).of("start").normal(DIMENSION)[:, 0]
        predicted = {"SGD": _sgd(start), "signSGD": _sign_sgd(start)}
        late, floors = {}, (STEPSIZE * NOISE**2 / (2 * (2 - STEPSIZE)), _sign_floor() / 2)
        with Plate(panels=2, height=4.6) as plate:
            panels = {
                "steps": plate.panel("steps", x="step $t$", y="$f(x_t)$", log="y"),
                "bits": plate.panel("bits", x="bits sent up", y="$f(x_t)$", log="xy"),
            }
            for name, (look, at, side) in CURVES.items():
                result = data[name]
                step, loss, bits = result.step.values, result.f.values, result.bits_up.values[0]
                mean, error = loss.mean(axis=0), loss.std(axis=0, ddof=1) / sqrt(runs)
                window = step >= 0.8 * last
                of_runs = loss[:, window].mean(axis=1)
                late[name] = f"{of_runs.mean():.2g} ± {of_runs.std(ddof=1) / sqrt(runs):.2g}"
                for panel, x in (("steps", step), ("bits", bits)):
                    plate.measured(
                        panels[panel], name, x, mean, (mean - 2 * error, mean + 2 * error), look=LOOKS[look],
                        label=name, at={"steps": at, "bits": 0.5}[panel], side=side,
                    )  # fmt: skip
            for (name, law), floor in zip(predicted.items(), floors, strict=True):
                step = data[name].step.values
                plate.theory(panels["steps"], rf"predicted, $\to {floor:.2g}$", step, law(step), at=0.83)
        at_1000 = {name: float(data[name].f.sel(step=1000).mean()) for name in CURVES}
        bits = {name: float(data[name].bits_up.isel(run=0, step=-1)) / last for name in CURVES}
        caption = (
            f"$f = \\frac12\\|x\\|^2$, $d = {DIMENSION}$, Gaussian noise of standard deviation {NOISE:g} on the first "
            f"coordinate alone, from $N(0, I)$: mean of {runs} runs and twice its standard error; step size {STEPSIZE} "
            f"for SGD and EF-signSGD, {SIGN_STEP} for signSGD. At step 1000: "
            f"{', '.join(f'{name} {value:.2g}' for name, value in at_1000.items())}; mean over the last fifth: "
            f"{', '.join(f'{name} {value}' for name, value in late.items())}. Black: the predicted means, which tend "
            f"to $\\gamma\\sigma^2/(2(2-\\gamma)) = {floors[0]:.3g}$ for SGD and to "
            f"$\\delta\\sigma\\sqrt{{2\\pi}}/8 = {floors[1]:.2g}$ for signSGD, whose noisy coordinate takes "
            f"{NOISE * sqrt(2 * pi) / (4 * SIGN_STEP):.0f} steps to forget its start. Bits by formula, per step: "
            f"{', '.join(f'{name} {value:g}' for name, value in bits.items())}. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _sgd(start: Array) -> Any:
    """Return the mean of f over these starts after t steps of SGD, exactly."""
    floor, height = STEPSIZE * NOISE**2 / (2 * (2 - STEPSIZE)), (start**2).sum(axis=1).mean() / 2
    return lambda t: floor + (height - floor) * (1 - STEPSIZE) ** (2 * t)


def _sign_floor() -> float:
    """Return where E x_1² of signSGD tends: E sign(x_1 + noise) is x_1·√(2/π)/σ, to one part in 6(σ/x_1)²."""
    return SIGN_STEP * NOISE * sqrt(2 * pi) / 4


def _sign_sgd(start: Array) -> Any:
    """Return the mean of f over these starts after t steps of signSGD, whose quiet coordinates fall to ±δ."""
    forgets = 2 * SIGN_STEP * sqrt(2 / pi) / NOISE
    quiet, rest = np.sort(abs(start[:, 1:]).ravel()), SIGN_STEP**2 / 3

    def mean(t: Array) -> Array:
        left = np.array([np.where(quiet > SIGN_STEP * one, (quiet - SIGN_STEP * one) ** 2, rest).sum() for one in t])
        noisy = _sign_floor() + ((start[:, 0] ** 2).mean() - _sign_floor()) * (1 - forgets) ** t
        return (left / len(start) + noisy) / 2

    return mean
