"""Statements that are sent with the next one, and whose rows nobody reads."""


async def ignore_row(_row: object) -> None:
    """An error of the statement is raised all the same, by the next one or by the commit."""
