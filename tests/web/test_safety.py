"""What others write does nothing on the pages, and a provider's key is nowhere on them."""

import json
import re

import pytest
from playwright.sync_api import expect

from chassis.ids import new_id

from .hostile import HOSTILE
from .person import Open, Person

# Everything on the page that could be pressed and runs something, or leads somewhere that does.
_SUSPECTS = """
() => [...document.querySelectorAll("*")].flatMap((one) => [...one.attributes]
  .filter(({name, value}) =>
    /^on/i.test(name) || /^\\s*(javascript|vbscript|data:text)/i.test(value.replace(/[\\x00-\\x20]/g, "")) && /href|src|action|data$/i.test(name))
  .map(({name, value}) => `${one.tagName} ${name}=${value}`))
"""


def test_there_are_eighty_hostile_texts() -> None:
    assert len(set(HOSTILE)) == 80


def _nothing_happened(person: Person) -> None:
    page = person.page
    assert page.evaluate("executed") == []
    assert page.evaluate(_SUSPECTS) == []
    assert page.locator("iframe, object, embed, base, main img, main form[action]").count() == 0
    assert person.violations == []
    assert person.elsewhere == []
    assert page.url.startswith(person.stack.url)


def test_hostile_texts_are_texts_in_questions_answers_and_titles(person: Person) -> None:
    # In their turns at once: each of them alone, as the model says it and as its user does.
    person.use("echo")
    text = "\n\n".join(HOSTILE)
    session = person.user.create_session(title=HOSTILE[2][:100])
    person.user.ask(session, text)
    for hostile in HOSTILE[:10]:
        person.user.create_session(title=hostile[:100])
    person.go(f"/c/{session}")
    expect(person.answers).to_have_count(1)
    # What is drawn lazily is there as well.
    expect(person.answers.locator(".katex").first).to_be_attached()
    expect(person.answers).to_contain_text("<script>executed.push(1)</script>")
    for link in person.answers.get_by_role("link").all():
        address = link.get_attribute("href") or ""
        if address.startswith("#"):
            # A footnote's: to a place of the same text.
            expect(person.answers.locator(f'[id="{address[1:]}"]')).to_have_count(1)
            continue
        assert re.match("https?://|mailto:", address), link
        assert "noopener" in (link.get_attribute("rel") or "")
    _nothing_happened(person)
    person.answers.locator("*").evaluate_all(
        "all => all.forEach(one => one.dispatchEvent(new MouseEvent('mouseover', {bubbles: true})))"
    )
    _nothing_happened(person)


@pytest.mark.slow
def test_hostile_texts_are_texts_in_notes_personas_and_connections(person: Person) -> None:
    user = person.user
    for at, hostile in enumerate(HOSTILE[:8]):
        name = f"{at} {hostile}"[:100]
        user.create_key(person.stack.model_url, name, name=name)
        persona = {"name": f"p{at}", "title": name, "prompt": hostile, "description": hostile}
        answer = user.http.post("/api/v1/chat/personas", json={**persona, "starters": [hostile]})
        assert answer.status_code == 201, answer.text
        note = {"title": name, "content": hostile, "tags": [hostile[:50]]}
        assert user.http.post("/api/v1/notes", json=note).status_code == 201
    whole = {"title": "all", "content": "\n\n".join(HOSTILE)}
    note_id = user.http.post("/api/v1/notes", json=whole).json()["id"]
    for path in ("/keys", "/personas", "/?persona=p1"):
        person.go(path)
        expect(person.page.get_by_text("<script>").first).to_be_attached()
        _nothing_happened(person)
    person.go(f"/notes/{note_id}")
    person.button("Preview").click()
    expect(person.page.locator(".katex").first).to_be_attached()
    _nothing_happened(person)
    person.page.keyboard.press("Control+k")
    person.page.get_by_role("searchbox", name="Search", exact=True).fill("script")
    expect(person.page.get_by_role("dialog").get_by_text("<script>").first).to_be_visible()
    _nothing_happened(person)


@pytest.mark.slow
def test_hostile_texts_of_others_are_texts_on_a_shared_page_and_in_lists(
    open_person: Open,
) -> None:
    owner, reader = open_person(), open_person()
    http, at = owner.user.http, "/api/v1/chat/sessions"
    owner.use("echo")
    title = next(hostile for hostile in HOSTILE if hostile.startswith("<img"))
    sent = http.post("/api/v1/files", files={"file": (f"{title}.txt", b"<script>x</script>")})
    assert sent.status_code == 201, sent.text
    session = owner.user.create_session(title=title, folder=title)
    owner.user.ask(session, "\n\n".join(HOSTILE), attachments=[sent.json()["id"]])
    for hostile in HOSTILE[:8]:
        owner.user.create_session(title="x", folder=hostile[:60])
        token = {"name": hostile[:50], "scopes": ["chat:read"]}
        assert http.post("/api/v1/tokens", json=token).status_code == 201
    shared = http.post(f"{at}/{session}/shares", json={"include_files": True}).json()

    reader.go(f"/share/{shared['token']}")
    expect(reader.page.get_by_role("heading", level=1)).to_contain_text(title)
    expect(reader.answers.locator(".katex").first).to_be_attached()
    expect(reader.button(f"Download {sent.json()['name']}")).to_be_visible()
    _nothing_happened(reader)
    owner.log_in()
    for path in ("/shares", "/account", f"/c/{session}"):
        owner.go(path)
        expect(owner.page.get_by_text("onerror").first).to_be_attached()
        _nothing_happened(owner)


def test_a_key_that_was_stored_is_nowhere_any_more(person: Person) -> None:
    canary = f"sk-canary-{new_id().hex}"
    page = person.page
    person.go("/keys")
    person.button("Add a connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name", exact=True).fill("canary")
    form.get_by_role("textbox", name="Base URL").fill(person.stack.model_url)
    form.get_by_label("API key").fill(canary)
    form.get_by_label("Model", exact=True).fill("status-401")
    form.get_by_role("button", name="Test").click()
    # The scripted server quotes the key in its refusal.
    expect(form.get_by_text("Incorrect API key provided")).to_be_visible()
    shown = page.content()
    assert canary not in shown
    form.get_by_label("Model", exact=True).fill("echo")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="canary")).to_be_visible()
    expect(form).to_have_count(0)
    person.go("/")
    person.ask("Hello")
    person.wait_for_end()
    person.go("/keys")
    expect(page.get_by_role("heading", name="canary")).to_be_visible()
    kept = page.evaluate(
        "async () => [{...localStorage}, {...sessionStorage}, await indexedDB.databases(), document.cookie]"
    )
    everything = (
        json.dumps(kept)
        + page.content()
        + page.url
        + page.evaluate("JSON.stringify(history.state)")
    )
    assert canary not in everything
    assert canary[:20] not in everything
    names = [one["name"] for one in person.context.cookies()]
    assert names == ["__Host-parley_refresh"]
