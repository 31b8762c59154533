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


class NoKey(AppError):
    kind = Kind.NOT_FOUND
    reason = "NO_KEY"
    detail = "You have not stored a provider key yet."


class KeyUnreadable(AppError):
    """What is stored was not sealed for this key, or what it is locked with is gone."""

    kind = Kind.CONFLICT
    reason = "KEY_UNREADABLE"
    detail = "This key can no longer be opened; save it again as a new key, and use that one."
