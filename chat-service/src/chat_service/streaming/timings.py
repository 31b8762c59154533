"""How long streaming waits for what, and how much it takes at a time: as shipped.

tests/streaming/test_timings.py holds what these must be to each other.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds where nothing else is said."""

    # Between two heartbeats of a replica, and after which silence it is dead.
    heartbeat: float = 1.0
    dead: float = 15.0
    #: A look that comes so much later than its heartbeat is no proof of anybody's silence.
    late: float = 3.0
    #: Between two tries to end a run whose save is refused for good: doubling.
    first_pause: float = 15.0
    longest_pause: float = 600.0

    #: How long a run stays in memory behind its end, for those about to reattach.
    linger: float = 5.0
    #: The same of one that is generated elsewhere: until who still reads has it from the log.
    linger_elsewhere: float = 5.0
    #: Between two looks at all runs' clocks.
    watch: float = 0.5
    #: Of the drain time, what is kept for ending and saving what did not finish by itself.
    ending: float = 5.0
    #: For a run that was accepted at the very last moment.
    stop: float = 1.5
    #: How long the terminal event waits for the save.
    save_patience: float = 2.0

    #: An append to Redis that takes longer is given up; whether it was written shows with the next.
    append: float = 0.25
    #: After Redis took no append, until it is tried again.
    append_again: float = 1.0
    #: Between two flushes while Redis is away: PostgreSQL is asked four times a second at most.
    degraded_pause: float = 0.25
    #: For one transaction with frames that Redis did not take.
    fallback: float = 2.0
    #: How long to wait for PostgreSQL to say whose a run is, and how long not to ask it again. It
    #: can say so only while it is there, and a run that was taken over while it was is found out
    #: at the latest when it is to be saved.
    claim: float = 1.0
    claim_again: float = 1.0
    #: A process that has noted no time for so long was frozen; others may have ended its runs.
    frozen: float = 10.0

    #: Once a run is saved its log stays for late readers.
    log_kept: int = 600
    #: Between two sweeps; keys of Redis, and rows, that one step of it looks at, about.
    sweep: float = 10.0
    swept_keys: int = 1000
    swept_rows: int = 1000

    #: Bytes of a run's frame data that stay in memory for readers; older ones are read from the log.
    window_bytes: int = 256 * 1024


SHIPPED = Timings()
