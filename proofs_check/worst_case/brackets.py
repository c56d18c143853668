"""A worst case between two exact bounds, against the value that a statement gives it."""

from __future__ import annotations

from proofs_check.claim import Instance
from proofs_check.worst_case.certifying import SLACK, Uncertified, certify, exhibit
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.rational import at_least, at_most
from proofs_check.worst_case.solving import Unsolved

__all__ = ["bracket", "bracket_of_moments"]

ROUNDING = 1e-12  # of the stated value, a float


def bracket(name: str, model: Model, stated: float, *, slack: float = SLACK) -> Instance:
    """Judge that the worst case of a model is what a statement says, by certificates from both sides.

    Parameters
    ----------
    name : str
        Name of the instance.
    model : Model
    stated : float
        The value it is said to have.
    slack : float
        As of `certify`.

    Returns
    -------
    Instance
        `tight` if the stated value lies between the exact bounds, else `violated`; measured is the upper bound, which
        is proved, and the reason gives both. `undecided` if there is no bound within the slack.

    Examples
    --------
    >>> from fractions import Fraction as Q
    >>> from proofs_check.worst_case.settings import error_feedback
    >>> model = error_feedback(Q(3, 5), Q(1, 3), Q(5, 8))
    >>> bracket("an example", model, 4 / 9).verdict, bracket("too low", model, 0.444).verdict
    ('tight', 'violated')
    """
    try:
        below, above = exhibit(model, slack=slack).bound, certify(model, slack=slack).bound
    except (Unsolved, Uncertified) as lack:
        return Instance(name, "undecided", bound=stated, reason=str(lack))
    low, high = float(below), float(above)
    verdict, why = "tight", "the worst case is proved to lie"
    if stated < low * (1 - ROUNDING):
        verdict, why = "violated", "an exact instance is worse than stated: the worst case lies"
    elif stated > high * (1 + ROUNDING):
        verdict, why = "violated", "the stated value is not attained: the worst case lies"
    reason = f"{why} between {at_least(below)} and {at_most(above)}"
    return Instance(name, verdict, high, stated, high / stated, reason=reason)


def bracket_of_moments(name: str, model: Model, stated: float, attained: float, *, slack: float = SLACK) -> Instance:
    """Judge the same of a model of moments, which has no exact instances: `attained` gives the value of a random one.

    Returns
    -------
    Instance
        `tight` if the upper bound is proved within the slack of the stated value and the instance attains it.
    """
    try:
        above = certify(model, slack=slack).bound
    except (Unsolved, Uncertified) as lack:
        return Instance(name, "undecided", bound=stated, reason=str(lack))
    high = float(above)
    attains = abs(attained / stated - 1) <= ROUNDING
    verdict = "tight" if attains and stated * (1 - ROUNDING) <= high <= stated * (1 + 2 * slack) else "violated"
    reason = f"proved at most {at_most(above)}; a random instance has {attained:.9g}"
    return Instance(name, verdict, high, stated, high / stated, reason=reason)
