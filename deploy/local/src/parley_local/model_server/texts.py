"""The text that a model answers, for a reader who checks equality."""

from collections.abc import Iterable

from parley_local.model_server.behaviours import behaviour_of
from parley_local.model_server.steps import Answer, Field, Flaky, Said, Step, Tokens, Torn
from parley_local.model_server.tokens import scripted_text


def text_of(model: str, question: str = "") -> str:
    """The text that the model answers in well-formed events, up to where it breaks off.

    Raises ValueError for an unknown model and for one whose text has no end.
    """
    return _collect(model, question, "content")


def reasoning_of(model: str, question: str = "") -> str:
    """As text_of, of the reasoning_content."""
    return _collect(model, question, "reasoning_content")


def _collect(model: str, question: str, field: Field) -> str:
    match behaviour_of(model, question):
        case None:
            raise ValueError(f"no model is called {model!r}")
        case Answer(steps=steps) | Flaky(answer=Answer(steps=steps)):
            return "".join(_texts(model, steps, field))
        case _:
            return ""


def _texts(model: str, steps: Iterable[Step], field: Field) -> Iterable[str]:
    for step in steps:
        match step:
            case Tokens(count=None):
                raise ValueError(f"the text of {model!r} has no end")
            case Tokens(count=int(count), field=where) if where == field:
                yield scripted_text(count)
            case Torn(count=count) if field == "content":
                yield scripted_text(count)
            case Said(texts=texts, field=where) if where == field:
                yield from texts
            case _:
                pass
