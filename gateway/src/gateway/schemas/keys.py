"""Connections to model servers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field

from gateway.schemas.base import Body, Resource, example, moment
from gateway.schemas.parameters import PARAMETERS, GenerationParameters, asked_for
from gateway.schemas.texts import (
    NOT_EMPTY,
    ApiKey,
    BaseUrl,
    HeaderName,
    HeaderValue,
    Id,
    KeyName,
    Model,
)
from parley import bounds
from parley.apikey.v1 import apikey_pb2 as pb

Provider = Literal["openai", "anthropic"]
PROVIDERS: dict[Provider | None, pb.Provider.ValueType] = {
    None: pb.PROVIDER_UNSPECIFIED,
    "openai": pb.PROVIDER_OPENAI,
    "anthropic": pb.PROVIDER_ANTHROPIC,
}
NAMES: dict[int, Provider] = {number: name for name, number in PROVIDERS.items() if name}
Owner = Literal["user", "operator"]
_OWNERS: dict[int, Owner] = {
    # What an earlier apikey-service says nothing of is the user's.
    pb.OWNER_UNSPECIFIED: "user",
    pb.OWNER_USER: "user",
    pb.OWNER_OPERATOR: "operator",
}

_HEADERS = Field(
    max_length=bounds.MAX_HEADERS,
    description="Headers that the server needs beside the key, such as `api-key` or"
    " `HTTP-Referer`: names and values of RFC 9110, in visible ASCII. What is of the message or of the"
    " connection (`Host`, `Content-…`, `Authorization`, `Connection` …) is refused. Kept as the"
    " key is, and not shown again.",
)
Headers = Annotated[dict[HeaderName, HeaderValue], _HEADERS]
_BASE_URL = (
    "Where the API begins: what stands before `/chat/completions`, or before `/v1/messages`, either"
    " of which is cut off. http or https, with a query if the server needs one (with no key in it: it is kept and shown as it is), without userinfo and"
    " fragment; its host is an address, or a name of labels of 1 to 63 characters, 253 in all. It is kept with scheme and host in lower case and without slashes at the path's end."
)


def _headers(headers: dict[str, str] | None) -> pb.Headers:
    return pb.Headers(
        items=[pb.Header(name=name, value=value) for name, value in (headers or {}).items()]
    )


class UnsavedKey(Body):
    """A connection that is not stored, or not yet."""

    model_config = example(api_key="sk-anything", model="demo", base_url="http://127.0.0.1:8001/v1")

    api_key: ApiKey = Field(description="Visible ASCII.")
    model: Model = Field(description="The provider's name of it. Printable.")
    base_url: BaseUrl = Field(description=_BASE_URL)
    provider: Provider | None = Field(None, description="`openai` if absent.")
    headers: Headers | None = None
    parameters: GenerationParameters | None = Field(
        None,
        description="Of what is absent, `temperature` becomes 0.7 and `max_tokens` 2,048; of what is"
        " null nothing is said to the server.",
    )

    def secrets(self) -> list[str]:
        """What no log may show."""
        return [self.api_key, *(self.headers or {}).values()]

    def request(self) -> pb.CreateKeyRequest:
        parameters = self.parameters or GenerationParameters()
        return pb.CreateKeyRequest(
            api_key=self.api_key,
            model=self.model,
            base_url=self.base_url,
            provider=PROVIDERS[self.provider],
            headers=_headers(self.headers) if self.headers else None,
            parameters=parameters.on_the_wire() if self.parameters else None,
            cleared_parameters=parameters.cleared(),
        )


class NewKey(UnsavedKey):
    model_config = example(
        name="demo", api_key="sk-anything", model="demo", base_url="http://127.0.0.1:8001/v1"
    )

    name: KeyName = Field(description="Printable; unique, whatever the case.")
    fallback_key_id: Id | None = Field(
        None,
        description="Another connection of one's own, for what this one cannot answer.",
    )

    def request(self) -> pb.CreateKeyRequest:
        request = super().request()
        request.name = self.name
        if self.fallback_key_id is not None:
            request.fallback_key_id = self.fallback_key_id
        return request


class KeyChange(Body):
    """What is absent stays as it is."""

    model_config = example(model="demo-2", parameters={"temperature": 0.2, "max_tokens": None})

    name: KeyName | MISSING = MISSING
    api_key: ApiKey | MISSING = MISSING
    model: Model | MISSING = MISSING
    base_url: BaseUrl | MISSING = Field(
        MISSING,
        description=_BASE_URL
        + " If it is another one then, in whatever part, `api_key` has to come"
        " with it, and `headers` if there are any (null: none any more).",
    )
    provider: Provider | MISSING = MISSING
    headers: Headers | MISSING | None = Field(
        MISSING, description="In place of all there are; null: none any more."
    )
    parameters: GenerationParameters | MISSING | None = Field(
        MISSING,
        description="Those that are named, and no others; of one that is null nothing is said to the"
        " server any more, and with null of none.",
    )
    fallback_key_id: Annotated[Id, NOT_EMPTY] | MISSING | None = Field(
        MISSING,
        description="Another connection of one's own, without a circle; null: none any more.",
    )

    def secrets(self) -> list[str]:
        """What no log may show."""
        given: dict[str, Any] = self._given()
        keys = [given["api_key"]] if "api_key" in given else []
        return [*keys, *(given.get("headers") or {}).values()]

    def request(self, key_id: str) -> pb.UpdateKeyRequest:
        given = self._given()
        request = pb.UpdateKeyRequest(
            id=key_id, **{name: given[name] for name in _PLAIN if name in given}
        )
        if "provider" in given:
            request.provider = PROVIDERS[given["provider"]]
        if "headers" in given:
            request.headers.CopyFrom(_headers(given["headers"]))
        if "parameters" in given:
            parameters: GenerationParameters | None = given["parameters"]
            if parameters is not None:
                request.parameters.CopyFrom(parameters.on_the_wire())
            request.cleared_parameters.extend(
                sorted(PARAMETERS) if parameters is None else parameters.cleared()
            )
        if "fallback_key_id" in given:
            request.fallback_key_id = given["fallback_key_id"] or ""
        return request

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


_PLAIN = ("name", "api_key", "model", "base_url")


class DefaultKey(Body):
    model_config = example(key_id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e03")

    key_id: Id = Field(description="One's own, or one of the operator's.")


class LastError(Resource):
    reason: str = Field(description="Stable, in upper snake case.")
    at: datetime


class Learnt(Resource):
    """What a server refused, and what it is sent instead."""

    model: str
    parameter: str
    use: str | None = Field(description="Null: it is left out.")


class Key(Resource):
    """A connection as its owner may see it: never the key itself."""

    model_config = example(
        id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e03",
        name="demo",
        masked_key="…",
        model="demo",
        base_url="http://127.0.0.1:8001/v1",
        provider="openai",
        header_names=["HTTP-Referer"],
        parameters={
            "temperature": 0.7,
            "max_tokens": 2048,
            "top_p": None,
            "stop": None,
            "reasoning_effort": None,
        },
        fallback_key_id=None,
        is_default=True,
        owner="user",
        last_used_at="2026-11-02T09:34:00Z",
        last_error=None,
        learnt=[],
        models=[],
        daily_tokens=None,
        created_at="2026-11-02T09:31:00Z",
        updated_at="2026-11-02T09:31:00Z",
    )

    id: str
    name: str
    masked_key: str = Field(
        description="`sk-…wxyz`, or `…` for a short one; empty for the operator's."
    )
    model: str
    base_url: str = Field(description="Empty for the operator's.")
    provider: Provider
    header_names: list[str] = Field(description="Empty for the operator's.")
    parameters: GenerationParameters = Field(
        description="Of what is null nothing is said to the server."
    )
    fallback_key_id: str | None
    is_default: bool = Field(description="Whether it is used where none is named.")
    owner: Owner = Field(
        description="`operator`: offered by whoever runs this server; to be used, and neither read"
        " nor changed nor deleted."
    )
    last_used_at: datetime | None = Field(
        description="Up to some ten seconds late; null for the operator's."
    )
    last_error: LastError | None = Field(description="Null: the last use did not fail.")
    learnt: list[Learnt]
    models: list[str] = Field(
        description="Of the operator's: what it is open for. Empty: whatever the server has."
    )
    daily_tokens: int | None = Field(
        description="Tokens of the operator's that one may use in a day. Null: as many as one likes."
    )
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, key: pb.Key) -> "Key":
        return cls(
            id=key.id,
            name=key.name,
            masked_key=key.masked_key,
            model=key.model,
            base_url=key.base_url,
            provider=NAMES[key.provider],
            header_names=list(key.header_names),
            parameters=asked_for(key.parameters),
            fallback_key_id=key.fallback_key_id if key.HasField("fallback_key_id") else None,
            is_default=key.is_default,
            owner=_OWNERS[key.owner],
            last_used_at=moment(key.last_used_at) if key.HasField("last_used_at") else None,
            last_error=LastError(reason=key.last_error.reason, at=moment(key.last_error.at))
            if key.HasField("last_error")
            else None,
            learnt=[
                Learnt(model=item.model, parameter=item.parameter, use=item.use or None)
                for item in key.learnt
            ],
            models=list(key.models),
            daily_tokens=key.daily_tokens if key.HasField("daily_tokens") else None,
            created_at=moment(key.created_at),
            updated_at=moment(key.updated_at),
        )
