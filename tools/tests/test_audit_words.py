"""The audit log in the words of the pages: whatever services tell has a name in both languages."""

import re

import pytest

from auth_service.domain.audit_log import Event
from parley.events.audit import TOLD, Deed
from tools.node import WEB


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_event_and_field_of_the_audit_log_has_a_name(language: str) -> None:
    text = (WEB / "src" / "i18n" / language / "admin.ts").read_text(encoding="utf-8")
    named = set(re.findall(r'^    "?([a-z_.]+)"?: "', text, re.MULTILINE))
    fields = {field for deeds in TOLD.values() for told in deeds.values() for field in told}
    assert {*Event, *Deed, *fields} - named == set()
