"""Real servers and real certificates for tests: a pytest plugin, and what its fixtures give."""

import chassis.testing.forks  # noqa: F401 - for its effect, and before what loads gRPC

# isort: split
from chassis.testing.databases import DatabaseUrls, ServiceDatabase, limit_deletes
from chassis.testing.eventually import eventually
from chassis.testing.garbage import collector_at_rest
from chassis.testing.metrics import sample
from chassis.testing.model_server import ModelServer
from chassis.testing.name_server import NameServer
from chassis.testing.rpc import OpenChannel, TlsFiles, TlsSettings
from chassis.testing.signer import Signer

__all__ = [
    "DatabaseUrls",
    "ModelServer",
    "NameServer",
    "OpenChannel",
    "ServiceDatabase",
    "Signer",
    "TlsFiles",
    "TlsSettings",
    "collector_at_rest",
    "eventually",
    "limit_deletes",
    "sample",
]
