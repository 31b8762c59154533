"""What is served of runs, and how long conversations are kept."""

from dataclasses import dataclass
from pathlib import Path

from chassis.health import Check
from chat_service.notices.domain.notice import Tell
from chat_service.personas.usecases.read import DefaultPersona
from chat_service.runs.domain.retention import Retention
from chat_service.runs.operators.retention import RetentionInForce
from chat_service.runs.rpc import POLICY, RunServicer
from chat_service.runs.store.purge import Purge
from chat_service.runs.store.turns import Turns
from chat_service.runs.usecases.beginning import RunMeans
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.runs.usecases.here import RunsHere
from chat_service.runs.usecases.regenerate import RegenerateRun
from chat_service.runs.usecases.start import StartRun
from chat_service.served import Served, Subject
from parley.chat.v1 import chat_pb2_grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping(Subject):
    """How long conversations are kept, which is read anew when its file changes."""

    in_force: RetentionInForce


def build_keeping(operators: Path | None, usual: Retention) -> Keeping:
    """As the file `operators` says; of what it does not say, and without one, what is `usual`. Raises BadFile."""
    in_force = RetentionInForce(operators, usual)
    return Keeping(
        in_force=in_force,
        components=[in_force],
        checks=[] if operators is None else [Check("retention-file", in_force.probe)],
    )


def build_runs(
    means: RunMeans,
    turns: Turns,
    purge: Purge,
    here: RunsHere,
    *,
    tell: Tell,
    default_persona: DefaultPersona,
) -> Subject:
    """Runs by these means, those among them that are generated `here`, and the purge of conversations."""
    servicer = RunServicer(
        means.open_transaction,
        StartRun(means, turns, tell=tell, default_persona=default_persona),
        ContinueRun(means),
        RegenerateRun(means),
        here,
        means.in_force,
    )
    return Subject(
        served=[Served(servicer, chat_pb2_grpc.add_RunServiceServicer_to_server, POLICY)],
        components=[purge],
    )
