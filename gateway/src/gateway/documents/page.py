"""``/docs``: Swagger UI out of a wheel that the lock pins, under a policy that lets nothing else in.

Nothing of it comes from another host, and no script or style stands in the page itself.
"""

import hashlib
import re
from importlib import resources

from starlette.routing import BaseRoute

from gateway.documents.held import FOREVER, Document
from gateway.edge.address import NamedRoute

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    # Of the policies two are trust.js's, and one is DOMPurify's within Swagger UI.
    "require-trusted-types-for 'script'; trusted-types default parley-inert dompurify"
)

# Swagger UI as its makers built it; of the package nothing but these files is used.
_SWAGGER = resources.files("fastapi_swagger") / "resources"
_OURS = resources.files("gateway.documents") / "static"
_PARTS = {
    "swagger-ui.css": (_SWAGGER, "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER, "text/javascript"),
    "trust.js": (_OURS, "text/javascript"),
    "start.js": (_OURS, "text/javascript"),
}


def page() -> list[BaseRoute]:
    """The page and its parts, each at an address that changes with what is in it."""
    routes: list[BaseRoute] = []
    addresses: dict[str, str] = {}
    for name, (folder, media_type) in _PARTS.items():
        file = folder / name
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        addresses[name] = f"/docs/{digest}/{name}"
        document = Document(file.read_bytes, media_type, FOREVER)
        # Named without the digest, which is another one in the next release.
        template = f"/docs/{{digest}}/{name}"
        routes.append(NamedRoute(addresses[name], document.__call__, template))
    html = re.sub(
        r"\{([a-z.-]+)\}", lambda part: addresses[part[1]], (_OURS / "docs.html").read_text()
    )
    headers = {"content-security-policy": _POLICY}
    document = Document(html.encode, "text/html", headers=headers)
    return [*routes, NamedRoute("/docs", document.__call__)]
