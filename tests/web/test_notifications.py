"""An answer that nobody saw end is told of, by the browser itself, where that is wished."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from .person import Open, Person

# What the pages show is the browser's own, made as ever; this keeps hold of it, for it cannot be seen
# from the page. Whether anybody looks is said by the test: pages of a browser without a screen are seen.
_HOLD = """
window.told = [];
window.Notification = class extends Notification {
  constructor(text, options) {
    super(text, options);
    told.push(this);
    this.addEventListener("show", () => { this.isShown = true; });
    this.addEventListener("error", () => { this.isRefused = true; });
  }
};
window.look = (seen) => {
  Object.defineProperty(document, "hidden", {configurable: true, value: !seen});
  document.dispatchEvent(new Event("visibilitychange"));
};
"""
_TOLD = "told.map((one) => [one.title, one.isShown === true, one.isRefused === true])"
_READY = "Parley: an answer is finished."


def _switch(person: Person) -> Locator:
    return person.page.get_by_role("switch", name="Tell me on this device")


def _told(person: Person) -> list[Any]:
    told: list[Any] = person.page.evaluate(_TOLD)
    return told


def _turn_on(person: Person) -> None:
    person.context.grant_permissions(["notifications"], origin=person.stack.url)
    person.context.add_init_script(_HOLD)
    person.log_in("/account")
    _switch(person).click()
    expect(_switch(person)).to_be_checked()
    # The sample, shown by the browser and not by the page alone.
    person.page.wait_for_function("() => told.at(-1)?.isShown")
    assert _told(person)[-1] == ["Parley tells you here when an answer is finished.", True, False]


@pytest.mark.slow
def test_an_answer_that_nobody_sees_end_is_told_of_and_leads_to_its_conversation(
    open_person: Open,
) -> None:
    person = open_person()
    person.use("echo")
    _turn_on(person)
    session = person.user.create_session(title="Tea")
    seen = person.user.create_session(title="Seen")
    person.page.evaluate("told.length = 0")
    # What ends while the page is seen is told by the page itself.
    person.user.ask(seen, "Of this nobody tells")
    expect(person.chats.get_by_role("link", name="Seen, unread")).to_be_visible()
    person.page.evaluate("look(false)")
    person.user.ask(session, "Is it ready?")
    person.page.wait_for_function("() => told.at(-1)?.isShown")
    assert _told(person) == [[_READY, True, False]]
    person.page.evaluate("told.at(-1).dispatchEvent(new Event('click'))")
    person.page.evaluate("look(true)")
    expect(person.answers.last).to_contain_text("Is it ready?")
    assert person.page.url.endswith(f"/c/{session}")


def test_what_the_browser_refuses_or_cannot_is_said(open_person: Open) -> None:
    person = open_person()
    # Nobody can be asked here, and the browser says no for them.
    person.log_in("/account")
    _switch(person).click()
    expect(person.page.get_by_text("does not let Parley show")).to_be_visible()
    expect(_switch(person)).not_to_be_checked()
    # As Chromium for Android has it.
    person.page.add_init_script(
        "Notification = Object.assign(function () { throw new TypeError('Illegal constructor'); },"
        " {permission: 'granted', requestPermission: async () => 'granted'})"
    )
    person.page.reload()
    _switch(person).click()
    expect(person.page.get_by_text("cannot show notifications")).to_be_visible()
    expect(_switch(person)).to_be_disabled()
