"""The statements of runs that have begun, each one round trip."""

# ruff: noqa: S608 - all of them are made of constants

from sqlalchemy import text

from chassis.db.statement import Statement, columns_of
from chat_service.conversations.store.messages import follows
from chat_service.runs.store.prompt_statements import WITH_SETTINGS
from chat_service.tables import runs

_RUN = columns_of(runs)


FIND_RUN = Statement(text(f"SELECT {_RUN} FROM runs WHERE id = :run_id AND user_id = :user_id"))

# For a run's user: with its session it is out of sight.
_IN_SIGHT = """
NOT EXISTS (
    SELECT FROM sessions WHERE sessions.id = runs.session_id AND sessions.deleted_at IS NOT NULL)
"""

FIND_RUN_IN_SIGHT = Statement(
    text(f"SELECT {_RUN} FROM runs WHERE id = :run_id AND user_id = :user_id AND {_IN_SIGHT}")
)

RUN_OF_KEY = Statement(
    text(
        f"SELECT {_RUN}, {_IN_SIGHT} AS in_sight FROM runs"
        " WHERE user_id = :user_id AND idempotency_key = :idempotency_key"
    )
)

# The live one, or else of the runs with the last answer, which are each other's continuations, the
# one that nobody has continued: no clock decides.
NEWEST_RUN = Statement(
    text(f"""
SELECT {_RUN} FROM runs
WHERE session_id = :session_id AND user_id = :user_id
  AND NOT EXISTS (
    SELECT FROM runs AS later
    WHERE later.session_id = :session_id AND later.continues = runs.id)
ORDER BY status = 'running' DESC, answer_order DESC
LIMIT 1
""")
)

LIVE_RUNS = Statement(
    text(f"""
SELECT {_RUN} FROM runs
WHERE user_id = :user_id AND status = 'running' AND session_id IS NOT NULL AND {_IN_SIGHT}
ORDER BY id DESC
""")
)

WANTS_TITLE = Statement(
    text(f"""
SELECT sessions.title_by = 'first_line' AND coalesce(settings.titles_by_model, false) AS wants_title
FROM sessions {WITH_SETTINGS}
WHERE sessions.id = :session_id AND sessions.user_id = :user_id
""")
)

IS_BEING_WRITTEN = Statement(
    text(f"""
SELECT EXISTS (
    SELECT FROM runs
    WHERE user_id = :user_id AND status = 'running' AND answer_id = :answer_id AND {_IN_SIGHT})
    AS live
""")
)

CONTEXT_OF = Statement(text("SELECT context FROM runs WHERE id = :run_id AND user_id = :user_id"))

# Whether another run has gone on with this one's answer, or a message follows it.
IS_FOLLOWED = Statement(
    text(f"""
SELECT EXISTS (
    SELECT FROM runs AS later
    WHERE later.session_id = :session_id AND later.continues = :run_id)
OR EXISTS (
    SELECT FROM messages
    WHERE messages.session_id = :session_id AND messages.user_id = :user_id
      AND {follows("messages", "CAST(:answer_order AS integer)")}) AS followed
""")
)

# A run that has ended is touched, but stays as it is.
REQUEST_CANCEL = Statement(
    text(
        "UPDATE runs SET cancel_requested = cancel_requested OR status = 'running'"
        f" WHERE id = :run_id AND user_id = :user_id AND {_IN_SIGHT}"
    )
)


LIVE_RUN = Statement(
    text(
        "SELECT id FROM runs"
        " WHERE session_id = :session_id AND user_id = :user_id AND status = 'running'"
    )
)

# Another connection goes on with a live run; who reads the run sees that from now on.
NOTE_FALLBACK = Statement(
    text("""
UPDATE runs
SET provider = :provider, model = :model, key_id = :connection_id, metered = :metered,
    parameters = CAST(:parameters AS jsonb), temperature = :temperature, max_tokens = :max_tokens,
    fallback_from = coalesce(fallback_from, :fallback_from),
    fallback_reason = coalesce(fallback_reason, :fallback_reason)
WHERE id = :id AND user_id = :user_id AND epoch = :epoch AND status = 'running'
""")
)
