"""Codes that are sent by e-mail, and what they are shown for."""

from typing import Literal

from pydantic import Field

from gateway.schemas.auth import NOT_COMMON
from gateway.schemas.base import Body, Resource, example
from gateway.schemas.texts import Code, Email, NewPassword
from parley.auth.v1 import auth_pb2 as pb

Purpose = Literal["register", "password_reset"]
PURPOSES: dict[str, pb.CodePurpose.ValueType] = {
    "register": pb.CODE_PURPOSE_REGISTER,
    "password_reset": pb.CODE_PURPOSE_PASSWORD_RESET,
}


class CodeRequest(Body):
    model_config = example(email="ada@example.org", purpose="register")

    email: Email
    purpose: Purpose


class CodeGuess(Body):
    model_config = example(email="ada@example.org", code="123456", purpose="register")

    email: Email
    code: Code = Field(description="Six digits.")
    purpose: Purpose


class CodeVerdict(Resource):
    model_config = example(valid=True)

    valid: bool


class PasswordReset(Body):
    model_config = example(
        email="ada@example.org", code="123456", new_password="a long enough secret"
    )

    email: Email = Field(description="A verified address.")
    code: Code = Field(description="Six digits, sent for `password_reset`.")
    new_password: NewPassword = Field(description=NOT_COMMON)
