"""The reasons for which a conversation is not to be had."""

from chassis.errors import AppError, Kind


class SessionNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "SESSION_NOT_FOUND"
    detail = "There is no such conversation."


class MessageNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "MESSAGE_NOT_FOUND"
    detail = "There is no such message."


class MessageNotFinished(AppError):
    kind = Kind.CONFLICT
    reason = "MESSAGE_NOT_FINISHED"
    detail = "This answer is still being written; wait for its end."


class MessageNotEditable(AppError):
    """What was to be edited is of the other kind: a question is asked anew, an answer is not."""

    kind = Kind.CONFLICT
    reason = "MESSAGE_NOT_EDITABLE"
    detail = "A message of this role cannot be edited so."


class MessageNotAnswerable(AppError):
    kind = Kind.CONFLICT
    reason = "MESSAGE_NOT_ANSWERABLE"
    detail = "There is no question that this message answers."


class TooManyVariants(AppError):
    kind = Kind.CONFLICT
    reason = "TOO_MANY_VARIANTS"
    detail = "There are as many variants of this message as may be."


class ContextUnknown(AppError):
    kind = Kind.NOT_FOUND
    reason = "CONTEXT_UNKNOWN"
    detail = "What the model was given for this message was not kept."
