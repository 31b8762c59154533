"""Provider connections tried out: whether they work, and which models there are."""

from chassis.errors import AppError, Kind
from chassis.telemetry.redaction import hide
from gateway.clients import Services
from gateway.identity.authentication import KeysReader, KeysWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.base import Nothing
from gateway.schemas.keys import UnsavedKey
from gateway.schemas.trials import ModelInfo, Models, Tested
from gateway.streams.failures import STATUSES, status_of
from parley.chat.v1 import chat_pb2 as pb

router = api_router("Keys", "/keys")

_STORED = refuses("KEY_UNREADABLE", "ALLOWANCE_USED_UP", "USAGE_LIMIT_REACHED", "TOO_MANY_TESTS")
_LISTED = refuses(
    "KEY_UNREADABLE",
    "TOO_MANY_TESTS",
    *(reason for reason, status in STATUSES.items() if status < 500),
)


class ModelServerFailed(AppError):
    """What a model server did not do, with the status of a run that fails so."""

    kind = Kind.UNAVAILABLE

    def __init__(self, failure: pb.ProviderFailure) -> None:
        # Instance attributes shadow the class variables: chat-service knows which they are.
        self.__dict__.update(reason=failure.reason, detail=failure.detail)
        message = failure.provider_message
        super().__init__(
            metadata={"provider_message": message} if message else {},
            retry_after=failure.retry_after if failure.HasField("retry_after") else None,
        )

    @property
    def http_status(self) -> int:
        return status_of(self.reason)


@router.post("/test", response_model_exclude_none=True, openapi_extra=refuses("TOO_MANY_TESTS"))
async def test_key(body: UnsavedKey, caller: KeysWriter, services: Services) -> Tested:
    """Try a connection that is not stored.

    One tiny question, as a chat would ask it: within 20 s it is known whether it begins to be answered.
    If not, what people get wrong in a base URL is put right, and what answers then is suggested.
    Nothing of it is kept.
    """
    for secret in body.secrets():
        hide(secret)
    return await _test(pb.TestConnectionRequest(unsaved=body.request()), caller, services)


@router.post("/{key_id}/test", response_model_exclude_none=True, openapi_extra=_STORED)
async def test_stored_key(
    key_id: str,
    caller: KeysWriter,
    services: Services,
    body: Nothing | None = None,  # noqa: ARG001, PT028 - it has no fields, and is no test
) -> Tested:
    """Try a provider connection.

    As one that is not stored.
    """
    return await _test(pb.TestConnectionRequest(key_id=key_id), caller, services)


async def _test(
    request: pb.TestConnectionRequest, caller: KeysWriter, services: Services
) -> Tested:
    providers = services.providers
    return Tested.of(await providers.tell(providers.stub.TestConnection, request, caller))


@router.get("/{key_id}/models", response_model_exclude_none=True, openapi_extra=_LISTED)
async def list_models(key_id: str, caller: KeysReader, services: Services) -> Models:
    """List the models of a connection's server.

    Of an operator's connection, those that it is open for.
    """
    providers = services.providers
    request = pb.ListModelsRequest(key_id=key_id)
    # Tried once: each try is a call outward.
    response = await providers.tell(providers.stub.ListModels, request, caller)
    if response.HasField("failure"):
        raise ModelServerFailed(response.failure)
    return Models(items=[ModelInfo.of(model) for model in response.items])
