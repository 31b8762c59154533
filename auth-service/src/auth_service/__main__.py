"""``python -m auth_service [serve|migrate|rotate-key]``: be the service, bring its database up to
date, or give it a new signing key.
"""

import argparse

from auth_service.credentials.keyring import RIPE_SECONDS, rotate
from auth_service.credentials.signing import UnusableSigningKey
from auth_service.settings import Settings
from auth_service.wiring import MIGRATIONS, build, where_keys_are
from chassis.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="auth-service", description=__doc__)
    parser.add_argument(
        "command", nargs="?", choices=("serve", "migrate", "rotate-key"), default="serve"
    )
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
        if command == "rotate-key":
            _rotate_key(settings)
            return
        service = build(settings)
    except UnusableSigningKey as error:
        parser.exit(2, f"settings: AUTH_SIGNING_KEYS_DIR or AUTH_SIGNING_KEY_FILE: {error}\n")
    service.run()


def _rotate_key(settings: Settings) -> None:
    rotation = rotate(where_keys_are(settings))
    print(f"Added {rotation.kid}; it signs in {RIPE_SECONDS:.0f} seconds, wherever it is by then.")
    for name in rotation.removed:
        print(f"Removed {name}: no token of it is good any more.")


if __name__ == "__main__":
    main()
