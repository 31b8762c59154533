"""The environment in which a process of a service finds given settings."""

import json

from pydantic import SecretStr

from chassis.settings import ServiceSettings


def variables_of(settings: ServiceSettings) -> dict[str, str]:
    """Each setting that has a value as its environment variable, secrets in the clear.

    What is None is left out: a variable cannot say that there is none.
    """
    prefix = settings.model_config["env_prefix"]
    return {
        f"{prefix}{name}".upper(): _text(value) for name, value in settings if value is not None
    }


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps([_text(each) for each in value]) if isinstance(value, tuple) else str(value)
