"""What a model server says of its failure, made fit to be shown: on one line, bounded, without secrets."""

import re
from collections.abc import Iterable

from chassis.telemetry.redaction import REDACTED, hide, redact_text
from chassis.text import shortened
from chat_service.answer.domain.frame import storable
from chat_service.providers.dumps import without_dumps
from chat_service.providers.spelled import without_spelled

#: Of a provider's message so many characters are shown.
MOST_CHARACTERS = 500

_LOOKED_AT = 8 * 1024
_LEAST_KEY = 4
_LEAST_SPELLED = 8
_URL = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/?#@\"'<>]*@)?([^\s?#\"'<>]*)([?#][^\s\"'<>]*)?",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|nvapi|AIza|key|pat|ghp)[-_A-Za-z0-9*.]{12,}")
_CONTROL = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")


def presentable(message: str, secrets: Iterable[str]) -> str:
    """``message`` on one line of MOST_CHARACTERS at most, storable, without credentials.

    Of ``secrets``, a key and whatever else was sent along, nothing is left, however it was escaped,
    encoded, or spread over white space.
    """
    text = message[:_LOOKED_AT]
    known = [secret for secret in secrets if len(secret) >= _LEAST_KEY]
    for secret in known:
        hide(secret)
    text = without_secrets(redact_text(text), known)
    text = _URL.sub(_bare, text)
    text = _TOKEN.sub(REDACTED, text)
    return shortened(_CONTROL.sub(" ", storable(text)).strip(), MOST_CHARACTERS)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """``text`` without ``secrets``, in whatever spelling. One of less than eight characters, which may be a word, is
    looked for as it is, and as a word.
    """
    known = [secret for secret in secrets if len(secret) >= _LEAST_KEY]
    for secret in known:
        if len(secret) < _LEAST_SPELLED:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", REDACTED, text)
    known = [secret for secret in known if len(secret) >= _LEAST_SPELLED]
    text = without_dumps(text, known)
    for secret in known:
        text = _without_spread(text, "".join(secret.split()))
    return without_spelled(text, known)


def _without_spread(text: str, secret: str) -> str:
    """``text`` without ``secret``, in whatever case, and wherever white space and what cannot be seen stands
    in it.
    """
    places = [at for at, letter in enumerate(text) if letter.isprintable() and letter != " "]
    bare = "".join([text[at] for at in places])
    if len(bare.lower()) == len(bare) and len(secret.lower()) == len(secret):
        bare, secret = bare.lower(), secret.lower()
    kept, behind = [], 0
    at = bare.find(secret) if secret else -1
    while at >= 0:
        kept += [text[behind : places[at]], REDACTED]
        behind = places[at + len(secret) - 1] + 1
        at = bare.find(secret, at + len(secret))
    return "".join([*kept, text[behind:]])


def _bare(url: re.Match[str]) -> str:
    return f"{url[1]}{url[2]}" + ("?…" if url[3] else "")
