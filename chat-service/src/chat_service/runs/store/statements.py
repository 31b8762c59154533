"""The statements of a turn, written out: each is one round trip, for a turn has few to spare.

They rest on READ COMMITTED: a statement that has waited for a row's lock goes on with that row's
newest version, yet sees other rows as they were when it began.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Callable, Mapping

from sqlalchemy import text

from chassis.db.statement import Statement, columns_of
from chat_service.prompt.domain import UNHEARD
from chat_service.tables import runs

_RUN = columns_of(runs)


def _for_both(statement: Callable[[str], str], metered: str) -> Mapping[bool, Statement]:
    """A statement by whether tokens are counted: to open another table costs where it is not used, too."""
    return {False: Statement(text(statement(""))), True: Statement(text(statement(metered)))}


# The user's runs that were live when the statement began. Simultaneous admissions do not see each
# other: to have them wait for each other is not worth a bound that is exact. One of the same
# session has ended, if it waited for that, or is in the way by itself.
_HAS_ROOM = """
(SELECT count(*) FROM runs AS live
 WHERE live.user_id = :user_id AND live.status = 'running' AND live.session_id IS DISTINCT FROM :session_id)
    < :runs_per_user
"""


# What a user has spent of a connection today; of one that nobody pays for but who asks, it is not
# looked for.
_ALLOWED = """
AND coalesce((SELECT tokens FROM token_usage
              WHERE user_id = :user_id AND key_id = :connection_id AND day = :day), 0)
    < CAST(:daily_tokens AS bigint)
"""


def _run_and_question(allowed: str, condition: str = "") -> str:
    """The two CTEs behind `session`, which is locked or new and knows the question's order number.

    `run` stays empty while another run of the session is live, or if the request's key has begun
    one before: unique indexes decide that, and they look past the snapshot. And while the user has
    as many live runs as may be, or has used up the connection's tokens of the day.
    """
    return f"""
run AS (
    INSERT INTO runs (
        id, session_id, tenant_id, user_id, question_id, answer_id, question_order, answer_order,
        provider, model, parameters, temperature, max_tokens, owner, epoch, status, last_seq,
        created_at, idempotency_key, request_hash, key_id, metered)
    SELECT :id, session.id, :tenant_id, :user_id, :question_id, :answer_id,
           session.question_order, session.question_order + 1,
           :provider,
           coalesce(:model,
                    CASE WHEN CAST(:open_models AS text[]) IS NULL
                           OR session.model = ANY (CAST(:open_models AS text[]))
                         THEN session.model END,
                    :fallback_model),
           CAST(:parameters AS jsonb), :temperature, :max_tokens,
           :owner, 1, 'running', 0, :created_at,
           CAST(:idempotency_key AS text), CAST(:request_hash AS bytea), :connection_id, :metered
    FROM session
    WHERE {_HAS_ROOM} {allowed} {condition}
    ON CONFLICT DO NOTHING
    RETURNING id, model, question_order, answer_order),
question AS (
    INSERT INTO messages (
        id, session_id, tenant_id, user_id, role, content, "order", created_at)
    SELECT :question_id, session.id, :tenant_id, :user_id, 'user', :content, run.question_order,
           :created_at
    FROM session, run)
"""


_WORDS_UNHEARD = ", ".join(f"'{reason}'" for reason in UNHEARD)


def _is_blank(message: str) -> str:
    """Whether nothing but white space is in it; of a long text that is not looked for."""
    return f"(octet_length({message}.content) <= 64 AND {message}.content ~ '^\\s*$')"


def _window(earlier: str) -> str:
    """The newest of those messages that fit both bounds, and may be shown to a model.

    Not blank ones, nor questions whose answer is blank, unless they came before no model. Thinking
    at the beginning of an answer of an earlier version is not counted.
    """
    return f"""
    SELECT role, content, "order"
    FROM (
        SELECT role, content, "order", sum(characters) OVER (ORDER BY "order" DESC) AS characters
        FROM (
            SELECT message.role, message.content, message."order",
                   char_length(message.content)
                   - CASE WHEN starts_with(message.content, '<think>')
                          THEN coalesce(nullif(position('</think>' IN message.content), 0) + 7, 0)
                          ELSE 0 END AS characters
            FROM messages AS message
            WHERE message.session_id = :session_id AND message.user_id = :user_id
              AND message.{earlier} AND NOT {_is_blank("message")}
              AND (message.role <> 'user' OR NOT EXISTS (
                  SELECT FROM messages AS answer
                  WHERE answer.session_id = message.session_id AND answer.role = 'assistant'
                    AND answer."order" = message."order" + 1 AND {_is_blank("answer")}
                    AND (answer.reason IS NULL OR answer.reason NOT IN ({_WORDS_UNHEARD}))))
            ORDER BY message."order" DESC
            LIMIT :window_messages) AS newest) AS measured
    WHERE characters <= :window_characters
"""


_WINDOW = _window("id <> :question_id")
_WINDOW_BEFORE = _window('"order" < :before')

# A new session with its first question and run: one row; none if the key has begun one before.
ADMIT_TO_NEW_SESSION = _for_both(
    lambda allowed: (
        f"""
WITH session AS (
    INSERT INTO sessions (
        id, tenant_id, user_id, title, key_id, model, last_order, message_count, last_message_at,
        created_at, updated_at)
    VALUES (:session_id, :tenant_id, :user_id, :title, :key_id, :model, 2, 1, :created_at,
            :created_at, :created_at)
    RETURNING id, key_id, model, last_order - 1 AS question_order),
{_run_and_question(allowed)}
SELECT session.key_id, run.id, run.model, run.question_order, run.answer_order
FROM session, run
"""
    ),
    _ALLOWED,
)


def _admit_to_session(before: str, source: str, condition: str) -> Mapping[bool, Statement]:
    """The question and the run of a session that is there, whose row is locked first.

    No row without the session; otherwise a row for each message of the window (one with nulls if
    there is none), `id` null if there is a run in the way: then nothing is written. `newest` is
    the order of the newest message that the statement saw.
    """
    return _for_both(
        lambda allowed: (
            f"""
WITH {before} session AS (
    SELECT sessions.id, sessions.key_id, sessions.model,
           sessions.last_order + 1 AS question_order,
           coalesce((SELECT max("order") FROM messages WHERE session_id = :session_id), 0)
               AS newest
    FROM {source}
    WHERE sessions.id = :session_id AND sessions.user_id = :user_id AND sessions.deleted_at IS NULL
    FOR UPDATE OF sessions),
{_run_and_question(allowed, condition)},
counted AS (
    UPDATE sessions
    SET last_order = run.answer_order,
        message_count = message_count + 1,
        title = CASE WHEN title = '' THEN :title ELSE title END,
        last_message_at = greatest(last_message_at, :created_at),
        updated_at = greatest(updated_at, :created_at)
    FROM run
    WHERE sessions.id = :session_id)
SELECT session.key_id, run.id, run.model, run.question_order, run.answer_order, session.newest,
       earlier.role, earlier.content
FROM session LEFT JOIN run ON true LEFT JOIN ({_WINDOW}) AS earlier ON true
ORDER BY earlier."order"
"""
        ),
        _ALLOWED,
    )


ADMIT_TO_SESSION = _admit_to_session("", "sessions", "")

# The same as a transaction by itself, for what is the case nearly always: the owner is known and
# not erased, the session's connection is the one that was guessed, and no answer was saved while
# the statement waited for the session's lock. Otherwise nothing is written.
ADMIT_AT_ONCE = _admit_to_session(
    """
owner AS (
    SELECT user_id FROM owners WHERE user_id = :user_id AND erased_at IS NULL FOR SHARE),
""",
    "owner, sessions",
    """
    AND session.newest = session.question_order - 1
    AND (:own_key OR session.key_id IS NOT DISTINCT FROM CAST(:guessed_key_id AS uuid))
""",
)

READ_WINDOW = Statement(text(f'SELECT role, content FROM ({_WINDOW}) AS earlier ORDER BY "order"'))

READ_WINDOW_BEFORE = Statement(
    text(f'SELECT role, content FROM ({_WINDOW_BEFORE}) AS earlier ORDER BY "order"')
)


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
    text(f"SELECT {_RUN} FROM runs WHERE user_id = :user_id AND idempotency_key = :idempotency_key")
)

# Of the runs with the last answer, which are each other's continuations, the one that nobody has
# continued: no clock decides.
NEWEST_RUN = Statement(
    text(f"""
SELECT {_RUN} FROM runs
WHERE session_id = :session_id AND user_id = :user_id
  AND NOT EXISTS (
    SELECT FROM runs AS later
    WHERE later.session_id = :session_id AND later.continues = runs.id)
ORDER BY answer_order DESC
LIMIT 1
""")
)

# A run that has ended is touched, but stays as it is.
REQUEST_CANCEL = Statement(
    text(
        "UPDATE runs SET cancel_requested = cancel_requested OR status = 'running'"
        f" WHERE id = :run_id AND user_id = :user_id AND {_IN_SIGHT}"
    )
)

ADMIT_CONTINUATION = _for_both(
    lambda allowed: (
        f"""
INSERT INTO runs (
    id, session_id, tenant_id, user_id, question_id, answer_id, question_order, answer_order,
    provider, model, parameters, temperature, max_tokens, owner, epoch, status, last_seq,
    created_at, continues, idempotency_key, request_hash, key_id, metered)
SELECT
    :id, :session_id, :tenant_id, :user_id, :question_id, :answer_id, :question_order,
    :answer_order, :provider, :model, CAST(:parameters AS jsonb), :temperature, :max_tokens,
    :owner, 1, 'running', 0, :created_at, :continues, CAST(:idempotency_key AS text), CAST(:request_hash AS bytea),
    :connection_id, :metered
WHERE {_HAS_ROOM} {allowed}
ON CONFLICT DO NOTHING
"""
    ),
    _ALLOWED,
)

LIVE_RUN = Statement(
    text(
        "SELECT id FROM runs"
        " WHERE session_id = :session_id AND user_id = :user_id AND status = 'running'"
    )
)

TOKENS_USED = Statement(
    text(
        "SELECT tokens FROM token_usage"
        " WHERE user_id = :user_id AND key_id = :connection_id AND day = :day"
    )
)

# What is written where a run ends: the last connection is the one that answered.
_END = """
    status = :status, reason = :reason, finish_reason = :finish_reason, last_seq = :last_seq,
    prompt_tokens = :prompt_tokens, completion_tokens = :completion_tokens, ended_at = :at,
    provider = coalesce(CAST(:answered_provider AS text), runs.provider),
    model = coalesce(CAST(:answered_model AS text), runs.model),
    key_id = coalesce(CAST(:answered_key_id AS uuid), runs.key_id),
    metered = coalesce(CAST(:answered_metered AS boolean), runs.metered),
    fallback_from = CAST(:fallback_from AS uuid), fallback_reason = CAST(:fallback_reason AS text)
"""


def _spent(estimate: str) -> str:
    """The CTE behind `run`, which has ended: its tokens count on the day on which it did.

    Only of a metered one, and as often as `run` has a row, which is once. Where its provider has not
    said how many there were, a token stands for four bytes of what was said and answered; for
    none, where it failed before its first word.
    """
    return f"""
, spent AS (
    INSERT INTO token_usage (tenant_id, user_id, key_id, day, tokens)
    SELECT run.tenant_id, run.user_id, run.key_id, :day,
           CASE WHEN run.prompt_tokens IS NOT NULL
                THEN run.prompt_tokens::bigint + run.completion_tokens
                WHEN run.status = 'failed' AND CAST(:answer_bytes AS bigint) = 0 THEN 0
                ELSE (CAST(:answer_bytes AS bigint) + {estimate} + 3) / 4 END
    FROM run
    WHERE run.metered AND run.key_id IS NOT NULL
    ON CONFLICT (user_id, key_id, day) DO UPDATE SET tokens = token_usage.tokens + excluded.tokens)
"""


# What the model was shown, about: the window ends with the answer so far, if one was gone on with.
_PROMPT_BYTES = """
(SELECT coalesce(sum(octet_length(content)), 0)::bigint
 FROM (SELECT content, "order",
              sum(char_length(content)) OVER (ORDER BY "order" DESC) AS characters
       FROM (SELECT content, "order" FROM messages
             WHERE messages.session_id = run.session_id AND "order" <= run.answer_order
             ORDER BY "order" DESC
             LIMIT :window_messages + 2) AS newest) AS measured
 WHERE characters <= :window_characters OR "order" >= run.question_order)
"""

# Of a run that belongs to no conversation nothing but its end is kept.
END_LONE_RUN = _for_both(
    lambda spent: (
        f"""
WITH run AS (
    UPDATE runs
    SET {_END}
    WHERE id = :id AND user_id = :user_id AND session_id IS NULL
      AND epoch = :epoch AND status = 'running'
    RETURNING id, tenant_id, user_id, key_id, metered, status, prompt_tokens, completion_tokens)
{spent}
SELECT id FROM run
"""
    ),
    _spent("0"),
)

# The session's row is locked before the run's, in the order that everyone keeps to. One row is
# updated if the run was still live at this epoch, else none and nothing is inserted. There is an
# answer already only if the run continues another: what that one said is never taken away, not
# even when the log was lost that holds it, too. Tokens are what a provider says they are, and their
# sum is not to burst the column.
END_RUN = _for_both(
    lambda spent: (
        f"""
WITH session AS (
    SELECT id FROM sessions WHERE id = :session_id AND user_id = :user_id FOR UPDATE),
run AS (
    UPDATE runs
    SET {_END}
    FROM session
    WHERE runs.id = :id AND runs.session_id = session.id
      AND runs.epoch = :epoch AND runs.status = 'running'
    RETURNING runs.answer_id, runs.session_id, runs.tenant_id, runs.user_id, runs.answer_order,
              runs.id, runs.status, runs.reason, runs.finish_reason, runs.parameters, runs.provider,
              runs.model, runs.prompt_tokens, runs.completion_tokens, runs.continues,
              runs.question_order, runs.key_id, runs.metered, runs.fallback_from,
              runs.fallback_reason)
{spent},
answer AS (
    INSERT INTO messages (
        id, session_id, tenant_id, user_id, role, content, "order", run_id, status, provider,
        model, reasoning, prompt_tokens, completion_tokens, created_at, finish_reason, reason,
        parameters, fallback_from, fallback_reason)
    SELECT answer_id, session_id, tenant_id, user_id, 'assistant', :content, answer_order, id,
           status, provider, model, :reasoning, prompt_tokens, completion_tokens, :at,
           finish_reason, reason, parameters, fallback_from, fallback_reason
    FROM run
    ON CONFLICT (id) DO UPDATE
    SET content = CASE WHEN starts_with(excluded.content, messages.content) THEN excluded.content
                       ELSE messages.content || excluded.content END,
        reasoning = nullif(concat_ws(E'\\n\\n', messages.reasoning, excluded.reasoning), ''),
        run_id = excluded.run_id, status = excluded.status, provider = excluded.provider,
        model = excluded.model, finish_reason = excluded.finish_reason, reason = excluded.reason,
        parameters = excluded.parameters, fallback_from = excluded.fallback_from,
        fallback_reason = excluded.fallback_reason,
        prompt_tokens = CASE WHEN excluded.prompt_tokens IS NULL THEN messages.prompt_tokens
            ELSE least(coalesce(messages.prompt_tokens, 0)::bigint + excluded.prompt_tokens,
                       2147483647) END,
        completion_tokens = CASE WHEN excluded.completion_tokens IS NULL
            THEN messages.completion_tokens
            ELSE least(coalesce(messages.completion_tokens, 0)::bigint + excluded.completion_tokens,
                       2147483647) END)
UPDATE sessions
SET message_count = message_count + CASE WHEN run.continues IS NULL THEN 1 ELSE 0 END,
    last_message_at = greatest(last_message_at, :at),
    updated_at = greatest(updated_at, :at)
FROM run
WHERE sessions.id = run.session_id
"""
    ),
    _spent(_PROMPT_BYTES),
)
