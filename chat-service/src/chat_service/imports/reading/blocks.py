"""Parts of a backup that others refer to by their ids, on the disk: they are read before those are."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson

from chat_service.imports.reading.source import UnreadableError


class Blocks:
    """Keeps objects that have an `id`, in a database that is gone with this process."""

    def __init__(self) -> None:
        # Without a name it is a file that nobody else sees.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA cache_size = -8192")
        self._database.execute("CREATE TABLE blocks (id TEXT PRIMARY KEY, told BLOB) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def keep(self, block: object) -> None:
        if isinstance(block, Mapping) and isinstance(block.get("id"), str):
            # What JSON escapes as half a character is no text here.
            name = block["id"].encode("utf-8", "replace").decode()
            try:
                told = orjson.dumps(block)
            except orjson.JSONEncodeError:
                # It is nested as no block is, or has half a character.
                return
            try:
                self._database.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?)", (name, told))
            except sqlite3.OperationalError as error:
                raise UnreadableError("NO_ROOM") from error

    def find(self, name: str) -> Mapping[str, Any] | None:
        found = self._database.execute(
            "SELECT told FROM blocks WHERE id = ?",
            (name.encode("utf-8", "replace").decode(),),
        ).fetchone()
        return None if found is None else orjson.loads(found[0])

    def close(self) -> None:
        self._database.close()
