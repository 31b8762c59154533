"""The statements that end a run: each is one round trip, and the end of whatever else it says."""

# ruff: noqa: S608 - all of them are made of constants

from sqlalchemy import text

from chassis.db.statement import Statement
from chat_service.runs.store.prompt_statements import OF_USER
from chat_service.usage.domain.spent import NO_CONNECTION
from chat_service.usage.store.ledger import ANSWERS_COUNTS, add_to_ledger

# What is written where a run ends: the last connection is the one that answered.
_END = """
    status = :status, reason = :reason, finish_reason = :finish_reason, last_seq = :last_seq,
    prompt_tokens = :prompt_tokens, completion_tokens = :completion_tokens, ended_at = :at,
    cached_tokens = CAST(:cached_tokens AS integer),
    reasoning_tokens = CAST(:reasoning_tokens AS integer), adapted = CAST(:adapted AS jsonb),
    cache = CAST(:cache AS text),
    provider = coalesce(CAST(:answered_provider AS text), runs.provider),
    model = coalesce(CAST(:answered_model AS text), runs.model),
    key_id = coalesce(CAST(:answered_key_id AS uuid), runs.key_id),
    metered = coalesce(CAST(:answered_metered AS boolean), runs.metered),
    fallback_from = coalesce(CAST(:fallback_from AS uuid), runs.fallback_from),
    fallback_reason = coalesce(CAST(:fallback_reason AS text), runs.fallback_reason)
"""


# The CTE behind `run`, which has ended: what it has used counts on the day on which it did, as often as `run`
# has a row, which is once.
_ANSWER = f"""
    SELECT run.tenant_id, run.user_id, CAST(:day AS date), coalesce(run.key_id, '{NO_CONNECTION}'),
           run.provider, run.model, CAST(:purpose AS text), CAST(:currency AS text), run.metered,
           {ANSWERS_COUNTS}
    FROM run
"""
_USED = f"used AS ({add_to_ledger(_ANSWER)})"


def _summed(count: str) -> str:
    """A count of an answer that was gone on with: of all its runs, as far as it is known."""
    return f"""
        {count} = CASE WHEN excluded.{count} IS NULL THEN messages.{count}
            ELSE least(coalesce(messages.{count}, 0)::bigint + excluded.{count}, 2147483647) END
"""


# How many bytes the model was shown, about, where that is not known since another replica has made the prompt:
# the window ends with the answer so far, if one was gone on with.
SHOWN_BYTES = Statement(
    text(
        f"""
SELECT coalesce(sum(octet_length(content)), 0)::bigint
       + coalesce((SELECT octet_length(concat(persona_prompt, {OF_USER}, instructions))
                   FROM sessions WHERE id = :session_id), 0) AS bytes
FROM (SELECT content, "order",
             sum(char_length(content)) OVER (ORDER BY "order" DESC) AS characters
      FROM (SELECT content, "order" FROM messages
            WHERE messages.session_id = :session_id
              AND (chosen AND "order" < :question_order
                   OR "order" IN (:question_order, :answer_order))
            ORDER BY "order" DESC
            LIMIT :window_messages + 2) AS newest) AS measured
WHERE characters <= :window_characters OR "order" >= :question_order
"""
    )
)

# Of a run that belongs to no conversation nothing but its end is kept.
END_LONE_RUN = Statement(
    text(
        f"""
WITH run AS (
    UPDATE runs
    SET {_END}
    WHERE id = :id AND user_id = :user_id AND session_id IS NULL
      AND epoch = :epoch AND status = 'running'
    RETURNING id, tenant_id, user_id, key_id, metered, provider, model),
{_USED}
SELECT id FROM run
"""
    )
)

# There is an answer already only if the run continues another: what that one said is never taken away, not
# even when the log was lost that holds it, too. Tokens are what a provider says they are, and their
# sum is not to burst the column.
_GOES_ON = f"""
    ON CONFLICT (id) DO UPDATE
    SET content = CASE WHEN starts_with(excluded.content, messages.content) THEN excluded.content
                       ELSE messages.content || excluded.content END,
        reasoning = nullif(concat_ws(E'\\n\\n', messages.reasoning, excluded.reasoning), ''),
        run_id = excluded.run_id, status = excluded.status, provider = excluded.provider,
        model = excluded.model, finish_reason = excluded.finish_reason, reason = excluded.reason,
        parameters = excluded.parameters, fallback_from = excluded.fallback_from,
        fallback_reason = excluded.fallback_reason,
        adapted = excluded.adapted, cache = excluded.cache, {_summed("prompt_tokens")}, {_summed("completion_tokens")},
        {_summed("cached_tokens")}, {_summed("reasoning_tokens")}
"""


def _end_run(goes_on: str) -> Statement:
    """The session's row is locked before the run's, in the order that everyone keeps to.

    One row is updated if the run was still live at this epoch, else none and nothing is inserted. By its parameter, and
    not by what the run says, the session is found whatever PostgreSQL holds the tables to be when it makes its
    plan: of empty ones it reads all sessions.
    """
    return Statement(
        text(
            f"""
WITH session AS (
    SELECT id, leaf_order FROM sessions WHERE id = :session_id AND user_id = :user_id FOR UPDATE),
run AS (
    UPDATE runs
    SET {_END}, context = coalesce(CAST(:context AS jsonb), runs.context)
    FROM session
    WHERE runs.id = :id AND runs.session_id = session.id
      AND runs.epoch = :epoch AND runs.status = 'running'
    RETURNING runs.answer_id, runs.session_id, runs.tenant_id, runs.user_id, runs.answer_order,
              runs.id, runs.status, runs.reason, runs.finish_reason, runs.parameters, runs.provider,
              runs.model, runs.prompt_tokens, runs.completion_tokens, runs.continues,
              runs.question_order, runs.key_id, runs.metered, runs.fallback_from,
              runs.fallback_reason, runs.cached_tokens, runs.reasoning_tokens, runs.adapted, runs.cache,
              coalesce(session.leaf_order = runs.question_order, true) AS chosen),
{_USED},
answer AS (
    INSERT INTO messages (
        id, session_id, tenant_id, user_id, role, content, "order", run_id, status, provider,
        model, reasoning, prompt_tokens, completion_tokens, created_at, finish_reason, reason,
        parameters, fallback_from, fallback_reason, cached_tokens, reasoning_tokens, adapted,
        cache, parent_order, chosen)
    SELECT answer_id, session_id, tenant_id, user_id, 'assistant', :content, answer_order, id,
           status, provider, model, :reasoning, prompt_tokens, completion_tokens, :at,
           finish_reason, reason, parameters, fallback_from, fallback_reason, cached_tokens,
           reasoning_tokens, adapted, cache, question_order, chosen
    FROM run
    {goes_on})
UPDATE sessions
SET message_count = message_count + CASE WHEN run.continues IS NULL THEN 1 ELSE 0 END,
    leaf_order = CASE WHEN run.continues IS NULL AND leaf_order = run.question_order
                      THEN run.answer_order ELSE leaf_order END,
    last_message_at = greatest(last_message_at, :at),
    updated_at = greatest(updated_at, :at)
FROM run
WHERE sessions.id = :session_id
"""
        )
    )


#: By whether the run continues another. What may be there already is looked for before it is inserted, and the change
#: of it is prepared, each time: no first answer pays for that.
END_RUN = {False: _end_run(""), True: _end_run(_GOES_ON)}
