"""Identifiers."""

from uuid import UUID

import pytest

from chassis.ids import new_id, parse_id


def test_ids_are_version_7_and_ascend_within_a_process() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert {made.version for made in ids} == {7}
    assert {made.variant for made in ids} == {"specified in RFC 4122"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0190a3d2-0000-7000-8000-00000000000",
        "0190A3D2-0000-7000-8000-000000000000",
        "{0190a3d2-0000-7000-8000-000000000000}",
        "0190a3d2000070008000000000000000",
        "urn:uuid:0190a3d2-0000-7000-8000-000000000000",
        "0190a3d2-0000-7000-8000-00000000000\u0660",
        "../../../../../../../../etc/passwd..",
    ],
)
def test_only_the_canonical_form_is_an_id(text: str) -> None:
    assert parse_id(text) is None


def test_the_canonical_form_is_an_id() -> None:
    made = new_id()
    assert parse_id(str(made)) == made
    assert isinstance(parse_id(str(made)), UUID)
