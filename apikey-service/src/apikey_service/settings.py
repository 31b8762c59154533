"""What the vault is told by its environment: variables ``APIKEY_…``."""

from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, field_validator

from apikey_service.vault.kek import parse_kek
from chassis.settings import service_config
from servicekit.settings import NamedServersSettings

NAME: Final = "apikey-service"


class Settings(NamedServersSettings):
    model_config = service_config("APIKEY_")

    vault_key: SecretStr = Field(
        description="The key-encryption key that seals: 32 random bytes in base64. Losing it loses "
        "every stored provider key. Give it as a file: APIKEY_VAULT_KEY_FILE."
    )
    vault_old_keys: tuple[SecretStr, ...] = Field(
        (),
        description="Key-encryption keys that open and do not seal, each as the other one: those "
        "that sealed before, until `rotate --check` finds no row on them, and the next one, before "
        "it seals. In a file (APIKEY_VAULT_OLD_KEYS_FILE) each may have a line of its own.",
    )
    keys_per_user: int = Field(
        100, ge=1, le=100_000, description="Connections that a user may have of their own."
    )
    connections_file: Path | None = Field(
        None,
        description="The connections that the operator offers to users, in TOML; read anew when "
        "it changes and at SIGHUP. What is in it: docs/operations.md.",
    )

    @field_validator("vault_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        parse_kek(value.get_secret_value())
        return value

    @field_validator("vault_old_keys")
    @classmethod
    def _are_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        keys = [key for entry in value for key in entry.get_secret_value().split()]
        for at, key in enumerate(keys):
            try:
                parse_kek(key)
            except ValueError as error:
                raise ValueError(f"key {at + 1}: {error}") from None
        return tuple(map(SecretStr, keys))
