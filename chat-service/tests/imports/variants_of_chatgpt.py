"""ChatGPT's, from its first exports to those of 2026."""

from typing import Any

from .samples import chatgpt, chatgpt_node
from .variants_expected import ASKED, BOTH, Cases

_UNSAID = {"content_type": "user_editable_context"}
_PROFILE = {"user_profile": "I keep bees.", "user_instructions": "Be brief."}


def _spoken(text: str, direction: str) -> dict[str, Any]:
    """What voice leaves: what was said, and where the sound of it was."""
    return {
        "content_type": "multimodal_text",
        "parts": [
            {"content_type": "audio_transcription", "text": text, "direction": direction},
            {"content_type": "audio_asset_pointer", "asset_pointer": "sediment://x"},
        ],
    }


def _picture(*texts: str) -> dict[str, Any]:
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    return {"content_type": "multimodal_text", "parts": [pointer, *texts]}


def pair(key: str = "c", **more: Any) -> dict[str, Any]:
    """A question and its answer, as ChatGPT has them."""
    question, answer = (
        chatgpt_node("q", None, "user", "?"),
        chatgpt_node("a", "q", "assistant", "!"),
    )
    return {**chatgpt(question, answer, current="a", key=key), **more}


CHATGPT: Cases = {
    "voice is text as it was understood": (
        chatgpt(
            chatgpt_node("q", None, "user", content=_spoken("Bees?", "in")),
            chatgpt_node("a", "q", "assistant", content=_spoken("Buzz.", "out")),
            current="a",
        ),
        ["1<0* u: Bees?", "2<1* a: Buzz."],
        {"ATTACHMENT": 2},
    ),
    "a picture with a question": (
        chatgpt(chatgpt_node("q", None, "user", content=_picture("What is it?")), current="q"),
        ["1<0* u: What is it?"],
        {"ATTACHMENT": 1},
    ),
    "a picture alone is a question, and its answer is no part of the one before": (
        chatgpt(
            chatgpt_node("q", None, "user", "?"),
            chatgpt_node("a", "q", "assistant", "!"),
            chatgpt_node("p", "a", "user", content=_picture("")),
            chatgpt_node("b", "p", "assistant", "A bee."),
            current="b",
        ),
        [*BOTH, "3<2* u: ", "4<3* a: A bee."],
        {"ATTACHMENT": 1},
    ),
    "a document is told of beside the text alone": (
        chatgpt(
            chatgpt_node("q", None, "user", "?", metadata={"attachments": [{"name": "a.pdf"}]}),
            current="q",
        ),
        [ASKED],
        {"ATTACHMENT": 1},
    ),
    "a picture that is told of twice is one": (
        chatgpt(
            chatgpt_node(
                "q", None, "user", content=_picture("?"), metadata={"attachments": [{"name": "b"}]}
            ),
            current="q",
        ),
        [ASKED],
        {"ATTACHMENT": 1},
    ),
    "the oldest have no name of their own": (
        {"title": "T", "mapping": pair()["mapping"], "current_node": "a"},
        BOTH,
        {},
    ),
    "a name too long to be one": (pair(conversation_id="c" * 101, id=None), BOTH, {}),
    "a name that is a number": (pair(conversation_id=7, id=7), BOTH, {}),
    "times as texts": (pair(create_time="2025-08-24T01:46:40.500Z"), BOTH, {}),
    "times as digits": (pair(create_time="1756000000"), BOTH, {}),
    "times in milliseconds": (pair(create_time=1756000000500), BOTH, {}),
    "a time that is none": (pair(create_time="yesterday"), BOTH, {}),
    "no current node": (pair(current_node=None), BOTH, {}),
    "a current node that is not there": (pair(current_node="gone"), BOTH, {}),
    "a title of line breaks": (pair(title="\n\t"), BOTH, {}),
    "a title that is no text": (pair(title={"a": 1}), BOTH, {}),
    "a node that is null": (pair(mapping={**pair()["mapping"], "x": None}), BOTH, {}),
    "a node that is a list": (pair(mapping={**pair()["mapping"], "x": []}), BOTH, {}),
    "a content that is null": (
        chatgpt(
            chatgpt_node("q", None, "user", "?"),
            chatgpt_node("x", "q", "assistant", content=None),
            chatgpt_node("a", "x", "assistant", "!"),
            current="a",
        ),
        BOTH,
        {},
    ),
    "a content without its kind": (
        chatgpt(chatgpt_node("q", None, "user", content={"parts": ["?"]}), current="q"),
        [ASKED],
        {},
    ),
    "an author that is null": (
        chatgpt(
            chatgpt_node("q", None, "user", "?"),
            chatgpt_node("a", "q", "assistant", "!"),
            {"id": "x", "parent": "a", "message": {"author": None, "content": {"parts": ["x"]}}},
            current="x",
        ),
        BOTH,
        {"TOOL": 1},
    ),
    "the system's words are told of": (
        chatgpt(
            chatgpt_node("s", None, "system", "You are ChatGPT."),
            chatgpt_node("q", "s", "user", "?"),
            current="q",
        ),
        [ASKED],
        {"SYSTEM": 1},
    ),
    "the system's silence is not": (
        chatgpt(
            chatgpt_node("s", None, "system", ""), chatgpt_node("q", "s", "user", "?"), current="q"
        ),
        [ASKED],
        {},
    ),
    "the code interpreter, its output and its error": (
        chatgpt(
            chatgpt_node("q", None, "user", "?"),
            chatgpt_node(
                "c",
                "q",
                "assistant",
                recipient="python",
                content={"content_type": "code", "language": "python", "text": "1/0"},
            ),
            chatgpt_node(
                "o", "c", "tool", content={"content_type": "execution_output", "text": "Error"}
            ),
            chatgpt_node(
                "e", "o", "tool", content={"content_type": "system_error", "text": "Timeout"}
            ),
            chatgpt_node("a", "e", "assistant", "!"),
            current="a",
        ),
        BOTH,
        {"TOOL": 3},
    ),
    "browsing, a quotation and a canvas": (
        chatgpt(
            chatgpt_node("q", None, "user", "?"),
            chatgpt_node(
                "b",
                "q",
                "tool",
                content={"content_type": "tether_browsing_display", "result": "x"},
            ),
            chatgpt_node("t", "b", "tool", content={"content_type": "tether_quote", "text": "x"}),
            chatgpt_node("d", "t", "assistant", "{}", recipient="canmore.create_textdoc"),
            chatgpt_node("a", "d", "assistant", "!"),
            current="a",
        ),
        BOTH,
        {"TOOL": 3},
    ),
    "a content of a kind that nobody knows": (
        chatgpt(
            chatgpt_node("q", None, "user", "?"),
            chatgpt_node("x", "q", "assistant", content={"content_type": "hologram", "x": 1}),
            chatgpt_node("a", "x", "assistant", "!"),
            current="a",
        ),
        BOTH,
        {"TOOL": 1},
    ),
    "code that is to be read": (
        chatgpt(
            chatgpt_node("q", None, "user", "?"),
            chatgpt_node(
                "a",
                "q",
                "assistant",
                content={"content_type": "code", "language": "json", "text": "{}"},
            ),
            current="a",
        ),
        [ASKED, "2<1* a: ```json\n{}\n```"],
        {},
    ),
    "what it remembers": (
        chatgpt(
            chatgpt_node(
                "m",
                None,
                "assistant",
                content={"content_type": "model_editable_context", "model_set_context": "Bees."},
            ),
            chatgpt_node("q", "m", "user", "?"),
            current="q",
        ),
        [ASKED],
        {"SYSTEM": 1},
    ),
    "what its user has told of themselves": (
        chatgpt(
            chatgpt_node("i", None, "user", content={**_UNSAID, **_PROFILE}),
            chatgpt_node("q", "i", "user", "?"),
            current="q",
        ),
        [ASKED],
        {},
    ),
    "a child that stands before its parent": (
        chatgpt(
            chatgpt_node("a", "q", "assistant", "!"),
            chatgpt_node("q", None, "user", "?"),
            current="a",
        ),
        BOTH,
        {},
    ),
    "an answer that is older than its question": (
        chatgpt(
            chatgpt_node("q", None, "user", "?", at=1756000009),
            chatgpt_node("a", "q", "assistant", "!", at=1756000001),
            current="a",
        ),
        BOTH,
        {},
    ),
    "half a character and a zero": (
        chatgpt(chatgpt_node("q", None, "user", "\ud83d!\0"), current="q"),
        ["1<0* u: ?!"],
        {},
    ),
}
