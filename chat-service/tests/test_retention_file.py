"""The operator's file of how long conversations are kept: read whole or not at all, and taken anew when it changes."""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.testing import eventually
from chat_service.runs.domain.retention import Retention
from chat_service.runs.operators.retention import RetentionInForce
from chat_service.runs.store.purge import Purge
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2
from servicekit.operator_file import BadFile

from .chat import Chat
from .client import Client
from .test_retention import forget, left_of, make, no_rest, purge_of

DAY = timedelta(days=1)
TENANT = "0192f0c1-a7e4-7d5f-8a3e-2b6c9d1f4e70"
DEFAULT = "00000000-0000-7000-8000-000000000001"
USUAL = Retention(30 * DAY, DAY, everything=90 * DAY, tenants={UUID(TENANT): 7})


def in_force(folder: Path, raw: str) -> RetentionInForce:
    path = folder / "retention.yaml"
    path.write_text(raw)
    return RetentionInForce(path, USUAL)


def test_what_is_said_holds_and_of_the_rest_what_the_settings_say(tmp_path: Path) -> None:
    assert RetentionInForce(None, USUAL)() == USUAL
    assert in_force(tmp_path, "retention: {}")() == USUAL
    whole = f"""
retention:
  deleted_days: 0
  temporary_hours: 2
  days: 365
  tenants: {{{DEFAULT}: 30, {TENANT}: 36500}}
"""
    assert in_force(tmp_path, whole)() == Retention(
        timedelta(0), timedelta(hours=2), 365 * DAY, {UUID(DEFAULT): 30, UUID(TENANT): 36_500}
    )
    kept = in_force(tmp_path, "retention: {days: 0, tenants: {}}")()
    assert kept == Retention(30 * DAY, DAY, None, {})


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("", "line 1: it is empty"),
        ("retention: {days: -1}", "line 1: retention days: "),
        ("retention:\n  days: 36501", "line 2: retention days: "),
        ("retention:\n  days: 1.5", "line 2: retention days: "),
        ("retention:\n  days: true", "line 2: retention days: "),
        ("retention:\n  deleted_days: 3651", "line 2: retention deleted_days: "),
        ("retention:\n  temporary_hours: 0", "line 2: retention temporary_hours: "),
        ("retention:\n  hours: 3", "line 2: retention hours: "),
        ("retention:\n  tenants:\n    acme: 3", "line 3: retention tenants acme: a tenant's id"),
        (f"retention:\n  tenants:\n    {TENANT}: 0", f"line 3: retention tenants {TENANT}: "),
        (
            f"retention:\n  tenants:\n    {TENANT}: 3\n    {TENANT.upper()}: 3",
            f"line 4: retention tenants {TENANT.upper()}: this tenant is named twice",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_line_and_field(
    tmp_path: Path, raw: str, told: str
) -> None:
    with pytest.raises(BadFile) as refused:
        in_force(tmp_path, raw)
    assert told in str(refused.value)


async def test_what_the_file_says_anew_is_gone_by_at_the_next_look_and_a_mistake_changes_nothing(
    chat: Chat, caller: Caller, tmp_path: Path
) -> None:
    retention = in_force(tmp_path, f"retention: {{days: 50, tenants: {{{caller.tenant_id}: 20}}}}")
    path = tmp_path / "retention.yaml"
    purge = Purge(chat.worker, forget, retention, rest=no_rest)
    for days in (4, 9, 19, 21):
        await make(chat, caller, days)

    async def left_by(raw: str) -> set[str]:
        path.write_text(raw)
        await retention.look()
        await purge.purge()
        return await left_of(chat, caller)

    await purge.purge()
    assert await left_of(chat, caller) == {"4", "9", "19"}
    assert await left_by("retention: {days: 5, months: 1}") == {"4", "9", "19"}
    # It is not put off for the hour behind which what is old is looked for anyway.
    assert await left_by("retention: {days: 10}") == {"4", "9"}
    assert await left_by("retention: {days: 0}") == {"4", "9"}
    assert await left_by(f"retention: {{tenants: {{{caller.tenant_id}: 5}}}}") == {"4"}


async def test_whoever_decides_to_keep_more_is_heard_amid_a_look(
    chat: Chat, caller: Caller
) -> None:
    for days in range(100, 105):
        await make(chat, caller, days)
    kept = [Retention(30 * DAY, DAY, everything=90 * DAY)]

    async def decide(_: float) -> None:
        kept[:] = [Retention(30 * DAY, DAY)]

    purge = Purge(chat.worker, forget, lambda: kept[0], rest=decide, page=1)
    await purge._mark_old(utc_now())
    await purge_of(chat, kept[0]).purge()
    assert len(await left_of(chat, caller)) == 4


class TestInTheService:
    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        path = tmp_path / "retention.yaml"
        path.write_text("retention: {deleted_days: 30}")
        return settings.model_copy(update={"retention_file": path})

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
    async def test_the_purge_goes_by_the_file_and_hears_sighup(
        self, client: Client, settings: Settings
    ) -> None:
        deleted = (await client.ask("Do you like tea?"))[0].session_id
        await client.call("DeleteSession", chat_pb2.DeleteSessionRequest(id=deleted))
        assert settings.retention_file is not None

        async def says(raw: str, outcome: str) -> None:
            def reads() -> float:
                labels = {"outcome": outcome}
                return REGISTRY.get_sample_value("chat_retention_file_reads_total", labels) or 0

            before = reads()
            assert settings.retention_file is not None
            settings.retention_file.write_text(raw)
            os.kill(os.getpid(), signal.SIGHUP)

            async def read() -> bool:
                return reads() > before

            await eventually(read)

        async def purged() -> None:
            """The purge, which is woken by one more that is to go at once, has looked."""
            other = (await client.ask("And coffee?"))[0].session_id
            request = chat_pb2.DeleteSessionRequest(id=other, permanent=True)
            purges = REGISTRY.get_sample_value("chat_purged_sessions_total") or 0
            await client.call("DeleteSession", request)

            async def is_gone() -> bool:
                return (REGISTRY.get_sample_value("chat_purged_sessions_total") or 0) > purges

            await eventually(is_gone)

        async def is_there() -> bool:
            request = chat_pb2.ListSessionsRequest(state=chat_pb2.SESSION_STATE_DELETED)
            page = await client.call("ListSessions", request)
            return [one.id for one in page.items] == [deleted]

        await says("retention: {deleted_days: none}", "refused")
        await purged()
        assert await is_there()
        await says("retention: {deleted_days: 0}", "taken")
        await purged()

        async def is_gone() -> bool:
            return not await is_there()

        await eventually(is_gone)
