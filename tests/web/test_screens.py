"""Every page, in both languages and themes and on a phone: nothing is wrong with it for anybody.

With ``PARLEY_SCREENS`` naming a folder, a picture of each is left there, for people to look at.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from tests.client import User
from tests.stack import Stack
from tools.node import WEB

from .person import Open
from .screens import SCREENS

pytestmark = pytest.mark.slow

_AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """
async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  // At which level a text of a model begins its headings is the model's own.
  const isOthers = ({target}) => document.querySelector(target[0])?.closest("[data-body]");
  return found.violations
    .map(({id, nodes}) => ({
      id,
      nodes: nodes.filter((one) => id !== "heading-order" || !isOthers(one)),
    }))
    .filter(({nodes}) => nodes.length > 0)
    .map(({id, nodes}) => `${id}: ${nodes.map((one) => one.html).join(" | ")}`);
}
"""
_DESK = {"viewport": {"width": 1280, "height": 800}}
_PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
_LOOKS: dict[str, dict[str, Any]] = {
    "en-light": {**_DESK, "locale": "en-GB", "color_scheme": "light"},
    "zh-dark-phone": {**_PHONE, "locale": "zh-CN", "color_scheme": "dark"},
    "en-dark": {**_DESK, "locale": "en-GB", "color_scheme": "dark"},
    "zh-light": {**_DESK, "locale": "zh-CN", "color_scheme": "light"},
    "en-light-phone": {**_PHONE, "locale": "en-GB", "color_scheme": "light"},
    "en-dark-phone": {**_PHONE, "locale": "en-GB", "color_scheme": "dark"},
}
_FOLDER = os.environ.get("PARLEY_SCREENS")


def _settled(page: Page) -> None:
    """Once the page has come, and nothing of it is awaited any more."""
    expect(page.locator("h1, textarea, main").first).to_be_visible()
    expect(page.locator("[data-awaited]")).to_have_count(0)
    page.evaluate("document.fonts.ready")


# Two looks for every run of the tests, which have each language, theme and size of screen between
# them; all for `make screens` and `make faults`.
_FIRST, _ITS_OPPOSITE, *_OTHERS = _LOOKS


@pytest.mark.parametrize(
    "look",
    [_FIRST, _ITS_OPPOSITE, *(pytest.param(look, marks=pytest.mark.faults) for look in _OTHERS)],
)
def test_nothing_is_wrong_with_any_page(look: str, open_person: Open, web_stack: Stack) -> None:
    user = User(web_stack.url)
    made = web_stack.command("auth-service", "make-operator", user.username)
    assert made.returncode == 0, made.stderr
    options = _LOOKS[look]
    person = open_person(user=user, **options)
    person.use("echo")
    axe = _AXE.read_text(encoding="utf-8")
    found: dict[str, object] = {}
    logged_in = False
    for screen in SCREENS:
        if screen.logged_in and not logged_in:
            person.log_in(screen.path)
            logged_in = True
        else:
            person.go(screen.path)
        _settled(person.page)
        page = person.page
        try:
            if screen.reach is not None:
                screen.reach(person)
        except (PlaywrightError, AssertionError) as error:
            # The other pages are looked at all the same.
            found[f"{screen.name}, reached"] = str(error)[:2000]
            continue
        if _FOLDER:
            file = Path(_FOLDER) / f"{screen.name}-{look}.png"
            # What moves in is shown where it comes to rest.
            page.screenshot(path=file, animations="disabled")
        page.evaluate(axe)
        if wrong := page.evaluate(_RUN):
            found[screen.name] = wrong
        if violations := person.violations:
            found[f"{screen.name}, policy"] = violations
        lang = page.evaluate("document.documentElement.lang")
        if not re.match(options["locale"][:2], lang):
            found[f"{screen.name}, language"] = lang
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found[f"{screen.name}, too wide"] = wide
    user.close()
    assert found == {}
