"""What ChatGPT and LibreChat write into an answer in place of its sources: marks, which pages show as links."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from chat_service.imports.reading import clean

# A kind and what belongs to it, in characters of no script.
_BEGIN, _BETWEEN, _END = "\ue200", "\ue202", "\ue201"
_MARK: Final = re.compile(f"{_BEGIN}[^{_BEGIN}{_END}\n]{{0,4000}}{_END}")
# Where what a mark belongs to ends, and what is not to be seen.
_ALONE: Final = re.compile("[\ue200-\ue206]")
# Of its earlier models.
_OLD: Final = re.compile(r"【[^【】\n]{1,200}】")
# LibreChat's: a list of what was found in a turn, and the place in it; and what goes around one, or around several.
_ANCHOR: Final = re.compile(
    r"(?<!\s)\s*(?:\ue200|\\ue200)?(?:\ue202|\\ue202)turn(\d{1,6})(search|image|news|video|ref|file)(\d{1,6})"
)
_AROUND: Final = re.compile(r"[\ue200-\ue206]|\\ue20[0-46]")
_LISTS: Final = {"search": "organic", "news": "topStories", "ref": "references"}


def with_sources(text: str, attachments: object) -> str:
    """`text` of LibreChat's with links to what was found, as its `attachments` tell, and without marks."""
    if _ANCHOR.search(text) is None:
        return text
    found: dict[tuple[str, str], list[Any]] = {}
    for one in attachments if isinstance(attachments, list) else ():
        results = one.get("web_search") if isinstance(one, Mapping) else None
        if isinstance(results, Mapping):
            for kind, name in _LISTS.items():
                listed = results.get(name)
                found[str(results.get("turn")), kind] = listed if isinstance(listed, list) else []

    def link(anchor: re.Match[str]) -> str:
        listed, place = found.get((anchor[1], anchor[2]), []), int(anchor[3])
        source = listed[place] if place < len(listed) else None
        if not isinstance(source, Mapping) or not source.get("link"):
            return ""
        return f" ({_link(source.get('title'), source['link'])})"

    return _AROUND.sub("", _ANCHOR.sub(link, text))


def with_links(text: str, metadata: Mapping[str, Any]) -> str:
    """`text` with links where the message's `metadata` tells of sources, and without marks of which it tells none."""
    told = metadata.get("content_references")
    links: dict[str, str] = {}
    for one in told if isinstance(told, list) else ():
        if isinstance(one, Mapping) and isinstance(mark := one.get("matched_text"), str):
            links.setdefault(mark, _shown(one))
    links.update(_old_links(text, metadata.get("citations")))
    text = _MARK.sub(lambda found: links.get(found[0]) or _said_in(found[0]), text)
    text = _OLD.sub(lambda found: links.get(found[0], found[0]), text)
    return _ALONE.sub("", text) if links else text


def _shown(reference: Mapping[str, Any]) -> str:
    alt = reference.get("alt")
    if isinstance(alt, str):
        return clean.text(alt)
    items = reference.get("items")
    links = ", ".join(
        _link(item.get("attribution") or item.get("title"), item.get("url"))
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, Mapping) and item.get("url")
    )
    return f"({links})" if links else ""


def _link(name: object, url: object) -> str:
    address = clean.text(url)
    return f"[{clean.title(name) or address}]({address})"


def _old_links(text: str, citations: object) -> Iterator[tuple[str, str]]:
    """By where they stand in it."""
    for one in citations if isinstance(citations, list) else ():
        if not isinstance(one, Mapping) or not isinstance(source := one.get("metadata"), Mapping):
            continue
        start, end = clean.count(one.get("start_ix")), clean.count(one.get("end_ix"))
        mark = "" if start is None or end is None else text[start:end]
        if source.get("url") and _OLD.fullmatch(mark):
            yield mark, f" ({_link(source.get('title'), source['url'])})"


def _said_in(mark: str) -> str:
    """The words that a mark has for readers: names of things and of links; not those for the application."""
    kind, *fields = mark[1:-1].split(_BETWEEN)
    match kind, fields:
        case "entity", [told, *_]:
            try:
                named = orjson.loads(told)
            except orjson.JSONDecodeError:
                return ""
            is_named = isinstance(named, list) and len(named) > 1 and isinstance(named[1], str)
            return named[1] if is_named else ""
        case "link_title" | "url", [name, *_]:
            return name
        case _:
            return ""
