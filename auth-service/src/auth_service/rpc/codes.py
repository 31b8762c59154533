"""Codes sent by e-mail, and what they are good for."""

from collections.abc import Mapping
from typing import Any

import grpc.aio

from auth_service.domain.codes import Purpose
from auth_service.mapping import from_client, to_user
from auth_service.usecases.ports import Ports
from auth_service.usecases.profile import update_me
from auth_service.usecases.reset_password import reset_password
from auth_service.usecases.send_code import request_code
from auth_service.usecases.verify_code import verify_code
from chassis.errors import FieldError, ValidationFailed
from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from parley.auth.v1 import auth_pb2, auth_pb2_grpc

POLICY: Mapping[str, Method] = {
    "SendCode": allow("gateway", open=True),
    "VerifyCode": allow("gateway", open=True),
    "ResetPassword": allow("gateway", open=True),
    "UpdateMe": allow("gateway"),
}

Context = grpc.aio.ServicerContext[Any, Any]

_PURPOSES = {
    auth_pb2.CODE_PURPOSE_REGISTER: Purpose.REGISTER,
    auth_pb2.CODE_PURPOSE_PASSWORD_RESET: Purpose.PASSWORD_RESET,
}


class Codes(auth_pb2_grpc.AuthServiceServicer):
    """See the contract."""

    _ports: Ports

    async def SendCode(
        self,
        request: auth_pb2.SendCodeRequest,
        context: Context,
    ) -> auth_pb2.SendCodeResponse:
        await request_code(
            self._ports,
            email=request.email,
            purpose=_purpose(request.purpose),
            client=from_client(request.client),
        )
        return auth_pb2.SendCodeResponse()

    async def VerifyCode(
        self,
        request: auth_pb2.VerifyCodeRequest,
        context: Context,
    ) -> auth_pb2.VerifyCodeResponse:
        valid = await verify_code(
            self._ports,
            email=request.email,
            code=request.code,
            purpose=_purpose(request.purpose),
            client=from_client(request.client),
        )
        return auth_pb2.VerifyCodeResponse(valid=valid)

    async def ResetPassword(
        self,
        request: auth_pb2.ResetPasswordRequest,
        context: Context,
    ) -> auth_pb2.ResetPasswordResponse:
        await reset_password(
            self._ports,
            email=request.email,
            code=request.code,
            new_password=request.new_password,
            client=from_client(request.client),
        )
        return auth_pb2.ResetPasswordResponse()

    async def UpdateMe(
        self,
        request: auth_pb2.UpdateMeRequest,
        context: Context,
    ) -> auth_pb2.UpdateMeResponse:
        user = await update_me(
            self._ports,
            current_caller(),
            display_name=request.display_name if request.HasField("display_name") else None,
            email=request.email if request.HasField("email") else None,
            password=request.password if request.HasField("password") else None,
            code=request.code if request.HasField("code") else None,
        )
        return auth_pb2.UpdateMeResponse(user=to_user(user))


def _purpose(purpose: auth_pb2.CodePurpose.ValueType) -> Purpose:
    known = _PURPOSES.get(purpose)
    if known is None:
        raise ValidationFailed(fields=[FieldError("purpose", "NOT_ONE_OF")])
    return known
