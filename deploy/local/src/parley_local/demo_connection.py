"""The demo model as a connection of the operator's, so that whoever registers can ask at once."""

from collections.abc import Mapping
from pathlib import Path

from chassis.embedded.server import write_private
from parley_local.address import is_loopback
from parley_local.environment import ALLOWED_HOSTS
from parley_local.topology import APIKEY

_CONNECTIONS = """\
# Made at each start of `make run`. Connections of your own: APIKEY_CONNECTIONS_FILE.
[[connections]]
name = "demo"
base_url = "{url}"
models = ["demo"]
key_file = "{key}"
"""
# The scripted model server takes any.
_KEY = "sk-demo"


def may_be_offered(gateway_host: str, environment: Mapping[str, str]) -> bool:
    """Whether services take a model server on this machine, and the operator offers nothing else."""
    set_otherwise = (
        ALLOWED_HOSTS,
        f"{APIKEY.prefix}ALLOWED_HOSTS",
        f"{APIKEY.prefix}CONNECTIONS_FILE",
    )
    return is_loopback(gateway_host) and not any(name in environment for name in set_otherwise)


def write(folder: Path, url: str) -> Path:
    """The file for apikey-service, made in ``folder``: one connection, to the model at ``url``."""
    folder.mkdir(mode=0o700, exist_ok=True)
    key, connections = folder / "demo.key", folder / "connections.toml"
    write_private(key, f"{_KEY}\n")
    write_private(connections, _CONNECTIONS.format(url=url, key=key.name))
    return connections
