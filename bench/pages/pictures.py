"""`python -m bench.pages.pictures`: the pictures of docs/, taken anew of pages as they are."""

import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect

from bench.pages.browser import one_browser
from bench.pages.model import markdown_model
from tests.stack import Stack
from tools import web
from tools.members import ROOT

_FOLDER = ROOT / "docs" / "pictures"
_PASSWORD = secrets.token_urlsafe(12)
_PATIENCE_MS = 60_000
_TEA = "Which water for which tea? And when has a pot cooled down enough?"
_TEA_ZH = "绿茶和红茶，水温要怎么控制？"
_ANSWERS: Mapping[str, str] = {
    _TEA: '''\
Green tea turns bitter above 80 °C; black tea wants water that just boils.

| tea | water | minutes |
| --- | --- | --- |
| sencha | 70 °C | 1–2 |
| 龙井 Longjing | 80 °C | 2–3 |
| oolong | 90 °C | 3–4 |
| Assam | 98 °C | 3–5 |

How far a pot cools in the time $t$ follows Newton's law, $T(t) = T_a + (T_0 - T_a)\\,e^{-kt}$. To
wait for the right moment:

```python
from math import log

def minutes_until(wanted: float, start: float = 98, room: float = 21) -> float:
    """Minutes until a pot has cooled from `start` to `wanted` °C."""
    return log((start - room) / (wanted - room)) / 0.035
```
''',
    _TEA_ZH: """\
可以，而且很简单：**先烫壶，再降温。**不同的茶需要不同的水温：

1. 龙井：80 °C，两到三分钟
2. 乌龙：90 °C，三到四分钟
3. 红茶：接近沸腾，三到五分钟

> 水开后敞着壶盖放七八分钟，大约就是 80 °C。
""",
}
_EARLIER = (
    "Plan a week of dinners for two",
    "Why is the sky dark at night?",
    "Proofread my letter to the landlord",
)


@contextmanager
def _parley(folder: Path) -> Iterator[Stack]:
    web.build()
    stack = Stack(folder, arguments=("--web", str(web.DIST), "--offer-demo"), forked=False)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


def _user(stack: Stack, name: str, model_url: str) -> httpx.Client:
    """Somebody who is registered and has a connection to the model, with a client of theirs."""
    http = httpx.Client(base_url=f"{stack.url}/api/v1", timeout=60)
    registration = {"username": name, "email": f"{name}@example.org", "password": _PASSWORD}
    made = http.post("/auth/register", json=registration).raise_for_status().json()
    http.headers["Authorization"] = f"Bearer {made['access_token']}"
    key = {"name": "Tea house", "api_key": "sk-0123456789abcdef", "model": "tea-large"}
    stored = http.post("/keys", json={**key, "base_url": model_url}).raise_for_status().json()
    http.put("/keys/default", json={"key_id": stored["id"]}).raise_for_status()
    return http


def _logged_in(browser: Browser, stack: Stack, name: str, **screen: object) -> Page:
    context = browser.new_context(**screen)  # type: ignore[arg-type] # options of new_context
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{stack.url}/login")
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#composer")).to_be_editable()
    return page


def _ask(page: Page, question: str, shown: str) -> None:
    page.locator("#composer").fill(question)
    page.locator("form:has(#composer) button[type=submit]").click()
    expect(page.locator(f"[role=log] {shown}").first).to_be_visible()
    expect(page.locator("[role=log] article[aria-busy]")).to_have_count(0)
    expect(page.locator("[data-awaited]")).to_have_count(0)


def _take(page: Page, name: str) -> None:
    page.evaluate("document.fonts.ready")
    page.screenshot(path=_FOLDER / f"{name}.png", animations="disabled")


def _on_a_desk(browser: Browser, stack: Stack) -> None:
    page = _logged_in(
        browser, stack, "ada", viewport={"width": 1280, "height": 800}, locale="en-GB"
    )
    _ask(page, _TEA, "pre code span")
    page.mouse.move(1270, 400)
    _take(page, "chat")
    page.keyboard.press("Control+k")
    page.keyboard.type("tea")
    expect(page.get_by_role("option").locator("mark").first).to_be_visible()
    _take(page, "search")
    page.keyboard.press("Escape")
    page.goto(f"{stack.url}/keys")
    page.get_by_role("button", name=re.compile("^Test")).first.click()
    expect(page.get_by_text("It works")).to_be_visible()
    _take(page, "connections")
    page.context.close()


def _on_a_phone(browser: Browser, stack: Stack) -> None:
    page = _logged_in(
        browser, stack, "lin", viewport={"width": 390, "height": 844}, locale="zh-CN",
        color_scheme="dark", has_touch=True, is_mobile=True,
    )  # fmt: skip
    _ask(page, _TEA_ZH, "blockquote")
    _take(page, "phone-zh")
    page.context.close()


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as folder,
        markdown_model(_ANSWERS) as model_url,
        _parley(Path(folder)) as stack,
        one_browser() as browser,
    ):
        ada = _user(stack, "ada", model_url)
        for question in _EARLIER:
            ada.post("/chat/messages", json={"content": question}).raise_for_status()
        # What nobody has read yet would be marked.
        for session in ada.get("/chat/sessions").raise_for_status().json()["items"]:
            ada.patch(f"/chat/sessions/{session['id']}", json={"read_order": 2})
        _on_a_desk(browser, stack)
        _user(stack, "lin", model_url)
        _on_a_phone(browser, stack)


if __name__ == "__main__":
    main()
