"""Parley and Open WebUI, each ready for somebody who is logged in and asks the bench's model."""

import json
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import httpx
from playwright.sync_api import Locator, Page

from bench.pages.browser import Tab
from bench.pages.model import LONG, SHORT
from bench.rest import Parley as Rest
from bench.stack import stack
from chassis.embedded import free_port
from tools import web

_READY_SECONDS = 300.0


class Product(Protocol):
    """What is measured, by what somebody sees of it."""

    name: str
    url: str

    def log_in(self, tab: Tab) -> None: ...
    def box(self, page: Page) -> Locator: ...
    def answer(self, page: Page) -> Locator: ...
    def conversation(self, messages: int) -> str:
        """The address of one with so many short messages."""


class Parley:
    def __init__(self, port: int, model_url: str) -> None:
        self.name, self.url = "Parley", f"http://127.0.0.1:{port}"
        self._rest = Rest(port)
        self._name, self._password = f"bench-{secrets.token_hex(6)}", secrets.token_urlsafe(12)
        registration = {
            "username": self._name, "email": f"{self._name}@example.org", "password": self._password,
        }  # fmt: skip
        self._token = self._rest.ask("POST", "/auth/register", registration)["access_token"]
        key = {
            "name": "tea", "api_key": f"sk-{secrets.token_hex(12)}", "model": LONG,
            "base_url": model_url,
        }  # fmt: skip
        self._rest.ask("POST", "/keys", key, self._token)

    def log_in(self, tab: Tab) -> None:
        blank = f"{self.url}/a-blank-page"
        tab.context.route(blank, lambda route: route.fulfill(body="", content_type="text/html"))
        tab.page.goto(blank)
        tab.page.evaluate(
            """async ([username, password]) => {
              const answer = await fetch("/api/v1/auth/login", {
                method: "POST",
                headers: {"Content-Type": "application/json"},
                body: JSON.stringify({username, password, use_cookie: true}),
              });
              const {user} = await answer.json();
              localStorage.setItem("parley.user", JSON.stringify({id: user.id, username: user.username}));
            }""",
            [self._name, self._password],
        )

    def box(self, page: Page) -> Locator:
        return page.get_by_role("textbox", name="Message", exact=True)

    def answer(self, page: Page) -> Locator:
        log = page.get_by_role("log", name="Conversation")
        return log.get_by_role("article", name=re.compile("^Answer")).last

    def conversation(self, messages: int) -> str:
        session = self._rest.ask("POST", "/chat/sessions", {"model": SHORT}, self._token)["id"]
        for number in range(messages // 2):
            question = {"content": f"Question {number}, of some length, about tea and water"}
            self._rest.ask("POST", f"/chat/sessions/{session}/messages", question, self._token)
        return f"{self.url}/c/{session}"

    def imported(self, conversations: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """The paths of conversations with these texts, questions and answers in turn, by their titles."""
        document = {
            "format": "parley",
            "version": 1,
            "conversations": [_exported(title, texts) for title, texts in conversations.items()],
        }
        with httpx.Client(base_url=f"{self.url}/api/v1", timeout=60) as http:
            http.headers["Authorization"] = f"Bearer {self._token}"
            file = {"file": ("conversations.json", json.dumps(document), "application/json")}
            begun = http.post("/chat/import", files=file).raise_for_status().json()
            deadline = time.monotonic() + _READY_SECONDS
            while (told := http.get(f"/chat/imports/{begun['id']}").json())["ended_at"] is None:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"not imported: {told}")
                time.sleep(0.1)
            if told["added"] != len(conversations):
                raise RuntimeError(f"not imported: {told}")
            listed = http.get("/chat/sessions").raise_for_status().json()["items"]
        return {one["title"]: f"/c/{one['id']}" for one in listed}


def _exported(title: str, texts: Sequence[str]) -> dict[str, Any]:
    """A conversation as a file of Parley's has it."""
    at = datetime.now(UTC).isoformat()
    messages = [
        {
            "id": str(uuid4()), "order": order, "parent": order - 1 or None, "chosen": True,
            "role": "user" if order % 2 else "assistant", "content": text, "created_at": at,
            "status": None if order % 2 else "completed",
        }
        for order, text in enumerate(texts, 1)
    ]  # fmt: skip
    return {
        "id": str(uuid4()), "title": title, "created_at": at, "last_message_at": at,
        "messages": messages,
    }  # fmt: skip


class OpenWebUi:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=self.url, timeout=60)
        self.name = f"Open WebUI {self._http.get('/api/version').json()['version']}"
        signed_in = self._http.post("/api/v1/auths/signin", json={"email": "", "password": ""})
        self._token = signed_in.raise_for_status().json()["token"]
        self._http.headers["Authorization"] = f"Bearer {self._token}"
        # What is new in this version is not said in the middle of a measurement.
        version = self._http.get("/api/version").json()["version"]
        self._http.post(
            "/api/v1/users/user/settings/update", json={"ui": {"version": version}}
        ).raise_for_status()

    def log_in(self, tab: Tab) -> None:
        blank = f"{self.url}/a-blank-page"
        tab.context.route(blank, lambda route: route.fulfill(body="", content_type="text/html"))
        tab.page.goto(blank)
        tab.page.evaluate("token => { localStorage.token = token; }", self._token)

    def box(self, page: Page) -> Locator:
        return page.locator("#chat-input")

    def answer(self, page: Page) -> Locator:
        return page.locator(".chat-assistant").last

    def conversation(self, messages: int) -> str:
        kept: dict[str, dict[str, Any]] = {}
        parent = None
        for number in range(messages):
            asked, one = number % 2 == 0, str(uuid4())
            kept[one] = {
                "id": one, "parentId": parent, "childrenIds": [], "timestamp": int(time.time()),
                "role": "user" if asked else "assistant", "models": [SHORT],
                "content": f"Question {number // 2}, of some length, about tea and water"
                if asked
                else "A short answer. That is all.",
                **({} if asked else {"model": SHORT, "done": True}),
            }  # fmt: skip
            if parent is not None:
                kept[parent]["childrenIds"].append(one)
            parent = one
        chat = {
            "title": "tea", "models": [SHORT], "messages": list(kept.values()),
            "history": {"messages": kept, "currentId": parent},
        }  # fmt: skip
        made = self._http.post("/api/v1/chats/new", json={"chat": chat}).raise_for_status().json()
        return f"{self.url}/c/{made['id']}"


@contextmanager
def parley(folder: Path, model_url: str) -> Iterator[Parley]:
    """This checkout, with its pages built."""
    web.build()
    with stack(folder, {"GATEWAY_WEB_DIR": str(web.DIST.absolute())}) as running:
        yield Parley(running.parley.port, model_url)


@contextmanager
def open_web_ui(program: Path, folder: Path, model_url: str) -> Iterator[Product]:
    """``program`` is `open-webui` of an environment that its package is installed in."""
    port = free_port()
    environment = {
        **os.environ,
        "DATA_DIR": str(folder), "WEBUI_AUTH": "False", "WEBUI_SECRET_KEY": secrets.token_hex(16),
        "OPENAI_API_BASE_URL": model_url, "OPENAI_API_KEY": "sk-bench",
        "ENABLE_OLLAMA_API": "False", "DEFAULT_MODELS": LONG,
        # Neither does anything beside the answer, nor asks other hosts.
        "ENABLE_TITLE_GENERATION": "False", "ENABLE_TAGS_GENERATION": "False",
        "ENABLE_FOLLOW_UP_GENERATION": "False", "ENABLE_AUTOCOMPLETE_GENERATION": "False",
        "ENABLE_VERSION_UPDATE_CHECK": "False", "OFFLINE_MODE": "True", "HF_HUB_OFFLINE": "1",
        "RAG_EMBEDDING_ENGINE": "openai", "ANONYMIZED_TELEMETRY": "False", "DO_NOT_TRACK": "1",
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        command: Sequence[str] = (str(program), "serve", "--host", "127.0.0.1", "--port", str(port))
        server = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait(server, f"http://127.0.0.1:{port}/health", folder / "log")
        yield OpenWebUi(port)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(log.read_text(errors="replace")[-2000:])
        time.sleep(0.2)
