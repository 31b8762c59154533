"""What users say of themselves."""

from pydantic import Field

from gateway.schemas.auth import User
from gateway.schemas.base import Body
from parley.auth.v1 import auth_pb2 as pb


class ProfileChange(Body):
    """What is absent stays as it is."""

    display_name: str | None = Field(None, description="Empty: called by the username.")
    email: str | None = Field(None, description="Another address is unverified without its `code`.")
    password: str | None = Field(
        None,
        description="One's own; needed to change the address.",
        json_schema_extra={"format": "password"},
    )
    code: str | None = Field(
        None, description="Sent for `register` to that address, or to the present one: verifies it."
    )


class Profile(User):
    email_verified: bool
    display_name: str = Field(description="Empty: called by the username.")

    @classmethod
    def of(cls, user: pb.User) -> "Profile":
        return cls(
            **User.of(user).model_dump(),
            email_verified=user.email_verified,
            display_name=user.display_name,
        )
