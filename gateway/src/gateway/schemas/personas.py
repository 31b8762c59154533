"""Personas."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field

from gateway.schemas.base import Body, Resource, example, moment
from gateway.schemas.parameters import PARAMETERS, GenerationParameters, asked_for
from gateway.schemas.texts import (
    Model,
    PersonaDescription,
    PersonaName,
    PersonaPrompt,
    PersonaTitle,
    Starter,
)
from parley import bounds
from parley.chat.v1 import personas_pb2 as pb

Owner = Literal["user", "operator"]
_OWNERS: dict[int, Owner] = {
    pb.PERSONA_OWNER_UNSPECIFIED: "user",
    pb.PERSONA_OWNER_USER: "user",
    pb.PERSONA_OWNER_OPERATOR: "operator",
}
_NAME = (
    "Letters, digits, spaces, `-`, `_` and `.`, with a letter or digit at both ends; unique, whatever"
    " the case, beside the operator's too."
)
_PROMPT = "What the model is told before everything else; not white space alone."
_STARTERS = "Questions to begin with."

Starters = Annotated[list[Starter], Field(max_length=bounds.MAX_STARTERS)]


class NewPersona(Body):
    model_config = example(
        name="translator",
        title="Translator",
        description="Translates whatever it is given.",
        prompt="You are a translator. Answer with the translation alone.",
        parameters={"temperature": 0.2},
        starters=["Translate into French: good morning"],
    )

    name: PersonaName = Field(description=_NAME)
    title: PersonaTitle = Field(description="Printable.")
    description: PersonaDescription | None = Field(None, description="Empty if absent.")
    prompt: PersonaPrompt = Field(description=_PROMPT)
    model: Model | None = Field(None, description="The conversation's if absent.")
    parameters: GenerationParameters | None = Field(
        None, description="Of what is absent the connection's stand."
    )
    starters: Starters | None = Field(None, description=_STARTERS)

    def request(self) -> pb.CreatePersonaRequest:
        return pb.CreatePersonaRequest(
            name=self.name,
            title=self.title,
            description=self.description or "",
            prompt=self.prompt,
            model=self.model,
            parameters=None if self.parameters is None else self.parameters.on_the_wire(),
            starters=self.starters or (),
        )


class PersonaChange(Body):
    """What is absent stays as it is."""

    model_config = example(title="Interpreter", model=None, parameters={"top_p": 0.9})

    name: PersonaName | MISSING = Field(MISSING, description=_NAME)
    title: PersonaTitle | MISSING = MISSING
    description: PersonaDescription | MISSING = MISSING
    prompt: PersonaPrompt | MISSING = Field(MISSING, description=_PROMPT)
    model: Model | MISSING | None = Field(MISSING, description="Null: the conversation's.")
    parameters: GenerationParameters | MISSING | None = Field(
        MISSING,
        description="Those that are named, and no others; of one that is null nothing is said any"
        " more, and with null of none.",
    )
    starters: Starters | MISSING | None = Field(
        MISSING, description="In place of all there are; null: none any more."
    )

    def request(self, name: str) -> pb.UpdatePersonaRequest:
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        request = pb.UpdatePersonaRequest(
            name=name, **{field: given[field] for field in _PLAIN if field in given}
        )
        if "name" in given:
            request.new_name = given["name"]
        if "model" in given:
            if given["model"] is None:
                request.without_model = True
            else:
                request.model = given["model"]
        if "parameters" in given:
            parameters: GenerationParameters | None = given["parameters"]
            if parameters is not None:
                request.parameters.CopyFrom(parameters.on_the_wire())
            request.cleared_parameters.extend(
                sorted(PARAMETERS) if parameters is None else parameters.cleared()
            )
        if "starters" in given:
            request.starters.CopyFrom(pb.Starters(items=given["starters"] or ()))
        return request


_PLAIN = ("title", "description", "prompt")


class Persona(Resource):
    model_config = example(
        name="translator",
        title="Translator",
        description="Translates whatever it is given.",
        prompt="You are a translator. Answer with the translation alone.",
        model=None,
        parameters={
            "temperature": 0.2,
            **dict.fromkeys(("max_tokens", "top_p", "stop", "reasoning_effort")),
        },
        starters=["Translate into French: good morning"],
        is_default=False,
        owner="user",
        created_at="2026-11-02T09:33:00Z",
        updated_at="2026-11-02T09:33:00Z",
    )

    name: str
    title: str
    description: str
    prompt: str
    model: str | None
    parameters: GenerationParameters = Field(description="Of what is null the connection's stand.")
    starters: list[str] = Field(description=_STARTERS)
    is_default: bool = Field(description="Whether the operator has made it the default.")
    owner: Owner = Field(
        description="`operator`: there for everybody; neither changed nor deleted here."
    )
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, persona: pb.Persona) -> "Persona":
        return cls(
            name=persona.name,
            title=persona.title,
            description=persona.description,
            prompt=persona.prompt,
            model=persona.model if persona.HasField("model") else None,
            parameters=asked_for(persona.parameters),
            starters=list(persona.starters),
            is_default=persona.is_default,
            owner=_OWNERS[persona.owner],
            created_at=moment(persona.created_at),
            updated_at=moment(persona.updated_at),
        )
