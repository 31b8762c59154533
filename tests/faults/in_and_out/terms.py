"""The operator's files of a cluster, and what reads them anew."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

from chassis.testing.eventually import eventually
from tests.faults.cluster import Cluster


class Terms:
    """The operator's files of a cluster."""

    def __init__(self, folder: Path) -> None:
        self._files, self._words, self._usage = (
            folder / name for name in ("files.yaml", "words.yaml", "usage.toml")
        )
        self.stored = folder / "stored"
        self.let_files(1_000_000)
        self.mask()
        self.limit()

    @property
    def settings(self) -> dict[str, str]:
        return {
            "CHAT_FILES_FILE": str(self._files),
            "CHAT_WORDS_FILE": str(self._words),
            "CHAT_USAGE_FILE": str(self._usage),
        }

    def let_files(self, maximum: int) -> None:
        _put(self._files, f"files: {{maximum_bytes: {maximum}, folder: {self.stored}}}")

    def mask(self, *words: str) -> None:
        rules = [{"action": "mask", "words": list(words)}] if words else []
        _put(self._words, json.dumps({"rules": rules}))

    def limit(self, *users: str, tokens: int = 0) -> None:
        told = f"[[limits]]\nperiod = 'day'\ntokens = {tokens}\nown = true\nusers = {list(users)}\n"
        _put(self._usage, told if users else "# none")


def _put(path: Path, content: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(content)
    fresh.replace(path)


def hang_up(cluster: Cluster, *modules: str) -> None:
    """Has every process of these read its files anew."""
    for module in modules:
        for member in cluster.members(module):
            member.process.send_signal(signal.SIGHUP)


async def has_taken(cluster: Cluster, subject: str, change: Callable[[], None]) -> None:
    """Change a file of the operator's, and return once both replicas have taken it."""
    taken = (f"chat_{subject}_file_reads_total", '{outcome="taken"}')
    members = cluster.members("chat_service")
    before = [member.metric(*taken) for member in members]
    change()
    hang_up(cluster, "chat_service")
    await eventually(
        lambda: all(
            member.metric(*taken) > read for member, read in zip(members, before, strict=True)
        ),
        timeout=30,
    )
