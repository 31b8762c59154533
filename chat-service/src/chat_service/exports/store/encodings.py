"""How PostgreSQL writes conversations and messages into files: an expression for each format.

In each of them `session` is a conversation's row, `message` a message's, `listed` has a row for each file that
is attached to a message of the page, and a text is left as it is, but for what would make a cell of it that a
spreadsheet computes.
"""

from dataclasses import dataclass
from typing import Final

from chat_service.conversations.store.messages import parent_of
from chat_service.exports.domain.wanted import Format

_PARENT: Final = parent_of("message")
# A version that does not know the column leaves it when it completes what was cut short.
_REASON: Final = "CASE WHEN message.status = 'completed' THEN NULL ELSE message.reason END"


def _attached(value: str) -> str:
    """An array of `value` for each `file` of a message, null for none; only where there is one it is looked up."""
    return f"""
CASE WHEN message.id IN (SELECT listed.message_id FROM listed) THEN ARRAY(
    SELECT {value} FROM message_files AS file
    WHERE file.message_id = message.id AND file.user_id = message.user_id
    ORDER BY file.position) END
"""  # noqa: S608 - of constants


_JSON_FILE: Final = """
(SELECT to_json(member) FROM (SELECT file.file_id AS id, file.name, file.kind, file.size) AS member)
"""
# The name comes last, since there may be blanks in it.
_CSV_FILE: Final = "concat_ws(' ', file.file_id, file.kind, file.size, file.name)"
# Names are people's own, and no Markdown.
_MARKDOWN_FILE: Final = r"""
'- ' || concat_ws(' · ', regexp_replace(file.name, '([][\\`*_<>&#|~!()])', '\\\1', 'g'), file.kind,
    file.size || ' bytes', file.file_id) || E'\n'
"""

# Compact, as `to_json` writes it, and each with its members in this order.
_JSON_SESSION: Final = """
SELECT to_json(member) FROM (
    SELECT session.id, session.title, session.title_by, session.persona, session.persona_prompt,
        session.model, session.parameters, session.instructions, session.folder, session.pinned,
        session.summary, session.archived_at, session.created_at, session.last_message_at) AS member
"""
_JSON_MESSAGE: Final = f"""
SELECT to_json(member) FROM (
    SELECT message.id, message."order", nullif({_PARENT}, 0) AS parent, message.chosen, message.role,
        message.content, message.reasoning, message.status, {_REASON} AS reason,
        message.finish_reason, message.provider, message.model, message.parameters,
        message.adapted, message.fallback_reason, message.prompt_tokens,
        message.completion_tokens, message.cached_tokens, message.reasoning_tokens,
        message.cache, message.created_at,
        coalesce(to_json({_attached(_JSON_FILE)}), '[]') AS attachments) AS member
"""  # noqa: S608 - of constants

# What makes a spreadsheet compute a cell, in whatever width, behind blanks as well: Excel, LibreOffice
# and Sheets take a leading apostrophe for text. https://owasp.org/www-community/attacks/CSV_Injection
# What is blank or not to be seen stands here by itself: how far `\s` goes depends on a database's locale.
_UNSEEN: Final = (
    r"\s\u0085\u00A0\u00AD\u061C\u1680\u180E\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\uFEFF"
)
_FORMULA: Final = rf"'^[{_UNSEEN}]*[=+\-@|%＝＋－＠﹦﹢﹣﹫−]'"


def _cell(value: str) -> str:
    """A text as a cell, quoted whatever is in it."""
    defused = f"CASE WHEN {value} ~ {_FORMULA} THEN '''' || {value} ELSE {value} END"
    return _quoted(defused)


def _quoted(value: str) -> str:
    return f"""'"' || replace(coalesce({value}, ''), '"', '""') || '"'"""


def _plain(value: str) -> str:
    """What is a number or a word of ours, or absent."""
    return f"coalesce(CAST({value} AS text), '')"


def _moment(value: str) -> str:
    """To the second, as spreadsheets read it, in UTC."""
    return f'to_char({value}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')'


#: The columns of a CSV, and how each is written.
CSV_COLUMNS: Final = {
    "conversation_id": "session.id",
    "conversation": _cell("session.title"),
    "folder": _cell("session.folder"),
    "message_id": "message.id",
    "order": 'message."order"',
    "parent": _plain(f"nullif({_PARENT}, 0)"),
    "chosen": _plain("message.chosen"),
    "role": "message.role",
    "content": _cell("message.content"),
    "reasoning": _cell("message.reasoning"),
    "status": _plain("message.status"),
    "finish_reason": _cell("message.finish_reason"),
    "provider": _cell("message.provider"),
    "model": _cell("message.model"),
    "prompt_tokens": _plain("message.prompt_tokens"),
    "completion_tokens": _plain("message.completion_tokens"),
    "created_at": _moment("message.created_at"),
    # A line for each; it begins with an id, and so is no formula.
    "attachments": _quoted(f"array_to_string({_attached(_CSV_FILE)}, E'\\n')"),
}
_CSV_MESSAGE: Final = "concat_ws(',', " + ", ".join(CSV_COLUMNS.values()) + ") || E'\\r\\n'"

# Whoever gives a title may put controls into it, and a terminal does what those say.
_MARKDOWN_SESSION: Final = f"""
E'\\n# ' || coalesce(nullif(regexp_replace(session.title, '[\\s\\u0001-\\u001F\\u007F-\\u009F\\u2028\\u2029]+', ' ', 'g'), ''), '…')
|| E'\\n\\n' || concat_ws(' · ', session.id, {_moment("session.created_at")}, session.persona,
    session.model, session.folder) || E'\\n'
"""
_MARKDOWN_MESSAGE: Final = f"""
E'\\n## ' || concat_ws(' · ', message.role, message.model, {_moment("message.created_at")}) || E'\\n\\n'
|| coalesce(regexp_replace(nullif(message.reasoning, ''), '^', '> ', 'ng') || E'\\n\\n', '')
|| coalesce(nullif(array_to_string({_attached(_MARKDOWN_FILE)}, ''), '') || E'\\n', '')
|| message.content || E'\\n'
"""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What stands in a file of one format, and the SQL of conversations and messages in it.

    `of_conversation` and `of_message` are expressions, all else is in UTF-8. A conversation begins with its own text, and
    `opens`; its messages follow with `between` between them, then `closes`. Between two conversations stands
    `joins`, before the first `begins`. `chosen`: of the messages, those of the chosen path alone.
    """

    of_conversation: str
    of_message: str
    begins: bytes
    opens: bytes = b""
    between: bytes = b""
    closes: bytes = b""
    joins: bytes = b""
    chosen: bool = False


def _json_object(subquery: str, *, opened: bool) -> str:
    text = f"CAST(({subquery}) AS text)"
    # Without its last brace: its messages are one member more.
    return f"left({text}, -1)" if opened else text


ENCODINGS: Final[dict[Format, Encoding]] = {
    Format.JSON: Encoding(
        of_conversation=_json_object(_JSON_SESSION, opened=True),
        of_message=_json_object(_JSON_MESSAGE, opened=False),
        begins=b'{"format":"parley","version":1,"conversations":[\n',
        opens=b',"messages":[\n',
        between=b",\n",
        closes=b"\n]}",
        joins=b",\n",
    ),
    Format.CSV: Encoding(
        of_conversation="''",
        of_message=_CSV_MESSAGE,
        # With a mark of its encoding, without which Excel takes UTF-8 for something else.
        begins=f"\ufeff{','.join(CSV_COLUMNS)}\r\n".encode(),
    ),
    Format.MARKDOWN: Encoding(
        of_conversation=_MARKDOWN_SESSION,
        of_message=_MARKDOWN_MESSAGE,
        begins=b"",
        chosen=True,
    ),
}
