"""Lists of models, in the shapes that servers have for them.

OpenAI's has names alone; what is said besides stands in other places with each server. A place that
holds something else than it should says nothing: a model is not lost for that.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import orjson

from chassis.telemetry.redaction import redact_text
from chat_service.providers.domain.model import MODEL_ID, Model
from chat_service.providers.errors import ProviderGarbled
from chat_service.providers.failing import is_error
from chat_service.providers.refusals import of_stream
from chat_service.providers.said import said_by

#: What is read of a list, bytes; how many models are kept of it.
MOST_BYTES: Final = 1024 * 1024
MOST_MODELS: Final = 1000

# Where the list is in a document that is not one itself.
_LISTS = ("data", "models", "items", "result")
# A name to show stands beside an id: the id is what is asked for.
_IDS = ("id", "model", "name", "slug")
_NAME_PREFIX = "models/"
_NUMBERED = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$|azureml://")
_CONTEXT = (
    "context_length",
    "max_model_len",
    "max_context_length",
    "context_window",
    "context_size",
    "max_input_tokens",
    "inputTokenLimit",
    "input_token_limit",
    "limits.max_input_tokens",
    "limits.max_context_window_tokens",
    "capabilities.limits.max_context_window_tokens",
    "top_provider.context_length",
    "metadata.context_length",
    "model_spec.availableContextTokens",
    "model_info.max_input_tokens",
    "meta.n_ctx",
    "meta.n_ctx_train",
    "n_ctx",
)
_OUTPUT = (
    "max_output_tokens",
    "max_completion_tokens",
    "outputTokenLimit",
    "output_token_limit",
    "limits.max_output_tokens",
    "capabilities.limits.max_output_tokens",
    "top_provider.max_completion_tokens",
    "model_info.max_output_tokens",
    "metadata.max_tokens",
    "max_tokens",
)
_VISION = (
    "capabilities.vision",
    "capabilities.image_input.supported",
    "capabilities.supports.vision",
    "supports_vision",
    "supports_image_input",
    "model_info.supports_vision",
    "model_spec.capabilities.supportsVision",
)
_REASONING = (
    "capabilities.reasoning",
    "capabilities.thinking.supported",
    "supports_reasoning",
    "thinking",
    "model_info.supports_reasoning",
    "model_spec.capabilities.supportsReasoning",
)
# Lists of words, one of which says so; without that word, that it is not so.
_VISION_WORDS = {"image", "images", "vision", "image_input"}
_REASONING_WORDS = {"reasoning", "thinking", "include_reasoning", "reasoning_effort"}
_MODALITIES = (
    "architecture.input_modalities",
    "supported_input_modalities",
    "input_modalities",
    "modalities.input",
)
_FEATURES = ("capabilities", "features", "supported_parameters", "supported_features", "tags")
_MOST_TOKENS = 2**53


@dataclass(frozen=True, slots=True)
class ModelPage:
    """Models of one document; `after` is where the next one begins, None: there is none."""

    models: tuple[Model, ...]
    after: str | None = None


def read_models(body: bytes) -> ModelPage:
    """The models that a document lists; raises ProviderGarbled for one that is no list, and the error that
    it says instead.

    Ids that could be no model's, or that hold what looks like a credential, are left out.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _read_leniently(body)
    items, after = _items_of(document), None
    if isinstance(document, dict):
        if items is None and is_error(document, ""):
            raise of_stream(said_by(document))
        last = document.get("last_id")
        if document.get("has_more") is True and isinstance(last, str) and _is_id(last):
            after = last
    if not isinstance(items, list):
        raise ProviderGarbled("a document that lists no models")
    return ModelPage(tuple(model for item in items if (model := _model(item))), after)


def _items_of(document: Any, depth: int = 2) -> list[Any] | None:
    """What it lists, itself or within; None: nothing that is a list."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or depth == 0:
        return None
    if document.get("object") == "list" and document.get("data", 0) is None:
        return []  # Ollama's, which has no model yet
    found = (_items_of(document[name], depth - 1) for name in _LISTS if name in document)
    return next((items for items in found if items is not None), None)


def _read_leniently(body: bytes) -> Any:
    """JSON with lone surrogates, broken UTF-8 or control characters, which orjson refuses: in some model's
    text; and behind a byte order mark.
    """
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError) as error:
        raise ProviderGarbled("the list of models is not JSON") from error


def collected(models: Iterable[Model]) -> tuple[Model, ...]:
    """Each model once, with all that was said of it, by id whatever the case: MOST_MODELS at most."""
    found: dict[str, Model] = {}
    for model in models:
        known = found.get(model.id)
        found[model.id] = model if known is None else _joined(known, model)
    return tuple(sorted(found.values(), key=lambda one: (one.id.casefold(), one.id))[:MOST_MODELS])


def _joined(one: Model, other: Model) -> Model:
    said = {
        field.name: getattr(other, field.name)
        for field in fields(Model)
        if getattr(one, field.name) is None
    }
    return replace(one, **said)


def _model(item: Any) -> Model | None:
    if isinstance(item, str):
        return Model(item) if _is_id(item) else None
    if not isinstance(item, dict):
        return None
    names = [item[key] for key in _IDS if isinstance(item.get(key), str) and item[key]]
    # Some number their models, and are asked by name.
    name = next((one for one in names if not _NUMBERED.match(one)), names[0] if names else "")
    name = name.removeprefix(_NAME_PREFIX) if "id" not in item else name
    if not _is_id(name):
        return None
    return Model(
        id=name,
        context_tokens=_number(item, _CONTEXT),
        output_tokens=_number(item, _OUTPUT),
        vision=_said(item, _VISION, _MODALITIES, _VISION_WORDS),
        reasoning=_said(item, _REASONING, (), _REASONING_WORDS),
    )


def _is_id(text: str) -> bool:
    return (
        MODEL_ID.minimum <= len(text) <= MODEL_ID.maximum
        and text.isprintable()
        and text == text.strip()
        and redact_text(text) == text
    )


def _at(item: Mapping[str, Any], place: str) -> Any:
    found: Any = item
    for name in place.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _number(item: Mapping[str, Any], places: Sequence[str]) -> int | None:
    for place in places:
        found = _at(item, place)
        if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 16:
            found = int(found)
        # 0 and -1 stand for "not known" with more than one server; and True is a number to Python.
        if type(found) in (int, float) and 1 <= found < _MOST_TOKENS:
            return int(found)
    return None


def _said(
    item: Mapping[str, Any], flags: Sequence[str], modalities: Sequence[str], words: set[str]
) -> bool | None:
    for place in flags:
        if isinstance(found := _at(item, place), bool):
            return found
    for place in modalities:
        if isinstance(found := _at(item, place), list):
            return not words.isdisjoint(one for one in found if isinstance(one, str))
    # A list of features need not be whole: it says what there is.
    for place in _FEATURES:
        found = _at(item, place)
        if isinstance(found, list) and not words.isdisjoint(
            one.lower() for one in found if isinstance(one, str)
        ):
            return True
    return None
