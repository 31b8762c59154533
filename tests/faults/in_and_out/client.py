"""Requests of one user at two gateways, many at once."""

import asyncio
from functools import partial
from typing import Any, Final

import httpx

from tests.client import User
from tests.faults.cluster import Cluster

API: Final = "/api/v1"
AT_ONCE: Final = 200
#: Until nothing of a user is left who was deleted.
ERASED_SECONDS: Final = 90.0


class Client:
    """The user at both gateways, by turns, in threads."""

    def __init__(self, cluster: Cluster, user: User) -> None:
        headers = {"Authorization": f"Bearer {user.token}"}
        limits = httpx.Limits(max_connections=AT_ONCE)
        self.https = [
            httpx.Client(
                base_url=f"{url}{API}", headers=headers, timeout=60, verify=False, limits=limits
            )
            for url in cluster.gateways
        ]

    async def ask(self, method: str, path: str, *, at: int = 0, **more: Any) -> httpx.Response:
        return await asyncio.to_thread(partial(self.https[at].request, method, path, **more))

    def close(self) -> None:
        for http in self.https:
            http.close()
