"""What a user does all day, so that every statement of the services that a user brings about has been sent."""

import json
import time
from typing import Any

import httpx

from parley_local.model_server.texts import text_of

from .client import PASSWORD, User, read_events, text_of_events
from .stack import Stack


def read(user: User, path: str) -> Any:
    answer = user.http.get(f"/api/v1{path}")
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


def say(user: User, method: str, path: str, expected: int, **options: Any) -> httpx.Response:
    answer = user.http.request(method, f"/api/v1{path}", **options)
    assert answer.status_code == expected, (path, answer.text)
    return answer


class Everyday:
    """What a user does all day, at every service and with each of its subjects, with each thing it leaves behind."""

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
        self._try_other_answers(session_id)
        self._share(session_id)
        self._find(session_id)
        self._file_end_and_restore(session_id)
        self._send_files(mark)
        self._be_answered_by_a_persona(mark)
        self._take_out_and_bring_in()
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

    def _try_other_answers(self, session_id: str) -> None:
        user, path = self.user, f"/chat/sessions/{session_id}"
        question, answer = user.messages(session_id)
        at_question, at_answer = (f"{path}/messages/{m['id']}" for m in (question, answer))
        key = {"key_id": self.key["id"]}
        other = say(user, "POST", f"{at_answer}/regenerate", 200, json=key).json()["answer"]
        assert other["variants"]["ids"] == [answer["id"], other["id"]]
        say(user, "POST", f"{at_answer}/edit", 200, json={"content": "Mine."})
        say(user, "POST", f"{at_question}/edit", 200, json={"content": "Well?", **key})
        assert say(user, "POST", f"{at_answer}/choose", 200).json()["id"] == answer["id"]
        assert read(user, f"{path}/messages?path=all&count=true")["total"] == 6
        parts = read(user, f"{at_answer}/context")["parts"]
        assert parts[-1]["message_ids"] == [question["id"]]
        assert read(user, f"{at_question}/extent")
        fork = say(user, "POST", f"{path}/fork", 201).json()["id"]
        assert [m["content"] for m in user.messages(fork)] == ["Hello?", text_of("tokens-30")]
        say(user, "DELETE", f"/chat/sessions/{fork}?permanent=true", 204)
        say(user, "DELETE", f"{path}/messages/{other['id']}", 204)
        assert read(user, f"{path}/messages?path=all&count=true")["total"] == 5
        asked = say(user, "POST", "/chat/messages", 200, json={"content": "Anew?", **key}).json()
        assert asked["answer"]["content"] == text_of("tokens-30")
        assert read(user, "/chat/runs?live=true")["items"] == []

    def _share(self, session_id: str) -> None:
        user, path = self.user, f"/chat/sessions/{session_id}"
        made = say(user, "POST", f"{path}/shares", 201, json={}).json()
        share = f"/chat/shares/{made['id']}"
        say(user, "PATCH", share, 200, json={"expires_in": 3600})
        say(user, "POST", f"{share}/refresh", 200)
        assert [m["content"] for m in read(user, f"/shares/{made['token']}")["messages"]] == [
            "Hello?",
            text_of("tokens-30"),
        ]
        fork = say(user, "POST", f"/shares/{made['token']}/fork", 201).json()["id"]
        say(user, "DELETE", f"/chat/sessions/{fork}?permanent=true", 204)
        for list_ in (f"{path}/shares", "/chat/shares"):
            assert [one["id"] for one in read(user, list_)["items"]] == [made["id"]]
        read(user, "/chat/shares/limits")
        say(user, "DELETE", share, 204)
        say(user, "GET", f"/shares/{made['token']}", 404)

    def _find(self, session_id: str) -> None:
        """What is said in a conversation is found a moment later."""
        for _ in range(200):
            items = read(self.user, "/search?q=Hello")["items"]
            if session_id in json.dumps(items):
                return
            time.sleep(0.05)
        raise AssertionError("the question is not found")

    def _send_files(self, mark: str) -> None:
        user = self.user
        sent = say(user, "POST", "/files", 201, files={"file": (f"{mark}.txt", mark.encode())})
        file = f"/files/{sent.json()['id']}"
        session_id = user.create_session()
        asked = {"content": "What is it?", "attachments": [sent.json()["id"]]}
        path = f"/chat/sessions/{session_id}/messages"
        say(user, "POST", path, 200, json={**asked, "key_id": self.key["id"]})
        (attached,) = user.messages(session_id)[0]["attachments"]
        assert attached["name"] == f"{mark}.txt"
        assert read(user, file) == sent.json()
        assert say(user, "GET", f"{file}/content", 200).content == mark.encode()
        assert sent.json() in read(user, "/files?count=true")["items"]
        read(user, "/files/limits")
        say(user, "DELETE", file, 204)
        say(user, "GET", file, 404)
        say(user, "DELETE", f"/chat/sessions/{session_id}?permanent=true", 204)

    def _be_answered_by_a_persona(self, mark: str) -> None:
        user = self.user
        wanted = {"name": mark, "title": "Tutor", "prompt": "Explain."}
        made = say(user, "POST", "/chat/personas", 201, json=wanted).json()
        path = f"/chat/personas/{mark}"
        assert read(user, path) == made
        assert made in read(user, "/chat/personas")["items"]
        say(user, "PATCH", path, 200, json={"title": "Teacher"})
        session_id = user.create_session(persona=mark, key_id=self.key["id"])
        assert text_of_events(user.ask(session_id, "Why?")) == text_of("tokens-30")
        say(user, "DELETE", path, 204)
        say(user, "GET", path, 404)

    def _take_out_and_bring_in(self) -> None:
        user = self.user
        export = say(user, "GET", "/chat/export", 200).content
        sent = say(user, "POST", "/chat/import", 202, files={"file": ("parley.json", export)})
        path = f"/chat/imports/{sent.json()['id']}"
        while (told := read(user, path))["ended_at"] is None:
            time.sleep(0.05)
        assert (told["state"], told["added"]) == ("completed", 0)
        assert told["existing"] > 0
        assert sent.json()["id"] in [one["id"] for one in read(user, "/chat/imports")["items"]]
        read(user, "/chat/imports/limits")
        say(user, "DELETE", path, 204)
        assert read(user, "/me/usage")
        assert read(user, "/me/limits")

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
        say(user, "PATCH", f"/keys/{another['id']}", 200, json={"model": "tokens-5"})
        assert say(user, "POST", f"/keys/{another['id']}/test", 200).json()["ok"]
        read(user, f"/keys/{another['id']}/models")
        say(user, "DELETE", f"/keys/{another['id']}", 204)
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
