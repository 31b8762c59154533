"""What is made of an answer's text for who reads it."""

from enum import StrEnum


class TextForm(StrEnum):
    """As the model wrote it, or without Markdown's marks; what is kept is what it wrote."""

    MARKDOWN = "markdown"
    TEXT = "text"
