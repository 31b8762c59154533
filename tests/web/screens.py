"""Every page that there is, with something on it: what is looked at, and what is proved of each."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import expect

from .person import Person

MARKDOWN = """\
## A table, code and a formula

| tea | °C |
|---|---|
| 绿茶 | 80 |

```python
def brew(tea: str) -> str:
    return f"{tea}, please"
```

**注意。**这里 is $x^2$, and [a link](https://example.org/).[^1]

[^1]: A footnote.
"""


@dataclass(frozen=True)
class Screen:
    """``reach`` is what one does at ``path`` to see it. By roles alone: it is done in every language."""

    name: str
    path: str
    reach: Callable[[Person], None] | None = None
    logged_in: bool = True


def _open(selector: str) -> Callable[[Person], None]:
    def reach(person: Person) -> None:
        person.page.locator(selector).first.click()
        expect(person.page.locator("dialog[open], [popover]:popover-open").first).to_be_visible()

    return reach


def _asked(person: Person) -> None:
    person.page.locator("#composer").fill(MARKDOWN)
    person.page.locator("form:has(#composer) button[type=submit]").click()
    expect(person.page.locator("[role=log] table")).to_be_visible()
    expect(person.page.locator("[role=log] article[aria-busy]")).to_have_count(0)


def _palette(person: Person) -> None:
    person.page.keyboard.press("Control+k")
    expect(person.page.get_by_role("dialog")).to_be_visible()


def _shortcuts(person: Person) -> None:
    person.page.locator("main").focus()
    person.page.keyboard.press("?")
    expect(person.page.get_by_role("dialog")).to_be_visible()


def _note(person: Person) -> None:
    person.user.log_in()
    note = person.user.http.post(
        "/api/v1/notes", json={"title": "茶 tea", "content": MARKDOWN, "tags": ["home"]}
    ).json()
    person.go(f"/notes/{note['id']}")
    expect(person.page.locator("textarea")).to_be_visible()


def _used(person: Person) -> None:
    person.user.log_in()
    asked = person.user.http.post("/api/v1/chat/messages", json={"content": "茶 tea"}, timeout=60)
    assert asked.status_code == 200, asked.text
    person.page.reload()
    expect(person.page.locator("table").first).to_be_visible()


def _share(person: Person) -> tuple[str, str]:
    """A conversation that is shared, and the address of its share."""
    person.user.log_in()
    person.user.create_key(person.stack.model_url, "echo")
    session = person.user.create_session(title="茶 tea")
    person.user.ask(session, MARKDOWN)
    made = person.user.http.post(f"/api/v1/chat/sessions/{session}/shares", json={})
    assert made.status_code == 201, made.text
    return session, made.json()["url"]


def _shared(person: Person) -> None:
    _, url = _share(person)
    person.go(url)
    expect(person.page.locator("[role=log] table").first).to_be_visible()


def _locked(person: Person) -> None:
    _, url = _share(person)
    change = "/api/v1/chat/shares"
    share = person.user.http.get(change).json()["items"][0]
    changed = person.user.http.patch(f"{change}/{share['id']}", json={"password": "sesame"})
    assert changed.status_code == 200, changed.text
    person.go(url)
    expect(person.page.locator("input[name=password]")).to_be_visible()


def _sharing(person: Person) -> None:
    session, _ = _share(person)
    person.go(f"/c/{session}")
    expect(person.page.locator("[role=log] article").first).to_be_visible()
    person.page.locator("main header:has(h1) button:has(.lucide-link-2)").click()
    expect(person.page.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()


def _shares(person: Person) -> None:
    _share(person)
    person.go("/shares")
    expect(person.page.locator("main li").first).to_be_visible()


def _queued(person: Person) -> None:
    """A question behind an answer that is being written for a while, and then ends by itself."""
    person.use("tokens-600-at-20")
    person.page.reload()
    for question in ("茶 tea", "And then?"):
        person.page.locator("#composer").fill(question)
        person.page.locator("form:has(#composer) button[type=submit]").click()
    expect(person.page.locator("section ol > li")).to_have_count(1)
    expect(person.page.locator("[role=log] article[aria-busy] p").first).to_be_visible()


def _deleting(person: Person) -> None:
    """The dialog that asks whether a question, and what follows it, is to be deleted."""
    _asked(person)
    person.page.locator("[role=log] article").first.locator("button:has(.lucide-trash-2)").click()
    expect(person.page.get_by_role("dialog").get_by_role("status")).not_to_have_text("…")


def _at_an_answer(person: Person) -> None:
    _asked(person)
    person.page.locator("[role=log] article [aria-haspopup=menu]").last.click()
    expect(person.page.locator("[popover]:popover-open")).to_be_visible()


SCREENS = (
    Screen("login", "/login", logged_in=False),
    Screen("register", "/register", logged_in=False),
    Screen("reset", "/reset", logged_in=False),
    Screen("new-chat", "/"),
    Screen("chat", "/", _asked),
    Screen("message-menu", "/", _at_an_answer),
    Screen("message-deletion", "/", _deleting),
    Screen("palette", "/", _palette),
    Screen("shortcuts", "/notes", _shortcuts),
    Screen("keys", "/keys"),
    Screen("key-form", "/keys", _open("main header button:last-child")),
    Screen("key-menu", "/keys", _open("main [aria-haspopup=menu]")),
    Screen("personas", "/personas"),
    Screen("persona-form", "/personas", _open("main h1 ~ * button, main p + div button")),
    Screen("notes", "/notes"),
    Screen("note", "/notes", _note),
    Screen("no-shares", "/shares"),
    Screen("share-dialog", "/", _sharing),
    Screen("shares", "/shares", _shares),
    Screen("shared", "/", _shared),
    Screen("share-locked", "/", _locked),
    Screen("share-gone", "/share/nothing", logged_in=False),
    Screen("account", "/account"),
    Screen("usage", "/account/usage", _used),
    Screen("admin-usage", "/admin/usage"),
    Screen("admin-users", "/admin/users"),
    Screen("admin-audit", "/admin/audit"),
    Screen("not-found", "/nowhere"),
    Screen("queue", "/", _queued),
)
