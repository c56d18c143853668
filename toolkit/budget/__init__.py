"""The total error of a whole run under a budget of K sent elements: what is optimal, and what methods pay.

``decoupled``: the messages are made of given vectors; ``linear_program``: the same by duality; ``coupled``: what is not
sent is fed back; ``open_loop``: what methods pay on the same gradients; ``brute_force``: all that by enumeration.
"""

from toolkit.budget.coupled import CoupledOptimum, coupled_optimum
from toolkit.budget.decoupled import DecoupledOptimum, decoupled_optimum
from toolkit.budget.linear_program import LinearOptimum, linear_optimum
from toolkit.budget.open_loop import BestThresholds, OpenLoop, best_thresholds, feed_back

__all__ = [
    "BestThresholds",
    "CoupledOptimum",
    "DecoupledOptimum",
    "LinearOptimum",
    "OpenLoop",
    "best_thresholds",
    "coupled_optimum",
    "decoupled_optimum",
    "feed_back",
    "linear_optimum",
]
