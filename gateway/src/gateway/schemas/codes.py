"""Codes that are sent by e-mail, and what they are shown for."""

from typing import Literal

from pydantic import Field

from gateway.schemas.base import Body, Resource
from parley.auth.v1 import auth_pb2 as pb

Purpose = Literal["register", "password_reset"]
PURPOSES: dict[str, pb.CodePurpose.ValueType] = {
    "register": pb.CODE_PURPOSE_REGISTER,
    "password_reset": pb.CODE_PURPOSE_PASSWORD_RESET,
}


class CodeRequest(Body):
    email: str
    purpose: Purpose


class CodeGuess(Body):
    email: str
    code: str = Field(description="Six digits.")
    purpose: Purpose


class CodeVerdict(Resource):
    valid: bool


class PasswordReset(Body):
    email: str = Field(description="A verified address.")
    code: str = Field(description="Six digits, sent for `password_reset`.")
    new_password: str = Field(json_schema_extra={"format": "password"})
