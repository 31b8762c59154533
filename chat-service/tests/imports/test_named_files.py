"""Files that were attached elsewhere: their names are kept where a message here may have them."""

from typing import Any

import pytest

from . import samples
from .test_reading import made
from .variants_of_desks import cherry, cherry_message
from .variants_of_servers import libre, libre_message, webui

_PNG = {"key": None, "name": "bee.png", "kind": "png", "size": 5}


def of_chatgpt(*files: Any) -> Any:
    metadata = {"attachments": list(files)}
    question = samples.chatgpt_node("q", None, "user", "?", metadata=metadata)
    answer = samples.chatgpt_node("a", "q", "assistant", "!", metadata=metadata)
    return [samples.chatgpt(question, answer, current="a")]


def of_librechat(*files: Any) -> Any:
    return libre(libre_message("q", None, "?", files=list(files)))


def of_open_webui(*files: Any) -> Any:
    return [webui({"q": {"role": "user", "content": "?", "files": list(files)}}, "q")]


def of_cherry_studio(*files: Any, in_blocks: bool = True) -> Any:
    if not in_blocks:
        return cherry(cherry_message("q", "user", "?", files=list(files)))
    blocks = [{"id": str(at), "type": "file", "file": file} for at, file in enumerate(files)]
    question = cherry_message("q", "user", "?", blocks=[block["id"] for block in blocks])
    return cherry(question, blocks=blocks)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (of_chatgpt({"name": "bee.png", "mime_type": "image/png", "size": 5}), [_PNG]),
        (of_chatgpt({"name": "bee.png", "mimeType": "image/png", "size": 5}), [_PNG]),
        (of_chatgpt({"name": "bee.png", "size": 5, "width": 9}), [_PNG]),
        (of_chatgpt({"name": "bee.png", "mime_type": "image/png"}), [{**_PNG, "size": 0}]),
        (of_chatgpt({"name": "bee.png", "mime_type": [], "size": "5"}), [{**_PNG, "size": 0}]),
        (of_chatgpt({"name": "bee.docx", "mime_type": "application/msword", "size": 5}), None),
        (of_chatgpt({"name": None, "mime_type": "image/png"}, None, 7, "x"), None),
        (of_chatgpt({"name": "two\nlines.png"}), None),
        (of_chatgpt({"name": "x" * 300 + ".png"}), None),
        (of_chatgpt(*[{"name": "bee.png", "size": 5}] * 12), [_PNG] * 10),
        (
            of_chatgpt({"name": "a.py", "mime_type": "text/x-python"}),
            [{"key": None, "name": "a.py", "kind": "code", "size": 0}],
        ),
        (
            of_chatgpt({"name": "a.md", "mime_type": "text/markdown; charset=utf-8"}),
            [{"key": None, "name": "a.md", "kind": "markdown", "size": 0}],
        ),
        (of_librechat({"filename": "bee.png", "type": "image/png", "bytes": 5}), [_PNG]),
        (of_librechat({"file_id": "x"}), None),
        (of_open_webui({"type": "file", "name": "bee.png", "size": 5}), [_PNG]),
        (of_cherry_studio({"origin_name": "bee.png", "name": "0192.png", "size": 5}), [_PNG]),
        (of_cherry_studio({"origin_name": "bee.png", "size": 5}, in_blocks=False), [_PNG]),
        (of_cherry_studio(None), None),
        (of_open_webui({"type": "image", "url": "data:image/png;base64,"}), None),
    ],
)
def test_names_are_kept_and_nothing_of_what_is_in_them(told: Any, kept: Any) -> None:
    (one,) = made(told)
    question, *answers = one.messages
    assert question["attachments"] == kept
    assert all(answer["attachments"] is None for answer in answers)
    assert one.left_out["ATTACHMENT"] > 0
