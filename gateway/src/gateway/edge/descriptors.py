"""File descriptors: one for each client, so as many as this process may have."""

import sys

from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


def allow_descriptors() -> None:
    """Raise this process's limit of open files to the most that the system lets it have."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError) as error:
            # macOS calls its hard limit endless, and yet has one.
            _log.warning("descriptors.kept", limit=soft, error=type(error).__name__)
            return
    _log.debug("descriptors.allowed", limit=hard, before=soft)
