"""What users want of the whole."""

from typing import Annotated, Any, Literal

from pydantic import MISSING, Field

from gateway.schemas.base import WHOLE, Body, Resource, example
from gateway.schemas.texts import InstructionsText, Language, PersonaName
from parley import bounds
from parley.auth.v1 import auth_pb2 as pb

Theme = Literal["system", "light", "dark"]
_THEMES: dict[Theme, pb.Theme.ValueType] = {
    "system": pb.THEME_SYSTEM,
    "light": pb.THEME_LIGHT,
    "dark": pb.THEME_DARK,
}
_NAMES: dict[int, Theme] = {number: name for name, number in _THEMES.items()}

RetentionDays = Annotated[
    int, Field(ge=bounds.RETENTION_DAYS.minimum, le=bounds.RETENTION_DAYS.maximum), WHOLE
]
_LANGUAGE = "A language tag of BCP 47, such as `en` or `zh`."
_RETENTION = (
    "A conversation goes so many days after the last thing said in it, pinned ones excepted."
)
_DEFAULT_PERSONA = "Of new conversations, by its name; one that is gone is as if none had been set."
_INSTRUCTIONS = "Said to each model with each question."


class UserSettingsChange(Body):
    """What is absent stays as it is; what is null goes back to what holds by default."""

    model_config = example(theme="dark", language=None)

    language: Language | MISSING | None = Field(MISSING, description=_LANGUAGE)
    theme: Theme | MISSING | None = MISSING
    instructions: InstructionsText | MISSING | None = Field(MISSING, description=_INSTRUCTIONS)
    default_persona: PersonaName | MISSING | None = Field(MISSING, description=_DEFAULT_PERSONA)
    titles_by_model: bool | MISSING | None = Field(
        MISSING, description="Whether the model names conversations."
    )
    retention_days: RetentionDays | MISSING | None = Field(MISSING, description=_RETENTION)
    enter_sends: bool | MISSING | None = Field(
        MISSING, description="Whether Enter sends what was typed."
    )

    def request(self) -> pb.UpdateUserSettingsRequest:
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        request = pb.UpdateUserSettingsRequest(
            reset=sorted(name for name, value in given.items() if value is None),
            **{name: value for name, value in given.items() if name != "theme"},
        )
        theme: Theme | None = given.get("theme")
        if theme is not None:
            request.theme = _THEMES[theme]
        return request


class UserSettings(Resource):
    model_config = example(
        language="en",
        theme="dark",
        instructions="Be brief.",
        default_persona=None,
        titles_by_model=False,
        retention_days=None,
        enter_sends=True,
        version=2,
    )

    language: str | None = Field(description=f"{_LANGUAGE} Null, the default: the browser's.")
    theme: Theme = Field(description="`system` by default: as the device has it.")
    instructions: str = Field(description=f"{_INSTRUCTIONS} Empty by default.")
    default_persona: str | None = Field(
        description=f"{_DEFAULT_PERSONA} Null, the default: the operator's."
    )
    titles_by_model: bool = Field(
        description="Whether the model names conversations. False by default."
    )
    retention_days: int | None = Field(
        description=f"{_RETENTION} Null, the default: as long as the operator keeps them."
    )
    enter_sends: bool = Field(description="Whether Enter sends what was typed. True by default.")
    version: int = Field(description="0 until something is set, one more with each change.")

    @classmethod
    def of(cls, settings: pb.UserSettings) -> "UserSettings":
        return cls(
            language=settings.language if settings.HasField("language") else None,
            theme=_NAMES[settings.theme],
            instructions=settings.instructions,
            default_persona=settings.default_persona
            if settings.HasField("default_persona")
            else None,
            titles_by_model=settings.titles_by_model,
            retention_days=settings.retention_days if settings.HasField("retention_days") else None,
            enter_sends=settings.enter_sends,
            version=settings.version,
        )
