"""Shares on the wire: who may call what, and what comes of it at two replicas."""

import asyncio
from typing import Any

import pytest

from chassis.errors import AppError
from chassis.grpc.client import Channel
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2, shares_pb2, shares_pb2_grpc

# Of conftest.py, which a test module has no name for.
Client = Any


async def made(client: Client, **fields: Any) -> shares_pb2.CreateShareResponse:
    session = (await client.call("CreateSession", chat_pb2.CreateSessionRequest(title="t"))).session
    await client.ask("hello", session_id=session.id)
    request = shares_pb2.CreateShareRequest(session_id=session.id, **fields)
    response: shares_pb2.CreateShareResponse = await client.call("CreateShare", request)
    return response


def opening(token: str, **key: Any) -> shares_pb2.OpenShareRequest:
    return shares_pb2.OpenShareRequest(
        key=shares_pb2.ShareKey(token=token, client_ip="192.0.2.1", **key)
    )


async def anybody(channel: Channel, method: str, request: Any) -> Any:
    """Calls it without any user's token."""
    stub = channel.stub(shares_pb2_grpc.ShareServiceStub)
    return await channel.unary(getattr(stub, method), request, timeout=30)


def as_member(wanted: shares_pb2.OpenShareRequest) -> shares_pb2.OpenShareAsMemberRequest:
    return shares_pb2.OpenShareAsMemberRequest(open=wanted)


async def reason(call: Any) -> str:
    with pytest.raises(AppError) as refused:
        await call
    return refused.value.reason


async def test_how_many_shares_there_may_be_is_told(client: Client, settings: Settings) -> None:
    limits = await client.call("GetShareLimits", shares_pb2.GetShareLimitsRequest())
    assert limits.maximum_shares == settings.shares_per_user > 0


async def test_without_a_users_token_a_share_is_opened_and_nothing_else_done(
    client: Client, channel: Channel
) -> None:
    response = await made(client, include_reasoning=True)
    shared = await anybody(channel, "OpenShare", opening(response.token))
    assert (shared.title, shared.message_count) == ("t", 2)
    assert [message.role for message in shared.messages] == [
        chat_pb2.MESSAGE_ROLE_USER,
        chat_pb2.MESSAGE_ROLE_ASSISTANT,
    ]
    share_id = response.share.id
    for method, request in (
        ("OpenShareAsMember", as_member(opening(response.token))),
        ("ForkShare", shares_pb2.ForkShareRequest(key=opening(response.token).key)),
        ("CreateShare", shares_pb2.CreateShareRequest(session_id=response.share.session_id)),
        ("GetShareLimits", shares_pb2.GetShareLimitsRequest()),
        ("ListShares", shares_pb2.ListSharesRequest()),
        ("UpdateShare", shares_pb2.UpdateShareRequest(id=share_id)),
        ("RefreshShare", shares_pb2.RefreshShareRequest(id=share_id)),
        ("DeleteShare", shares_pb2.DeleteShareRequest(id=share_id)),
        ("DeleteShares", shares_pb2.DeleteSharesRequest()),
    ):
        assert await reason(anybody(channel, method, request)) == "UNAUTHENTICATED", method


async def test_what_is_revoked_at_one_replica_is_gone_at_the_other(
    client: Client, channel: Channel, client_elsewhere: Client
) -> None:
    response = await made(client)
    elsewhere: Channel = client_elsewhere._channel
    shared = await anybody(elsewhere, "OpenShare", opening(response.token))
    await client.call("DeleteShare", shares_pb2.DeleteShareRequest(id=response.share.id))
    for key in ({}, {"opening": shared.opening}):
        wanted = opening(response.token, **key)
        assert await reason(anybody(elsewhere, "OpenShare", wanted)) == "SHARE_NOT_FOUND"


async def test_members_of_the_tenant_open_what_is_for_them(
    client: Client, strange_client: Client, channel: Channel
) -> None:
    response = await made(client, audience=shares_pb2.SHARE_AUDIENCE_MEMBERS)
    wanted = opening(response.token)
    answer = await strange_client.call("OpenShareAsMember", as_member(wanted))
    assert answer.opened.title == "t"
    assert await reason(anybody(channel, "OpenShare", wanted)) == "SHARE_NOT_FOUND"


async def test_one_of_somebody_elses_is_not_there(client: Client, strange_client: Client) -> None:
    response = await made(client)
    share_id = response.share.id
    for method, request in (
        ("UpdateShare", shares_pb2.UpdateShareRequest(id=share_id, max_views=1)),
        ("RefreshShare", shares_pb2.RefreshShareRequest(id=share_id)),
        ("DeleteShare", shares_pb2.DeleteShareRequest(id=share_id)),
    ):
        assert await reason(strange_client.call(method, request)) == "SHARE_NOT_FOUND"
        request.id = "no id"
        assert await reason(client.call(method, request)) == "SHARE_NOT_FOUND"
    of_session = shares_pb2.ListSharesRequest(session_id=response.share.session_id)
    assert await reason(strange_client.call("ListShares", of_session)) == "SESSION_NOT_FOUND"


async def test_they_are_listed_by_pages_newest_first(client: Client) -> None:
    first, second = await made(client), await made(client)
    request = shares_pb2.ListSharesRequest(limit=1, count=True)
    page = await client.call("ListShares", request)
    assert (list(page.items), page.total) == ([second.share], 2)
    request.cursor = page.next_cursor
    page = await client.call("ListShares", request)
    assert (list(page.items), page.next_cursor) == ([first.share], "")
    of_session = shares_pb2.ListSharesRequest(session_id=first.share.session_id, count=True)
    page = await client.call("ListShares", of_session)
    assert (list(page.items), page.total) == ([first.share], 1)


async def test_its_owner_hears_of_it_on_every_screen(client: Client) -> None:
    async with client.watch() as notices, asyncio.timeout(20):
        # The watch stands once it has said where it begins.
        await anext(notices)
        response = await made(client)
        wanted = f'"change":"shared","session_id":"{response.share.session_id}"'.encode()
        async for answer in notices:
            if any(wanted in notice.data for notice in answer.notices):
                break


async def test_the_password_has_no_part_in_what_a_repetition_is_known_by(
    client: Client, settings: Settings
) -> None:
    response = await made(client)
    session_id = response.share.session_id
    for password in ("one password", "another one"):
        request = shares_pb2.CreateShareRequest(session_id=session_id, password=password)
        if password == "one password":
            await client.call("CreateShare", request, "key-1")
        else:
            assert await reason(client.call("CreateShare", request, "key-1")) == (
                "SHARE_ALREADY_SHOWN"
            )
