"""What personas are made of."""

from dataclasses import dataclass
from pathlib import Path

from chassis.health import Check
from chat_service.personas.operators.personas import PersonasInForce
from chat_service.personas.rpc import POLICY, PersonaServicer
from chat_service.personas.usecases.read import ReadPersonas
from chat_service.personas.usecases.write import WritePersonas
from chat_service.served import Served, Subject
from chat_service.shared import Shared
from parley.chat.v1 import personas_pb2_grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Personas(Subject):
    """What other subjects read and write of personas."""

    read: ReadPersonas
    write: WritePersonas


def build_personas(shared: Shared, operators: Path | None, *, most: int) -> Personas:
    """Personas of the file `operators`, and `most` of each user's own. Raises BadFile."""
    in_force = PersonasInForce(operators)
    read = ReadPersonas(shared.open_transaction, in_force)
    write = WritePersonas(shared.open_transaction, in_force, most=most)
    return Personas(
        served=[
            Served(
                PersonaServicer(read, write),
                personas_pb2_grpc.add_PersonaServiceServicer_to_server,
                POLICY,
            )
        ],
        read=read,
        write=write,
        components=[in_force],
        checks=[] if operators is None else [Check("personas-file", in_force.probe)],
    )
