"""What is made of gRPC's own errors, and what of them is logged."""

import logging

import grpc
import grpc.aio
import pytest
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # compiled, and without stubs
from structlog.testing import capture_logs

from chassis.errors import Kind
from chassis.grpc.errors import PeerGone, from_rpc_error, keep_hang_ups_from_the_log


def of_grpc_itself(code: str, details: str) -> grpc.aio.AioRpcError:
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(grpc.StatusCode[code], nothing, nothing, details=details)


@pytest.mark.parametrize(
    ("code", "details"),
    [
        ("UNAVAILABLE", "failed to connect"),
        ("CANCELLED", "CANCELLED"),
        ("INTERNAL", "Received RST_STREAM with error code 2"),
        ("UNKNOWN", "Stream removed"),
    ],
)
def test_a_peer_that_has_gone_is_unavailable_and_why_is_for_the_log_of_its_channel(
    code: str, details: str
) -> None:
    error = from_rpc_error(of_grpc_itself(code, details))
    assert isinstance(error, PeerGone)
    assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "UNAVAILABLE")
    assert error.why == f"{code}: {details}"
    assert details not in error.detail


@pytest.mark.parametrize("code", ["INTERNAL", "RESOURCE_EXHAUSTED"])
def test_what_grpc_itself_says_otherwise_is_internal_and_logged_with_its_text(code: str) -> None:
    details = "what nobody has seen yet"
    with capture_logs() as logged:
        error = from_rpc_error(of_grpc_itself(code, details))
    assert (error.kind, error.reason) == (Kind.INTERNAL, "INTERNAL")
    assert details not in error.detail
    assert [(event["code"], event["details"]) for event in logged] == [(code, details)]


def test_of_what_grpc_logs_hang_ups_alone_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    keep_hang_ups_from_the_log()
    log = logging.getLogger(cygrpc.__name__)
    for error in (
        cygrpc.ExecuteBatchError("gone"),
        grpc.aio.InternalError("odd"),
        ValueError("no"),
    ):
        log.error("%r", error, exc_info=error)
    assert [record.getMessage() for record in caplog.records] == [
        "InternalError('odd')",
        "ValueError('no')",
    ]
