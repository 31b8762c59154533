"""What users say of themselves."""

from pydantic import Field

from gateway.schemas.auth import A_USER, User
from gateway.schemas.base import Body, example
from gateway.schemas.texts import Code, DisplayName, Email, Password
from parley.auth.v1 import auth_pb2 as pb

_SAME_ADDRESS = {"properties": {"email": {"type": "null"}}}
_CONFIRMED = {"required": ["password"], "properties": {"password": {"type": "string"}}}


class ProfileChange(Body):
    """What is absent stays as it is."""

    model_config = example({"anyOf": [_SAME_ADDRESS, _CONFIRMED]}, display_name="Ada Lovelace")

    display_name: DisplayName | None = Field(
        None, description="Printable. Empty: called by the username."
    )
    email: Email | None = Field(
        None, description="Another address is unverified without its `code`."
    )
    password: Password | None = Field(None, description="One's own; needed to change the address.")
    code: Code | None = Field(
        None, description="Sent for `register` to that address, or to the present one: verifies it."
    )


class Profile(User):
    model_config = example(**A_USER, email_verified=False, display_name="Ada Lovelace")

    email_verified: bool
    display_name: str = Field(description="Empty: called by the username.")

    @classmethod
    def of(cls, user: pb.User) -> "Profile":
        return cls(
            **User.of(user).model_dump(),
            email_verified=user.email_verified,
            display_name=user.display_name,
        )
