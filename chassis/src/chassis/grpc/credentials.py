"""The three files of mutual TLS, read and looked at.

gRPC takes any bytes, and shows those that are no good as a peer that cannot be reached.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_certificates

from chassis.settings import ServiceSettings, UnusableSetting, variable_of


@dataclass(frozen=True, slots=True)
class Credentials:
    """Certificates of the authority, this service's certificate and its key, in PEM."""

    authority: bytes
    certificate: bytes
    key: bytes


def read_credentials(settings: ServiceSettings) -> Credentials:
    """Raises UnusableSetting for a file that cannot be read, or is not what it should be."""
    found = Credentials(
        authority=_read(settings, "tls_ca_file", load_pem_x509_certificates),
        certificate=_read(settings, "tls_cert_file", load_pem_x509_certificate),
        key=_read(settings, "tls_key_file", lambda content: load_pem_private_key(content, None)),
    )
    certificate = load_pem_x509_certificate(found.certificate)
    if load_pem_private_key(found.key, None).public_key() != certificate.public_key():
        raise UnusableSetting(
            variable_of(type(settings), "tls_key_file"), "not the key of this service's certificate"
        )
    return found


def _read(settings: ServiceSettings, field: str, parse: Callable[[bytes], object]) -> bytes:
    path: Path = getattr(settings, field)
    variable = variable_of(type(settings), field)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnusableSetting(variable, f"{error.strerror}: {path}") from None
    try:
        parse(content)
    except (ValueError, TypeError):  # TypeError: the key has a password
        kind = "private key" if field == "tls_key_file" else "certificate"
        raise UnusableSetting(variable, f"no {kind} in PEM: {path}") from None
    return content
