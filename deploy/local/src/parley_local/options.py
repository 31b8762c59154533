"""What one run of the runner was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from parley_local.built_pages import has_pages
from parley_local.demo_connection import may_be_offered
from parley_local.topology import GATEWAY, reached_at

_OWN_PAGES = f"{GATEWAY.prefix}WEB_DIR"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line and the environment say; ``demo_port`` None: the usual one.

    ``replicas`` counts the processes of a service by its name, one where it says nothing. ``web`` is
    where built pages would be; ``offer_demo`` asks for a connection of everybody's to the demo model.
    """

    data: Path
    gateway_host: str
    gateway_port: int
    demo_port: int | None
    environment: Mapping[str, str]
    replicas: Mapping[str, int] = field(default_factory=dict)
    web: Path | None = None
    offer_demo: bool = False

    @property
    def offers_demo(self) -> bool:
        """Whether every user has a connection to the demo model."""
        return self.offer_demo and may_be_offered(self.gateway_host, self.environment)

    @property
    def pages(self) -> Path | None:
        """Where the gateway has its pages, of this run's absolute; None where it has none."""
        own = self.environment.get(_OWN_PAGES)
        if own is not None:
            # Which the gateway itself judges: it refuses to start with a folder that has none.
            return Path(own) if own else None
        if self.web is None or not has_pages(self.web):
            return None
        return self.web.absolute()

    @property
    def wants_pages(self) -> bool:
        """Whether anybody has asked for pages; to set ``GATEWAY_WEB_DIR`` to nothing asks for none."""
        own = self.environment.get(_OWN_PAGES)
        return self.web is not None if own is None else bool(own)

    @property
    def url(self) -> str:
        """Where the first gateway will be reached."""
        return f"http://{reached_at(self.gateway_host)}:{self.gateway_port}"
