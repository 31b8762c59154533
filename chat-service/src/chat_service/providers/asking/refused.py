"""From a refusal to what can be asked instead: which parameter was it, and what does the server take?

Servers say it in many ways: in ``param`` and ``loc``, in a sentence, in JSON within a sentence. What is
looked for is the name of a parameter that the request had, and beside it another name, a bound, or the
values that are taken.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chat_service.providers.asking.bounds import as_number_text, most_of, room_for
from chat_service.providers.asking.complaints import OF_THE_QUESTION, Complaint, complaints
from chat_service.providers.domain.learnt import Lesson

#: Statuses that may mean a parameter; any other means something else.
STATUSES: Final = frozenset({400, 422})
# llama.cpp calls it a failure of its own that a model's template takes no such message.
_OF_A_TEMPLATE: Final = 500

#: What a question hides that has a message of the system, or two of one role on end: servers refuse both
#: for some models, and take one of the user's instead.
SYSTEM: Final = "system"

_NEEDED: Final = frozenset({"model", "messages"})
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high")
# By these names servers speak of what is asked for by another.
_ALSO_CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    "max_tokens": (
        "max_new_tokens", "max_output_tokens", "maxOutputTokens", "num_predict",
        "max_tokens_to_sample", "max tokens", "maximum tokens", "max_completion_tokens",
    ),
    "max_completion_tokens": ("max_tokens", "max_output_tokens", "maxOutputTokens"),
    "top_p": ("topP", "p"),
    "stop": ("stop_sequences", "stopSequences"),
    "reasoning_effort": (
        "reasoning.effort", "reasoningEffort", "thinking_level", "thinkingLevel", "thinking level",
        "reasoning value", "think value", "support thinking",
    ),
    "output_config": ("effort",),
    "stream": ("streaming",),
    # Of the roles that messages have, not of the request.
    SYSTEM: (
        "system role", "role system", "role 'system'", "'system' role", "role: system",
        "system message", "system prompt", "roles must alternate", "assistant roles are supported",
    ),
}  # fmt: skip
# What one may be sent as instead of the other.
_INSTEAD: Final[Mapping[str, frozenset[str]]] = {
    "max_tokens": frozenset({"max_completion_tokens", "max_output_tokens", "max_new_tokens"}),
    "max_completion_tokens": frozenset({"max_tokens", "max_output_tokens"}),
    "stop": frozenset({"stop_sequences"}),
}
_USE_INSTEAD = re.compile(
    r"""\b(?:use|did\ you\ mean|replaced\ by|renamed\ to|favou?r\ of)\b[^\w]{0,6}([a-z_]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_REFUSES = re.compile(
    r"""unsupported|not[ ](?:be[ ])?(?:supported|permitted|allowed|accepted|available|compatible|enabled)
    |(?:does|do)(?:[ ]not|n't)[ ](?:support|accept|allow)|can(?:not|'t)[ ]be|un(?:recogni[sz]ed|known|expected)
    |extra|forbidden|invalid|deprecated|must[ ]|should[ ]be|only[ ]|too[ ](?:large|big|high|long|many)
    |exceed|greater[ ]than|out[ ]of[ ]range|maximum|at[ ]most|incorrect|illegal|not[ ]a[ ]valid
    |no[ ]longer|removed|disallow|reject|extraneous|alternate|[ ]cannot[ ]|invalide?\b|not[ ]enabled
    |不支持|不允许|不能|不得|不合法|非法|无效|错误|超出|取值范围|必须|最大|未知
    |nicht[ ](?:unterstützt|erlaubt|zulässig|verfügbar)|ungültig|unbekannt|wird[ ].{0,60}nicht[ ]unterstützt
    |pas[ ](?:pris[ ]en[ ]charge|supporté|autorisé|valide)|inconnu|no[ ](?:es[ ]compatible|se[ ]admite|admitido)
    |no[ ](?:está[ ])?(?:soportado|permitido|válido)|desconocido|inválido|não[ ](?:é[ ])?(?:suportad|permitid)
    |non[ ](?:è[ ])?(?:supportat|consentit)|サポートされ|無効|許可され|不明な|対応していません
    |지원(?:되지|하지)|유효하지|허용되지|не[ ]поддержива|недопустим|неизвестн|неверн""",
    re.IGNORECASE | re.VERBOSE,
)
_TOO_SMALL = re.compile(
    r"at least|greater than|too small|below|minimum|must be (?:>|positive)|>=", re.IGNORECASE
)
_BETWEEN = re.compile(r">=? ?[0-9.]+ and <|greater than [0-9.]+ and (?:less|smaller)")
_ABOUT_A_VALUE = re.compile(
    r"unsupported.?value|supported values|one of|input should be|invalid value|value .{0,20}not"
    r"|must be ['\"`]|level \w+ is not",
    re.IGNORECASE,
)
_LISTS = re.compile(
    r"(?:values? (?:are|is)|one of|should be|allowed|expected|values?:|options?)[^a-z]*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_BOTH = re.compile(r"\b(?:both|only one|together|at the same time|simultaneously)\b", re.IGNORECASE)
# A name that is no plain word of English.
_UNMISTAKABLE = re.compile(r"_|[ ]|[a-z][A-Z]|^(?:temperature|effort|thinking)$")
_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What to send instead; ``lasting``: of whatever is asked there, else of this question alone."""

    learnt: Lesson
    lasting: bool = True


def adaptation(
    body: Mapping[str, Any],
    status: int,
    said: bytes | str,
    *,
    needed: Collection[str] = frozenset(),
) -> Adaptation | None:
    """What ``body`` can be changed by so that the server which refused it might take it; else None.

    ``needed`` names what cannot be left out, beside the model and the messages. Nothing is changed
    of what the refusal does not name.
    """
    if status == _OF_A_TEMPLATE and body.get(SYSTEM) is True:
        body = {SYSTEM: True}
    elif status not in STATUSES:
        return None
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    optional = {name: body[name] for name in body if name not in _NEEDED}
    for complaint in complaints(text[:_TEXT]):
        name = _named(complaint, optional)
        if name is None:
            continue
        found = _instead(name, optional, complaint)
        if found is not None and (found.learnt.use or found.learnt.name not in needed):
            return found
    return None


def _instead(name: str, body: Mapping[str, Any], complaint: Complaint) -> Adaptation | None:
    text, value = complaint.text, body[name]
    if name == SYSTEM:
        # Where it is a field of its own it stays.
        return Adaptation(Lesson(SYSTEM, "user")) if value is True else None
    if name in ("max_tokens", "max_completion_tokens"):
        room = room_for(value, text)
        if room is not None:
            return Adaptation(Lesson(name, str(room)), lasting=False) if room > 0 else None
    instead = _INSTEAD.get(name, frozenset())
    for match in _USE_INSTEAD.finditer(text):
        if match[1] in instead:
            return Adaptation(Lesson(name, match[1]))
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (most := most_of(value, text, complaint.bounds)) is not None
    ):
        return Adaptation(Lesson(name, as_number_text(most)))
    if isinstance(value, str) and _ABOUT_A_VALUE.search(text):
        return Adaptation(Lesson.of_value(name, value, _nearest(value, text)))
    if name in ("temperature", "top_p") and _BOTH.search(text):
        both = [other for other in ("temperature", "top_p") if other in body]
        if len(both) == 2:
            return Adaptation(Lesson.of_both("top_p", "temperature"))
    if (_TOO_SMALL.search(text) and not _BETWEEN.search(text)) or not (
        _REFUSES.search(text) or complaint.path
    ):
        return None
    return Adaptation(Lesson(name))


def _nearest(value: str, text: str) -> str:
    """Of the values that ``text`` lists the one next to ``value``, or nothing, which means the default."""
    match = _LISTS.search(text)
    listed = "" if match is None else match[1]
    taken = [one for one in _EFFORTS if re.search(rf"\b{one}\b", listed) and one != value]
    if not taken or value not in _EFFORTS or re.search(r"\bdefault\b", listed):
        return ""
    at = _EFFORTS.index(value)
    # Where two are as near as each other, the one that still thinks.
    return min(taken, key=lambda one: (abs(_EFFORTS.index(one) - at), one == "none"))


def _named(complaint: Complaint, body: Mapping[str, Any]) -> str | None:
    for part in complaint.path:
        for name in body:
            if part == name or part in _ALSO_CALLED.get(name, ()):
                return name
    if complaint.path and complaint.path[0] in OF_THE_QUESTION:
        is_role = complaint.path[-1] == "role" and SYSTEM in body and "system" in complaint.text
        return SYSTEM if is_role else None
    if not (_REFUSES.search(complaint.text) or most_of(float("inf"), complaint.text, {})):
        return None
    found: list[tuple[int, int, str]] = []
    for name in body:
        for rank, called in enumerate((name, *_ALSO_CALLED.get(name, ()))):
            # A word of one letter or one that is a plain word of English is a name in quotation marks.
            bare = _UNMISTAKABLE.search(called) is not None
            word = re.escape(called)
            at = re.search(rf"""['"`‘“\[]{word}['"`’”.\[\]]""", complaint.text)
            if at is None and (bare or _says_argument(called, complaint.text)):
                # Other scripts go on without a blank.
                at = re.search(rf"(?<!\w){word}(?!\w)", complaint.text, re.ASCII | re.IGNORECASE)
            if at is not None:
                found.append((min(rank, 1), at.start(), name))
    return min(found)[2] if found else None


def _says_argument(called: str, text: str) -> bool:
    """Whether ``called``, a plain word, is spoken of as a parameter's name."""
    return (
        re.search(
            rf"(?:param(?:eter)?s?|arguments?|fields?|property|option|supplied|model|inputs?|body)\W+{called}\b"
            rf"|(?:参数|字段|パラメータ|параметр|paramètre|parámetro|parâmetro)\W*{called}\b"
            rf"|\b{called}\b\W+(?:parameter|argument|field|property|option|is not supported)",
            text,
            re.IGNORECASE,
        )
        is not None
        or re.search(rf"(?:^|\n|\.){called}:?\s", text) is not None
    )
