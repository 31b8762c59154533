"""The refresh token as a cookie, for pages: no script can read it, no other site can send it.

It authenticates nothing but its own exchange and the log-out.
"""

from starlette.requests import Request
from starlette.responses import Response

from gateway.edge.origin import is_ours
from gateway.refusals import OriginNotAllowed
from gateway.settings import Settings

# The prefix makes browsers hold us to Secure, Path=/ and no Domain: RFC 6265bis, 4.1.3.2.
NAME = "__Host-parley_refresh"

# Longer than any refresh token is good; that one ends by itself.
_SECONDS = 365 * 24 * 3600


def is_presented(request: Request) -> bool:
    """Whether the request bears the cookie, whatever it holds."""
    return NAME in request.cookies


def refresh_token_of(request: Request) -> str | None:
    """The refresh token in the request's cookie, None without one.

    Raises OriginNotAllowed unless a page of ours or of a listed origin has sent it: a browser
    says so with every POST.
    """
    token = request.cookies.get(NAME)
    if token is None:
        return None
    settings: Settings = request.app.state.settings
    if not is_ours(
        request.headers.get("origin", ""),
        scheme=request.scope["scheme"],
        host=request.headers.get("host", ""),
        listed=settings.cors_origins,
    ):
        raise OriginNotAllowed()
    return token


def give(response: Response, refresh_token: str) -> None:
    """Have the client keep ``refresh_token``, in place of any other."""
    _set(response, refresh_token, _SECONDS)


def take_back(request: Request, response: Response) -> None:
    """Have the client forget it, if it has presented one."""
    if is_presented(request):
        _set(response, "", 0)


def _set(response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        NAME, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )
