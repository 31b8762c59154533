"""`python -m bench.pages.long`: conversations of 300 and of 2,000 messages, opened, read upwards, typed in.

Each answer has 1.5 kB of Markdown. Times of the clock are taken by the page itself, from a click or a key to
behind the frame that shows its effect; beside them stands the CPU of the page's thread, which other work on
the machine does not change.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, expect

from bench.pages import products
from bench.pages.browser import Spent, Tab, one_browser
from bench.pages.model import END, long_text, markdown_model
from bench.pages.products import Parley

_PATIENCE_MS: Final = 120_000
_SETTLED_MS: Final = 2_000
_MIDDLE: Final = 300
# As the pages read them.
_PAGE: Final = 30
_ANSWER: Final = 1_500
_WORDS: Final = "Which water for which tea, and for how long? "
#: Figures by what they are of, each time it was measured.
Figures = defaultdict[str, list[float]]

# Once the last answer says `end`, and the frame with it is made.
_SHOWN: Final = """
window.shown = (end, began) => new Promise((resolve) => {
  const look = () => {
    const last = [...document.querySelectorAll("[role=log] article")].at(-1);
    if (!last?.textContent.includes(end)) return;
    observer.disconnect();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => resolve(performance.now() - began);
      channel.port2.postMessage(null);
    });
  };
  const observer = new MutationObserver(look);
  observer.observe(document, {childList: true, subtree: true, characterData: true});
  look();
});
"""
_CLICK: Final = """
async ([path, end]) => {
  const link = document.querySelector(`nav a[href="${path}"]`);
  const began = performance.now();
  link.click();
  return shown(end, began);
}
"""
# To the top, time and again, until all are there; how long each step took, in ms.
_READ_ALL: Final = """
async (messages) => {
  const log = document.querySelector("[role=log]");
  const articles = log.getElementsByTagName("article");
  const steps = [];
  while (articles.length < messages) {
    const [here, began] = [articles.length, performance.now()];
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        if (articles.length === here) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(resolve));
      });
      observer.observe(log.firstElementChild, {childList: true});
      log.scrollTop = 0;
    });
    steps.push(performance.now() - began);
  }
  return steps;
}
"""
# From each key to behind the frame that shows what it wrote.
_KEYS: Final = """
() => {
  window.keys = [];
  addEventListener("keydown", ({timeStamp}) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => keys.push(performance.now() - timeStamp);
    channel.port2.postMessage(null);
  }), {capture: true});
}
"""


def _texts(messages: int, end: str) -> list[str]:
    """Questions and answers in turn; the last answer says `end`."""
    answer = long_text(_ANSWER)
    texts = [answer if number % 2 else f"Question {number}: {_WORDS}" for number in range(messages)]
    texts[-1] += end
    return texts


def _open(tab: Tab, path: str, end: str, what: str, figures: Figures) -> None:
    """By its link, in a page that has read nothing of it yet."""
    spent = list[Spent]()
    with tab.spending(spent):
        figures[f"{what}: opened, ms"].append(tab.page.evaluate(_CLICK, [path, end]))
        tab.page.wait_for_timeout(_SETTLED_MS)
    figures[f"{what}: opened, CPU ms"].append(spent[0].page)
    figures[f"{what}: opened, CPU of scripts, ms"].append(spent[0].script)


def _read_all(tab: Tab, messages: int, what: str, figures: Figures) -> None:
    """Up to the first message, page by page."""
    spent = list[Spent]()
    with tab.spending(spent):
        steps: list[float] = tab.page.evaluate(_READ_ALL, messages)
        tab.page.wait_for_timeout(_SETTLED_MS)
    pages = messages / _PAGE - 1
    figures[f"{what}: 30 older ones, CPU ms"].append(spent[0].page / pages)
    figures[f"{what}: 30 older ones, CPU of scripts, ms"].append(spent[0].script / pages)
    figures[f"{what}: on the page behind a gesture, ms"].append(statistics.median(steps))
    figures[f"{what}: the longest task meanwhile, ms (0: none over 50)"].append(
        max(spent[0].long_tasks, default=0)
    )


def _type(tab: Tab, what: str, figures: Figures) -> None:
    tab.page.evaluate("() => { window.keys = []; }")
    spent = list[Spent]()
    tab.page.locator("#composer").fill("")
    with tab.spending(spent):
        for key in _WORDS:
            tab.page.keyboard.press(key)
    taken: list[float] = tab.page.evaluate("keys")
    figures[f"{what}: a key, ms"].append(statistics.median(taken))
    figures[f"{what}: the slowest key, ms"].append(max(taken))
    figures[f"{what}: a key, CPU ms"].append(spent[0].page / len(_WORDS))
    tab.page.locator("#composer").fill("")


def _memory(tab: Tab, what: str, figures: Figures) -> None:
    heap, nodes = tab.memory()
    figures[f"{what}: heap, MB"].append(heap)
    figures[f"{what}: elements"].append(nodes)


def _address(browser: Browser, product: Parley, path: str, end: str, figures: Figures) -> None:
    """By its address, in a browser that has the pages' files."""
    tab = Tab(browser)
    product.log_in(tab)
    tab.page.goto(product.url)
    expect(product.box(tab.page)).to_be_editable(timeout=_PATIENCE_MS)
    tab.page.wait_for_timeout(_SETTLED_MS)
    tab.context.add_init_script(_SHOWN)
    tab.page.goto(f"{product.url}{path}", wait_until="commit")
    figures[f"{_MIDDLE} messages by address, ms"].append(
        tab.page.evaluate("end => shown(end, 0)", end)
    )
    tab.context.close()


def _round(
    browser: Browser, product: Parley, paths: dict[str, str], large: int, figures: Figures
) -> None:
    tab = Tab(browser)
    tab.context.add_init_script(_SHOWN)
    product.log_in(tab)
    tab.page.goto(product.url)
    expect(product.box(tab.page)).to_be_editable(timeout=_PATIENCE_MS)
    tab.page.wait_for_timeout(_SETTLED_MS)
    tab.page.evaluate(_KEYS)
    _type(tab, "a new chat", figures)
    # What formulas and code need is loaded with the first of them.
    _open(tab, paths["first"], "first", "the first of a page", figures)
    for title, messages in (("middle", _MIDDLE), ("large", large)):
        what = f"{messages} messages"
        _open(tab, paths[title], title, what, figures)
        _type(tab, f"{what}, newest page", figures)
        _read_all(tab, messages, what, figures)
        _type(tab, f"{what}, all read", figures)
        _memory(tab, what, figures)
    tab.context.close()
    _address(browser, product, paths["middle"], "middle", figures)


def _report(figures: Figures) -> Iterator[str]:
    yield f"{'':64}{'median':>10}{'least':>10}{'most':>10}"
    for what, taken in figures.items():
        values = (statistics.median(taken), min(taken), max(taken))
        yield f"{what:64}" + "".join(f"{value:10.1f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages.long")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=2_000, help="messages of the larger one")
    arguments = parser.parse_args()
    figures = Figures(list)
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="bench-pages-")))
        model = running.enter_context(markdown_model())
        product = running.enter_context(products.parley(folder, model))
        sizes = {"first": _MIDDLE, "middle": _MIDDLE, "large": arguments.large}
        paths = product.imported({title: _texts(size, title) for title, size in sizes.items()})
        browser = running.enter_context(one_browser())
        for number in range(arguments.rounds):
            load, _, _ = os.getloadavg()
            sys.stderr.write(f"round {number + 1}, load {load:.1f}\n")
            _round(browser, product, paths, arguments.large, figures)
    sys.stdout.write(f"answers of {len(long_text(_ANSWER))} characters; their end {END!r}\n")
    sys.stdout.writelines(f"{line}\n" for line in _report(figures))


if __name__ == "__main__":
    main()
