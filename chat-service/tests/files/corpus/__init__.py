"""Hostile files: made here, each with what is to become of it."""

from collections.abc import Iterator

from .made import Hostile
from .of_no_kind import archives, of_no_kind
from .pdfs import pdfs
from .pictures import other_pictures, pngs
from .texts import texts


def corpus() -> Iterator[Hostile]:
    yield from of_no_kind()
    yield from archives()
    yield from pngs()
    yield from other_pictures()
    yield from pdfs()
    yield from texts()
