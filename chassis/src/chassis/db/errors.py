"""What a database that is away, or too busy, looks like to the code above it."""

from contextlib import suppress

import psycopg
from sqlalchemy import exc

from chassis.errors import Unavailable


class DatabaseUnavailable(Unavailable):
    """The server cannot be reached, or went away before it answered.

    When it is raised by a commit, the outcome is unknown: what is written by an id that was
    fixed beforehand can be written again.
    """

    reason = "DATABASE_UNAVAILABLE"
    #: Whether it is the connection's fault, so that another one may do what this one never will.
    is_of_connection = False


class DatabaseBusy(Unavailable):
    """No connection, lock or time was to be had within the limits; nothing was committed."""

    reason = "DATABASE_BUSY"


class StatementGivenUp(DatabaseBusy):
    """The server gave the statement up: it took too long, or stood in another's way.

    To a client it is the same. But where a full pool or disk is full for everybody, this one may
    fail for ever, and for what it was asked to do.
    """

    is_outage = False


class StalePlan(DatabaseUnavailable):
    """The connection had prepared a statement whose columns have got other types since.

    It can never execute it again; another connection can.
    """

    is_of_connection = True


class StandbyServer(DatabaseUnavailable):
    """The connection is to a server that writes nothing, as a primary of before a failover is.

    It may be well for reading for ever; another connection may find the new primary.
    """

    is_of_connection = True


# https://www.postgresql.org/docs/current/errcodes-appendix.html: statement timeout, lock
# timeout, serialization failure, deadlock; class 53 is "insufficient resources" (disk full,
# too many connections).
_GIVEN_UP = frozenset({"57014", "55P03", "40001", "40P01"})
# Read-only transaction.
_READ_ONLY = "25006"
# With such an error the server ends the connection, whatever its code: one that idled in a transaction,
# as of a process that was frozen in it, has the class of those errors that are ours.
_FAREWELLS = frozenset({"FATAL", "PANIC"})


# "cached plan must not change result type" has no code of its own: it is one of many features
# that are not supported, but the only one that this function of the server refuses.
# https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/cache/plancache.c
_STALE_PLAN = ("0A000", "RevalidateCachedQuery")


def unavailable(error: BaseException) -> Unavailable | None:
    """The typed error for ``error``, or None when it says something about the statement."""
    if isinstance(error, exc.TimeoutError):
        return DatabaseBusy(retry_after=1)
    if isinstance(error, exc.DBAPIError):
        original = error.orig
    elif isinstance(error, psycopg.Error):
        original = error
    else:
        return None
    if not isinstance(original, psycopg.Error):
        return None
    state = original.sqlstate or ""
    if state in _GIVEN_UP:
        return StatementGivenUp(retry_after=1)
    if state.startswith("53"):
        return DatabaseBusy(retry_after=1)
    if (state, original.diag.source_function) == _STALE_PLAN:
        return StalePlan(retry_after=1)
    if state == _READ_ONLY:
        return StandbyServer(retry_after=1)
    is_farewell = original.diag.severity_nonlocalized in _FAREWELLS
    if isinstance(original, psycopg.OperationalError) or is_farewell:
        return DatabaseUnavailable(retry_after=1)
    return None


def break_circles(error: BaseException) -> None:
    """Of ``error``, and of whoever it passes, nothing is left to the garbage collector.

    SQLAlchemy raises errors anew from functions that still have them among their variables: error,
    traceback, frame, error is a circle, which has the frames of all callers in it, and what they hold.
    """
    at = error.__traceback__
    while at is not None:
        if str(at.tb_frame.f_globals.get("__name__")).startswith("sqlalchemy."):
            with suppress(RuntimeError):  # it is not through yet, and lets go by itself
                at.tb_frame.clear()
        at = at.tb_next
