"""``python -m auth_service [serve|migrate]``: be the service, or bring its database up to date."""

import argparse

from auth_service.credentials.signing import UnusableSigningKey
from auth_service.settings import Settings
from auth_service.wiring import MIGRATIONS, build
from chassis.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="auth-service", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve", "migrate"), default="serve")
    command = parser.parse_args().command
    settings = load_settings(Settings)
    if command == "migrate":
        if settings.owner_database_url is None:
            parser.exit(2, "settings: AUTH_OWNER_DATABASE_URL: needed to migrate\n")
        # Alembic takes memory and time: only who migrates pays for it.
        from chassis.db.migrate import migrate

        migrate(settings.owner_database_url.get_secret_value(), MIGRATIONS)
        return
    try:
        service = build(settings)
    except UnusableSigningKey as error:
        parser.exit(2, f"settings: AUTH_SIGNING_KEY_FILE: {error}\n")
    service.run()


if __name__ == "__main__":
    main()
