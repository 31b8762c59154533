"""What is written is kept, and nothing moves under the eyes of whoever reads."""

import re

import pytest
from playwright.sync_api import FilePayload, expect

from parley_local.model_server.texts import text_of

from .person import Open, Person, begins

_LONG = "tokens-20000-at-40"
_WORDS = "The quick brown fox jumps over the lazy dog."


@pytest.mark.slow
def test_keys_of_an_input_method_send_and_close_nothing(person: Person) -> None:
    page = person.page
    input_method = person.context.new_cdp_session(page)

    def compose(text: str) -> None:
        input_method.send(
            "Input.imeSetComposition",
            {"text": text, "selectionStart": len(text), "selectionEnd": len(text)},
        )

    # In the composer.
    person.box.click()
    compose("ni'hao")
    page.keyboard.press("Enter")
    input_method.send("Input.insertText", {"text": "你好"})
    expect(person.box).to_have_value(re.compile("你好"))
    expect(person.questions).to_have_count(0)
    # Safari's order: the composition has ended, and the key is told by its number alone.
    person.box.evaluate(
        "one => one.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', keyCode: 229, bubbles: true, cancelable: true}))"
    )
    expect(person.questions).to_have_count(0)
    # In a dialog.
    page.keyboard.press("Control+k")
    search = page.get_by_role("searchbox", name="Search", exact=True)
    search.click()
    compose("cha")
    page.keyboard.press("Enter")
    expect(search).to_be_visible()
    input_method.send("Input.insertText", {"text": "茶"})
    expect(search).to_have_value(re.compile("茶"))
    # And whoever does mean it sends.
    page.keyboard.press("Escape")
    expect(search).to_have_count(0)
    expect(person.button("Send")).to_be_enabled()
    person.box.press("Enter")
    expect(person.questions).to_have_count(1)
    expect(person.box).to_have_value("")


@pytest.mark.slow
def test_a_draft_outlives_reloads_and_goes_with_the_log_out(person: Person) -> None:
    person.use("echo")
    session = person.user.create_session(title="Another one")
    person.go("/")
    person.box.fill("Half a thought")
    person.go(f"/c/{session}")
    expect(person.box).to_have_value("")
    person.box.fill("of another chat")
    person.page.reload()
    expect(person.box).to_have_value("of another chat")
    person.go("/")
    expect(person.box).to_have_value("Half a thought")
    person.button("Send").click()
    person.wait_for_end()
    person.go("/")
    expect(person.box).to_have_value("")
    person.page.get_by_role("button", name=re.compile(person.user.username)).click()
    person.page.get_by_role("menuitem", name="Log out").click()
    expect(person.button("Log in")).to_be_visible()
    kept = person.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "of another chat" not in kept


@pytest.mark.slow
def test_a_question_on_its_way_in_one_tab_is_no_draft_of_another(person: Person) -> None:
    session = person.user.create_session(title="In two tabs")
    first, other = person.tab(), person.page
    # Nothing that the first one asks arrives.
    first.route_web_socket("**/*", lambda _: None)
    first.route("**/api/v1/chat/**", lambda one: one.request.method != "POST" and one.continue_())
    first.goto(f"{person.stack.url}/c/{session}")
    asked = first.get_by_role("textbox", name="Message", exact=True)
    asked.fill("On its way")
    plan: FilePayload = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Tea at five."}
    first.locator("input[type=file]").set_input_files([plan])
    files = {page: page.get_by_role("list", name="Attached files") for page in (first, other)}
    expect(files[first]).to_contain_text("plan.txt")
    first.get_by_role("button", name="Send", exact=True).click()
    expect(first.get_by_role("article", name="You said On its way")).to_be_visible()
    person.go(f"/c/{session}")
    expect(person.box).to_be_focused()
    expect(person.box).to_have_value("")
    expect(files[other]).to_have_count(0)
    # It is for the page that comes in its place, and for any once its tab is gone.
    first.reload()
    expect(asked).to_have_value("On its way")
    expect(files[first]).to_contain_text("plan.txt")
    first.get_by_role("button", name="Send", exact=True).click()
    expect(asked).to_have_value("")
    expect(files[first]).to_have_count(0)
    other.reload()
    expect(person.box).to_be_focused()
    expect(person.box).to_have_value("")
    expect(files[other]).to_have_count(0)
    first.close()
    other.wait_for_function(_IS_ALONE)
    other.reload()
    expect(person.box).to_have_value("On its way")
    expect(files[other]).to_contain_text("plan.txt")


_IS_ALONE = """
async () => {
  const {held} = await navigator.locks.query();
  return held.filter(({name}) => name.startsWith("parley.page.")).length === 1;
}
"""


@pytest.mark.slow
def test_a_question_sent_too_early_waits_for_its_turn_and_outlives_a_reload(person: Person) -> None:
    person.use("endless-at-20")
    queue = person.page.get_by_role("region", name="Queued questions")
    # Its conversation is not made yet.
    person.ask("One")
    person.ask("Two")
    person.ask("Three")
    expect(queue.get_by_role("listitem")).to_have_text(["Two", "Three"])
    expect(person.answers.last).to_contain_text("The quick brown fox")
    person.button("Stop").click()
    expect(person.questions).to_have_count(2)
    expect(queue.get_by_role("listitem")).to_have_text(["Three"])
    expect(person.page).to_have_url(re.compile("/c/"))
    # Until it is acknowledged the second one would be typed text as well.
    expect(person.answers).to_have_count(2)
    person.page.reload()
    expect(person.box).to_have_value("Three")
    expect(queue).to_have_count(0)
    person.button("Stop").click()
    person.wait_for_end()
    session = person.page.url.rpartition("/")[2]
    said = person.user.messages(session)
    assert [one["content"] for one in said if one["role"] == "user"] == ["One", "Two"]


@pytest.mark.slow
def test_whoever_reads_further_up_is_not_moved_by_what_comes(person: Person) -> None:
    person.use(_LONG)
    person.go("/")
    person.ask("At length")
    expect(person.answers.last).to_contain_text(_WORDS)
    # Until there is more of it than the screen holds.
    person.page.wait_for_function(
        "() => [...document.querySelectorAll('main *')].some(one => one.scrollHeight > one.clientHeight + 600"
        " && getComputedStyle(one).overflowY === 'auto')"
    )
    person.page.mouse.move(700, 300)
    person.page.mouse.wheel(0, -200)
    person.page.wait_for_function(_RESTS)
    before = person.page.evaluate(_TOPS)
    length = len(person.text_of_answer())
    # As much as makes the log longer by some lines, at each of which it might have followed.
    person.page.wait_for_function(_HAS_GROWN, arg=length + 400)
    assert person.page.evaluate(_TOPS) == before
    person.button("Stop").click()
    person.wait_for_end()
    assert begins(person.text_of_answer(), text_of(_LONG))


_TOPS = """
() => [...document.querySelectorAll("main *")]
  .filter((one) => one.scrollHeight > one.clientHeight + 100 && getComputedStyle(one).overflowY === "auto")
  .map((one) => one.scrollTop)
"""
# Further up than whoever follows is, and so for twenty frames: what the wheel began has ended.
_RESTS = """
() => {
  const ends = [...document.querySelectorAll("main *")]
    .filter((one) => one.scrollHeight > one.clientHeight + 100 && getComputedStyle(one).overflowY === "auto")
  const away = ends.some((one) => one.scrollHeight - one.clientHeight - one.scrollTop > 150);
  const tops = String(ends.map((one) => one.scrollTop));
  window.frames_at_rest = away && tops === window.last_tops ? window.frames_at_rest + 1 : 0;
  window.last_tops = tops;
  return window.frames_at_rest >= 20;
}
"""
_HAS_GROWN = (
    "length => [...document.querySelectorAll('[data-body]')].at(-1).innerText.length >= length"
)


@pytest.mark.slow
def test_a_whole_conversation_goes_by_keyboard_alone(person: Person) -> None:
    person.use("echo")
    person.go("/")
    page = person.page
    expect(person.box).to_be_focused()
    page.keyboard.type("By hand")
    expect(person.button("Send")).to_be_enabled()
    page.keyboard.press("Enter")
    person.wait_for_end()
    expect(person.answers.last).to_contain_text("By hand")
    expect(person.box).to_be_focused()
    page.keyboard.press("ArrowUp")
    edited = page.locator("article textarea")
    expect(edited).to_be_focused()
    page.keyboard.type(" again")
    page.keyboard.press("Control+Enter")
    expect(person.answers.last).to_contain_text("again")
    person.wait_for_end()
    page.keyboard.press("Control+k")
    page.keyboard.type("By hand")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.slow
def test_another_answer_and_another_question_stand_beside_the_first(person: Person) -> None:
    person.use("echo")
    person.go("/")
    person.ask("First")
    person.wait_for_end()
    person.answers.last.hover()
    person.answers.last.get_by_role("button", name="Regenerate", exact=True).click()
    expect(person.answers.last.get_by_text(re.compile("2.*2"))).to_be_visible()
    person.wait_for_end()
    person.answers.last.get_by_role("button", name="Previous variant").click()
    expect(person.answers.last.get_by_text(re.compile("1.*2"))).to_be_visible()
    person.questions.last.hover()
    person.questions.last.get_by_role("button", name="Edit", exact=True).click()
    box = person.page.locator("article textarea")
    box.fill("Second")
    box.press("Control+Enter")
    expect(person.answers.last).to_contain_text("Second")
    person.wait_for_end()
    person.questions.last.get_by_role("button", name="Previous variant").click()
    expect(person.questions.last).to_contain_text("First")
    # What is deleted goes with all that follows it, on every screen, and what stood beside it is there.
    other = person.tab()
    other.goto(person.page.url)
    shown = other.get_by_role("log", name="Conversation").get_by_role("article")
    expect(shown.first).to_contain_text("First")
    person.questions.last.get_by_role("button", name="Delete", exact=True).click()
    dialog, keys = (
        person.page.get_by_role("dialog", name="Delete this message?"),
        person.page.keyboard,
    )
    expect(dialog).to_contain_text("3 messages")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    for first in (person.questions.first, shown.first):
        expect(first).to_contain_text("Second")
    expect(person.questions).to_have_count(1)
    expect(person.questions.last).to_be_focused()
    # An answer goes by keyboard alone; its question is answered again.
    person.answers.last.get_by_role("button", name="More").focus()
    for key in ("ArrowDown", "End", "Enter"):
        keys.press(key)
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    expect(dialog).to_contain_text("It is deleted for good.")
    for key in ("Tab", "Enter"):
        keys.press(key)
    expect(person.answers).to_have_count(0)
    expect(shown).to_have_count(1)
    expect(person.questions.last).to_be_focused()
    person.questions.last.get_by_role("button", name="Regenerate", exact=True).click()
    expect(person.answers.last).to_contain_text("Second")
    expect(shown).to_have_count(2)


@pytest.mark.slow
@pytest.mark.faults
def test_who_is_offline_for_a_while_misses_no_word(person: Person) -> None:
    model = "tokens-400-at-40"
    person.use(model)
    person.expected.append("ERR_INTERNET_DISCONNECTED|Failed to fetch")
    person.go("/")
    person.ask("On the train")
    expect(person.answers.last).to_contain_text(_WORDS)
    person.context.set_offline(True)
    person.page.wait_for_timeout(3_000)
    person.context.set_offline(False)
    expect(person.answers.last).to_contain_text(_WORDS)
    person.wait_for_end()
    assert begins(person.text_of_answer(), text_of(model))
    shown = person.text_of_answer()
    person.page.reload()
    expect(person.answers).to_have_count(1)
    assert person.text_of_answer() == shown
    for word in ("error", "failed", "lost"):
        assert word not in person.log.inner_text().lower()


def test_two_people_of_one_browser_see_nothing_of_each_other(open_person: Open) -> None:
    first = open_person()
    first.use("echo")
    first.log_in()
    first.ask("A secret of the first")
    first.wait_for_end()
    first.page.get_by_role("button", name=re.compile(first.user.username)).click()
    first.page.get_by_role("menuitem", name="Log out").click()
    expect(first.button("Log in")).to_be_visible()
    second = open_person()
    first.user = second.user
    first.log_in()
    expect(first.box).to_be_visible()
    expect(first.page.get_by_text("A secret of the first")).to_have_count(0)


@pytest.mark.slow
def test_an_answer_that_was_kept_says_so(person: Person) -> None:
    person.use("echo#kept")
    person.go("/")
    person.button("Parameters").click()
    person.page.get_by_role("switch", name="Reuse answers").click()
    person.button("Save").click()
    said = person.log.get_by_text("From an earlier answer to the same question")
    for answers_before in (0, 1):
        person.go("/")
        person.ask("Is it kept?")
        person.wait_for_end()
        expect(said).to_have_count(answers_before)
