"""Personas: who answers in a conversation."""

from typing import Annotated

from fastapi import Query

from gateway.clients import Services
from gateway.identity.authentication import ChatReader, ChatWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import ListQuery, Page
from gateway.schemas.personas import NewPersona, Persona, PersonaChange
from parley.chat.v1 import personas_pb2 as pb

router = api_router("Chat", "/chat/personas")


@router.post("", status_code=201, openapi_extra=refuses("PERSONA_NAME_TAKEN", "TOO_MANY_PERSONAS"))
async def create_persona(
    body: NewPersona, caller: ChatWriter, services: Services, key: IdempotencyKeyOf
) -> Persona:
    """Keep a persona of one's own."""
    personas = services.personas
    response = await personas.tell(
        personas.stub.CreatePersona, body.request(), caller, idempotency_key=key
    )
    return Persona.of(response.persona)


@router.get("")
async def list_personas(
    query: Annotated[ListQuery, Query()], caller: ChatReader, services: Services
) -> Page[Persona]:
    """List personas: one's own, oldest first, then the operator's."""
    personas = services.personas
    response = await personas.ask(
        personas.stub.ListPersonas,
        pb.ListPersonasRequest(limit=query.limit, cursor=query.cursor, count=query.count),
        caller,
    )
    return Page[Persona](
        items=[Persona.of(persona) for persona in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.get("/{name:path}", openapi_extra=refuses("PERSONA_NOT_FOUND"))
async def get_persona(name: str, caller: ChatReader, services: Services) -> Persona:
    """Show a persona by its name, of which letter case makes no difference.

    Whatever is not of a URL is percent-encoded in it.
    """
    personas = services.personas
    response = await personas.ask(personas.stub.GetPersona, pb.GetPersonaRequest(name=name), caller)
    return Persona.of(response.persona)


@router.patch("/{name:path}", openapi_extra=refuses("PERSONA_NOT_FOUND", "PERSONA_NAME_TAKEN"))
async def update_persona(
    name: str, body: PersonaChange, caller: ChatWriter, services: Services
) -> Persona:
    """Change a persona of one's own.

    What is given is changed, all of it or nothing.
    """
    personas = services.personas
    response = await personas.tell(personas.stub.UpdatePersona, body.request(name), caller)
    return Persona.of(response.persona)


@router.delete("/{name:path}", status_code=204, openapi_extra=refuses("PERSONA_NOT_FOUND"))
async def delete_persona(name: str, caller: ChatWriter, services: Services) -> None:
    """Delete a persona of one's own."""
    personas = services.personas
    await personas.tell(personas.stub.DeletePersona, pb.DeletePersonaRequest(name=name), caller)
