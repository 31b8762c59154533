"""Certificates for mutual TLS between the services: a private authority and a leaf for each.

``python -m chassis.tls DIRECTORY NAME…`` writes ``ca.pem``, ``ca.key`` and, for each name,
``NAME.pem`` and ``NAME.key``. What exists and is good for another 30 days is kept, so that it
can run at every start. A leaf's DNS name is its service's name: servers know their callers by
it, and clients ask for it whatever address they dial.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chassis.clock import utc_now

_CA_LIFE = timedelta(days=3650)
_LEAF_LIFE = timedelta(days=825)
_RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Identity:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _write(path: Path, content: bytes, mode: int) -> None:
    # Written aside and renamed: a kill in between leaves the old file or the new one.
    draft = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)


def _load(directory: Path, name: str, now: datetime) -> _Identity | None:
    try:
        certificate = x509.load_pem_x509_certificate((directory / f"{name}.pem").read_bytes())
        key = serialization.load_pem_private_key((directory / f"{name}.key").read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    if certificate.public_key() != key.public_key():
        return None
    return (
        _Identity(certificate, key)
        if certificate.not_valid_after_utc > now + _RENEW_BEFORE
        else None
    )


def _save(directory: Path, name: str, identity: _Identity) -> None:
    _write(
        directory / f"{name}.key",
        identity.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        0o600,
    )
    _write(
        directory / f"{name}.pem",
        identity.certificate.public_bytes(serialization.Encoding.PEM),
        0o644,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of several machines differ a little.
        .not_valid_before(now - timedelta(minutes=15))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _make_authority(now: datetime) -> _Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Parley internal authority")])
    certificate = (
        _builder(name, name, key, now)
        .not_valid_after(now + _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    return _Identity(certificate, key)


def _make_leaf(name: str, authority: _Identity, now: datetime) -> _Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, authority.certificate.subject, key, now)
        .not_valid_after(min(now + _LEAF_LIFE, authority.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            # The service's name and nothing else: a certificate is an identity, not an address.
            x509.SubjectAlternativeName([x509.DNSName(name)]),
            critical=False,
        )
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return _Identity(certificate, key)


def _is_issued_by(leaf: _Identity, authority: _Identity) -> bool:
    try:
        leaf.certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def issue(directory: Path, names: Sequence[str]) -> None:
    """Make sure that ``directory`` holds an authority and a certificate for each name.

    Keys are readable by their owner alone. A new authority means new leaves for all names.
    """
    now = utc_now()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _load(directory, "ca", now)
    if authority is None:
        authority = _make_authority(now)
        _save(directory, "ca", authority)
    for name in names:
        leaf = _load(directory, name, now)
        if leaf is None or not _is_issued_by(leaf, authority):
            _save(directory, name, _make_leaf(name, authority, now))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chassis.tls", description=issue.__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="+", metavar="NAME")
    arguments = parser.parse_args()
    issue(arguments.directory, arguments.names)


if __name__ == "__main__":
    main()
