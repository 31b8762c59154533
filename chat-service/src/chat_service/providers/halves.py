"""Characters of which a server sends one half at a time: they are joined before they are judged."""

import re

from chat_service.providers.errors import ProviderGarbled

# At the end of a text: half a surrogate pair, or bytes (see `json_text`) that may go on.
_BEGUN = re.compile("[\ud800-\udbff]\\Z|[\udcc2-\udcf4][\udc80-\udcbf]{0,2}\\Z")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_BYTES = re.compile("[\udc80-\udcff]+")
_LONE = re.compile("[\ud800-\udfff]")
# Bytes that are no UTF-8, in a text that has no other character beyond ASCII: it is written in something else.
_MANY = 4


class Halves:
    """Of one kind of text, piece by piece: what a piece ends with waits for the next one."""

    def __init__(self) -> None:
        self.waiting = ""

    def join(self, text: str) -> str:
        """What has come whole by now; a half that has no other is U+FFFD. Raises ProviderGarbled for a text that
        is not in UTF-8 at all.
        """
        text = self.waiting + text
        begun = _BEGUN.search(text)
        # A whole character of bytes also ends with bytes.
        if begun is not None and _is_begun(begun[0]):
            self.waiting = begun[0]
            return _mended(text[: begun.start()])
        self.waiting = ""
        return _mended(text)

    def end(self) -> str:
        """What has waited in vain."""
        waiting, self.waiting = self.waiting, ""
        return _mended(waiting)


def _is_begun(half: str) -> bool:
    first = ord(half[0])
    if first < 0xDC00:
        return True
    return len(half) < (2 if first < 0xDCE0 else 3 if first < 0xDCF0 else 4)


def _mended(text: str) -> str:
    if _LONE.search(text) is None:
        return text
    text = _PAIR.sub(_character, text)
    text = _BYTES.sub(_decoded, text)
    if text.count("\ufffd") >= _MANY and not any("\x7f" < letter < "\ud800" for letter in text):
        raise ProviderGarbled(
            "an answer that is not in UTF-8",
            detail="The model server's answer is not in UTF-8 and does not say what it is in; it, or a proxy before "
            "it, must send UTF-8, or say its charset.",
        )
    return _LONE.sub("\ufffd", text)


def _character(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _decoded(run: re.Match[str]) -> str:
    return run[0].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
