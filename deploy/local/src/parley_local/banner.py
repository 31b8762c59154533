"""What one reads when everything is up."""

from collections.abc import Sequence

_WIDTH = 14
_TAB = "  "


def banner(
    *,
    urls: Sequence[str],
    seconds: float,
    demo_url: str,
    data: str,
    colour: bool,
    demo_is_offered: bool = False,
    pages: bool | None = None,
    exposed: str | None = None,
    allowed_hosts: str | None = None,
) -> str:
    """The ready banner; ``seconds`` is how long the start took, ``urls`` are the gateways'.

    ``demo_is_offered`` where every user has a connection to the demo model; ``pages`` says whether
    there are the pages that were asked for.
    ``exposed`` is the address of a gateway that others than this machine may reach, and
    ``allowed_hosts`` what the environment says of model servers.
    """
    url, *others = urls
    strong, plain = ("\x1b[1m", "\x1b[0m") if colour else ("", "")
    lines = [
        f"{strong}Parley is ready at {url}{plain}   (started in {seconds:.1f} s)",
        *_pages(pages),
        "",
        *(_entry("Also at", other) for other in others),
        _entry("API documents", f"{url}/docs"),
        *_demo(demo_url, offered=demo_is_offered),
        _entry("Data", f"{data}   everything is in there, the keys to your keys included"),
        *_note(exposed, allowed_hosts),
        "",
        'For programs, what README.md has under "The same by program", in another terminal, with',
        "",
        f"  API={url}/api/v1",
        f"  MODEL={demo_url}",
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(["", *(f"{_TAB}{line}".rstrip() for line in lines), ""])


def _pages(built: bool | None) -> list[str]:
    if built is None:
        return []
    if built:
        return ["Open it in a browser, register, and ask."]
    return ["Its pages could not be built: `make web` says why. The API is all there."]


def _demo(url: str, *, offered: bool) -> list[str]:
    about = ["A scripted stand-in, no language model: for a first chat without a key."]
    if offered:
        about.append('Everybody has it as their connection "demo".')
    whole = [_entry("Demo model", f'{url}   model "demo", any text as API key')]
    return [*whole, *(_entry("", line) for line in about)]


def _note(exposed: str | None, allowed_hosts: str | None) -> list[str]:
    if allowed_hosts is not None:
        first, *more = (f"Model servers besides public ones: CHAT_ALLOWED_HOSTS={allowed_hosts}",)
        if exposed is not None:
            more = [f"Whoever reaches {exposed} reaches those through this machine."]
    elif exposed is not None:
        first = (
            f"Others may reach {exposed}, so model servers on loopback addresses are refused, the"
        )
        more = [
            "demo model too. CHAT_ALLOWED_HOSTS=127.0.0.0/8 allows them, to everybody who has an",
            "account here.",
        ]
    else:
        first = "Model servers on loopback addresses are allowed here. A deployment refuses them"
        more = ["unless its operator lists them."]
    if exposed is not None:
        # Of this machine's own names browsers think otherwise.
        more.append("Browsers elsewhere keep a log-in over https alone: its cookie is Secure.")
    return [_entry("Note", first), *(_entry("", line) for line in more)]


def _entry(name: str, text: str) -> str:
    return f"{name:<{_WIDTH}} {text}"
