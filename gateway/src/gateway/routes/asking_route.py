"""A route that begins a run: where events are wanted, the endpoint is called without FastAPI's detours.

FastAPI finds out with each request what an endpoint takes, which is most of what it costs. Here that is
known. Whatever is unusual goes its way all the same: a body that does not fit, for its words on it, and an
answer that is no response yet.
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from chassis.idempotency import parse_idempotency_key
from gateway.edge.accept import wants_events
from gateway.routes.idempotency import IDEMPOTENCY_KEY
from gateway.routes.json_route import JsonRoute

# What an endpoint of this kind takes besides the ids in its path.
_TAKEN = {"body", "caller", "services", "key", "request", "response"}


class AskingRoute(JsonRoute):
    """Its endpoint takes ``body``, ``caller``, ``services``, ``key``, ``request``, ``response`` and the ids in
    its path, and answers who accepts server-sent events with a response.
    """

    def handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself, FastAPI around it where that is needed."""
        handle = super().handler()
        endpoint = self.endpoint
        parameters = inspect.signature(endpoint).parameters
        ids = self.param_convertors.keys()
        if parameters.keys() != _TAKEN | ids:
            raise TypeError(f"{endpoint.__name__} does not take what is given to it")
        schema: type[BaseModel] = parameters["body"].annotation

        async def ask(request: Request) -> Response:
            if not wants_events(request):
                return await handle(request)
            try:
                body = schema.model_validate(await request.json())
            except ValidationError:
                return await handle(request)
            answer: Response = await endpoint(
                body=body,
                caller=request.state.caller,
                services=request.app.state.clients,
                key=parse_idempotency_key(request.headers.get(IDEMPOTENCY_KEY)),
                request=request,
                response=Response(),
                **request.path_params,
            )
            return answer

        return ask
