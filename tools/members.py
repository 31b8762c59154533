"""The members of the repository, as their pyproject.toml files describe them."""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LOCK = ROOT / "requirements.lock"


@dataclass(frozen=True, slots=True)
class Member:
    """One installable folder; `requires` are the names of the members it depends on."""

    folder: Path
    name: str
    package: str
    extras: tuple[str, ...]
    requires: tuple[str, ...]


def members() -> list[Member]:
    """All members, each after those that it depends on."""
    files = sorted([*ROOT.glob("*/pyproject.toml"), *ROOT.glob("deploy/*/pyproject.toml")])
    found = {member.name: member for member in map(_read, files)}
    ordered: dict[str, Member] = {}

    def add(member: Member) -> None:
        for name in member.requires:
            add(found[name])
        ordered.setdefault(member.name, member)

    for member in found.values():
        add(member)
    return list(ordered.values())


def with_requirements(member: Member, everyone: list[Member]) -> list[Member]:
    """The member and all members that it depends on, directly or not."""
    wanted = {member.name}
    for other in reversed(everyone):
        if other.name in wanted:
            wanted.update(other.requires)
    return [other for other in everyone if other.name in wanted]


def _read(file: Path) -> Member:
    content = tomllib.loads(file.read_text())
    project = content["project"]
    packages: list[str] = content["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    names = (re.split(r"[^a-z0-9-]", line, maxsplit=1)[0] for line in project["dependencies"])
    return Member(
        folder=file.parent,
        name=project["name"],
        package=packages[0].removeprefix("src/"),
        extras=tuple(sorted(project.get("optional-dependencies", {}))),
        requires=tuple(name for name in names if name.startswith("parley-")),
    )
