"""Saddle points: how compressed descent escapes them, and what its memory holds.

What is measured at the full level, and what it says about published statements. Slopes are least squares in logarithms,
with intervals over runs, of 99 % confidence for claims A4-gain and A4-break-even-power and 99.9 % for the others.

====================================== ==================================== ====================
published                              measured                             claim
====================================== ==================================== ====================
**supported**
bits saved ∝ d^(1/2), not Lipschitz    0.519 [0.491, 0.546]                 A4-gain-d
bits saved ∝ d^0, Lipschitz            0.010 [−0.005, 0.026]                A4-gain-d
bits saved ∝ ε^(−3/4), not Lipschitz   −0.778 [−0.806, −0.750]              A4-gain-eps
bits saved ∝ ε^(−3/4), Lipschitz       −0.784 [−0.797, −0.770]              A4-gain-eps
steps per unit of f ∝ ε^(−2)           −1.995 [−1.996, −1.993]              A2-escape-epsilon
steps per unit of f ∝ ε^(−4), noise    −3.935 [−3.978, −3.892]              A2-escape-epsilon
steps ∝ d, not Lipschitz, r² = dσ²     0.925 [0.865, 0.984]                 A2-factor-d
Rand-k as fast down to the break-even  1.28 to 1.43 times as long           A4-break-even
steps grow as a logarithm of d         2.21 to 2.25 per unit of ln d        A2-escape-log-d
legs on the octopus: κ(η), GD          within 2 %                           A3-leg-factor
time on the octopus linear in d, PGD   within 20 %                          A3-linear-time
**contradicted, both inferred only**
break-even ∝ ε^(3/4)                   1.61 [1.50, 1.73]                    A4-break-even-power
below it steps ∝ μ^(−2)                −0.94 [−1.01, −0.87] at ε = 1/2,     A4-two-terms
..                                     −0.72 [−0.81, −0.62] at ε = 1/4
====================================== ==================================== ====================

Exponents of steps are those without the logarithm, where the law gives it. Gains are of the formula count; in encoded
bytes, with 32 bits of seed a message, that in d is 0.564 [0.537, 0.592]. The factor d comes from the radius that the
theorem injects: with r² = σ² the slope is 0.001 [−0.050, 0.052]. The slope −2 in μ is seen with a step ∝ μ² only:
−2.24 [−2.36, −2.13]. At their own constants the theorems of 2021 promise nothing for fewer than 10⁹ steps
(A2-18-own-constants, A2-16-own-constants).

Left open: whether the two terms in μ and ε are right for functions worse than one saddle, for which they would be an
upper bound; how large the constants are that the theorems do not name, c_max of 2017 and μ_0 of Theorem 16; everything
about Power-EF but the form that is put together here (A5-speed-up, A5-heterogeneity); and why to keep as many
coordinates as the theory does, as one takes fewer bits here up to ηL = 1/d (A4-gain-larger).
"""
