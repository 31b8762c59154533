"""What one run of the runner was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from parley_local.demo_connection import may_be_offered
from parley_local.topology import reached_at


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
        """Where the built pages are, absolute; None where there are none."""
        built = self.web is not None and (self.web / "index.html").is_file()
        return self.web.absolute() if built and self.web is not None else None

    @property
    def url(self) -> str:
        """Where the first gateway will be reached."""
        return f"http://{reached_at(self.gateway_host)}:{self.gateway_port}"
