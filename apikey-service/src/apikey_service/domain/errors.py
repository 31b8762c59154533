"""The reasons for which the vault refuses."""

from chassis.errors import AppError, Kind


class KeyNotFound(AppError):
    """Also for a key of somebody else's, and for an id that is none."""

    kind = Kind.NOT_FOUND
    reason = "KEY_NOT_FOUND"
    detail = "There is no such key."


class KeyNameTaken(AppError):
    """Names that differ in letter case or compatibility forms alone count as the same."""

    kind = Kind.CONFLICT
    reason = "KEY_NAME_TAKEN"
    detail = "You already have a key with this name."


class TooManyKeys(AppError):
    kind = Kind.CONFLICT
    reason = "TOO_MANY_KEYS"
    detail = "As many connections exist as may; delete one of them first."


class KeyNeeded(AppError):
    """A key is for the server that it was given for, and so are headers."""

    kind = Kind.INVALID
    reason = "KEY_NEEDED"
    detail = (
        "A new base_url is a new place to send the key to: give api_key with it, and headers too "
        "if there are any."
    )


class NoKey(AppError):
    kind = Kind.NOT_FOUND
    reason = "NO_KEY"
    detail = (
        "You have no connection to a model server, and none is offered to you here: add one under "
        "/api/v1/keys, with name, api_key, model and base_url."
    )


class KeyUnreadable(AppError):
    """What is stored was not sealed for this key, or what it is locked with is gone."""

    kind = Kind.CONFLICT
    reason = "KEY_UNREADABLE"
    detail = (
        "This key can no longer be opened; save it again, with its headers if it has any, by PATCH "
        "or as a new key."
    )
