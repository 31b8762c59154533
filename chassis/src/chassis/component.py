"""What a service is put together from; :mod:`chassis.service` gives it its life."""


class Component:
    """A part of a service with a life of its own. Every step is optional."""

    async def start(self) -> None:
        """Get going; raises when the service cannot work without what is missing."""

    async def drain(self) -> None:
        """Take no new work, and return once what is under way has ended."""

    async def stop(self) -> None:
        """Give everything back. Also called when ``drain`` was cut short."""
