"""How often a vote on a sign is wrong, against the number of voters, and what the bounds say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import VOTE_LOOKS
from problems.coordinate_noise import LAWS
from proofs_check.claims.sign.wrong_signs import limits
from proofs_check.sign_law import vote_wrong, worst_vote

if TYPE_CHECKING:
    import xarray

S = 0.3
VOTERS = np.array([1, 3, 5, 9, 15, 25, 45, 75, 125, 225])
LIARS = 5  # of them one is an adversary
NOISE = {"worst noise": "unimodal", "normal noise": "normal"}


class Vote(Figure):
    """At one signal-to-noise ratio the probability falls exponentially; its worst case over all ratios like 1/√M."""

    name = "vote"
    title = "A vote is wrong exponentially seldom at a fixed S; its worst S makes it 1/√M"
    claims = ("S-s3", "S-s3-sharp", "S-s7-sound")

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with_liars = VOTERS[VOTERS % LIARS == 0]
        with Plate(panels=2, height=4.8, shared_x=True) as plate:
            axes = plate.panel("fixed S", x="workers $M$", y=f"$P$(vote wrong), $S = {S}$", log="xy")
            for name, law in NOISE.items():
                wrong = vote_wrong_at(law, VOTERS)
                at = 0.88 if name == "worst noise" else 0.68
                plate.measured(axes, name, VOTERS, wrong, look=VOTE_LOOKS[name], label=name, at=at, side="below")
            for adversary in ("inverting", "omniscient"):
                wrong = vote_wrong_at("unimodal", with_liars, adversary)
                label = f"one in {LIARS} {adversary}"
                side: Any = "below" if adversary == "inverting" else "above"
                at = 0.84 if adversary == "inverting" else 0.75
                plate.measured(
                    axes, label, with_liars, wrong, look=VOTE_LOOKS[adversary], label=label, at=at, side=side
                )
            plate.theory(axes, r"$1/(\sqrt{M}\,S)$", VOTERS, 1 / (np.sqrt(VOTERS) * S), at=0.2)
            axes.set_ylim(1e-4, 6)
            axes = plate.panel("worst S", x="workers $M$", y=r"$\sqrt{M}\,\sup_S S\,P$(vote wrong)", log="x")
            found = {name: [worst_vote(int(M), LAWS[law].wrong_sign)[1] for M in VOTERS] for name, law in NOISE.items()}
            for name, constants in found.items():
                plate.measured(axes, name, VOTERS, constants, look=VOTE_LOOKS[name], label=name, at=0.5, side="below")
            for _, limit in limits().values():
                plate.theory(axes, f"limit {limit:.3f}", VOTERS, np.full(VOTERS.size, limit), at=0.2, dashes="dotted")
            axes.set_ylim(0.1, 0.33)
        caption = (
            f"Exact probabilities, no sampling. Above: $S = {S}$ for every voter, of which the bound of S-s3 sees only "
            f"the factor $1/\\sqrt{{M}}$. One inverting adversary in {LIARS} slows the fall down; one omniscient in "
            f"{LIARS}, which always votes wrongly, makes every vote wrong in the end: the honest are right too seldom "
            "at this $S$. Below: in the worst case over $S$ the factor $1/\\sqrt{M}$ is exact, and its "
            f"constant is {found['worst noise'][0]:.3f} to {found['worst noise'][-1]:.3f} for the worst symmetric "
            f"unimodal noise and {found['normal noise'][0]:.3f} to {found['normal noise'][-1]:.3f} for normal noise, "
            f"where S-s3 says 1. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def vote_wrong_at(law: str, voters: Any, adversary: str | None = None) -> list[float]:
    """Return P(vote wrong) at S for every number of voters, one in LIARS of them adversaries if these are named."""
    q = LAWS[law].wrong_sign(np.array(S))
    if adversary is None:
        return [float(vote_wrong(q, int(M))) for M in voters]
    return [float(vote_wrong(q, int(M), int(M) // LIARS, adversary)) for M in voters]
