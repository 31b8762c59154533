"""One message of what a model is given."""

from base64 import b64encode
from dataclasses import dataclass, field


class Picture:
    """A picture as a model is shown it. Once the model has answered, nobody needs it any more."""

    __slots__ = ("_data", "_held", "media_type")

    def __init__(self, media_type: str, data: bytes, held: object = None) -> None:
        """`held` is let go with it: whoever gave the bytes knows by that."""
        self.media_type = media_type
        self._data = data
        self._held = held

    @property
    def size(self) -> int:
        """Bytes that are held of it."""
        return len(self._data)

    def base64(self) -> str:
        """Its file, in Base64."""
        return b64encode(self._data).decode()

    def let_go(self) -> None:
        """Hold its bytes no longer."""
        self._data = b""
        self._held = None


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message as the model is given it; `role` is "user", "assistant" or "system".

    `orders` are the messages of the conversation that it consists of. `pictures` come before its text.
    """

    role: str
    content: str
    orders: tuple[int, ...] = field(default=(), compare=False)
    pictures: tuple[Picture, ...] = ()
