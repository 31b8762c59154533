"""Makes web/src/api/schema.d.ts, the API's types, from the gateway's own document: `make web-types`.

`--check` proves without Node that it was made from the document as it is now, and is as it was made.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway.app import api
from gateway.documents.openapi import build
from tools.members import ROOT
from tools.node import WEB, Node, NoNode, find_node
from tools.web import NotBuilt, alone, install

TYPES = WEB / "src" / "api" / "schema.d.ts"
# With a TypeScript of its own: the pages' has no interface that programs could use.
_TOOL = WEB / "tools" / "types"


def main(arguments: list[str]) -> None:
    document = json.dumps(build(api()), indent=1)
    if arguments == ["--check"]:
        fresh = is_fresh(TYPES.read_text(encoding="utf-8"), document)
        sys.exit(0 if fresh else f"{TYPES.relative_to(ROOT)}: stale")
    body = generated(document)
    TYPES.write_text(f"{mark(document, body)}\n{body}", encoding="utf-8")


def mark(document: str, body: str) -> str:
    """The first line of the file whose other ones, made from `document`, are `body`."""
    source, made = (hashlib.sha256(text.encode()).hexdigest() for text in (document, body))
    return f"// Made by `make web-types` from the API's document {source}: {made}"


def is_fresh(text: str, document: str) -> bool:
    """Whether `text` is what was made from `document`, every line of it."""
    first, _, body = text.partition("\n")
    return first == mark(document, body)


def generated(document: str) -> str:
    """What openapi-typescript makes of `document`."""
    node = _installed()
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "openapi.json", Path(folder) / "schema.d.ts"
        source.write_text(document, encoding="utf-8")
        program = _TOOL / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
        _run(node.run(["node", str(program), str(source), "--output", str(made)]))
        text = made.read_text(encoding="utf-8")
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def _installed() -> Node:
    try:
        with alone():
            node = find_node()
            install(node, _TOOL)
    except (NoNode, NotBuilt, OSError) as error:
        sys.exit(f"web-types: {error}")
    return node


def _run(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        sys.exit(f"web-types: {done.stdout.rstrip()}")


if __name__ == "__main__":
    main(sys.argv[1:])
