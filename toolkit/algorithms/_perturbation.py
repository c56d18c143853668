"""Random vectors that push an iterate off a saddle: one for all workers of a run, so that it costs no communication."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

from toolkit.arrays import Array
from toolkit.kernels import norm
from toolkit.parameters import check_number

__all__ = ["ball", "check_radius", "gaussian", "sphere"]


def gaussian(draw: Any, x: Array, radius: Any) -> Array:
    r"""Return ξ ~ N(0, (r²/d) I), so that E‖ξ‖² = r², in shape ``(run, 1, d)`` and the type of `x`."""
    d = x.shape[2]
    return (radius / sqrt(d) * draw.of("perturbation").normal(d)).astype(x.dtype, copy=False)


def sphere(draw: Any, x: Array, radius: Any) -> Array:
    """Return ξ uniform on the sphere of radius r, in shape ``(run, 1, d)`` and the type of `x`."""
    direction = draw.of("perturbation").normal(x.shape[2])
    return (radius * direction / norm(direction)).astype(x.dtype, copy=False)


def ball(draw: Any, x: Array, radius: Any) -> Array:
    """Return ξ uniform in the ball of radius r, in shape ``(run, 1, d)`` and the type of `x`."""
    inwards = draw.of("perturbation").of("radius").uniform(1) ** (1 / x.shape[2])
    return sphere(draw, x, radius * inwards)


def check_radius(owner: Any) -> None:
    """Refuse a radius that is negative or not finite."""
    check_number(owner, "radius", "a finite number of at least 0", lambda radius: 0 <= radius < inf)
