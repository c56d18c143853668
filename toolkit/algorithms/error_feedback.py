"""Error feedback: what was not sent is remembered and added to the next message (EF14)."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import Algorithm, State, mean


class ErrorFeedback(Algorithm):
    def init(self, x, oracle, channel, draw):
        return State(x=x, memory=0 * oracle.per_worker(x))

    def step(self, state, oracle, channel, draw):
        sent, memory = channel.send_with_memory(state.memory, oracle.sample(state.x), self.stepsize)
        return State(x=state.x - mean(sent), memory=memory)
