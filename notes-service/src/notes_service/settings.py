"""What the notes service is told by its environment: variables ``NOTES_…``."""

from typing import Final

from chassis.settings import service_config
from servicekit.settings import UserServiceSettings

NAME: Final = "notes-service"


class Settings(UserServiceSettings):
    model_config = service_config("NOTES_")
