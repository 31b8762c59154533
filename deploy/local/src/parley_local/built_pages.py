"""Whether there are pages to be served: of this the build and the runner have one notion."""

from pathlib import Path


def has_pages(folder: Path) -> bool:
    """Whether there are built pages in ``folder``; not where it may not be read."""
    try:
        return (folder / "index.html").is_file()
    except OSError:
        return False
