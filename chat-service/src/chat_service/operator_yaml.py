"""YAML as plain values, with the line on which each of them stands; and as what a file is to be, or what is wrong."""

from collections.abc import Iterable
from typing import Any, Final

import yaml
from pydantic import ValidationError

from servicekit.file_parts import MOST_TOLD, Part, Place, field_of, wrong_in
from servicekit.operator_file import BadFile

# libyaml's reads a megabyte in tenths of a second, the one in Python in seconds.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Deeper than anything that is asked for, and far from what a parser could not take.
_DEEPEST: Final = 16


class Lines:
    """The lines of a document's values, by their path: `("personas", 0, "name")`."""

    def __init__(self) -> None:
        self._lines: dict[Place, int] = {}

    def note(self, path: Place, mark: yaml.Mark) -> None:
        self._lines[path] = mark.line + 1

    def of(self, path: Place) -> int:
        """The line of the value, or of what it is missing in."""
        while path not in self._lines and path:
            path = path[:-1]
        return self._lines.get(path, 1)


def read_yaml(raw: str) -> tuple[Any, Lines]:
    """The one document of a text; raises BadFile, which says the line and shows no value.

    Taken are the values of JSON and dates; no anchors and aliases, no tags of somebody's own, and
    no key twice in a mapping.
    """
    lines = Lines()
    try:
        _check_events(raw)
        loader = _Loader(raw)
        try:
            node = loader.get_single_node()
            if node is None:
                raise BadFile("line 1: it is empty")
            return _value(loader, node, (), lines), lines
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = "" if mark is None else f"line {mark.line + 1}: "
        raise BadFile(f"{where}it is no YAML") from None
    except yaml.YAMLError:
        raise BadFile("it is no YAML: there is a character in it that cannot be") from None


def parsed(part: type[Part], raw: str) -> tuple[Part, Lines]:
    """A whole file; raises BadFile, which says the lines and fields of what is wrong and shows no value."""
    told, lines = read_yaml(raw)
    try:
        return part.model_validate(told), lines
    except ValidationError as error:
        raise bad_file(wrong_in(error), lines) from None


def bad_file(wrong: Iterable[tuple[Place, str]], lines: Lines) -> BadFile:
    """Says the places of what is wrong, with the reasons; of many the first."""
    told = [f"line {lines.of(place)}: {field_of(place)}: {why}" for place, why in wrong]
    return BadFile("; ".join(told[:MOST_TOLD]))


def _check_events(raw: str) -> None:
    # Before anything is built of it: libyaml's own time grows with the square of the depth.
    depth = 0
    for event in yaml.parse(raw, Loader=_Loader):
        mark = event.start_mark
        line = 1 if mark is None else mark.line + 1
        if getattr(event, "anchor", None) is not None:
            raise BadFile(f"line {line}: anchors and aliases are not taken")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise BadFile(f"line {line}: it is too deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(loader: Any, node: yaml.Node, path: Place, lines: Lines) -> Any:
    lines.note(path, node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, each, (*path, at), lines) for at, each in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        try:
            return loader.construct_object(node)
        except ValueError:
            line = node.start_mark.line + 1
            raise BadFile(f"line {line}: no number or date that there is") from None
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value
        if not isinstance(key, str) or key_node.tag != "tag:yaml.org,2002:str":
            raise BadFile(f"line {line}: a field's name is a word")
        if key in values:
            raise BadFile(f"line {line}: a field that is there already")
        values[key] = _value(loader, value_node, (*path, key), lines)
        # Where the field begins, not where a long text does.
        lines.note((*path, key), key_node.start_mark)
    return values
