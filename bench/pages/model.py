"""A model that answers with Markdown as long answers have it, in updates of even size and pace."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from aiohttp import web

from chassis.embedded import free_port

#: Updates a second, and characters of each.
PACE, UPDATE = 25, 40
#: The models: a long answer at that pace, and a short one at once.
LONG, SHORT = "markdown", "short"
#: The last words of either.
END = "That is all."

_ANSWERS = web.AppKey[Mapping[str, str]]("answers")

_SECTION = """
## Part {n}: steeping

Water at **{n}0 °C** takes `{n}` minutes, *more or less*; see [the table](https://example.org/{n}).

1. Warm the pot
2. Pour, and wait
   - no longer than said
   - 水温不要太高，否则茶会变苦

| leaf | grams | minutes |
| --- | ---: | ---: |
| green | {n} | 2 |
| black | 1{n} | 4 |

```python
def steep(grams: int, minutes: int = {n}) -> str:
    # What is hot is not touched.
    return f"{{grams}} g for {{minutes}} minutes"
```

> 一壶好茶需要耐心。A good pot needs patience, and the sum is $x^2 + {n} = y$.
"""


def long_text(size: int = 20_000) -> str:
    """Headings, lists, tables, code, maths and two scripts, of some ``size`` characters."""
    text, n = "# On tea\n", 0
    while len(text) < size:
        n += 1
        text += _SECTION.format(n=n)
    return f"{text}\n{END}\n"


@contextmanager
def markdown_model(answers: Mapping[str, str] | None = None) -> Iterator[str]:
    """The base URL of a server that speaks OpenAI's protocol, in a thread of this process.

    ``answers``: what is said to these questions, whichever model is asked.
    """
    loop, port = asyncio.new_event_loop(), free_port()
    application = web.Application()
    application[_ANSWERS] = answers or {}
    application.router.add_get("/v1/models", _models)
    application.router.add_post("/v1/chat/completions", _answer)
    runner = web.AppRunner(application)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _models(_: web.Request) -> web.Response:
    models = [{"id": name, "object": "model", "owned_by": "bench"} for name in (LONG, SHORT)]
    return web.json_response({"object": "list", "data": models})


async def _answer(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    text = request.app[_ANSWERS].get(asked["messages"][-1]["content"])
    if text is None:
        text = long_text() if asked["model"] == LONG else f"A short answer. {END}"
    if not asked.get("stream"):
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return web.json_response({"id": "c", "object": "chat.completion", "choices": [choice]})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    loop = asyncio.get_running_loop()
    began = loop.time()
    # Whoever only tries the connection reads no further than to the first word.
    with suppress(ConnectionResetError):
        for number, at in enumerate(range(0, len(text), UPDATE)):
            await _say(response, {"content": text[at : at + UPDATE]}, None)
            await asyncio.sleep(began + (number + 1) / PACE - loop.time())
        await _say(response, {}, "stop")
        await response.write(b"data: [DONE]\n\n")
    return response


async def _say(response: web.StreamResponse, delta: object, finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "choices": [choice]}
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
