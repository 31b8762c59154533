import io
import json
import os

from parley_local.output import Terminal, printable


def shown(*lines: tuple[str, str], colour: bool = False, as_json: bool = False) -> list[str]:
    screen = io.StringIO()
    terminal = Terminal(screen, colour=colour, as_json=as_json)
    for name, line in lines:
        terminal.log(name, line)
    terminal.close()
    return screen.getvalue().splitlines()


EVENT = json.dumps(
    {
        "event": "grpc.listening",
        "level": "info",
        "timestamp": "2026-01-01T00:00:00Z",
        "logger": "chassis.grpc.server",
        "service": "auth-service",
        "port": 1234,
        "text": "two words",
        "none": None,
    }
)


def test_an_event_is_one_compact_line() -> None:
    assert shown(("auth-service", EVENT)) == [
        'auth-service   | info grpc.listening port=1234 text="two words" none=null'
    ]


def test_a_stack_is_shown_below_its_event() -> None:
    event = json.dumps({"event": "failed", "level": "error", "exception": "Traceback\n  File"})
    assert shown(("gateway", event)) == [
        "gateway        | error failed",
        "gateway        |     Traceback",
        "gateway        |       File",
    ]


def test_text_that_is_no_event_is_shown_as_it_is_but_cannot_steer_the_terminal() -> None:
    assert shown(("gateway", "plain"), ("gateway", "\x1b[2Jgone"), ("gateway", "[1]")) == [
        "gateway        | plain",
        "gateway        | \\x1b[2Jgone",
        "gateway        | [1]",
    ]
    event = json.dumps({"event": "a\x1b[2Jb", "title": "c\x1b[2Jd\u202e"})
    assert shown(("gateway", event)) == [
        'gateway        | info a\\x1b[2Jb title="c\\u001b[2Jd\\u202e"'
    ]


def test_colours_are_for_terminals_alone() -> None:
    assert "\x1b[" in "".join(shown(("gateway", EVENT), colour=True))
    assert Terminal(io.StringIO()).colour is False


def test_json_lines_pass_through_and_everything_else_becomes_one() -> None:
    lines = shown(("auth-service", EVENT), ("auth-service", "plain"), as_json=True)
    assert lines[0] == EVENT
    assert json.loads(lines[1]) == {"service": "auth-service", "text": "plain"}


def test_the_runners_own_lines_are_json_too() -> None:
    screen = io.StringIO()
    terminal = Terminal(screen, as_json=True)
    terminal.say("ready")
    terminal.show("a banner")
    terminal.close()
    assert json.loads(screen.getvalue()) == {"service": "parley", "level": "info", "event": "ready"}


def test_a_reader_that_does_not_read_or_has_gone_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        terminal = Terminal(stream, colour=False)
        for _ in range(30_000):
            terminal.log("gateway", "x" * 100)
        os.close(reading)
        terminal.close(timeout=0.1)
        # What the pipe could not take is of no use to anybody: closing must not raise.
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)


def test_printable_leaves_ordinary_text_alone() -> None:
    assert printable("Grüße, 你好 🎉") == "Grüße, 你好 🎉"
