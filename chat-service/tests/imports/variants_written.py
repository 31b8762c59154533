"""One export as several programs and systems write it anew."""

import codecs
import gzip
import json

from .variants_of_chatgpt import pair
from .variants_of_servers import libre, libre_message, webui, webui_pair

_Q, _A = libre_message("q", None, "?"), libre_message("a", "q", "!")
_ONE = pair(title="家 🐝")
_FILE = json.dumps([_ONE], ensure_ascii=False)
_LINES = "\r\n".join(json.dumps(pair(key)) for key in "abc")
#: Files by how they are written: each has so many conversations.
WRITTEN: dict[str, tuple[bytes, int]] = {
    "UTF-16 with a mark": (_FILE.encode("utf-16"), 1),
    "UTF-16, the other way round": (codecs.BOM_UTF16_BE + _FILE.encode("utf-16-be"), 1),
    "UTF-16 without a mark": (_FILE.encode("utf-16-le"), 1),
    "UTF-16 without a mark, the other way round": (_FILE.encode("utf-16-be"), 1),
    "UTF-32": (_FILE.encode("utf-32"), 1),
    "UTF-32 without a mark": (_FILE.encode("utf-32-be"), 1),
    "UTF-8 with a mark": (codecs.BOM_UTF8 + _FILE.encode(), 1),
    "UTF-16, packed": (gzip.compress(_FILE.encode("utf-16")), 1),
    "packed in two pieces": (
        gzip.compress(_FILE[:9].encode()) + gzip.compress(_FILE[9:].encode()),
        1,
    ),
    "blank before and behind": (f"\r\n\t {_FILE}\n\n".encode(), 1),
    "a line for each": (_LINES.encode(), 3),
    "a line for each, packed": (gzip.compress(_LINES.encode()), 3),
    "a line for each, the last one ended": (f"{_LINES}\n".encode(), 3),
    "documents without anything between": (
        (json.dumps(pair("a")) + json.dumps(pair("b"))).encode(),
        2,
    ),
    "lists one behind the other": ((_FILE + json.dumps([pair("b"), pair("d")])).encode(), 3),
    "lines of several applications": (
        "\n".join(json.dumps(one) for one in (pair(), webui(webui_pair()), libre(_Q, _A))).encode(),
        3,
    ),
    "a line that is none of them": (f"{{}}\n7\n{_LINES}\nnull".encode(), 3),
}
