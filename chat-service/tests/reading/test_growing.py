"""Deltas that repeat all that has come are told from such as add to it."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from chat_service.providers.chunks import Chunks

from .zoo import delta, dumps

# Of few letters, so that deltas often begin alike.
DELTAS = st.lists(st.text("ab ", min_size=1, max_size=4), min_size=1, max_size=8)


def told(texts: list[str], reads: list[int]) -> str:
    """What is told of an answer whose deltas come so many a read."""
    chunks = [dumps(delta(content=text)) for text in texts]
    reader, said = Chunks(), ""
    for size in [*reads, len(chunks)]:
        lines, chunks = chunks[:size], chunks[size:]
        said += reader.read(b"\n".join(lines))[0].text
    return said + reader.end(is_events=True)[0].text


def is_told_apart(texts: list[str]) -> bool:
    """Whether no server would mean deltas by them: three in a row begin with the one before, and say more."""
    return any(
        all(
            later.startswith(earlier) and len(later) > len(earlier)
            for earlier, later in zip(texts[at:], texts[at + 1 : at + 3], strict=False)
        )
        for at in range(len(texts) - 2)
    )


@given(DELTAS, st.lists(st.integers(1, 4), max_size=4))
def test_no_word_of_deltas_is_lost(texts: list[str], reads: list[int]) -> None:
    if not is_told_apart(texts):
        assert told(texts, reads) == "".join(texts)


@given(DELTAS, st.lists(st.integers(1, 4), max_size=4))
def test_no_word_is_told_twice_where_each_delta_has_all_until_then(
    texts: list[str], reads: list[int]
) -> None:
    whole = ["What can be said of it: ", *texts]
    assert told(list(accumulate(whole)), reads) == "".join(whole)
