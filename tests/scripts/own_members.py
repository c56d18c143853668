"""A user's own compressor, method and problem, ten lines each, in a script outside the package."""

import numpy as np

from problems import Problem
from toolkit import simulate
from toolkit.algorithms import Algorithm, State, mean
from toolkit.compressors import Compressor
from toolkit.constants import CompressorConstants, upper_bound


class RandomHalf(Compressor):
    """Keep each coordinate with probability p; C(x) = b·x with b Bernoulli."""

    p: float
    random = True

    def message(self, x, draw):
        return np.where(draw.of("kept").uniform(x.shape[-1]) < self.p, x, 0.0)

    def constants(self, d, n=1):
        return CompressorConstants(delta=upper_bound(self.p, "E‖C(x) − x‖² = (1 − p)‖x‖²"))


class HeavyBallEF(Algorithm):
    """EF14 with momentum at the workers."""

    momentum: float

    def init(self, x, oracle, channel, draw):
        return State(x=x, memory=0 * oracle.per_worker(x), velocity=0 * oracle.per_worker(x))

    def step(self, state, oracle, channel, draw):
        velocity = self.momentum * state.velocity + oracle.sample(state.x)
        sent, memory = channel.send_with_memory(state.memory, velocity, self.stepsize)
        return State(x=state.x - mean(sent), memory=memory, velocity=velocity)


class Rosenbrock(Problem):
    """f_i(x) = (1 − x_1)² + 5 (1 + i) (x_2 − x_1²)²."""

    workers, dimension, f_star, start = 3, 2, 0.0, np.array([-1.0, 1.5])
    stiffness = 5.0 * np.array([1.0, 2.0, 3.0])

    def value(self, x):
        return (1 - x[..., 0]) ** 2 + self.stiffness * (x[..., 1] - x[..., 0] ** 2) ** 2

    def gradient(self, x):
        valley = 2 * self.stiffness * (x[..., 1] - x[..., 0] ** 2)
        return np.stack([-2 * (1 - x[..., 0]) - 2 * x[..., 0] * valley, valley], axis=-1)


result = simulate(
    Rosenbrock(), HeavyBallEF(momentum=[0.0, 0.5]), RandomHalf(p=0.5), stepsize=0.002, steps=5000, runs=4, seed=1
)
print(result.f_gap.isel(step=-1).mean("run").values)
assert dict(result.sizes) == {"momentum": 2, "run": 4, "step": result.sizes["step"]}
assert (result.f_gap.isel(step=-1) < 0.05).all()
assert len(np.unique(result.f_gap.isel(step=-1, momentum=0))) == 4
