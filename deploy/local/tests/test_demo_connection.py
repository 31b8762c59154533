import tomllib
from pathlib import Path

import pytest

from parley_local import demo_connection
from parley_local.options import Options


def options(tmp_path: Path, host: str = "127.0.0.1", **environment: str) -> Options:
    return Options(
        data=tmp_path,
        gateway_host=host,
        gateway_port=8000,
        demo_port=None,
        environment=environment,
        web=tmp_path / "dist",
        offer_demo=True,
    )


def test_the_file_has_one_connection_and_its_key_lies_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "operator"
    # At each start anew: the model's port may be another one.
    demo_connection.write(folder, "http://127.0.0.1:9001/v1")
    url = "http://127.0.0.1:8001/v1"
    file = demo_connection.write(folder, url)
    (connection,) = tomllib.loads(file.read_text())["connections"]
    assert connection.pop("key_file") == "demo.key"
    assert connection == {"name": "demo", "base_url": url, "models": ["demo"]}
    assert (folder / "demo.key").read_text().strip()
    assert [one.stat().st_mode & 0o077 for one in folder.iterdir()] == [0, 0]


@pytest.mark.parametrize(
    "environment",
    [
        {"CHAT_ALLOWED_HOSTS": "10.0.0.0/8"},
        {"APIKEY_ALLOWED_HOSTS": "10.0.0.0/8"},
        {"APIKEY_CONNECTIONS_FILE": "/etc/parley/connections.toml"},
    ],
)
def test_it_is_offered_where_it_can_be_reached_and_the_operator_offers_nothing_else(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    assert options(tmp_path).offers_demo
    assert options(tmp_path, "::1").offers_demo
    assert not options(tmp_path, "0.0.0.0").offers_demo
    assert not options(tmp_path, **environment).offers_demo


def test_pages_are_there_once_they_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    built = Options(Path(".data"), "127.0.0.1", 8000, None, {}, web=Path("dist"))
    assert built.pages is None
    Path("dist").mkdir()
    Path("dist/index.html").touch()
    assert built.pages == tmp_path / "dist"


def test_the_gateways_own_folder_of_pages_is_the_one_that_counts(tmp_path: Path) -> None:
    def told(web: Path | None, **environment: str) -> tuple[Path | None, bool]:
        said = Options(Path(".data"), "127.0.0.1", 8000, None, environment, web=web)
        return said.pages, said.wants_pages

    nothing_built = tmp_path / "dist"
    assert told(nothing_built) == (None, True)
    assert told(nothing_built, GATEWAY_WEB_DIR="/srv/pages") == (Path("/srv/pages"), True)
    assert told(None, GATEWAY_WEB_DIR="/srv/pages") == (Path("/srv/pages"), True)
    (tmp_path / "index.html").touch()
    assert told(tmp_path) == (tmp_path, True)
    assert told(tmp_path, GATEWAY_WEB_DIR="") == (None, False)
    assert told(None) == (None, False)
