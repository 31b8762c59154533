"""The private authority and its leaves."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from chassis import tls
from chassis.clock import utc_now


def read(directory: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / f"{name}.pem").read_bytes())


def test_a_leaf_names_its_service_and_nothing_else(tmp_path: Path) -> None:
    tls.issue(tmp_path, ["notes-service"])
    names = read(tmp_path, "notes-service").extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(name.value) for name in names.value] == ["notes-service"]


def test_it_is_good_at_once_where_a_clock_is_ten_minutes_behind(tmp_path: Path) -> None:
    tls.issue(tmp_path, ["gateway"])
    for name in ("ca", "gateway"):
        assert read(tmp_path, name).not_valid_before_utc <= utc_now() - timedelta(minutes=10)


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    tls.issue(tmp_path / "certs", ["gateway"])
    assert stat.S_IMODE((tmp_path / "certs").stat().st_mode) == 0o700
    for key in (tmp_path / "certs").glob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(list((tmp_path / "certs").glob("*.key"))) == 2


def test_what_is_good_is_kept(tmp_path: Path) -> None:
    tls.issue(tmp_path, ["gateway"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    tls.issue(tmp_path, ["gateway", "auth-service"])
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert after.items() >= before.items()
    assert set(after) - set(before) == {"auth-service.pem", "auth-service.key"}


def test_a_new_authority_means_new_leaves(tmp_path: Path) -> None:
    tls.issue(tmp_path, ["gateway"])
    (tmp_path / "ca.pem").unlink()
    tls.issue(tmp_path, ["gateway"])
    read(tmp_path, "gateway").verify_directly_issued_by(read(tmp_path, "ca"))


def test_a_half_written_or_ending_certificate_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls.issue(tmp_path, ["gateway"])
    (tmp_path / "gateway.pem").write_text("-----BEGIN")
    tls.issue(tmp_path, ["gateway"])
    first = read(tmp_path, "gateway")
    soon = first.not_valid_after_utc - timedelta(days=10)
    monkeypatch.setattr(tls, "utc_now", lambda: soon)
    tls.issue(tmp_path, ["gateway"])
    second = read(tmp_path, "gateway")
    assert second.serial_number != first.serial_number
    assert second.not_valid_after_utc > utc_now()
