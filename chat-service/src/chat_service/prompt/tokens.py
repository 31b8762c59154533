"""How many tokens a text is, about: each model counts in its own way, and none is asked."""

import re
from typing import Final

# Measured with cl100k_base and o200k_base on prose in English and Chinese and on code, see
# docs/decisions/0020: characters of each kind for a token.
_CJK: Final = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
)


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` is."""
    wide = len(_CJK.findall(text))
    return round(wide / 1.3 + (len(text) - wide) / 4.2)
