"""The audit log over HTTP alone: what users hand out and take in is there for admins, without their words."""

import json
import secrets
from typing import Any

from chassis.testing.eventually import eventually

from .client import SignUp, User
from .stack import Stack

API = "/api/v1"


async def test_what_is_shared_exported_and_imported_is_in_the_audit_log_in_ids_and_words(
    stack: Stack, sign_up: SignUp, operator: User
) -> None:
    canary = f"canary-{secrets.token_hex(8)}"
    user = sign_up(stack)
    user.create_key(stack.model_url, "echo", name=canary)
    http = user.http
    session = user.create_session(title=canary)
    user.ask(session, canary)
    shares = f"{API}/chat/sessions/{session}/shares"
    made = http.post(shares, json={"password": f"{canary} opens"}).json()
    http.patch(f"{API}/chat/shares/{made['id']}", json={"audience": "members"})
    assert http.delete(f"{API}/chat/shares/{made['id']}").status_code == 204
    assert http.head(f"{API}/chat/export").status_code == 200
    export = http.get(f"{API}/chat/export")
    assert canary in export.text
    file = {"file": (f"{canary}.json", export.content)}
    taken = http.post(f"{API}/chat/import", files=file)

    def told() -> list[Any]:
        query = {"user_id": user.id, "limit": "100"}
        items = operator.http.get(f"{API}/admin/audit", params=query).json()["items"]
        kinds = ("share", "export", "import")
        return [one for one in reversed(items) if one["event"].partition(".")[0] in kinds]

    await eventually(lambda: "import.ended" in [one["event"] for one in told()], 60)
    entries = told()
    assert [one["event"] for one in entries] == [
        "share.created",
        "share.changed",
        "share.deleted",
        "export.begun",
        "import.begun",
        "import.ended",
    ]
    assert {one["subject_id"] for one in entries} == {user.id}
    assert [one["actor_id"] for one in entries] == [user.id] * 5 + [None]
    assert entries[0]["ip"] == "127.0.0.1"
    assert (
        entries[0]["fields"] | {"share_id": made["id"], "session_id": session}
        == entries[0]["fields"]
    )
    assert entries[-1]["fields"]["import_id"] == taken.json()["id"]
    assert canary not in json.dumps(entries)
    assert canary not in json.dumps(stack.query("SELECT encode(payload, 'escape') FROM outbox"))
