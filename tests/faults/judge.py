"""The invariants of every run, whatever was done to it."""

from itertools import pairwise

from parley_local.model_server.texts import text_of
from tests.stack import Stack

from .reader import Reader
from .turn import Turn

# Seconds from the loss of an owner to the truthful end of its runs.
TAKEOVER_SECONDS = 30.0


def numbers_are_gapless(reader: Reader) -> None:
    """Each event came once, in order, none is missing; a snapshot alone may leap ahead."""
    assert reader.shown[0].seq == 1, reader.shown[0]
    for before, after in pairwise(reader.shown):
        leaps = after.event == "snapshot" and after.seq > before.seq
        assert after.seq == before.seq + 1 or leaps, (reader.run_id, before, after)


def snapshots_take_nothing_back(reader: Reader) -> None:
    """A snapshot begins with all that was shown before it."""
    text = ""
    for each in reader.shown:
        if each.event == "snapshot":
            assert each.data["text"].startswith(text), (reader.run_id, each.seq)
            text = each.data["text"]
        elif each.event == "delta":
            text += each.data["text"]


def model_text(model: str, least: int) -> str:
    """What the model says; of an endless one a beginning longer than ``least`` characters."""
    if model.startswith("endless"):
        return text_of(f"tokens-{least + 1}")
    return text_of(model)


def run_is_true(cluster: Stack, turn: Turn, *, status: str | None = None, broken: str = "") -> None:
    """What was shown, what is saved and what the model said agree; the answer was saved once.

    ``status`` is the one that the run must have; by default any that tells the truth.
    ``broken`` is what a model's broken bytes may stand for behind its text.
    """
    reader = turn.reader
    numbers_are_gapless(reader)
    snapshots_take_nothing_back(reader)
    run_status = cluster.status_of(reader.run_id)
    saved = cluster.query(
        'SELECT role, content, status, run_id::text, "order" FROM messages WHERE session_id = %s'
        ' ORDER BY "order"',
        turn.session_id,
    )
    answers = [row for row in saved if row[0] == "assistant" and row[3] == reader.run_id]
    assert len(answers) == 1, f"saved {len(answers)} times: {saved}"
    assert [row[4] for row in saved] == list(range(1, len(saved) + 1)), saved
    content, answer_status = str(answers[0][1]), answers[0][2]
    assert answer_status == run_status
    if status is not None:
        assert run_status == status

    assert content.startswith(reader.text), "shown, and not saved"
    said = model_text(turn.model, len(content)) + broken
    assert said.startswith(content), "saved, and never said"
    if run_status == "completed":
        assert content == said

    end = reader.end
    if end.event == "done":
        assert end.data["status"] == run_status
        assert reader.text == content
    else:
        assert run_status == "failed"
