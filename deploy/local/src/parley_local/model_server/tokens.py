"""The scripted text: token i is a function of i alone, so that a reader can check equality."""

import re
from collections.abc import Iterable

# Word pieces as models emit them, cut at each bar: leading blanks, punctuation, line breaks, what
# JSON must escape, and characters of two, three and four bytes in UTF-8.
_TEXT = (
    "The| quick| brown| fox| jump|s| over| the| lazy| dog|.| And| then|,| without| haste|,| it|"
    " return|ed|:|\n\n|-| naïve| café|\n|-| 你好|，|世界|\n|-| Straße| Ωμέγα|.|\n\n| So| “|quoted|"
    '”| "|plain|"| back|\\|slash| <b>|&|amp|;| 🙂| emoji| 👩\u200d🚀| and| कुछ| مرحبا| за|тем|\t|tab| x|'
    " =| 1|.|0| un|believ|able|!| Is| this| the| end|?| Not| yet|…|\n"
)
_PIECES = tuple(_TEXT.split("|"))
# Every 50th token names its own number: a block lost or sent twice cannot go unseen.
_MARK_EVERY = 50


def token_text(i: int) -> str:
    """Text of token i, counted from 0; never empty."""
    if i % _MARK_EVERY == _MARK_EVERY - 1:
        return f" [{i + 1}]"
    return _PIECES[i % len(_PIECES)]


def scripted_text(count: int) -> str:
    """Text of the first `count` tokens."""
    return "".join(map(token_text, range(count)))


def pieces_of(text: str) -> tuple[str, ...]:
    """The text cut before each word, and each two of Chinese, as a model would stream it; joined again
    it is the text.
    """
    return tuple(re.findall(r"\s*(?:[\u3000-\u9fff]{1,2}|[^\s\u3000-\u9fff]+)|\s+$", text))


def estimated_tokens(texts: Iterable[str]) -> int:
    """Prompt tokens by the rule of thumb of four characters to a token."""
    return -(-sum(map(len, texts)) // 4)
