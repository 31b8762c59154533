"""What a model is told in a turn, as the statements of turns read it: settings, summaries, the window."""

# ruff: noqa: S608 - all of them are made of constants

from sqlalchemy import text

from chassis.db.statement import Statement
from chat_service.conversations.store.messages import is_blank
from chat_service.files.store.attachments import attachments_of
from chat_service.prompt.domain import UNHEARD
from chat_service.prompt.said import SUMMARY

#: What a user tells models in all conversations, of this moment; null: nothing.
OF_USER = """
(SELECT nullif(user_settings.instructions, '') FROM user_settings
 WHERE user_settings.user_id = :user_id)
"""

# The same, beside a session, with whether models are to name conversations.
SETTINGS = "nullif(settings.instructions, '') AS told_by_user, settings.titles_by_model"
WITH_SETTINGS = "LEFT JOIN user_settings AS settings ON settings.user_id = sessions.user_id"


def told_in(session: str) -> str:
    """What a model is told in each turn, before all messages.

    The persona's prompt, then what its user tells all models, then the session's own.
    """
    return f"""
    SELECT 'system' AS role,
           concat_ws(E'\\n\\n', persona_prompt, told_by_user, instructions) AS content, 0 AS "order",
           CAST(NULL AS jsonb) AS attachments
    FROM {session}
    WHERE num_nonnulls(persona_prompt, told_by_user, instructions) > 0
"""


def words_of(session: str, before: str = "") -> str:
    """The same, and the newest summary that belongs to a message of the chosen path."""
    return f"""
    {told_in(session)}
    UNION ALL
    SELECT '{SUMMARY}', newest.summary, newest."order", NULL
    FROM {session} CROSS JOIN LATERAL (
        SELECT message.summary, message."order" FROM messages AS message
        WHERE message.session_id = :session_id AND message.user_id = :user_id
          AND message.chosen AND message.summary IS NOT NULL {before}
        ORDER BY message."order" DESC
        LIMIT 1) AS newest
    WHERE session.summary
"""


_WORDS_UNHEARD = ", ".join(f"'{reason}'" for reason in UNHEARD)
# What of the chosen path may be shown to a model: no blank messages, nor questions whose answer is blank,
# unless they came before no model. The answer is what comes next on the path: by its parent it would have
# to be looked for in two ways, for what earlier versions wrote names none. And it is looked for as a
# value: of NOT EXISTS a list of all answers may be made first.
_MAY_BE_SHOWN = f"""
message.session_id = :session_id AND message.user_id = :user_id
AND message.chosen AND NOT {is_blank("message")}
AND (message.role <> 'user' OR NOT coalesce((
    SELECT answer.role = 'assistant' AND {is_blank("answer")}
           AND (answer.reason IS NULL OR answer.reason NOT IN ({_WORDS_UNHEARD}))
    FROM messages AS answer
    WHERE answer.session_id = :session_id AND answer.user_id = :user_id
      AND answer.chosen AND answer."order" > message."order"
    ORDER BY answer."order"
    LIMIT 1), false))
"""


def _window(before: str = "") -> str:
    """The newest messages of the chosen path that fit both bounds, and may be shown to a model.

    Thinking at the beginning of an answer of an earlier version is not counted.
    """
    return f"""
    SELECT role, content, "order", {attachments_of("measured")} AS attachments
    FROM (
        SELECT id, role, content, "order", sum(characters) OVER (ORDER BY "order" DESC) AS characters
        FROM (
            SELECT message.id, message.role, message.content, message."order",
                   char_length(message.content)
                   - CASE WHEN starts_with(message.content, '<think>')
                          THEN coalesce(nullif(position('</think>' IN message.content), 0) + 7, 0)
                          ELSE 0 END AS characters
            FROM messages AS message
            WHERE {_MAY_BE_SHOWN} {before}
            ORDER BY message."order" DESC
            LIMIT :window_messages) AS newest) AS measured
    WHERE characters <= :window_characters
"""


BEFORE = 'AND message."order" < :before'
WINDOW = _window()
WINDOW_BEFORE = _window(BEFORE)


_THIS_SESSION = f"""
(SELECT sessions.persona_prompt, sessions.instructions, sessions.summary, {SETTINGS}
 FROM sessions {WITH_SETTINGS}
 WHERE sessions.id = :session_id AND sessions.user_id = :user_id) AS session
"""

READ_WINDOW_BEFORE = Statement(
    text(
        f"""
SELECT role, content, "order", attachments
FROM ({WINDOW_BEFORE} UNION ALL {words_of(_THIS_SESSION, BEFORE)}) AS earlier
ORDER BY "order"
"""
    )
)


# Of a long text its beginning is read, which is enough to sum it up.
READ_SAID = Statement(
    text(f"""
SELECT message.role, left(message.content, :characters) AS content, message."order"
FROM messages AS message
WHERE {_MAY_BE_SHOWN} AND message."order" > :after AND message."order" < :before
ORDER BY message."order"
LIMIT :most
""")
)
