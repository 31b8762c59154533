"""Shares: what others are shown of a conversation."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field

from gateway.schemas.base import WHOLE, Body, Resource, example, moment
from gateway.schemas.chat import MESSAGE_ROLES, MessageRole
from gateway.schemas.texts import SharePassword
from parley import bounds
from parley.chat.v1 import shares_pb2 as pb

Audience = Literal["link", "members"]
_AUDIENCES: dict[Audience, pb.ShareAudience.ValueType] = {
    "link": pb.SHARE_AUDIENCE_LINK,
    "members": pb.SHARE_AUDIENCE_MEMBERS,
}
_NAMES: dict[int, Audience] = {number: name for name, number in _AUDIENCES.items()}
#: Where the page of a share is, on the server that its token is from.
_PAGE = "/share/"

Seconds = Annotated[
    int, Field(ge=bounds.SHARE_EXPIRES_IN.minimum, le=bounds.SHARE_EXPIRES_IN.maximum), WHOLE
]
Views = Annotated[
    int, Field(ge=bounds.SHARE_MAX_VIEWS.minimum, le=bounds.SHARE_MAX_VIEWS.maximum), WHOLE
]
_EXPIRES_IN = "Seconds from now on."
_AUDIENCE = "`link`: whoever has the link; `members`: of those, members of one's tenant."
_MAX_VIEWS = "How often it may be opened in all."
_REASONING = "Whether what the models thought is shown as well."
_FILES = "Whether the files of questions are shown as well, until their owner deletes them."


class NewShare(Body):
    model_config = example(expires_in=604_800, audience="link")

    expires_in: Seconds | None = Field(
        None, description=f"{_EXPIRES_IN} It does not expire if absent."
    )
    password: SharePassword | None = Field(
        None, description="Is asked of whoever opens it; white space at its ends counts."
    )
    audience: Audience = Field("link", description=_AUDIENCE)
    max_views: Views | None = Field(None, description=f"{_MAX_VIEWS} Any number if absent.")
    include_reasoning: bool = Field(False, description=_REASONING)
    include_files: bool = Field(False, description=_FILES)

    def request(self, session_id: str) -> pb.CreateShareRequest:
        return pb.CreateShareRequest(
            session_id=session_id,
            expires_in=self.expires_in,
            password=self.password,
            audience=_AUDIENCES[self.audience],
            max_views=self.max_views,
            include_reasoning=self.include_reasoning,
            include_files=self.include_files,
        )


class ShareChange(Body):
    """What is absent stays as it is; null takes away what may be absent."""

    model_config = example(expires_in=86_400, password=None)

    expires_in: Seconds | MISSING | None = Field(MISSING, description=_EXPIRES_IN)
    password: SharePassword | MISSING | None = MISSING
    audience: Audience | MISSING = Field(MISSING, description=_AUDIENCE)
    max_views: Views | MISSING | None = Field(MISSING, description=_MAX_VIEWS)

    def request(self, share_id: str) -> pb.UpdateShareRequest:
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        said = {name: given[name] for name in _CLEARED if given.get(name) is not None}
        cleared: dict[str, Any] = {
            flag: True for name, flag in _CLEARED.items() if given.get(name, name) is None
        }
        request = pb.UpdateShareRequest(id=share_id, **said, **cleared)
        if "audience" in given:
            audience: Audience = given["audience"]
            request.audience = _AUDIENCES[audience]
        return request


_CLEARED = {
    "expires_in": "without_expiry",
    "password": "without_password",
    "max_views": "without_max_views",
}

_A_SHARE: dict[str, Any] = {
    "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e10",
    "session_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0a",
    "title": "About Parley",
    "audience": "link",
    "has_password": False,
    "expires_at": "2026-11-09T09:40:00Z",
    "max_views": None,
    "opens": 0,
    "include_reasoning": False,
    "include_files": False,
    "message_count": 2,
    "created_at": "2026-11-02T09:40:00Z",
    "refreshed_at": "2026-11-02T09:40:00Z",
}


class Share(Resource):
    """A share as its owner sees it: without its link."""

    model_config = example(**_A_SHARE)

    id: str
    session_id: str
    title: str = Field(description="The conversation's, as it was at `refreshed_at`.")
    audience: Audience = Field(description=_AUDIENCE)
    has_password: bool
    expires_at: datetime | None
    max_views: int | None
    opens: int = Field(description="How often it was opened. By whom is not kept.")
    include_reasoning: bool = Field(description=_REASONING)
    include_files: bool = Field(description=_FILES)
    message_count: int
    created_at: datetime
    refreshed_at: datetime = Field(
        description="When what it shows was taken from the conversation."
    )

    @classmethod
    def of(cls, share: pb.Share) -> "Share":
        return cls(**_members(share))


class CreatedShare(Share):
    _TOKEN = "what-is-shown-once"  # noqa: S105 - an example

    model_config = example(**_A_SHARE, token=_TOKEN, url=_PAGE + _TOKEN)

    token: str = Field(description="Shown in this answer and never again.")
    url: str = Field(description="The address of its page on this server, without scheme and host.")

    @classmethod
    def made(cls, response: pb.CreateShareResponse) -> "CreatedShare":
        return cls(**_members(response.share), token=response.token, url=_PAGE + response.token)


class SharedFile(Resource):
    id: str = Field(description="In this share, until it is refreshed.")
    name: str
    kind: str = Field(description="What is in it, such as `png`.")
    media_type: str = Field(description="What it is served as.")
    size: int = Field(description="Bytes.")

    @classmethod
    def of(cls, file: pb.SharedFile) -> "SharedFile":
        return cls(
            id=file.id,
            name=file.name,
            kind=file.kind,
            media_type=file.media_type,
            size=file.size,
        )


class SharedMessage(Resource):
    role: MessageRole
    content: str
    reasoning: str | None = Field(description="Null unless its owner shares it.")
    model: str | None = Field(description="Of answers alone.")
    created_at: datetime
    files: list[SharedFile] = Field(
        description="Of questions alone, and none unless its owner shares them."
    )


class SharedConversation(Resource):
    """What was said on a conversation's chosen path, as it was when it was shared."""

    model_config = example(
        title="About Parley",
        shared_at="2026-11-02T09:40:00Z",
        message_count=2,
        messages=[
            {
                "role": "user",
                "content": "What is Parley?",
                "reasoning": None,
                "model": None,
                "created_at": "2026-11-02T09:34:00Z",
                "files": [],
            },
            {
                "role": "assistant",
                "content": "A chat platform of your own.",
                "reasoning": None,
                "model": "demo",
                "created_at": "2026-11-02T09:34:03Z",
                "files": [],
            },
        ],
        next_cursor=None,
        opening="what-opens-it-again-for-an-hour",
    )

    title: str
    shared_at: datetime
    message_count: int = Field(description="How many there are in all.")
    messages: list[SharedMessage] = Field(description="A page of them, in their order.")
    next_cursor: str | None = Field(description="Null on the last page.")
    opening: str = Field(
        description="As `X-Share-Opening` it opens this share for an hour without its password, and"
        " without a view more: for the next page, and for a fork."
    )

    @classmethod
    def of(cls, shared: pb.OpenShareResponse) -> "SharedConversation":
        return cls(
            title=shared.title,
            shared_at=moment(shared.shared_at),
            message_count=shared.message_count,
            messages=[
                SharedMessage(
                    role=MESSAGE_ROLES[message.role],
                    content=message.content,
                    reasoning=message.reasoning if message.HasField("reasoning") else None,
                    model=message.model if message.HasField("model") else None,
                    created_at=moment(message.created_at),
                    files=[SharedFile.of(file) for file in message.files],
                )
                for message in shared.messages
            ],
            next_cursor=shared.next_cursor or None,
            opening=shared.opening,
        )


def _members(share: pb.Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "session_id": share.session_id,
        "title": share.title,
        "audience": _NAMES[share.audience],
        "has_password": share.has_password,
        "expires_at": moment(share.expires_at) if share.HasField("expires_at") else None,
        "max_views": share.max_views if share.HasField("max_views") else None,
        "opens": share.opens,
        "include_reasoning": share.include_reasoning,
        "include_files": share.include_files,
        "message_count": share.message_count,
        "created_at": moment(share.created_at),
        "refreshed_at": moment(share.refreshed_at),
    }


class ShareLimits(Resource):
    model_config = example(maximum_shares=1000)

    maximum_shares: int = Field(description="That one may have; 0: nobody shares anything.")
