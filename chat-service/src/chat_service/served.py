"""The gRPC services of this deployable: what serves each, and who may call it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import grpc.aio

from chassis.grpc.server import Method


@dataclass(frozen=True, slots=True)
class Served:
    """`add` is the generated function that registers such a servicer at a server."""

    servicer: object
    add: Callable[[Any, grpc.aio.Server], None]
    policy: Mapping[str, Mapping[str, Method]]


def policy_of(served: Iterable[Served]) -> dict[str, Mapping[str, Method]]:
    """Who may call each method of all of them."""
    return dict(chain.from_iterable(one.policy.items() for one in served))


def register_all(served: Iterable[Served], server: grpc.aio.Server) -> None:
    for one in served:
        one.add(one.servicer, server)
