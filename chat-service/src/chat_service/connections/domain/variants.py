"""What people get wrong in a base URL, put right: each way that may be meant, the likeliest first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from chat_service.connections.domain.outcome import PROVIDERS

#: How many are tried at most.
MOST_VARIANTS: Final = 8

_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?]+)(?P<path>[^?]*)(?P<query>\?.*)?")
_DOUBLED = re.compile(r"(/v[0-9]+[a-z]*)\1+$")
_VERSION = re.compile(r"/v[0-9]+[a-z]*$")
_OPERATION = re.compile(r"(?<=/v[0-9])/(?:chat|completions|embeddings|messages|models|responses)$")
# Where the API of a server's own lies, in whose place people put it, and where chat completions lie.
_OWN: Final = (("/v1beta", "/v1beta/openai"), ("/api", "/v1"))


@dataclass(frozen=True, slots=True)
class Variant:
    """A base URL in its normal form and a protocol."""

    base_url: str
    provider: str


def variants(base_url: str, provider: str, *, may_go_clear: bool) -> tuple[Variant, ...]:
    """What may have been meant by these, without them: at most MOST_VARIANTS, on the same host.

    A version that is missing at the path's end or stands there twice, an operation behind it, the path of
    a server's own API (Google's, Ollama's), the other protocol, http in place of https and the other way
    round; then two of these at once. `may_go_clear`: the key may be sent to that host without encryption,
    although https was said.
    """
    parts = _URL.fullmatch(base_url)
    if parts is None:
        return ()
    paths = list(_paths(parts["path"]))
    others = [name for name in PROVIDERS if name != provider]
    schemes = list(_schemes(parts["scheme"], may_go_clear))

    def at(scheme: str, path: str) -> str:
        return f"{scheme}://{parts['host']}{path}{parts['query'] or ''}"

    here, path_here = parts["scheme"], parts["path"]
    found = [Variant(at(here, path), provider) for path in paths]
    found += [Variant(base_url, other) for other in others]
    found += [Variant(at(scheme, path_here), provider) for scheme in schemes]
    found += [Variant(at(here, path), other) for path in paths for other in others]
    found += [Variant(at(scheme, path), provider) for scheme in schemes for path in paths]
    found += [Variant(at(scheme, path_here), other) for scheme in schemes for other in others]
    known = Variant(base_url, provider)
    return tuple(dict.fromkeys(one for one in found if one != known))[:MOST_VARIANTS]


def _paths(path: str) -> Iterator[str]:
    if doubled := _DOUBLED.search(path):
        yield path[: doubled.start()] + doubled[1]
        yield path[: doubled.start()]
    elif operation := _OPERATION.search(path):
        yield path[: operation.start()]
    else:
        is_versioned = _VERSION.search(path) is not None
        own = [path.removesuffix(one) + other for one, other in _OWN if path.endswith(one)]
        yield from own if is_versioned else []
        yield _VERSION.sub("", path) if is_versioned else f"{path}/v1"
        yield from [] if is_versioned else own


def _schemes(scheme: str, may_go_clear: bool) -> Iterator[str]:
    if scheme == "http":
        yield "https"
    elif may_go_clear:
        yield "http"
