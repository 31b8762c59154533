"""What a consumer hands over, and a clock that stands still."""

from chassis.ids import new_id


def some_prefix() -> str:
    return f"test-{new_id().hex}"


class Clock:
    """Stands still, and counts how often it was looked at."""

    def __init__(self) -> None:
        self.now = 100.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


class Inbox:
    """Remembers what a consumer hands over."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    async def __call__(self, payload: bytes) -> None:
        self.received.append(payload)
