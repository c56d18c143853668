"""Corkscrews of error feedback where messages project: where descent without memory is as good at every step size."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from typing import TYPE_CHECKING

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.corkscrew import PATHS, Path, unproved
from proofs_check.worst_case.spiral import spiral_rate
from proofs_check.worst_case.zigzag import best_zigzag_factor

if TYPE_CHECKING:
    import xarray


class Corkscrews(Claim):
    """Where spirals leave error feedback a better rate than descent's, a trajectory in space does not."""

    id = "WC-corkscrew"
    title = "In space, error feedback turns out no better than descent where spirals in the plane leave that open"
    statement = (
        r"\langle C(u),u-C(u)\rangle=0,\ \lVert C(u)-u\rVert\le s\lVert u\rVert:\quad\forall\eta>0\ "
        r"\exists f\in F_{\mu,L},C,x_0,e_0:\ f(x_N)-f^\star\ge\Big(\frac{K-1}{K+1}\Big)^{2N}(f(x_0)-f^\star)\ "
        r"\forall N,\qquad K=\kappa\,\frac{1+s}{1-s},\text{ at the }\kappa,s\text{ of the instances}"
    )
    reference = "derived here"
    status = "derived"
    kind = "lower bound"

    def paths(self) -> Mapping[tuple[int, Q], tuple[int, tuple[Path, ...]]]:
        """Return the shapes of the corkscrews, by κ and s."""
        return PATHS

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for (kappa, s), (m, paths) in self.paths().items():
            failed = unproved(Q(1, kappa), s, m, paths)
            without, spirals = float(best_zigzag_factor(Q(1, kappa), s)), float(spiral_rate(1 / kappa, float(s)))
            reason = f"proved in exact numbers, with {m} corners; the spirals allow {spirals:.5f}"
            told = f"not so: {', '.join(failed)}" if failed else reason
            verdict = "violated" if failed else "holds"
            found.append(Instance(f"κ = {kappa}, s = {s}", verdict, without, without, 1.0, reason=told))
        return found
