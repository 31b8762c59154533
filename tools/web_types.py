"""Makes web/src/api/schema.d.ts, the API's types, from the gateway's own document: `make web-types`.

`--check` proves without Node that it was made from the document as it is now.
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
_MARK = "// Made by `make web-types` from the API's document "


def main(arguments: list[str]) -> None:
    document = json.dumps(build(api()), indent=1)
    mark = _MARK + hashlib.sha256(document.encode()).hexdigest()
    if arguments == ["--check"]:
        first = TYPES.read_text(encoding="utf-8").partition("\n")[0]
        sys.exit(f"{TYPES.relative_to(ROOT)}: stale" if first != mark else 0)
    TYPES.write_text(f"{mark}\n{generated(document)}", encoding="utf-8")


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
