"""The statements that admit a turn, written out: each is one round trip, for a turn has few to spare.

They rest on READ COMMITTED: a statement that has waited for a row's lock goes on with that row's
newest version, yet sees other rows as they were when it began.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Callable, Mapping

from sqlalchemy import text

from chassis.db.statement import Statement
from chat_service.runs.store.prompt_statements import (
    BEFORE,
    OF_USER,
    SETTINGS,
    WINDOW,
    WINDOW_BEFORE,
    WITH_SETTINGS,
    told_in,
    words_of,
)
from chat_service.usage.store.ledger import IS_LEFT


def _for_both(statement: Callable[[str], str]) -> Mapping[bool, Statement]:
    """A statement by whether there is a bound: to open another table costs where it is not used, too."""
    return {False: Statement(text(statement(""))), True: Statement(text(statement(_ALLOWED)))}


# The user's runs that were live when the statement began. Simultaneous admissions do not see each
# other: to have them wait for each other is not worth a bound that is exact. One of the same
# session has ended, if it waited for that, or is in the way by itself.
_HAS_ROOM = """
(SELECT count(*) FROM runs AS live
 WHERE live.user_id = :user_id AND live.status = 'running' AND live.session_id IS DISTINCT FROM :session_id)
    < :runs_per_user
"""


# While there is no bound, it is not looked for.
_ALLOWED = f"AND {IS_LEFT}"


def _run(allowed: str, condition: str = "") -> str:
    """The CTE behind `session`, which is locked or new and knows both order numbers.

    `run` stays empty while another run of the session is live, or if the request's key has begun
    one before: unique indexes decide that, and they look past the snapshot. And while the user has
    as many live runs as may be, or has used up what may be used.
    """
    return f"""
run AS (
    INSERT INTO runs (
        id, session_id, tenant_id, user_id, question_id, answer_id, question_order, answer_order,
        provider, model, parameters, temperature, max_tokens, owner, epoch, status, last_seq,
        created_at, idempotency_key, request_hash, key_id, metered, form)
    SELECT :id, session.id, :tenant_id, :user_id, :question_id, :answer_id,
           session.question_order, session.answer_order,
           :provider,
           coalesce(:model,
                    CASE WHEN CAST(:open_models AS text[]) IS NULL
                           OR session.model = ANY (CAST(:open_models AS text[]))
                         THEN session.model END,
                    :fallback_model),
           asked.parameters,
           coalesce(CAST(asked.parameters ->> 'temperature' AS double precision), :temperature),
           coalesce(CAST(asked.parameters ->> 'max_tokens' AS integer), :max_tokens),
           :owner, 1, 'running', 0, :created_at,
           CAST(:idempotency_key AS text), CAST(:request_hash AS bytea), :connection_id, :metered,
           CAST(:form AS text)
    FROM session CROSS JOIN LATERAL (
        SELECT CAST(:defaults AS jsonb) || coalesce(session.parameters, '{{}}')
               || CAST(:wishes AS jsonb) AS parameters) AS asked
    WHERE {_HAS_ROOM} {allowed} {condition}
    ON CONFLICT DO NOTHING
    RETURNING id, model, question_order, answer_order, parameters)
"""


# What a turn is told of its run and of its session. Most sessions have no parameters of their own:
# then those of the run are known, and not read again.
_ADMITTED = """
session.title_by = 'first_line' AND coalesce(session.titles_by_model, false) AS wants_title,
session.key_id, run.id, run.model, run.question_order, run.answer_order,
session.summary AS sums_up, session.temporary, session.parameters AS session_parameters,
CASE WHEN session.parameters IS NOT NULL THEN run.parameters END AS run_parameters
"""


# The question goes behind the chosen path's end.
_QUESTION = """
question AS (
    INSERT INTO messages (
        id, session_id, tenant_id, user_id, role, content, "order", parent_order, chosen, created_at)
    SELECT :question_id, session.id, :tenant_id, :user_id, 'user', :content, run.question_order,
           session.leaf_order, true, :created_at
    FROM session, run)
"""


def _admitted(window: str, before: str = "") -> str:
    """What an admission answers: a row for each message of the window, one with nulls for none."""
    return f"""
SELECT {_ADMITTED}, earlier.role, earlier.content, earlier."order", earlier.attachments
FROM session LEFT JOIN run ON true
    LEFT JOIN ({window} UNION ALL {words_of("session", before)}) AS earlier ON true
ORDER BY earlier."order"
"""


# A new session with its first question and run: one row, which has what the model is told; none if
# the key has begun one before.
ADMIT_TO_NEW_SESSION = _for_both(
    lambda allowed: (
        f"""
WITH session AS (
    INSERT INTO sessions (
        id, tenant_id, user_id, title, key_id, model, persona, persona_prompt, persona_gave,
        parameters, last_order, message_count, last_message_at, created_at, updated_at, leaf_order)
    VALUES (:session_id, :tenant_id, :user_id, :title, :key_id, :session_model, :persona,
            :persona_prompt, CAST(:persona_gave AS jsonb), CAST(:session_parameters AS jsonb), 2, 1, :created_at, :created_at,
            :created_at, 1)
    RETURNING id, key_id, model, parameters, persona_prompt, instructions, summary, temporary, title_by,
              {OF_USER} AS told_by_user,
              (SELECT user_settings.titles_by_model FROM user_settings
               WHERE user_settings.user_id = :user_id) AS titles_by_model,
              1 AS question_order, last_order AS answer_order, 0 AS leaf_order),
{_run(allowed)},
{_QUESTION}
SELECT {_ADMITTED}, words.role, words.content, words."order", words.attachments
FROM session CROSS JOIN run LEFT JOIN ({told_in("session")}) AS words ON true
"""
    )
)


def _admit_to_session(before: str, source: str, condition: str) -> Mapping[bool, Statement]:
    """The question and the run of a session that is there, whose row is locked first.

    No row without the session; otherwise a row for each message of the window (one with nulls if
    there is none), `id` null if there is a run in the way: then nothing is written.
    """
    return _for_both(
        lambda allowed: (
            f"""
WITH {before} session AS (
    SELECT sessions.id, sessions.key_id, sessions.model, sessions.leaf_order, sessions.parameters,
           sessions.persona_prompt, sessions.instructions, sessions.title_by, sessions.summary,
           sessions.temporary,
           {SETTINGS},
           sessions.last_order + 1 AS question_order, sessions.last_order + 2 AS answer_order
    FROM {source} {WITH_SETTINGS}
    WHERE sessions.id = :session_id AND sessions.user_id = :user_id AND sessions.deleted_at IS NULL
    FOR UPDATE OF sessions),
{_run(allowed, condition)},
{_QUESTION},
counted AS (
    UPDATE sessions
    SET last_order = run.answer_order,
        leaf_order = run.question_order,
        message_count = message_count + 1,
        title = CASE WHEN title = '' THEN :title ELSE title END,
        last_message_at = greatest(last_message_at, :created_at),
        updated_at = greatest(updated_at, :created_at)
    FROM run
    WHERE sessions.id = :session_id)
{_admitted(WINDOW)}
"""
        )
    )


# Within a transaction that has locked the session's row before, and knows the chosen path's end: the
# statement sees the path as it is.
ADMIT_TO_SESSION = _admit_to_session("", "sessions", "")

# The same as a transaction by itself, for what is the case nearly always: the owner is known and
# not erased, the session's connection is the one that was guessed, and the chosen path did not change
# while the statement waited for the session's lock. Otherwise nothing is written.
ADMIT_AT_ONCE = _admit_to_session(
    """
owner AS (
    SELECT user_id FROM owners WHERE user_id = :user_id AND erased_at IS NULL FOR SHARE),
""",
    "owner, sessions",
    """
    AND session.leaf_order = (SELECT seen.leaf_order FROM sessions AS seen WHERE seen.id = :session_id)
    AND (:own_key OR session.key_id IS NOT DISTINCT FROM CAST(:guessed_key_id AS uuid))
""",
)

# A question that is there is answered once more: the transaction has locked the session's row, and
# made the question the chosen path's end.
ADMIT_REGENERATION = _for_both(
    lambda allowed: (
        f"""
WITH session AS (
    SELECT sessions.id, sessions.key_id, sessions.model, sessions.parameters,
           sessions.persona_prompt, sessions.instructions, sessions.title_by, sessions.summary,
           sessions.temporary,
           {SETTINGS},
           CAST(:before AS integer) AS question_order, sessions.last_order + 1 AS answer_order
    FROM sessions {WITH_SETTINGS}
    WHERE sessions.id = :session_id AND sessions.user_id = :user_id
    FOR UPDATE OF sessions),
{_run(allowed)},
counted AS (
    UPDATE sessions
    SET last_order = run.answer_order,
        last_message_at = greatest(last_message_at, :created_at),
        updated_at = greatest(updated_at, :created_at)
    FROM run
    WHERE sessions.id = :session_id)
{_admitted(WINDOW_BEFORE, BEFORE)}
"""
    )
)


ADMIT_CONTINUATION = _for_both(
    lambda allowed: (
        f"""
INSERT INTO runs (
    id, session_id, tenant_id, user_id, question_id, answer_id, question_order, answer_order,
    provider, model, parameters, temperature, max_tokens, owner, epoch, status, last_seq,
    created_at, continues, idempotency_key, request_hash, key_id, metered, form)
SELECT
    :id, :session_id, :tenant_id, :user_id, :question_id, :answer_id, :question_order,
    :answer_order, :provider, :model, CAST(:parameters AS jsonb), :temperature, :max_tokens,
    :owner, 1, 'running', 0, :created_at, :continues, CAST(:idempotency_key AS text), CAST(:request_hash AS bytea),
    :connection_id, :metered, CAST(:form AS text)
WHERE {_HAS_ROOM} {allowed}
ON CONFLICT DO NOTHING
"""
    )
)
