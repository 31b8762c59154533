"""Personas on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from dataclasses import dataclass

from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import Method, allow
from chat_service.personas import mapping
from chat_service.personas.usecases.read import ReadPersonas
from chat_service.personas.usecases.write import WritePersonas
from parley.chat.v1 import personas_pb2, personas_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.PersonaService": {
        "CreatePersona": allow("gateway"),
        "GetPersona": allow("gateway"),
        "ListPersonas": allow("gateway"),
        "UpdatePersona": allow("gateway"),
        "DeletePersona": allow("gateway"),
    }
}


@dataclass(frozen=True, slots=True)
class PersonaServicer(personas_pb2_grpc.PersonaServiceServicer):
    """parley.chat.v1.PersonaService."""

    read: ReadPersonas
    write: WritePersonas

    async def CreatePersona(
        self, request: personas_pb2.CreatePersonaRequest, context: object
    ) -> personas_pb2.CreatePersonaResponse:
        persona = await self.write.create(
            current_caller(),
            mapping.told_from_proto(request),
            once=once(request, mapping.encode_persona, mapping.decode_persona),
        )
        return personas_pb2.CreatePersonaResponse(persona=mapping.persona_to_proto(persona))

    async def GetPersona(
        self, request: personas_pb2.GetPersonaRequest, context: object
    ) -> personas_pb2.GetPersonaResponse:
        persona = await self.read.find(current_caller(), request.name)
        return personas_pb2.GetPersonaResponse(persona=mapping.persona_to_proto(persona))

    async def ListPersonas(
        self, request: personas_pb2.ListPersonasRequest, context: object
    ) -> personas_pb2.ListPersonasResponse:
        page = await self.read.list(
            current_caller(), limit=request.limit, cursor=request.cursor, count=request.count
        )
        return personas_pb2.ListPersonasResponse(
            items=[mapping.persona_to_proto(persona) for persona in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def UpdatePersona(
        self, request: personas_pb2.UpdatePersonaRequest, context: object
    ) -> personas_pb2.UpdatePersonaResponse:
        persona = await self.write.update(
            current_caller(), request.name, mapping.change_from_proto(request)
        )
        return personas_pb2.UpdatePersonaResponse(persona=mapping.persona_to_proto(persona))

    async def DeletePersona(
        self, request: personas_pb2.DeletePersonaRequest, context: object
    ) -> personas_pb2.DeletePersonaResponse:
        await self.write.delete(current_caller(), request.name)
        return personas_pb2.DeletePersonaResponse()
