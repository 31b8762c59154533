"""What the demo model says to someone who tries Parley without any key."""

from parley_local.model_server.tokens import pieces_of

# Tokens a second: a pace at which one can read along.
DEMO_RATE = 30.0
_QUOTED = 120


def demo_answer(question: str) -> tuple[str, ...]:
    """The answer's pieces: it quotes the question and says plainly that no model is behind it."""
    words = " ".join(question.split())
    quoted = words if len(words) <= _QUOTED else f"{words[:_QUOTED].rstrip()}…"
    return pieces_of(
        f"You asked: *{quoted}*\n\n"
        "I am a **scripted demo model**: nothing here thinks, but everything around me is real. "
        "Your question was saved before I was called, and this answer is being streamed, "
        "logged and saved word by word.\n\n"
        "- Reload in mid-answer: nothing is lost.\n"
        "- Add a key of your own under *Keys* to talk to a real model.\n"
    )
