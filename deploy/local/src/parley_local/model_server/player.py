"""Performs an answer's steps on a connection: paced by deadline, held back when the reader is slow."""

import asyncio
from collections.abc import Callable, Sequence

from parley_local.model_server.encoding import BLOCK, Encoder
from parley_local.model_server.steps import (
    Cut,
    Done,
    Field,
    Finish,
    Raw,
    Said,
    Stall,
    Step,
    Tokens,
    Torn,
)

# The event loop's timers tick once a millisecond: what is due within the tick is due now.
_TICK = 0.001
_TEAR = 7
_COMMENT_SECONDS = 1.0


class Player:
    """One streamed answer; `on_end(keep)` once, when its last step is done: keep the connection or close it."""

    def __init__(
        self,
        transport: asyncio.Transport,
        encoder: Encoder,
        steps: Sequence[Step],
        *,
        on_end: Callable[[bool], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._encoder = encoder
        self._steps = steps
        self._on_end = on_end
        self._at = 0
        self._sent_in_step = 0
        self._step_began: float | None = None
        self._completion_tokens = 0
        self._torn = b""
        self._next: asyncio.Handle | None = None
        self._paused = False
        self._ended = False

    def begin(self, *, greet: bool) -> None:
        """Sends what is due at once; `greet`: first what comes before any text."""
        if greet:
            self._send(self._encoder.greet())
        self._advance()

    def stop(self) -> None:
        """The reader has gone: nothing more is sent, on_end is not called."""
        self._ended = True
        if self._next is not None:
            self._next.cancel()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        if self._next is None and not self._ended:
            self._next = self._loop.call_soon(self._advance)

    def _advance(self) -> None:
        self._next = None
        while not self._paused and not self._ended:
            if self._at == len(self._steps):
                self._transport.write(b"0\r\n\r\n")
                self._end(keep=True)
                return
            if self._step_began is None:
                self._step_began = self._loop.time()
            if not self._perform(self._steps[self._at], self._step_began):
                return
            self._at += 1
            self._sent_in_step = 0
            self._step_began = None

    def _perform(self, step: Step, began: float) -> bool:
        """One turn of the step; true when it is complete, else the next turn is arranged."""
        match step:
            case Tokens(count, rate, field):
                return self._tokens(count, rate, field, began)
            case Said(texts, rate, field):
                return self._said(texts, rate, field, began)
            case Torn(count):
                return self._tear(count)
            case Raw(data):
                self._send(self._encoder.raw(data))
                return True
            case Finish(reason):
                self._send(self._encoder.finish(reason, self._completion_tokens))
                return True
            case Done():
                self._send(self._encoder.done(self._completion_tokens))
                return True
            case Stall(comments):
                if comments:
                    self._comment()
                return False
            case Cut():
                # A chunk is announced and not delivered: no reader can take this for an end.
                self._transport.write(b"ff\r\ndata: {")
                self._end(keep=False)
                return False

    def _tokens(self, count: int | None, rate: float | None, field: Field, began: float) -> bool:
        sent = self._sent_in_step
        block_end = sent - sent % BLOCK + BLOCK
        stop = min(block_end, self._due(rate, began))
        if count is not None:
            stop = min(stop, count)
        if stop > sent:
            self._send(self._encoder.tokens(field, sent, stop))
            self._sent_in_step = stop
            self._completion_tokens += stop - sent
        return self._settle(stop == count, rate, began)

    def _said(self, texts: Sequence[str], rate: float | None, field: Field, began: float) -> bool:
        sent = self._sent_in_step
        stop = min(len(texts), sent + BLOCK, self._due(rate, began))
        if stop > sent:
            self._send(self._encoder.said(field, texts[sent:stop]))
            self._sent_in_step = stop
            self._completion_tokens += stop - sent
        return self._settle(stop >= len(texts), rate, began)

    def _due(self, rate: float | None, began: float) -> int:
        if rate is None:
            return self._sent_in_step + BLOCK
        return int((self._loop.time() - began + _TICK) * rate) + 1

    def _settle(self, complete: bool, rate: float | None, began: float) -> bool:
        if complete:
            return True
        if rate is None:
            # A turn for each connection: one flat-out answer does not hold up the others.
            self._next = self._loop.call_soon(self._advance)
        else:
            self._next = self._loop.call_at(began + self._sent_in_step / rate, self._advance)
        return False

    def _tear(self, count: int) -> bool:
        if not self._torn:
            if self._sent_in_step == count:
                return True
            i = self._sent_in_step
            self._torn = self._encoder.tokens("content", i, i + 1)
            self._sent_in_step += 1
            self._completion_tokens += 1
        self._send(self._torn[:_TEAR])
        self._torn = self._torn[_TEAR:]
        self._next = self._loop.call_later(_TICK, self._advance)
        return False

    def _comment(self) -> None:
        if self._sent_in_step > 0:
            self._send(b": still thinking\n\n")
        self._sent_in_step += 1
        self._next = self._loop.call_later(_COMMENT_SECONDS, self._advance)

    def _send(self, data: bytes) -> None:
        if data:  # a chunk of nothing would be the body's end
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _end(self, *, keep: bool) -> None:
        self._ended = True
        self._on_end(keep)
