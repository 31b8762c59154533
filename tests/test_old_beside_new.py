"""Old code goes on while a newer revision's columns are there: migrations come before restarts."""

import json
import signal
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from chassis.testing.eventually import eventually
from parley_local.model_server.texts import text_of

from .client import PASSWORD, SignUp, User, read_events, text_of_events
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


def read(user: User, path: str) -> Any:
    answer = user.http.get(f"/api/v1{path}")
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


def say(user: User, method: str, path: str, expected: int, **options: Any) -> httpx.Response:
    answer = user.http.request(method, f"/api/v1{path}", **options)
    assert answer.status_code == expected, (path, answer.text)
    return answer


class Everyday:
    """Everything that a user does all day, at every service, with each thing it leaves behind."""

    def __init__(self, stack: Stack, user: User) -> None:
        self.user = user
        self.key = self.user.create_key(stack.model_url, "tokens-30")
        self.slow = self.user.create_key(stack.model_url, "tokens-40-at-40")
        self.endless = self.user.create_key(stack.model_url, "tokens-1000-at-20")

    def go_round(self, mark: str) -> None:
        user = self.user
        session_id = user.create_session(title=mark)
        once = {"Idempotency-Key": f"once-{mark}"}
        for events in (self._ask(session_id, once), self._ask(session_id, once)):
            assert text_of_events(events) == text_of("tokens-30")
        assert [m["role"] for m in user.messages(session_id)] == ["user", "assistant"]
        say(user, "GET", f"/chat/sessions/{session_id}/messages?order=asc&count=true&limit=1", 200)
        say(user, "GET", "/chat/sessions?count=true&limit=1", 200)
        self._turn_the_pages("/chat/sessions")
        self._file_end_and_restore(session_id)
        self._cancel_recover_and_continue()
        self._keep_notes_and_keys(mark)
        self._be_somebody(mark)

    def _ask(self, session_id: str, once: dict[str, str]) -> list[Any]:
        with self.user.http.stream(
            "POST",
            f"/api/v1/chat/sessions/{session_id}/messages",
            json={"content": "Hello?", "key_id": self.key["id"]},
            headers={"Accept": "text/event-stream", **once},
        ) as answer:
            assert answer.status_code == 200, answer.read()
            return list(read_events(answer.iter_lines()))

    def _turn_the_pages(self, path: str) -> None:
        page = read(self.user, f"{path}?limit=1")
        if page["next_cursor"]:
            read(self.user, f"{path}?limit=1&cursor={page['next_cursor']}")

    def _file_end_and_restore(self, session_id: str) -> None:
        user, path = self.user, f"/chat/sessions/{session_id}"
        say(user, "PATCH", path, 200, json={"folder": "Work", "archived": True, "read_order": 2})
        say(user, "GET", "/chat/sessions?state=archived&folder=Work", 200)
        say(user, "GET", "/chat/folders", 200)
        say(user, "DELETE", path, 204)
        say(user, "GET", "/chat/sessions?state=deleted&count=true", 200)
        say(user, "POST", f"{path}/restore", 200)
        say(user, "DELETE", f"{path}/messages", 204)
        say(user, "DELETE", f"{path}?permanent=true", 204)
        say(user, "GET", path, 404)

    def _cancel_recover_and_continue(self) -> None:
        user = self.user
        session_id = user.create_session(key_id=self.slow["id"])
        with user.http.stream(
            "POST",
            f"/api/v1/chat/sessions/{session_id}/messages",
            json={"content": "Slowly, please."},
            headers={"Accept": "text/event-stream"},
        ) as answer:
            assert answer.status_code == 200, answer.read()
            events = read_events(answer.iter_lines())
            run_id = next(events).data["run_id"]
            assert next(events).name == "delta"
        assert read(user, f"/chat/sessions/{session_id}/recover")["run"]["id"] == run_id
        say(user, "POST", f"/chat/runs/{run_id}/cancel", 202)
        self._wait_for(run_id, "cancelled")
        continued = say(
            user, "POST", f"/chat/runs/{run_id}/continue", 200,
            headers={"Accept": "text/event-stream"}, timeout=90,
        )  # fmt: skip
        assert '"status":"completed"' in continued.text
        found = read(user, f"/chat/sessions/{session_id}/recover")
        assert found["run"]["status"] == "completed"

    def _wait_for(self, run_id: str, status: str) -> None:
        for _ in range(1000):
            if read(self.user, f"/chat/runs/{run_id}")["run"]["status"] == status:
                return
        raise AssertionError(f"the run did not become {status}")

    def _keep_notes_and_keys(self, mark: str) -> None:
        user = self.user
        once = {"Idempotency-Key": f"note-{mark}"}
        note, again = (
            say(user, "POST", "/notes", 201, json={"title": mark, "content": "x"}, headers=once)
            for _ in range(2)
        )
        assert again.json() == note.json()
        kept = f"/notes/{note.json()['id']}"
        assert read(user, kept) == note.json()
        tag = {"If-Match": note.headers["etag"]}
        changed = say(user, "PATCH", kept, 200, json={"tags": [mark]}, headers=tag)
        say(user, "PUT", kept, 412, json={"title": mark, "content": "y"}, headers=tag)
        for query in (f"q={mark}", f"tag={mark}", "pinned=false&count=true"):
            found = read(user, f"/notes?{query}")["items"]
            assert changed.json()["id"] in [one["id"] for one in found]
        self._turn_the_pages("/notes")
        say(user, "GET", "/notes?count=true", 200)
        another = user.create_key(self.key["base_url"], "tokens-30")
        assert read(user, f"/keys/{another['id']}") == another
        say(user, "GET", "/keys?count=true", 200)
        say(user, "DELETE", kept, 204)

    def _be_somebody(self, mark: str) -> None:
        user = self.user
        user.log_in()
        refreshed = say(
            user, "POST", "/auth/refresh", 200, json={"refresh_token": user.grant["refresh_token"]}
        ).json()
        user.grant = refreshed
        user.http.headers["Authorization"] = f"Bearer {refreshed['access_token']}"
        say(user, "PATCH", "/me/settings", 200, json={"instructions": mark, "language": None})
        for path in ("/me", "/profile", "/me/logins", "/me/settings"):
            say(user, "GET", path, 200)
        token = say(
            user, "POST", "/tokens", 201, json={"name": mark, "scopes": ["notes:read"]}
        ).json()
        with_token = {"Authorization": f"Bearer {token['token']}"}
        say(user, "GET", "/notes", 200, headers=with_token)
        say(user, "GET", "/tokens", 200)
        say(user, "DELETE", f"/tokens/{token['id']}", 204)
        if not mark.endswith("0"):  # an address gets few codes an hour
            return
        say(user, "POST", "/auth/send-code", 202, json={"email": user.email, "purpose": "register"})
        say(
            user, "POST", "/auth/verify-code", 200,
            json={"email": user.email, "code": "000000", "purpose": "register"},
        )  # fmt: skip

    def be_forgotten(self) -> str:
        gone = say(self.user, "DELETE", "/me", 202, json={"password": PASSWORD}).json()
        erasure_id: str = gone["erasure_id"]
        return erasure_id


def administer(operator: User) -> None:
    for path in ("/admin/users?count=true", "/admin/audit", "/admin/tenants"):
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
