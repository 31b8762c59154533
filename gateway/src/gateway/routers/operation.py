"""Whether it runs: for load balancers and people."""

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.readiness import Readiness
from gateway.schemas.base import Resource, example

router = APIRouter(tags=["Operation"], generate_unique_id_function=lambda route: route.name)


class Alive(Resource):
    model_config = example(status="ok")

    status: Literal["ok"]


class Ready(Resource):
    model_config = example(status="ok", checks={"auth-service": "ok", "token-keys": "ok"})

    status: str
    checks: dict[str, str]


@router.get("/healthz")
async def healthz() -> Alive:
    """Tell that the process answers."""
    return Alive(status="ok")


@router.get("/readyz", responses={503: {"model": Ready, "description": "Not yet."}})
async def readyz(request: Request, response: Response) -> Ready:
    """Tell whether requests can be served.

    `down` until every service was reached once; then `ok`, or `degraded` while one is away.
    """
    readiness: Readiness = request.app.state.readiness
    status, checks = await readiness.ask()
    if status == "down":
        response.status_code = 503
        response.headers["retry-after"] = "1"
    return Ready(status=status, checks=checks)
