"""`python -m bench.pages`: first load, a streamed answer, and a long conversation, in Chromium.

    python -m bench.pages --beside /path/to/open-webui

measures Open WebUI's package by turns with Parley, in the same browser.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, expect

from bench.pages import products
from bench.pages.browser import Spent, Tab, one_browser
from bench.pages.model import END, LONG, PACE, UPDATE, long_text, markdown_model
from bench.pages.products import Product

_ANSWER_MS = 120_000
# A page that polls is never idle: it is given a while instead.
_SETTLED_MS = 3_000
_MESSAGES = 200
#: Figures by what they are of, each time it was measured.
Figures = defaultdict[str, list[float]]


def _first_load(browser: Browser, product: Product, figures: Figures) -> None:
    tab = Tab(browser)
    product.log_in(tab)
    began = time.monotonic()
    tab.page.goto(product.url, wait_until="commit")
    expect(product.box(tab.page)).to_be_editable(timeout=_ANSWER_MS)
    figures["first prompt, ms"].append((time.monotonic() - began) * 1000)
    tab.page.wait_for_timeout(_SETTLED_MS)
    loaded = tab.loaded()
    figures["scripts, kB"].append(loaded.get("Script", 0))
    figures["all, kB"].append(sum(loaded.values()))
    tab.context.close()


def _stream(browser: Browser, product: Product, figures: Figures) -> None:
    tab = Tab(browser)
    product.log_in(tab)
    tab.page.goto(product.url)
    box = product.box(tab.page)
    expect(box).to_be_editable(timeout=_ANSWER_MS)
    tab.page.wait_for_timeout(_SETTLED_MS)
    box.fill("Tell me of tea")
    spent = list[Spent]()
    with tab.spending(spent):
        box.press("Enter")
        # Nobody looks at the page meanwhile: that would cost more than what is measured. What is done
        # behind the end belongs to it.
        tab.page.wait_for_timeout(len(long_text()) / UPDATE / PACE * 1000 + 2000)
    expect(product.answer(tab.page)).to_contain_text(END, timeout=1000)
    figures["stream: scripts, CPU ms"].append(spent[0].script)
    figures["stream: the page's thread, CPU ms"].append(spent[0].page)
    figures["stream: all of the browser, CPU ms"].append(spent[0].browser)
    figures["stream: tasks over 50 ms"].append(len(spent[0].long_tasks))
    figures["stream: longest task, ms (0: none over 50)"].append(
        max(spent[0].long_tasks, default=0)
    )
    tab.context.close()


def _long_conversation(browser: Browser, product: Product, figures: Figures, url: str) -> None:
    tab = Tab(browser)
    product.log_in(tab)
    tab.page.goto(url)
    expect(product.answer(tab.page)).to_contain_text(END, timeout=_ANSWER_MS)
    tab.page.wait_for_timeout(_SETTLED_MS)
    heap, nodes = tab.memory()
    figures[f"{_MESSAGES} messages: heap, MB"].append(heap)
    figures[f"{_MESSAGES} messages: nodes"].append(nodes)
    tab.context.close()


def _report(measured: Sequence[tuple[str, Figures]]) -> Iterator[str]:
    yield " " * 44 + "".join(f"{name:>20}" for name, _ in measured)
    for what in measured[0][1]:
        values = "".join(f"{statistics.median(figures[what]):20.1f}" for _, figures in measured)
        yield f"{what:44}{values}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages")
    parser.add_argument("--beside", type=Path, help="the program open-webui")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="bench-pages-")))
        model = running.enter_context(markdown_model())
        (folder / "parley").mkdir()
        compared: list[Product] = [running.enter_context(products.parley(folder / "parley", model))]
        if arguments.beside is not None:
            (folder / "beside").mkdir()
            beside = products.open_web_ui(arguments.beside.absolute(), folder / "beside", model)
            compared.append(running.enter_context(beside))
        browser = running.enter_context(one_browser())
        conversations = [product.conversation(_MESSAGES) for product in compared]
        measured = [(product.name, Figures(list)) for product in compared]
        for number in range(arguments.rounds):
            for product, (name, figures), url in zip(
                compared, measured, conversations, strict=True
            ):
                sys.stderr.write(f"round {number + 1}: {name}\n")
                _first_load(browser, product, figures)
                _stream(browser, product, figures)
                _long_conversation(browser, product, figures, url)
    sys.stdout.write(f"model {LONG}: {len(long_text())} characters\n")
    sys.stdout.writelines(f"{line}\n" for line in _report(measured))


if __name__ == "__main__":
    main()
