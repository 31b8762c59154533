"""An `Idempotency-Key` goes along with what is asked for, on every route that takes one."""

import json
from collections import defaultdict
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from chassis.errors import AppError, Kind
from gateway.routes.single import _headers_of
from gateway.routes.upload_route import UploadRoute

from .door import Door
from .test_single import KEY, routes


class NotNow(AppError):
    """Of a reason after which the gateway asks for an edited message as for a question."""

    kind = Kind.CONFLICT
    reason = "MESSAGE_NOT_EDITABLE"
    detail = "A sentence."


def example_of(route: APIRoute) -> Any:
    """A body that the document shows for this route; none, where nothing has to be said."""
    if route.body_field is None:
        return None
    taken: Any = route.body_field.field_info.annotation
    schema = next((one for one in get_args(taken) if one is not type(None)), taken)
    assert issubclass(schema, BaseModel)
    told: Any = schema.model_config.get("json_schema_extra", {})
    return json.loads(told["examples"][0]) if "examples" in told else {}


@pytest.mark.parametrize("accepted", ["application/json", "text/event-stream"])
async def test_a_key_goes_along_wherever_one_is_taken(door: Door, accepted: str) -> None:
    services = (door.auth, door.apikey, door.chat, door.notes)
    for service in services:
        service.answers = defaultdict(NotNow)
    door.chat.refusal = NotNow()
    asked = set()
    for method, path, route in routes():
        # Those are told what they upload: see test_files and test_imports.
        if "idempotency-key" not in _headers_of(route.dependant) or isinstance(route, UploadRoute):
            continue
        headers = {**door.bearer, "accept": accepted, KEY: "a-key"}
        body = example_of(route)
        answer = await door.http.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (409, NotNow.reason), path
        calls = [call for service in services for call in service.calls]
        assert {call.idempotency_key for call in calls} == {"a-key"}, path
        asked |= {call.method for call in calls}
        for service in services:
            service.calls.clear()
    assert asked > {"EditAnswer", "StartRun", "RegenerateRun", "ContinueRun", "CreateNote"}
