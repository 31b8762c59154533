"""What the vault is told by its environment: variables ``APIKEY_…``."""

from typing import Final

from pydantic import Field, SecretStr, field_validator

from apikey_service.vault.kek import parse_kek
from chassis.settings import service_config
from servicekit.settings import UserServiceSettings

NAME: Final = "apikey-service"


class Settings(UserServiceSettings):
    model_config = service_config("APIKEY_")

    vault_key: SecretStr = Field(
        description="The key-encryption key: 32 random bytes in base64. Losing it loses every "
        "stored provider key. Give it as a file: APIKEY_VAULT_KEY_FILE."
    )

    @field_validator("vault_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        parse_kek(value.get_secret_value())
        return value
