"""The composition root: what the gateway is made of."""

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass

from chassis.grpc.caller import TokenVerifier
from chassis.grpc.trust import TrustStore
from chassis.grpc.trust_feed import TrustFeed
from chassis.service import Service
from chassis.settings import UnusableSetting, variable_of
from gateway.app import create_app
from gateway.clients import Clients, connect
from gateway.documents.pages import NoPages
from gateway.edge.server import HttpServer
from gateway.identity.bearer_tokens import REFUSED_SECONDS, Bearers
from gateway.readiness import Readiness
from gateway.settings import Settings
from gateway.streams.frame_channels import FrameChannels
from gateway.streams.notices import NoticeFeeds
from gateway.streams.presence import LongRequests
from gateway.ws.endpoint import SocketEndpoint
from gateway.ws.follows import PATIENCE_SECONDS
from gateway.ws.sockets import Sockets
from parley.auth.v1.auth_pb2 import WatchRevocationsRequest, WatchRevocationsResponse


@dataclass(frozen=True, slots=True)
class Gateway:
    """The service, the port it serves on, and what is open there."""

    service: Service
    http: HttpServer
    sockets: Sockets
    requests: LongRequests
    frame_channels: FrameChannels
    notice_feeds: NoticeFeeds
    bearers: Bearers

    @property
    def held(self) -> dict[str, int]:
        """What is kept for connections, requests, sockets and runs: 0 of each once nobody is there."""
        return (
            self.http.held
            | self.requests.held
            | self.sockets.held
            | self.frame_channels.held
            | self.notice_feeds.held
            | self.bearers.held
        )


def build(
    settings: Settings,
    *,
    follow_patience: float = PATIENCE_SECONDS,
    refused_seconds: float = REFUSED_SECONDS,
) -> Gateway:
    """The gateway, still to be started. Raises UnusableSetting.

    ``follow_patience``: how many seconds a socket's follower that has heard nothing yet waits before
    its ack. ``refused_seconds``: how long a personal access token that was refused is not asked for again.
    """
    clients = connect(settings)
    trust = TrustStore()
    requests = LongRequests(settings.event_streams_per_user, trust)
    readiness = Readiness(clients.channels(), trust)
    bearers = Bearers(TokenVerifier(trust), clients.auth, refused_seconds=refused_seconds)
    frame_channels = FrameChannels(
        clients.runs, clients.frames, accept_seconds=settings.accept_seconds
    )
    notice_feeds = NoticeFeeds(clients.notices)
    sockets = Sockets(
        settings, clients, frame_channels, notice_feeds, bearers, patience=follow_patience
    )
    try:
        app = create_app(
            settings=settings,
            clients=clients,
            frame_channels=frame_channels,
            trust=trust,
            bearers=bearers,
            readiness=readiness,
            requests=requests,
        )
    except NoPages as error:
        raise UnusableSetting(variable_of(Settings, "web_dir"), str(error)) from None
    http = HttpServer(app, settings, SocketEndpoint(settings, sockets, bearers), requests.end)
    service = Service(
        "gateway",
        settings,
        components=[
            *clients.channels().values(),
            TrustFeed(trust, _watch(clients)),
            frame_channels,
            notice_feeds,
            sockets,
            http,
        ],
        checks=readiness.checks(),
    )
    return Gateway(service, http, sockets, requests, frame_channels, notice_feeds, bearers)


def _watch(clients: Clients) -> Callable[[], AsyncIterable[WatchRevocationsResponse]]:
    def watch() -> AsyncIterable[WatchRevocationsResponse]:
        return clients.auth.follow(clients.auth.stub.WatchRevocations, WatchRevocationsRequest())

    return watch
