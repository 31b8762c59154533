"""The page that the API is read with, in a browser without the internet."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import Locator, expect

from parley_local.model_server.texts import text_of

from .browser import PATIENCE_MS, Browser, open_browser
from .client import SignUp, read_events, text_of_events
from .stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with open_browser(tmp_path / "profile") as browser:
        yield browser
    after = psutil.Process().children(recursive=True)
    left = [one for one in after if one.pid not in before and "chrom" in one.name()]
    _, alive = psutil.wait_procs(left, timeout=30)
    assert not alive


def try_out(browser: Browser, operation: str, **changes: str) -> Locator:
    """Open an operation, and fill its body: its example, but for ``changes``."""
    block = browser.page.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    body = block.locator("textarea.body-param__text")
    if changes:
        body.fill(json.dumps({**json.loads(body.input_value()), **changes}))
    return block


def execute(block: Locator) -> tuple[str, str]:
    """Send it; the status and the body that the page shows."""
    block.get_by_role("button", name="Execute").click()
    shown = block.locator(".live-responses-table .response")
    expect(shown).to_be_visible(timeout=PATIENCE_MS)
    return (
        shown.locator(".response-col_status").first.inner_text().split()[0],
        shown.locator(".response-col_description .highlight-code pre").first.inner_text(),
    )


def test_the_page_needs_no_other_host_and_leads_to_a_streamed_answer(
    stack: Stack, sign_up: SignUp, browser: Browser, tmp_path: Path
) -> None:
    user = sign_up(stack)
    page = browser.page
    # From the front door, as people come.
    page.goto(f"{stack.url}/")
    assert page.url == f"{stack.url}/docs"
    document = httpx.get(f"{stack.url}/openapi.json", verify=False).json()
    operations = sum(len(methods) for methods in document["paths"].values())
    expect(page.locator(".opblock")).to_have_count(operations, timeout=PATIENCE_MS)
    page.screenshot(path=tmp_path / "page.png")

    login = try_out(browser, "Identity-log_in", username=user.username, password="wrong")
    status, said = execute(login)
    assert (status, json.loads(said)["reason"]) == ("401", "INVALID_CREDENTIALS")
    login.locator("textarea.body-param__text").fill(
        json.dumps({"username": user.username, "password": "correct horse battery staple"})
    )
    login.get_by_role("button", name="Clear").click()
    status, said = execute(login)
    assert status == "200"

    page.locator(".auth-wrapper .btn.authorize").first.click()
    scheme = page.locator(".auth-container").filter(has_text="AccessToken (http").first
    scheme.locator("input").fill(json.loads(said)["access_token"])
    scheme.get_by_role("button", name="Apply credentials").click()
    page.locator(".modal-ux .close-modal").click()

    key = try_out(browser, "Keys-create_key", base_url=stack.model_url, model="echo")
    status, said = execute(key)
    assert (status, json.loads(said)["base_url"]) == ("201", stack.model_url)

    question = try_out(browser, "Chat-ask_anew")
    asked = json.loads(question.locator("textarea.body-param__text").input_value())["content"]
    # What the page calls "Controls Accept header".
    accept = question.locator(".response[data-code='200'] select.content-type")
    accept.select_option("text/event-stream")
    status, said = execute(question)
    assert status == "200"
    events = list(read_events(iter(said.splitlines())))
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert events[-1].name == "done"
    assert text_of_events(events) == text_of("echo", asked)
    question.locator(".responses-wrapper").screenshot(path=tmp_path / "answer.png")

    # What Swagger UI makes of Markdown is shown, and went through the page's policy for markup.
    assert page.locator(".renderedMarkdown p").count() > 10
    assert browser.violations == []
    # The log-in that was refused; nothing else went wrong.
    assert [error for error in browser.errors if "401" not in error] == []
    assert {str(httpx.URL(url).join("/")) for url in browser.requests if url[:5] != "data:"} == {
        f"{stack.url}/"
    }


# Each would run a script, or load something, if it became a part of the page.
MARKUP = (
    "<img src=x onerror='window.ran = true'>",
    "<p onclick='window.ran = true'>x</p>",
    "<a href='javascript:window.ran = true'>x</a>",
    "<a href=' java\tscript:window.ran = true'>x</a>",
    "<iframe srcdoc='<script>parent.ran = true</script>'></iframe>",
    "<svg><script>window.ran = true</script></svg>",
    "<math><mi><style><!--</style><img src=x onerror='window.ran = true'>--></mi></math>",
    "<script>window.ran = true</script>",
    "<link rel=stylesheet href=https://evil.example>",
    "<style>@import 'https://evil.example'</style>",
    "<form action=https://evil.example><input name=token></form>",
)


def test_no_string_becomes_a_script_or_markup_that_could_run_on_the_page(
    stack: Stack, browser: Browser
) -> None:
    page = browser.page
    page.goto(f"{stack.url}/docs")
    expect(page.locator(".opblock").first).to_be_visible(timeout=PATIENCE_MS)
    assert browser.violations == []
    refused = page.evaluate(
        """(markup) => {
          const told = (act) => { try { act(); return "taken"; } catch (error) { return error.name; } };
          const sinks = markup.map((text) => told(() => {
            document.body.appendChild(document.createElement("div")).innerHTML = text;
          }));
          sinks.push(told(() => { document.createElement("script").src = "https://evil.example/"; }));
          sinks.push(told(() => { document.createElement("script").text = "window.ran = true"; }));
          sinks.push(told(() => { document.body.setAttribute("onclick", "window.ran = true"); }));
          sinks.push(told(() => { trustedTypes.createPolicy("other", {}); }));
          sinks.push(told(() => { trustedTypes.createPolicy("default", {}); }));
          return sinks;
        }""",
        list(MARKUP),
    )
    assert refused == ["TypeError"] * (len(MARKUP) + 5)
    assert page.evaluate("window.ran") is None
    assert len(browser.violations) >= len(MARKUP)
    shown = page.evaluate(
        """() => {
          const place = document.body.appendChild(document.createElement("div"));
          place.innerHTML = "<p>An <a href='/docs' target='_blank'>address</a>, <code>code</code>.</p>";
          return place.innerText;
        }"""
    )
    assert shown == "An address, code."
