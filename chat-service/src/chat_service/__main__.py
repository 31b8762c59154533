"""``python -m chat_service [serve|migrate]``: be the service, or bring its database up to date."""

import argparse

from chassis.settings import load_settings
from chat_service.settings import Settings
from chat_service.wiring import MIGRATIONS, build


def main() -> None:
    parser = argparse.ArgumentParser(prog="chat-service", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve", "migrate"), default="serve")
    command = parser.parse_args().command
    settings = load_settings(Settings)
    if command == "migrate":
        if settings.owner_database_url is None:
            parser.exit(2, "settings: CHAT_OWNER_DATABASE_URL: needed to migrate\n")
        # Alembic takes memory and time: only who migrates pays for it.
        from chassis.db.migrate import migrate

        migrate(settings.owner_database_url.get_secret_value(), MIGRATIONS)
    else:
        build(settings).run()


if __name__ == "__main__":
    main()
