"""The ASGI application: routes inside, the edge around them."""

from collections.abc import Sequence
from functools import cache

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from chassis.errors import AppError
from chassis.grpc.trust import TrustStore
from gateway import problems
from gateway.clients import Clients
from gateway.documents.front import front
from gateway.documents.openapi import describe
from gateway.documents.page import page
from gateway.documents.pages import Pages
from gateway.edge.access import Access
from gateway.edge.address import Address, before_names
from gateway.edge.body_reading import Bodies
from gateway.edge.cors import Cors
from gateway.identity.bearer_tokens import Bearers
from gateway.identity.rate_limit import ShareRateLimit
from gateway.readiness import Readiness
from gateway.routers import (
    account,
    admin,
    auth,
    codes,
    connections,
    exports,
    files,
    folders,
    imports,
    jwks,
    keys,
    logins,
    messages,
    notes,
    operation,
    personas,
    profile,
    questions,
    runs,
    search,
    session_ends,
    sessions,
    shared,
    shares,
    tokens,
    usage,
    user_settings,
)
from gateway.routes.asking_route import AskingRoute
from gateway.routes.precedence import spell_out
from gateway.settings import Settings
from gateway.streams.frame_channels import FrameChannels
from gateway.streams.presence import ClientGone, LongRequests
from gateway.ws import endpoint as ws

_ROUTERS = (
    auth,
    codes,
    account,
    profile,
    user_settings,
    usage,
    logins,
    tokens,
    admin,
    keys,
    connections,
    sessions,
    session_ends,
    folders,
    messages,
    questions,
    runs,
    personas,
    exports,
    shares,
    shared,
    imports,
    notes,
    search,
    files,
)


@cache
def _routes() -> Sequence[BaseRoute]:
    """Those of all routers, which are made once a process however many applications take them over.

    Flat: an included router is matched twice for each request.
    """
    routes: Sequence[BaseRoute] = [
        *(route for module in _ROUTERS for route in module.router.routes),
        *files.uploads.routes,
        *imports.uploads.routes,
        *ws.router.routes,
        *operation.router.routes,
        *jwks.router.routes,
    ]
    spell_out(routes)
    return routes


def api() -> FastAPI:
    """The routes of the API: no document or page, and nothing behind them yet."""
    return FastAPI(
        title="Parley",
        version="1",
        summary="Chat with large language models, with your own keys.",
        routes=list(_routes()),
        redirect_slashes=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            AppError: problems.on_app_error,
            RequestValidationError: problems.on_invalid_request,
            HTTPException: problems.on_http_exception,
            ClientDisconnect: problems.on_client_gone,
            ClientGone: problems.on_client_gone,
            Exception: problems.on_unknown_error,
        },
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )


@cache
def _documents() -> Sequence[BaseRoute]:
    """The API's document and the page that shows it, the same for every application of a process."""
    return [describe(api()), *page()]


def create_app(
    *,
    settings: Settings,
    clients: Clients,
    frame_channels: FrameChannels,
    trust: TrustStore,
    bearers: Bearers,
    readiness: Readiness,
    requests: LongRequests,
) -> ASGIApp:
    """The whole door, from the first byte of a request to its route. Raises NoPages."""
    app = api()
    # The router asks one after the other, up to a hundred: questions are what is asked most. An address is of one
    # template in whatever order.
    app.router.routes.sort(key=lambda route: not isinstance(route, AskingRoute))
    document, *shown = _documents()
    app.router.routes.append(document)
    routes = tuple(app.router.routes)
    app.router.routes.extend(shown)
    # Behind all others: whatever is nobody's is a page of the application.
    folder = settings.web_dir
    pages = None if folder is None else Pages(folder, app.router.routes)
    app.router.routes.extend([*front(pages), *([] if pages is None else [pages])])
    app.state.settings = settings
    app.state.clients = clients
    app.state.frame_channels = frame_channels
    app.state.trust = trust
    app.state.bearers = bearers
    app.state.readiness = readiness
    app.state.requests = requests
    app.state.share_rate_limit = ShareRateLimit()
    # Read from the inside out.
    door: ASGIApp = Address(app, before_names(routes))
    door = Cors(door, origins=settings.cors_origins, routes=app.router.routes)
    return Access(Bodies(door))
