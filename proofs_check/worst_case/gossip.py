r"""CHOCO-Gossip is error feedback: the same exact rate, with the eigenvalues of I − W in the place of curvatures.

Along an eigenvector of W with eigenvalue 1 − h let u = x − x̂ be what is compressed, e = C(u) − u the error, |e| ≤ s|u|,
and t = θh. Then one step is

.. math:: \begin{pmatrix} x^+ \\ \sqrt s\,u^+ \end{pmatrix} =
          \begin{pmatrix} 1 - t & -\sqrt s\,t \\ -\sqrt s\,t & -s(1 + t) \end{pmatrix}
          \begin{pmatrix} x \\ e/\sqrt s \end{pmatrix}.

The matrix B(t) is symmetric and affine in t, and x² + e²/s ≤ x² + s u² = V. So V⁺ ≤ r² V where r I ± B(t) ⪰ 0 for all
eigenvalues, and these inequalities hold in between if they hold at the smallest and at the largest t. Conditions on
the messages of single workers add up to that on all eigenvectors together, which is all that the bound needs. (On the
mean, where h = 0, x is left out of V, and V falls by s², which is less.) C(u) = (1 + s)u attains it. All of it is
derived here; whether it is new was not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.worst_case.certificate import Certificate, upper_certificate
from proofs_check.worst_case.measures import GossipPotential
from proofs_check.worst_case.messages import Contractive
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.settings import best_stepsize, feedback_factor
from proofs_check.worst_case.statements import statement
from proofs_check.worst_case.tracing import trace
from toolkit.algorithms.choco import CHOCO
from toolkit.arrays import Array
from toolkit.topology import Topology, complete

__all__ = [
    "best_consensus",
    "gossip",
    "gossip_certificate",
    "gossip_factor",
    "inequalities",
    "published_consensus",
    "published_inequalities",
    "stretched_law",
    "two_clusters",
]

Number = Any  # a Fraction, a float, or a rational function
Matrix = list[list[Any]]


def gossip(topology: Topology, s: Number, consensus: Number, steps: int = 1) -> Model:
    """Return V_N of CHOCO-Gossip with consensus step size θ on a graph, from any state with V_0 ≤ 1."""
    run = trace(
        CHOCO(consensus=consensus, stepsize=0), None, Contractive(delta=1 - s * s), steps=steps,
        workers=len(topology.matrix), start="any", minimiser=None, topology=topology,
    )  # fmt: skip
    return run.worst(GossipPotential(s), GossipPotential(s))


def gossip_factor(gap: Number, beta: Number, s: Number, consensus: Number) -> float:
    r"""Return r² with r² = b r + s, the factor of V per step of CHOCO-Gossip.

    .. math:: b = (1 - s)\max\{|1 - \theta' g|, |1 - \theta' \beta|\}, \qquad \theta' = \theta\,\frac{1 + s}{1 - s}

    Parameters
    ----------
    gap, beta : number
        g = 1 − λ_2, the smallest eigenvalue of I − W but 0, and β = ‖I − W‖, the largest.
    s : number in (0, 1)
        √(1 − δ) of the compressor.
    consensus : number
        θ.

    Examples
    --------
    >>> gossip_factor(1, 1, Fraction(1, 4), Fraction(3, 5))
    0.25
    """
    return feedback_factor(gap / beta, s, consensus * beta)


def best_consensus(gap: Number, beta: Number, s: Number) -> Number:
    """Return 2/(g + β)·(1 − s)/(1 + s), the θ with the smallest factor; exact for fractions."""
    return best_stepsize(gap / beta, s) / beta


def published_consensus(delta: Number, beta: Number, omega: Number, power: int = 1) -> Number:
    r"""Return the published step size of CHOCO-Gossip.

    .. math:: \gamma = \frac{\delta^p \omega}{16\delta + \delta^2 + 4\beta^2 + 2\delta\beta^2 - 8\delta\omega}

    Parameters
    ----------
    delta, beta : number
        Spectral gap 1 − |λ_2| and ‖I − W‖.
    omega : number
        Of the compressor, which is called δ elsewhere.
    power : {1, 2}
        p; recalled as 2, with which the theorem's rate is wrong, and right with 1.

    Notes
    -----
    Source: Koloskova, Stich and Jaggi, ICML 2019 (recalled).
    """
    below = 16 * delta + delta * delta + 4 * beta * beta + 2 * delta * beta * beta - 8 * delta * omega
    return delta**power * omega / below


def inequalities(t: Number, s: Number, r: Number) -> tuple[Matrix, Matrix]:
    """Return r I − B(t) and r I + B(t) in the coordinates (x, e), that is, with rational entries.

    Examples
    --------
    >>> inequalities(Fraction(1, 3), Fraction(1, 4), Fraction(3, 4))[0][0]
    [Fraction(1, 12), Fraction(1, 3)]
    """
    below = [[r - (1 - t), t], [t, r / s + 1 + t]]
    above = [[r + (1 - t), -t], [-t, r / s - 1 - t]]
    return below, above


def published_inequalities(delta: Number, beta: Number, s: Number, rate: Number) -> tuple[Matrix, Matrix]:
    r"""Return ρ − V⁺ at both ends for the published V = x² + e² and step size: V⁺ ≤ ρ V where both are ⪰ 0.

    They are those of the norm of an affine matrix, so that they hold in between too.
    """
    consensus = published_consensus(delta, beta, 1 - s * s)
    found = []
    for t in (consensus * delta, consensus * beta):
        both = t * (1 - t) - s * s * t * (1 + t)
        found.append([[rate - (1 - t) ** 2 - (s * t) ** 2, both], [both, rate - t * t - (s * (1 + t)) ** 2]])
    return found[0], found[1]


def gossip_certificate(topology: Topology, s: Fraction, consensus: Fraction, rate: Fraction) -> Certificate:
    """Return the certificate of V_1 ≤ ρ V_0 with the multipliers ρ of the start and ρ/(s n) of each message.

    Examples
    --------
    >>> from toolkit.topology import ring
    >>> found = gossip_certificate(ring(3), Fraction(1, 2), Fraction(1, 3), Fraction(1, 2))
    >>> found.bound, found.verified()[:6]
    (Fraction(1, 2), 'proved')
    """
    model = gossip(topology, s, consensus)
    n = len(model.messages)
    multipliers = {"metric 0": Fraction(1), "initial": rate} | {f"message {i}": rate / (s * n) for i in range(n)}
    return upper_certificate(statement(model), rate, multipliers)


def stretched_law(t: Array, s: float, steps: int) -> Array:
    """Return x_N/x_0, N = 0, …, `steps`, along eigenvectors, shape ``(step, t)``, for C(u) = (1 + s)u and x̂_0 = 0."""
    x, u = np.ones_like(t), np.ones_like(t)
    law = [x]
    for _ in range(steps):
        x, u = (1 - t) * x - t * s * u, -t * x - (1 + t) * s * u
        law.append(x)
    return np.array(law)


def two_clusters(delta: float) -> Topology:
    """Return two pairs of workers of which each averages within the pair, and with weight δ/2 across: gap δ, β = 1.

    Examples
    --------
    >>> graph = two_clusters(0.25)
    >>> graph.spectral_gap, round(graph.beta, 12)
    (0.25, 1.0)
    """
    across = np.array([[1 - delta / 2, delta / 2], [delta / 2, 1 - delta / 2]])
    return Topology(np.kron(across, complete(2).matrix))


def spectrum(topology: Topology) -> Mapping[str, float]:
    """Return g and β, by the names of `gossip_factor`."""
    eigenvalues = np.linalg.eigvalsh(topology.matrix)
    return {"gap": float(1 - eigenvalues[-2]), "beta": float(1 - eigenvalues[0])}
