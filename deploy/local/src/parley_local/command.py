"""``python -m parley_local.command SERVICE WORDS…``: a command of a service of the Parley that runs.

Such as ``auth-service make-operator ada`` or ``notes-service dead-letters list``. The service's
program does it, with the settings that the running one has, as far as commands need them.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from chassis.embedded import EmbeddedPostgres
from parley_local.environment import (
    Backends,
    DatabaseUrls,
    EnvironmentProblem,
    explicit_databases,
    service_environment,
)
from parley_local.state import State, StateError
from parley_local.topology import SERVICES, Member, lay_out

_NAMES = ", ".join(member.name for member in SERVICES)


class NothingRuns(Exception):
    """There is no Parley in the folder; the message is for the terminal."""


#: What Python is to be given, and the environment: does not return but with the command's end.
Become = Callable[[Sequence[str], Mapping[str, str]], None]


def _execute(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    os.execve(  # noqa: S606 - no shell is wanted
        sys.executable, [sys.executable, *arguments], environment
    )


def main(become: Become = _execute) -> None:
    """Become the command, or exit 2 having said why not."""
    members = {member.name: member for member in SERVICES}
    member = members.get(sys.argv[1]) if len(sys.argv) > 2 else None
    if member is None:
        sys.exit(_complain(f"name a service ({_NAMES}) and its command"))
    try:
        environment = environment_of(
            member, Path(os.environ.get("PARLEY_DATA") or ".data"), os.environ
        )
    except (NothingRuns, EnvironmentProblem, StateError) as error:
        sys.exit(_complain(str(error)))
    become(["-m", member.module, *sys.argv[2:]], environment)


def environment_of(member: Member, directory: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """What the service's program is to find. Raises NothingRuns, EnvironmentProblem."""
    state, database = State(directory), member.database
    assert database is not None
    urls = explicit_databases(inherited).get(database)
    topology = lay_out(gateway_host="127.0.0.1", gateway_port=0, environment=inherited)
    return service_environment(
        topology.of(member)[0],
        topology=topology,
        backends=Backends(
            {database: urls or _embedded(state, database)},
            # Commands speak to the database alone: these two must only be there.
            redis_url="redis://:none@127.0.0.1",
            nats_urls={database: "nats://none@127.0.0.1"},
        ),
        state=state,
        inherited=inherited,
    )


def _embedded(state: State, database: str) -> DatabaseUrls:
    folder = state.directory / "postgres"
    try:
        # The fourth line of a server's lock file is its port.
        lines = (folder / "data/postmaster.pid").read_text(encoding="ascii").splitlines()
        passwords = state.passwords(database)
        postgres = EmbeddedPostgres(folder, port=int(lines[3]))
    except (FileNotFoundError, IndexError, ValueError):
        raise NothingRuns(f"no Parley runs in {state.shown}: `make run` starts it") from None
    return DatabaseUrls(
        **{
            role: postgres.url(f"parley_{database}_{role}", password, f"parley_{database}")
            for role, password in passwords.items()
        }
    )


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
