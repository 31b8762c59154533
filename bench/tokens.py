"""`python -m bench.tokens`: what it costs to verify a token, with and without the cache.

First alone, in this process: tokens seen before, tokens never seen, and nothing but their Ed25519
signature. Then in place: a Parley of its own answers a small read with the same access token each
time, with another access token of the same user each time (signed with that Parley's own key, as
auth-service signs), and with one personal access token; by turns, so that each has the same hour.

Prints CPU for one verification, and for one request in the gateway and in notes-service, each of
which verifies the token.
"""

import argparse
import itertools
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bench import costs
from bench.clients import Client, UnexpectedAnswerError, clients
from bench.report import machine
from bench.stack import Stack, StackError, data_folder, stack
from chassis.grpc.caller import TokenVerifier
from chassis.testing.signer import Signer

_ALONE = 5_000
_TURNS = 10
_WARM_UP = 2
_VERIFIERS = ("gateway", "notes_service")

Item = TypeVar("Item")


@dataclass(slots=True)
class Kind:
    """CPU seconds, by service, that ``requests`` with one kind of bearer token took."""

    name: str
    requests: int = 0
    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_VERIFIERS, 0.0))


def main() -> None:
    arguments = _arguments()
    try:
        alone, kinds = verify_alone(), verify_in_place(arguments.requests)
    except (StackError, UnexpectedAnswerError) as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        sys.exit(1)
    print(machine())
    for line in table(alone, kinds):
        print(line)
    if arguments.json is not None:
        content = {"alone": alone, "in_place": [asdict(kind) for kind in kinds]}
        arguments.json.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def verify_alone() -> dict[str, float]:
    """CPU seconds for one, by what is verified."""
    signer = Signer()
    tokens = [signer.token() for _ in range(_ALONE)]
    verifier = TokenVerifier(signer.trust)
    public = signer.private_key.public_key()
    parts = [token.rpartition(".") for token in tokens]
    signed = [(jwt.utils.base64url_decode(mac), text.encode()) for text, _, mac in parts]
    return {
        "a signature alone": _each(lambda one: public.verify(*one), signed),
        "a token never seen": _each(verifier.verify, tokens),
        "a token seen before": _each(verifier.verify, tokens),
    }


def verify_in_place(requests: int) -> list[Kind]:
    """``requests`` with each kind of token, over one connection."""
    with data_folder() as folder, stack(folder) as parley, clients(parley.parley.port, 1) as some:
        [client] = some
        token = _register(client)
        others = _others(folder / "data", token)
        kinds: dict[str, Iterator[str]] = {
            "the same access token": itertools.repeat(token),
            "another each time": others,
            "a personal token": itertools.repeat(_personal(client, token)),
        }
        measured = {name: Kind(name) for name in kinds}
        for turn in range(_TURNS + _WARM_UP):
            for name, tokens in kinds.items():
                _say(f"turn {turn + 1}, {name}")
                # Signed beforehand: nothing but requests is in the measured time.
                some_tokens = list(itertools.islice(tokens, requests // _TURNS))
                spent = _read(parley, client, some_tokens)
                if turn >= _WARM_UP:
                    kind = measured[name]
                    kind.requests += len(some_tokens)
                    kind.cpu = {service: kind.cpu[service] + spent[service] for service in spent}
        return list(measured.values())


def table(alone: dict[str, float], kinds: Sequence[Kind]) -> Iterator[str]:
    """The results for people."""
    yield "CPU, µs, to verify, in one process"
    for name, seconds in alone.items():
        yield f"  {name:24}{seconds * 1e6:10.1f}"
    yield f"CPU, µs, for a request{'gateway':>14}{'notes':>10}"
    for kind in kinds:
        figures = "".join(f"{kind.cpu[one] / kind.requests * 1e6:10.0f}" for one in _VERIFIERS)
        yield f"  {kind.name:24}{figures}"


def _each(verify: Callable[[Item], object], items: Sequence[Item]) -> float:
    began = time.process_time()
    for item in items:
        verify(item)
    return (time.process_time() - began) / len(items)


def _read(parley: Stack, client: Client, tokens: Sequence[str]) -> dict[str, float]:
    services = parley.services()
    pids = {name: services[name] for name in _VERIFIERS}
    before = costs.cpu_of(pids)
    for token in tokens:
        _ask(client, "GET", "/notes?limit=1", token=token)
    return costs.spent(before, costs.cpu_of(pids))


def _register(client: Client) -> str:
    name = f"bench-{secrets.token_hex(6)}"
    body = {"username": name, "email": f"{name}@example.org", "password": secrets.token_urlsafe(18)}
    return str(_ask(client, "POST", "/auth/register", body)["access_token"])


def _personal(client: Client, token: str) -> str:
    body = {"name": "bench", "scopes": ["notes:read"]}
    return str(_ask(client, "POST", "/tokens", body, token)["token"])


def _others(data: Path, token: str) -> Iterator[str]:
    """Tokens like ``token``, each one new."""
    [pem] = (data / "signing_keys").glob("*.pem")
    private = load_pem_private_key(pem.read_bytes(), None)
    if not isinstance(private, Ed25519PrivateKey):
        raise StackError(f"{pem.name} is no Ed25519 key")
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    signer = Signer(kid=header["kid"], private_key=private)
    user_id, tenant_id = UUID(claims["sub"]), UUID(claims["tid"])
    while True:
        yield signer.token(user_id, tenant_id, claims["role"], claims["sid"])


def _ask(
    client: Client, method: str, path: str, body: object = None, token: str = ""
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    reply = client.ask(method, path, body, headers)
    if reply.status not in (200, 201):
        raise UnexpectedAnswerError(f"{method} {path}: {reply.status} {reply.content[:300]!r}")
    answer: dict[str, Any] = orjson.loads(reply.content)
    return answer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.tokens", description="What it costs to verify a token."
    )
    parser.add_argument("--requests", type=int, default=6000, help="with each kind of token (6000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
