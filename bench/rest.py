"""Parley's public REST door, as far as the preparations need it; nothing here is measured."""

import http.client
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

_AT_ONCE = 4


class RefusedError(Exception):
    """Parley answered with a status that was not expected."""


@dataclass(slots=True)
class User:
    """Someone registered for the bench; the access token lives five minutes."""

    token: str
    refresh_token: str
    key_id: str


class Parley:
    """A gateway on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> dict[str, Any]:
        """One request under /api/v1. Raises RefusedError for any status but 2xx."""
        status, content = self.request(method, f"/api/v1{path}", body, token)
        if not 200 <= status < 300:
            raise RefusedError(f"{method} {path}: {status} {content[:500].decode()}")
        # Nothing is in an answer of 204.
        answer: dict[str, Any] = orjson.loads(content) if content else {}
        return answer

    def request(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            payload = None if body is None else orjson.dumps(body)
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def upload(self, name: str, content: bytes, token: str) -> str:
        """A file of the user's; its id."""
        boundary = secrets.token_hex(16)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Authorization": f"Bearer {token}",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
            connection.request("POST", "/api/v1/files", body, headers)
            response = connection.getresponse()
            told = response.read()
            if response.status != 201:
                raise RefusedError(f"POST /files: {response.status} {told[:500].decode()}")
            return str(orjson.loads(told)["id"])
        finally:
            connection.close()

    def new_user(self, base_url: str) -> User:
        """Registered, with a key that leads to the model server."""
        name = f"bench-{secrets.token_hex(6)}"
        registration = {
            "username": name,
            "email": f"{name}@example.org",
            "password": secrets.token_urlsafe(18),
        }
        grant = self.ask("POST", "/auth/register", registration)
        key = {
            "name": "scripted",
            "api_key": f"sk-{secrets.token_hex(12)}",
            "model": "tokens-200",
            "base_url": base_url,
        }
        key_id = self.ask("POST", "/keys", key, grant["access_token"])["id"]
        return User(grant["access_token"], grant["refresh_token"], key_id)

    def renew(self, user: User) -> None:
        """A fresh access token."""
        grant = self.ask("POST", "/auth/refresh", {"refresh_token": user.refresh_token})
        user.token, user.refresh_token = grant["access_token"], grant["refresh_token"]

    def new_sessions(self, users: Sequence[User]) -> list[str]:
        """One session for each, in order; a user may be named many times."""

        def create(user: User) -> str:
            return str(self.ask("POST", "/chat/sessions", {}, user.token)["id"])

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(create, users))
