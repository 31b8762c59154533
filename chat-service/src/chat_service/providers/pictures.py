"""What servers say of pictures that their model does not take, in many words."""

import re
from collections.abc import Sequence
from typing import Final

from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderCannotSee, ProviderError

# Of a picture's format something else may be wrong.
_OF_A_FORMAT: Final = re.compile(
    r"image/(?:png|jpe?g|webp|gif)|image format|format of the image|\bmime", re.IGNORECASE
)
_CANNOT_SEE: Final = re.compile(
    r"""
    (?:image|vision|picture|multi-?modal)[^.]{0,80}
        (?:not[ ](?:be[ ])?(?:supported|enabled|available|allowed|accepted)|unsupported|disabled
        |only[ ]supported[ ]by)
    |(?:does|do)(?:[ ]not|n't)[ ](?:support|accept|have|take)[^.]{0,40}(?:image|vision|multi-?modal)
    |(?:no|not|without|missing)[^.]{0,60}(?:vision|multi-?modal|image[ ]input|support[ ]image|required[ ]for[ ]image)
    |not[ ]a[ ](?:vision|multi-?modal)[ ]model|text[- ]only[ ]model|mmproj
    |unknown[ ]variant[ ]`?image|(?:content|input)[^.]{0,40}image_url[^.]{0,60}(?:only|invalid|not)
    |invalid[ ]content[ ]type[^.]{0,20}image_url|expected[ ]`?text`?[^.]{0,40}image_url
    |at[ ]most[ ]0[ ]image
    |不支持.{0,12}(?:图|视觉|多模态)|(?:图片|图像).{0,12}不支持
    """,
    re.IGNORECASE | re.VERBOSE,
)


def seen_as(error: ProviderError, prompt: Sequence[PromptMessage]) -> ProviderError:
    """The same error, or what it means where the model was shown pictures and takes none."""
    if not any(message.pictures for message in prompt):
        return error
    said = f"{error.provider_message} {error.text}"
    if _CANNOT_SEE.search(said) is None or _OF_A_FORMAT.search(said):
        return error
    told = ProviderCannotSee(error.text, message=error.provider_message)
    told.refused = error.refused
    return told
