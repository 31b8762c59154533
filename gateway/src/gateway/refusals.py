"""What the gateway refuses by HTTP's own rules, before or instead of asking a service."""

from collections.abc import Mapping
from typing import ClassVar

from chassis.errors import AppError, Kind, ValidationFailed


class RequestRefused(AppError):
    """A refusal by HTTP's own rules, with a status that no gRPC kind stands for."""

    kind = Kind.INVALID
    status: ClassVar[int]
    #: What such an answer has to say besides.
    headers: ClassVar[Mapping[str, str]] = {}

    @property
    def http_status(self) -> int:
        return self.status


class MalformedPath(RequestRefused):
    status = 400
    reason = "MALFORMED_PATH"
    detail = "The path holds something that no address here has."


class RouteNotFound(RequestRefused):
    status = 404
    reason = "ROUTE_NOT_FOUND"
    detail = "There is nothing at this address."


class MethodNotAllowed(RequestRefused):
    status = 405
    reason = "METHOD_NOT_ALLOWED"
    detail = "This address does not take that method."


class BodyTooLarge(RequestRefused):
    status = 413
    reason = "BODY_TOO_LARGE"
    detail = "The request's body is too large."


class BodyTooSlow(RequestRefused):
    status = 408
    reason = "BODY_TOO_SLOW"
    detail = "The request's body did not come in time."


class HeadTooLarge(RequestRefused):
    status = 431
    reason = "HEADERS_TOO_LARGE"
    detail = "The request's address and headers are too large."


class HeadTooSlow(RequestRefused):
    status = 408
    reason = "HEADERS_TOO_SLOW"
    detail = "The request's address and headers did not come in time."


class NotHttp(RequestRefused):
    status = 400
    reason = "MALFORMED_REQUEST"
    detail = "This is not HTTP that can be read."


class InvalidHost(RequestRefused):
    status = 400
    reason = "INVALID_HOST"
    detail = "A request names one host, once, in its Host header."


class TargetTooLong(RequestRefused):
    status = 414
    reason = "ADDRESS_TOO_LONG"
    detail = "The request's address is too long."


class Misdirected(RequestRefused):
    status = 421
    reason = "MISDIRECTED"
    detail = "This connection does not serve addresses of that scheme."


class TransferCodingUnknown(RequestRefused):
    status = 501
    reason = "TRANSFER_CODING_NOT_SUPPORTED"
    detail = "Bodies come as they are or in chunks, without another transfer coding."


class VersionNotSupported(RequestRefused):
    status = 505
    reason = "HTTP_VERSION_NOT_SUPPORTED"
    detail = "HTTP/1.1 and HTTP/1.0 are spoken here."


class UnsupportedMediaType(RequestRefused):
    status = 415
    reason = "UNSUPPORTED_MEDIA_TYPE"
    detail = "Bodies are application/json in UTF-8, without a content encoding."


class NotMultipart(UnsupportedMediaType):
    detail = "An upload is multipart/form-data, with a boundary and without a content encoding."


class FileTooLarge(RequestRefused):
    """``maximum``: bytes that a file may have."""

    status = 413
    reason = "FILE_TOO_LARGE"
    detail = "The file is larger than files may be here."


class FileKindRefused(RequestRefused):
    """``kind``: what it is, where that is known."""

    status = 415
    reason = "FILE_KIND_REFUSED"
    detail = "What is in the file is not of a kind that is taken here."


class FilesNotOffered(AppError):
    """Before anything of a file is read; chat-service says the same."""

    kind = Kind.CONFLICT
    reason = "FILES_NOT_OFFERED"
    detail = "No files are kept here."


class RangeNotSatisfiable(RequestRefused):
    status = 416
    reason = "RANGE_NOT_SATISFIABLE"
    detail = "There is nothing in that range."


class OriginNotAllowed(RequestRefused):
    status = 403
    reason = "ORIGIN_NOT_ALLOWED"
    detail = "This origin may not call from a browser."


class MalformedJson(ValidationFailed):
    reason = "MALFORMED_JSON"
    detail = "The body is not JSON that can be read."


class MalformedMultipart(ValidationFailed):
    reason = "MALFORMED_MULTIPART"
    detail = "The body is not a form of one file that can be read."
