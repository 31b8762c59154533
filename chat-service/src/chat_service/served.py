"""What the service takes of each subject: what serves its gRPC services, what runs for it, what is looked at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import grpc.aio

from chassis.component import Component
from chassis.grpc.server import Method
from chassis.health import Check


@dataclass(frozen=True, slots=True)
class Served:
    """A gRPC service; `add` is the generated function that registers such a servicer at a server."""

    servicer: object
    add: Callable[[Any, grpc.aio.Server], None]
    policy: Mapping[str, Mapping[str, Method]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`served` are its gRPC services, each with a servicer and with who may call it; `components` are started in
    this order, and stopped in the reverse one; `checks` are those of its health.
    """

    served: Sequence[Served] = ()
    components: Sequence[Component] = ()
    checks: Sequence[Check] = ()


def policy_of(subjects: Iterable[Subject]) -> dict[str, Mapping[str, Method]]:
    """Who may call each method of all of them."""
    served = chain.from_iterable(subject.served for subject in subjects)
    return dict(chain.from_iterable(one.policy.items() for one in served))


def register_all(subjects: Iterable[Subject], server: grpc.aio.Server) -> None:
    for one in chain.from_iterable(subject.served for subject in subjects):
        one.add(one.servicer, server)
