"""The reasons for which something about personas is refused."""

from chassis.errors import AppError, Kind


class PersonaNotFound(AppError):
    """Also for one of somebody else's, and for a name that none can have."""

    kind = Kind.NOT_FOUND
    reason = "PERSONA_NOT_FOUND"
    detail = "There is no such persona."


class PersonaNameTaken(AppError):
    """Names that differ in letter case or compatibility forms alone count as the same."""

    kind = Kind.CONFLICT
    reason = "PERSONA_NAME_TAKEN"
    detail = "There is a persona of this name, of your own or of the operator's."


class TooManyPersonas(AppError):
    kind = Kind.CONFLICT
    reason = "TOO_MANY_PERSONAS"
    detail = "As many personas exist as may; delete one of them first."
