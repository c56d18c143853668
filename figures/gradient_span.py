"""How far sign methods stray from the span of the gradients, and what that costs on other samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from problems import OverparametrisedLeastSquares
from toolkit.algorithms import SGD, CompressedSGD, ErrorFeedback, Signum
from toolkit.compressors import MajorityVote, RawSign, ScaledSign
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

SEED = 2  # a draw with about as many labels of either sign, as the published figure seems to have
OTHERS = (0, 1, 3, 4, 5)
QUANTITIES = {
    "span_distance": "distance to the span",
    "train_loss": "loss on the samples",
    "test_loss": "loss on others",
}
CURVES = {
    "SGD": "uncompressed",
    "scaled signSGD": "no memory",
    "signSGD with momentum": "raw sign",
    "EF-signSGD": "EF14 sign",
}


class GradientSpan(Figure):
    """Error feedback comes back to the span of the gradients, where the solution that generalises lies."""

    name = "gradient-span"
    title = "Signs lead out of the span of the gradients; error feedback leads back"
    claims = ("S-d5",)

    def experiments(self, level: str) -> dict[str, Experiment]:
        problem = OverparametrisedLeastSquares(seed=SEED)
        settings: dict[str, Any] = {"steps": 80, "record": "all"}
        scaled, raw = ScaledSign(zero=0), RawSign(zero=0)  # the features of other samples have gradients of exactly 0
        others = {
            f"draw {seed}": Experiment(
                OverparametrisedLeastSquares(seed=seed),
                CompressedSGD(),
                scaled,
                stepsize=10.0,
                unproven=True,
                **settings,
            )
            for seed in OTHERS
        }
        return {
            "SGD": Experiment(problem, SGD(), stepsize=0.5, **settings),
            "scaled signSGD": Experiment(problem, CompressedSGD(), scaled, stepsize=10.0, unproven=True, **settings),
            "signSGD with momentum": Experiment(
                problem, Signum(beta=1.0), raw, down=MajorityVote(zero=0), stepsize=0.05, **settings
            ),
            "EF-signSGD": Experiment(problem, ErrorFeedback(), scaled, stepsize=10.0, **settings),
        } | others

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=3, height=5.4, shared_x=True) as plate:
            for quantity, words in QUANTITIES.items():
                axes = plate.panel(quantity, x="step $t$", y=words)
                for name, look in CURVES.items():
                    result = data[name]
                    plate.measured(axes, name, result.step, result[quantity][0], look=LOOKS[look], label=name)
                if quantity == "span_distance":
                    axes.legend(loc="upper left", ncols=2, bbox_to_anchor=(0.0, 1.32), borderaxespad=0.0)

        def at(name: str, quantity: str, step: int) -> float:
            return float(data[name][quantity].isel(run=0).sel(step=step))

        highest = {name: float(data[name].span_distance.max()) for name in CURVES}
        ends = [at(f"draw {seed}", "test_loss", 80) for seed in OTHERS]
        momentum = data["signSGD with momentum"].test_loss.isel(run=0).sel(step=slice(5, None))
        caption = (
            "Least squares on 100 samples of 1200 features, of which five are a sample's own; full gradients from 0, "
            "step sizes 0.5 for SGD, 10 for scaled signs with and without error feedback, 0.05 for the sign of the sum "
            "of all gradients. Distance to the span of the samples: SGD's is rounding; scaled signSGD's rises to "
            f"{highest['scaled signSGD']:.1f}, that with momentum comes and goes up to "
            f"{highest['signSGD with momentum']:.1f}, EF-signSGD's rises to {highest['EF-signSGD']:.1f} and ends at "
            f"{at('EF-signSGD', 'span_distance', 80):.2f}. Loss on 100 other samples: SGD "
            f"{at('SGD', 'test_loss', 5):.1g} at step 5, scaled signSGD {at('scaled signSGD', 'test_loss', 80):.2f} at "
            f"the end, with momentum {float(momentum.min()):.2f} to {float(momentum.max()):.2f} from step 5 on, "
            f"EF-signSGD {at('EF-signSGD', 'test_loss', 70):.2f} at step 70. The instance of the published figure is "
            f"not public; in {len(OTHERS)} other draws scaled signSGD ends at {min(ends):.2f} to {max(ends):.2f}. "
            f"{verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)
