"""From a seed to a fault: who dies, when, and for how long."""

import random
from dataclasses import dataclass

VICTIMS = ("gateway", "chat-service", "postgres", "redis", "nats")
# Four seconds, of which every fault leaves most: it always meets a live stream.
MODEL = "tokens-300-at-80"


@dataclass(frozen=True)
class Plan:
    """One run's fault. The victim dies when the reader has seen ``deltas`` deltas.

    ``away`` is how many seconds a server stays down; services are restarted by the runner.
    """

    seed: int
    victim: str
    gateway: int
    deltas: int
    away: float


def plan_of(seed: int) -> Plan:
    """The same for the same seed; five seeds in a row have five different victims."""
    rng = random.Random(seed)
    return Plan(
        seed=seed,
        victim=VICTIMS[seed % len(VICTIMS)],
        gateway=rng.randrange(2),
        deltas=rng.randint(1, 15),
        away=rng.choice((0.0, 0.0, 0.3, 1.5)),
    )
