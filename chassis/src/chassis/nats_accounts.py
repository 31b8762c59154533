"""What each service may do on a NATS server: the part of its configuration that says so.

Every service has an account of its own. One owns the stream; the accounts of the others import
from it the few subjects that they need, and nothing else of it exists for them. Users of one
account with lists of subjects would not do: the server does not check the reply subject that a
request names, and answers to it with rights of its own. What a reply can reach ends with the
account.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: A user of the owner's account who may do everything there; no service has the password.
OPERATOR: Final = "operator"

#: Where a server keeps the streams of who belongs to no account.
_NO_ACCOUNT: Final = "$G"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who there is, each with a user and an account of its own name.

    ``owner`` creates the stream and every consumer; the others use them. ``publishes`` are the
    subjects below the prefix that a service publishes on, ``consumes`` the durable consumers that
    it takes messages from. ``prefix`` is that of the deployment's subjects; ``*`` stands for any,
    on servers of tests.
    """

    owner: str
    publishes: Mapping[str, Sequence[str]]
    consumes: Mapping[str, Iterable[str]]
    prefix: str = "parley"

    @property
    def names(self) -> tuple[str, ...]:
        """Every service that has a user, the owner first."""
        others = {*self.publishes, *self.consumes} - {self.owner}
        return (self.owner, *sorted(others))

    def configuration(self, passwords: Mapping[str, str]) -> dict[str, Any]:
        """The value of ``accounts`` in the server's configuration.

        ``passwords`` has those of ``names`` and of OPERATOR.
        """
        owner, *others = self.names
        accounts: dict[str, Any] = {
            owner: {
                "jetstream": "enabled",
                "users": [
                    {"user": OPERATOR, "password": passwords[OPERATOR]},
                    self._user(owner, passwords, [*self._needs(owner), *self._makes()]),
                ],
                "exports": [
                    # A pull is answered by any number of messages.
                    {"service": subject, "response_type": "stream", "accounts": [name]}
                    for name in others
                    for subject in self._needs(name)
                ],
            }
        }
        for name in others:
            needs = self._needs(name)
            accounts[name] = {
                "users": [self._user(name, passwords, needs)],
                "imports": [
                    {"service": {"account": owner, "subject": subject}} for subject in needs
                ],
            }
        return accounts

    def adopt(self, store: Path) -> None:
        """Give the owner what a server without accounts kept in ``store``; it must not run."""
        kept, owned = store / "jetstream" / _NO_ACCOUNT, store / "jetstream" / self.owner
        if kept.is_dir() and not owned.exists():
            kept.rename(owned)

    @staticmethod
    def _user(name: str, passwords: Mapping[str, str], publishes: list[str]) -> dict[str, Any]:
        return {
            "user": name,
            "password": passwords[name],
            "permissions": {
                "publish": {"allow": publishes},
                "subscribe": {"allow": [f"{inbox_of(name)}.>"]},
            },
        }

    def _needs(self, name: str) -> list[str]:
        durables = list(self.consumes.get(name, ()))
        return [
            *(f"{self.prefix}.{subject}" for subject in self.publishes.get(name, ())),
            *(f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{durable}" for durable in durables),
            *(f"$JS.ACK.{self._stream}.{durable}.>" for durable in durables),
        ]

    def _makes(self) -> list[str]:
        return [
            *(f"$JS.API.STREAM.{verb}.{self._stream}" for verb in ("INFO", "CREATE", "UPDATE")),
            f"$JS.API.CONSUMER.CREATE.{self._stream}.>",
        ]

    @property
    def _stream(self) -> str:
        return "*" if self.prefix == "*" else stream_of(self.prefix)


def stream_of(prefix: str) -> str:
    """The stream of the subjects ``<prefix>.>``."""
    return f"{prefix}_events"


def inbox_of(name: str) -> str:
    """What begins the subjects on which ``name`` gets answers."""
    return f"_INBOX.{name}"
