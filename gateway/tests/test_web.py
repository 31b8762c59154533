"""The built pages, as the gateway serves them to browsers and to nobody else."""

import errno
import gzip
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis.settings import load_settings
from gateway.documents.pages import NoPages, Pages
from gateway.settings import Settings

from .door import Door, OpenDoor

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
INDEX = b'<!doctype html><script type="module" src="/assets/app-1a2b.js"></script>'
SCRIPT = b"export const words = 'never lost';\n" * 40
# No real Brotli is needed: the gateway hands on what the build has put there.
BROTLI = b"packed by the build"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What a build leaves, as far as it matters here."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / ".vite").mkdir()
    (folder / ".vite/manifest.json").write_bytes(b"{}")
    (folder / "index.html").write_bytes(INDEX)
    (folder / "theme.js").write_bytes(b"document.documentElement.dataset.theme = 'dark';")
    script = folder / "assets/app-1a2b.js"
    script.write_bytes(SCRIPT)
    script.with_name("app-1a2b.js.br").write_bytes(BROTLI)
    script.with_name("app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (folder / "assets/font-3c4d.woff2").write_bytes(b"wOF2")
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def door(open_door: OpenDoor, built: Path) -> Door:
    return await open_door(web_dir=built)


@pytest.mark.parametrize("path", ["/", "/login", "/c/01900000-0000-7000-8000-000000000003", "/x/"])
async def test_who_navigates_gets_the_application_at_every_page(door: Door, path: str) -> None:
    answer = await door.http.get(path, headers=BROWSER)
    assert (answer.status_code, answer.content) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    head = await door.http.head(path, headers=BROWSER)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == answer.headers["etag"]
    known = BROWSER | {"if-none-match": answer.headers["etag"]}
    again = await door.http.get(path, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"


async def test_a_program_is_told_as_before_what_is_there_and_what_is_not(door: Door) -> None:
    links = await door.http.get("/")
    assert (links.json()["name"], links.headers["vary"]) == ("Parley", "Accept")
    absent = await door.http.get("/login", headers={"accept": "application/json"})
    assert (absent.status_code, absent.json()["reason"]) == (404, "ROUTE_NOT_FOUND")
    posted = await door.http.post("/login", headers=BROWSER)
    assert (posted.status_code, posted.json()["reason"]) == (404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/v1/nothing",
        "/v1/models",
        "/docs/nothing",
        "/.well-known/nothing",
        "/assets/app-0000.js",
        "/assets",
    ],
)
async def test_what_is_a_programs_is_never_a_page(door: Door, path: str) -> None:
    answer = await door.http.get(path, headers=BROWSER)
    assert (answer.status_code, answer.json()["reason"]) == (404, "ROUTE_NOT_FOUND")


async def test_the_routes_of_the_api_are_what_they_were(door: Door) -> None:
    for path in ("/docs", "/openapi.json", "/healthz", "/readyz", "/robots.txt", "/favicon.ico"):
        answer = await door.http.get(path, headers=BROWSER)
        assert answer.status_code == 200, path
        assert answer.content != INDEX, path
    other_method = await door.http.get("/api/v1/auth/login", headers=BROWSER)
    assert other_method.status_code == 405
    without_token = await door.http.get("/api/v1/keys", headers=BROWSER)
    assert without_token.status_code == 401


@pytest.mark.parametrize(
    ("accepted", "coding", "content"),
    [
        ("gzip, deflate, br", "br", BROTLI),
        ("br;q=0.5", "br", BROTLI),
        ("*", "br", BROTLI),
        ("*, br;q=0", "gzip", SCRIPT),
        ("gzip, br;q=0", "gzip", SCRIPT),
        ("deflate", None, SCRIPT),
        ("identity, *;q=0", None, SCRIPT),
    ],
)
async def test_files_are_packed_as_their_reader_takes_them(
    door: Door, accepted: str, coding: str | None, content: bytes
) -> None:
    async with door.http.stream(
        "GET", "/assets/app-1a2b.js", headers={"accept-encoding": accepted}
    ) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert (gzip.decompress(raw) if coding == "gzip" else raw) == content
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_what_is_named_by_its_contents_is_kept_for_ever_and_nothing_else(door: Door) -> None:
    bare = {"accept-encoding": "identity"}
    forever = {}
    for path in ("/assets/app-1a2b.js", "/assets/font-3c4d.woff2", "/theme.js", "/index.html"):
        answer = await door.http.get(path, headers=bare)
        assert answer.status_code == 200, path
        forever[path] = "immutable" in answer.headers["cache-control"]
    assert forever == {
        "/assets/app-1a2b.js": True,
        "/assets/font-3c4d.woff2": True,
        "/theme.js": False,
        "/index.html": False,
    }
    tags = [
        (await door.http.get("/assets/app-1a2b.js", headers={"accept-encoding": one})).headers[
            "etag"
        ]
        for one in ("gzip", "identity")
    ]
    assert tags[0] != tags[1]


async def test_what_the_build_has_not_packed_is_packed_here_but_for_what_is_dense(
    door: Door,
) -> None:
    everything = {"accept-encoding": "gzip, br"}
    theme = await door.http.get("/theme.js", headers=everything)
    assert theme.headers["content-encoding"] == "gzip"
    assert theme.text.startswith("document.")
    font = await door.http.get("/assets/font-3c4d.woff2", headers=everything)
    assert "content-encoding" not in font.headers
    assert font.headers["content-type"] == "font/woff2"


async def test_a_page_lets_nothing_in_but_what_is_its_own(door: Door) -> None:
    answer = await door.http.get("/notes", headers=BROWSER)
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in answer.headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "camera=()" in answer.headers["permissions-policy"]
    script = await door.http.get("/assets/app-1a2b.js")
    assert script.headers["x-content-type-options"] == "nosniff"
    assert script.headers["cross-origin-resource-policy"] == "same-origin"


async def test_nothing_outside_of_the_folder_and_nothing_hidden_is_served(
    door: Door, built: Path, call_raw: Any
) -> None:
    secret = b"the secret beside it"
    (built.parent / "secret.txt").write_bytes(secret)
    client = await call_raw(door)
    for path in (
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "//secret.txt",
        "/.vite/manifest.json",
        "/assets/app-1a2b.js.br",
        "/assets/app-1a2b.js.gz",
        "/assets/app-1a2b.js%00.txt",
    ):
        await client.say(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        answer = await client.answer()
        assert answer.status in (400, 404), path
        assert secret not in answer.body, path


async def test_it_is_read_once_and_outlives_its_folder(door: Door, built: Path) -> None:
    shutil.rmtree(built)
    script = re.findall(rb'src="([^"]+)"', INDEX)[0].decode()
    assert (await door.http.get(script)).content == SCRIPT
    assert (await door.http.get("/keys", headers=BROWSER)).content == INDEX


async def test_the_access_log_names_no_page_and_no_file(door: Door) -> None:
    await door.http.get("/notes/a-title-of-somebodys", headers=BROWSER)
    await door.http.get("/assets/app-1a2b.js")
    url = f"http://127.0.0.1:{door.gateway.service.metrics_port}/metrics"
    told = set(re.findall(r'route="([^"]+)"', (await door.http.get(url)).text))
    assert {"/{page}", "/assets/{file}"} <= told
    assert not any("somebody" in route or "1a2b" in route for route in told)


def test_a_folder_without_pages_is_refused_in_words(tmp_path: Path) -> None:
    for missing in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NoPages, match=r"no index\.html .* `make web` builds"):
            Pages(missing, [])


def test_a_folder_that_may_not_be_read_is_refused_in_words(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoPages, match="File name too long"):
        Pages(built / ("x" * 300), [])
    # Mode bits say nothing to root, under whom tests may run.
    list_folder = os.scandir

    def scandir(folder: Any = ".") -> Any:
        if Path(folder).name == "assets":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return list_folder(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(NoPages, match=r"Permission denied: .*/assets"):
        Pages(built, [])


def test_a_folder_that_is_set_to_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ("AUTH", "APIKEY", "CHAT", "NOTES"):
        monkeypatch.setenv(f"GATEWAY_{service}_TARGET", "127.0.0.1:9000")
    for file in ("CA", "CERT", "KEY"):
        monkeypatch.setenv(f"GATEWAY_TLS_{file}_FILE", "/run/secrets/tls")
    monkeypatch.setenv("GATEWAY_WEB_DIR", "")
    assert load_settings(Settings).web_dir is None
    monkeypatch.setenv("GATEWAY_WEB_DIR", "/srv/pages")
    assert load_settings(Settings).web_dir == Path("/srv/pages")


def test_what_has_no_known_type_or_leads_outside_is_refused(built: Path) -> None:
    strange = built / "assets/notes.docx"
    strange.write_bytes(b"PK")
    with pytest.raises(NoPages, match=r"assets/notes\.docx: no media type"):
        Pages(built, [])
    strange.unlink()
    outside = built.parent / "outside.txt"
    outside.write_bytes(b"x")
    (built / "inside.txt").symlink_to(outside)
    with pytest.raises(NoPages, match=r"inside\.txt leads out"):
        Pages(built, [])
