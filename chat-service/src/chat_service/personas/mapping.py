"""Personas in the words of the contract."""

from datetime import UTC
from typing import Final

from chat_service.personas.domain.persona import Owner, Persona, Told, WantedChange
from parley.chat.v1 import personas_pb2
from servicekit.generation_messages import parameters_from_proto, parameters_to_proto

_OWNERS: Final = {
    Owner.USER: personas_pb2.PERSONA_OWNER_USER,
    Owner.OPERATOR: personas_pb2.PERSONA_OWNER_OPERATOR,
}


def persona_to_proto(persona: Persona) -> personas_pb2.Persona:
    told = persona.told
    message = personas_pb2.Persona(
        name=told.name,
        title=told.title,
        description=told.description,
        prompt=told.prompt,
        model=told.model,
        parameters=parameters_to_proto(told.parameters),
        starters=told.starters,
        is_default=persona.is_default,
        owner=_OWNERS[persona.owner],
    )
    message.created_at.FromDatetime(persona.created_at)
    message.updated_at.FromDatetime(persona.updated_at)
    return message


def told_from_proto(
    message: personas_pb2.CreatePersonaRequest | personas_pb2.Persona,
) -> Told:
    return Told(
        name=message.name,
        title=message.title,
        description=message.description,
        prompt=message.prompt,
        model=message.model if message.HasField("model") else None,
        parameters=parameters_from_proto(message.parameters),
        starters=tuple(message.starters),
    )


def change_from_proto(request: personas_pb2.UpdatePersonaRequest) -> WantedChange:
    return WantedChange(
        name=request.new_name if request.HasField("new_name") else None,
        title=request.title if request.HasField("title") else None,
        description=request.description if request.HasField("description") else None,
        prompt=request.prompt if request.HasField("prompt") else None,
        model=request.model if request.HasField("model") else None,
        without_model=request.without_model,
        parameters=parameters_from_proto(request.parameters),
        cleared_parameters=tuple(request.cleared_parameters),
        starters=tuple(request.starters.items) if request.HasField("starters") else None,
    )


def encode_persona(persona: Persona) -> bytes:
    return persona_to_proto(persona).SerializeToString()


def decode_persona(content: bytes) -> Persona:
    """The persona that `encode_persona` was given when it had just been made; its id is not told."""
    message = personas_pb2.Persona.FromString(content)
    return Persona(
        told_from_proto(message),
        Owner.USER,
        message.created_at.ToDatetime(tzinfo=UTC),
        message.updated_at.ToDatetime(tzinfo=UTC),
    )
