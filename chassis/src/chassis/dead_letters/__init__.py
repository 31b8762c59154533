"""Events that nobody could handle, set aside in the service's own database for a person to look at.

A consumer (:mod:`chassis.jetstream`) notes each failure here, and acknowledges an event once it
has been set aside. People list, show, replay and drop such letters with the service's command
``dead-letters``.
"""
