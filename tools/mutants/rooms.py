"""Where faults are put in, and whose tests have to notice."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.members import ROOT


@dataclass(frozen=True, slots=True)
class Room:
    """Source files that are reported as one, and the folders of the tests that reach them."""

    name: str
    sources: tuple[Path, ...]
    tests: tuple[str, ...]


def rooms() -> list[Room]:
    """Each service's rules and use cases, chat-service's streaming, and chassis."""
    found = []
    for member in ("auth-service", "apikey-service", "notes-service", "chat-service"):
        package = ROOT / member / "src" / member.replace("-", "_")
        # In chat-service each subject has these layers, of which some are one module.
        for layers in sorted(
            folder for folder in (package, *package.iterdir()) if folder.name != "streaming"
        ):
            sources = [
                file
                for layer in ("domain", "usecases")
                for file in (layers / f"{layer}.py", *layers.glob(f"{layer}/**/*.py"))
                if file.is_file()
            ]
            if sources:
                subject = "" if layers == package else f"/{layers.name}"
                found.append(_room(f"{member}{subject}", sources, f"{member}/tests"))
    streaming = ROOT / "chat-service" / "src" / "chat_service" / "streaming"
    found.append(
        _room("chat-service/streaming", streaming.rglob("*.py"), "chat-service/tests"),
    )
    chassis = ROOT / "chassis" / "src" / "chassis"
    # What tests are made with is not what is tested.
    product = (f for f in chassis.rglob("*.py") if "testing" not in f.relative_to(chassis).parts)
    found.append(_room("chassis", product, "chassis/tests", "servicekit/tests"))
    return found


def _room(name: str, sources: Iterable[Path], *tests: str) -> Room:
    return Room(name, tuple(sorted(source.relative_to(ROOT) for source in sources)), tests)
