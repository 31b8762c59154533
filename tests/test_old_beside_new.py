"""Old code goes on while a newer revision's columns are there: migrations come before restarts."""

import json
import signal

import httpx
import psycopg
import pytest
from psycopg import sql

from chassis.testing.eventually import eventually

from .client import SignUp, User, read_events
from .everyday import Everyday, read, say
from .stack import Stack
from .traces import SERVICES

pytestmark = pytest.mark.slow

# The first prepares each statement, the second meets it prepared.
_ROUNDS = 2


def add_a_column_to_each_table(stack: Stack, name: str) -> int:
    """What the next revision might do; the number of tables that have it now."""
    count = 0
    for service in SERVICES:
        with psycopg.connect(stack.database_url(service)) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename <> 'alembic_version' ORDER BY tablename"
            ).fetchall()
            for (table,) in tables:
                connection.execute(
                    sql.SQL("ALTER TABLE {} ADD COLUMN {} text NOT NULL DEFAULT 'new'").format(
                        sql.Identifier(table), sql.Identifier(name)
                    )
                )
            count += len(tables)
    return count


def administer(operator: User) -> None:
    for path in ("/admin/users?count=true", "/admin/audit", "/admin/tenants", "/admin/usage"):
        say(operator, "GET", path, 200)


def alarms(output: str) -> list[str]:
    """What services say at level error, and each plan that a column made stale."""
    lines = [json.loads(line[line.index("{") :]) for line in output.splitlines() if "{" in line]
    return [
        str(line)
        for line in lines
        if line.get("level") in {"error", "critical"} or line.get("event") == "database.plan_stale"
    ]


async def test_old_code_goes_on_while_each_table_gets_a_column(
    executed_stack: Stack, sign_up: SignUp
) -> None:
    stack = executed_stack
    everyday = Everyday(stack, sign_up(stack))
    operator = sign_up(stack)
    made = stack.command("auth-service", "make-operator", operator.username)
    assert (made.returncode, made.stderr) == (0, "")
    operator.log_in()
    for at in range(_ROUNDS):
        everyday.go_round(f"before-{at}")
        administer(operator)
    Everyday(stack, sign_up(stack)).be_forgotten()

    told = len(stack.output)
    assert add_a_column_to_each_table(stack, "of_the_next_revision") > 20
    for at in range(_ROUNDS):
        everyday.go_round(f"after-{at}")
        administer(operator)

    # Whoever takes over reads the runs of the dead, and its own connections are new.
    session_id = everyday.user.create_session(key_id=everyday.endless["id"])
    with everyday.user.http.stream(
        "POST",
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "To be interrupted."},
        headers={"Accept": "text/event-stream"},
    ) as answer:
        shown = ""
        for event in read_events(answer.iter_lines()):
            shown += event.data["text"] if event.name == "delta" else ""
            if len(shown) > 20:
                break
    stack.service("chat_service").send_signal(signal.SIGKILL)

    async def taken_over() -> bool:
        answer = everyday.user.http.get(f"/api/v1/chat/sessions/{session_id}/recover")
        return answer.status_code == 200 and answer.json()["run"]["status"] == "interrupted"

    await eventually(taken_over, timeout=60)
    assert read(everyday.user, f"/chat/sessions/{session_id}/recover")["text"].startswith(shown)

    erasure_id = everyday.be_forgotten()

    async def erased() -> bool:
        answer = httpx.get(f"{stack.url}/api/v1/erasures/{erasure_id}", verify=False)
        return bool(answer.json()["status"] == "completed")

    await eventually(erased, timeout=60)
    assert alarms(stack.output[told:]) == []
