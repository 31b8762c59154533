"""Events that nobody could handle, set aside in the service's own database for a person to look at.

A consumer (:mod:`chassis.jetstream`) notes each failure here, and acknowledges an event once it
has been set aside. People list, show, replay and drop such letters with the service's command
``dead-letters``.
"""

from chassis.dead_letters.command import add_command, run_command
from chassis.dead_letters.letters import DeadLetters

__all__ = ["DeadLetters", "add_command", "run_command"]
