"""How much of a conversation a model is given: rules without a database."""

from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import new_id
from chat_service.prompt.budget import (
    AROUND,
    LEAST_CONTEXT,
    SHIPPED,
    Budget,
    budget_of,
    context_of,
    estimate_of_prompt,
)
from chat_service.prompt.context import Context, Why
from chat_service.prompt.domain import Prompt, build_continuation, build_prompt, shortened
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow, Cut
from chat_service.prompt.said import SUMMARY
from chat_service.prompt.tokens import Estimates, estimate_tokens
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.domain.prompt_message import PromptMessage

WIDE = ContextWindow(pairs=100, characters=10_000_000)
WORDS = "one two three four five six seven eight nine ten " * 4


def said(*contents: str) -> list[PromptMessage]:
    roles = ("user", "assistant")
    return [PromptMessage(roles[at % 2], text, (at + 1,)) for at, text in enumerate(contents)]


def tokens(count: int, factor: float = 1.0) -> Budget:
    return Budget(count, count, factor=factor)


def build(earlier: list[PromptMessage], question: str, budget: Budget) -> Prompt:
    return build_prompt(earlier, question, WIDE, None, budget)


def shown(prompt: Prompt) -> list[str]:
    return [message.content for message in prompt.messages]


def cost(prompt: Prompt) -> int:
    return sum(prompt.budget.cost(message.content) for message in prompt.messages)


def connection(**other: Any) -> Connection:
    return Connection(new_id(), "x", "k", "m", "http://x/v1", other.pop("provider", "openai"))


# The border


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.4, 2.0])
def test_a_pair_that_just_fits_is_shown_and_one_token_less_leaves_it_out_whole(
    factor: float,
) -> None:
    earlier = said(WORDS, WORDS, WORDS, WORDS)
    question = "and now?"
    whole = build(earlier, question, tokens(10**9, factor))
    assert (len(whole.messages), whole.cut) == (5, None)
    for pairs in (2, 1, 0):
        expected = [WORDS] * (2 * pairs) + [question]
        fits = sum(tokens(0, factor).cost(text) for text in expected)
        prompt = build(earlier, question, tokens(fits, factor))
        assert shown(prompt) == expected
        assert cost(prompt) == fits
        less = build(earlier, question, tokens(fits - 1, factor))
        assert shown(less) == expected[2:] or shown(less) == [question]
        assert less.cut is Cut.TOKENS


def test_a_question_that_does_not_fit_is_sent_alone_with_the_systems_words() -> None:
    earlier = [PromptMessage("system", "be brief"), *said("q", "a")]
    prompt = build(earlier, WORDS * 100, tokens(50))
    assert shown(prompt) == ["be brief", WORDS * 100]
    assert prompt.cut is Cut.TOKENS


def test_an_unanswered_question_that_does_not_fit_takes_all_that_is_older_along() -> None:
    earlier = said("q", "a", WORDS * 100)
    prompt = build(earlier, "and now?", tokens(200))
    assert (shown(prompt), prompt.cut) == (["and now?"], Cut.TOKENS)


def test_each_bound_is_told_that_left_something_out() -> None:
    earlier = said(*[WORDS] * 6)
    for window, budget, cut, why in (
        (ContextWindow(2, 10**6), tokens(10**6), Cut.PAIRS, Why.BEYOND_WINDOW),
        (ContextWindow(0, 10**6), tokens(10**6), Cut.PAIRS, Why.BEYOND_WINDOW),
        (ContextWindow(9, 500), tokens(10**6), Cut.CHARACTERS, Why.BEYOND_CHARACTERS),
        (ContextWindow(9, 10**6), tokens(120), Cut.TOKENS, Why.BEYOND_BUDGET),
        (ContextWindow(3, 10**6), tokens(10**6), None, Why.BEYOND_CHARACTERS),
    ):
        prompt = build_prompt(earlier, "?", window, None, budget)
        assert (prompt.cut, Context.of_prompt(prompt).why_older) == (cut, why)


def test_what_goes_on_has_room_for_the_answer_so_far() -> None:
    earlier = said(WORDS, WORDS)
    fits = build_continuation(earlier, "tell", WORDS, WIDE, None, tokens(10**6))
    budget = tokens(cost(fits))
    assert build_continuation(earlier, "tell", WORDS, WIDE, None, budget).messages == fits.messages
    less = build_continuation(earlier, "tell", WORDS, WIDE, None, tokens(cost(fits) - 1))
    assert shown(less)[:2] == ["tell", WORDS]
    assert less.budget == tokens(cost(fits) - 1)


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("system", [False, True])
def test_for_another_model_the_oldest_pairs_are_left_out_that_do_not_fit(
    goes_on: bool, system: bool
) -> None:
    earlier = [PromptMessage("system", "be brief")] * system + said(*[WORDS] * 6)
    wide = tokens(10**6)
    whole = (
        build_continuation(earlier, "tell", WORDS, WIDE, (7, 8), wide)
        if goes_on
        else build_prompt(earlier, "tell", WIDE, 7, wide)
    )
    account = Context.of_prompt(whole)
    for budget in map(tokens, (10**6, cost(whole), cost(whole) - 1, 300, 200, 10)):
        as_built = (
            build_continuation(earlier, "tell", WORDS, WIDE, (7, 8), budget)
            if goes_on
            else build_prompt(earlier, "tell", WIDE, 7, budget)
        )
        shorter = shortened(whole.messages, budget)
        assert tuple(shorter) == as_built.messages
        told = account.shortened(shorter, budget)
        assert told.bytes == sum(len(message.content.encode()) for message in shorter)
        assert (told.parts, told.budget) == (Context.of_prompt(as_built).parts, budget)
        if len(shorter) < len(whole.messages):
            assert told.why_older is Why.BEYOND_BUDGET


# Whatever a conversation holds

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", " \n", "<think>hm", "<think>hm</think>yes", "好" * 40, WORDS, "\n" * 30]),
    st.integers(0, 300).map(lambda length: "a1 " * length),
)
MESSAGES = st.lists(
    st.tuples(st.sampled_from(["user", "assistant", "system", SUMMARY]), TEXTS), max_size=12
)
FACTORS = st.sampled_from([0.5, 0.87, 1.0, 1.37, 2.0])


def conversation(drawn: list[tuple[str, str]]) -> list[PromptMessage]:
    found = [PromptMessage(role, text, (at + 1,)) for at, (role, text) in enumerate(drawn)]
    # One summary at most: the newest.
    newest = [one for one in found if one.role == SUMMARY][-1:]
    return [one for one in found if one.role != SUMMARY] + newest


@given(
    drawn=MESSAGES,
    question=TEXTS.filter(lambda text: bool(text.strip())),
    budget=st.integers(1, 600),
    factor=FACTORS,
    pairs=st.integers(0, 5),
)
def test_whatever_is_said_whole_pairs_in_turn_and_the_question_fit_the_budget(
    drawn: list[tuple[str, str]], question: str, budget: int, factor: float, pairs: int
) -> None:
    earlier = conversation(drawn)
    window = ContextWindow(pairs, 10**6)
    prompt = build_prompt(earlier, question, window, 99, tokens(budget, factor))
    roles = [message.role for message in prompt.messages]
    told = prompt.messages[1:] if roles[0] == "system" else prompt.messages
    assert [message.role for message in told] == [
        *("user", "assistant") * (len(told) // 2),
        "user",
    ]
    assert all(message.content.strip() for message in prompt.messages)
    # The question, whole, and behind whatever was not answered.
    assert told[-1].content.endswith(question)
    assert told[-1].orders[-1] == 99
    assert len(told) <= 2 * pairs + 1
    # It fits, unless the question and the system's words alone do not.
    if len(told) > 1 or told[-1].content != question:
        assert cost(prompt) <= budget
    # It is the end of what a larger budget shows.
    whole = build_prompt(earlier, question, window, 99, tokens(10**9, factor)).messages
    whole = whole[1:] if whole[0].role == "system" else whole
    assert told[:-1] == whole[len(whole) - len(told) : -1]
    # And nothing more would have fitted, where tokens have cut it.
    if prompt.cut is Cut.TOKENS and len(told) < len(whole):
        more = cost(prompt) + sum(
            prompt.budget.cost(message.content)
            for message in whole[len(whole) - len(told) - 2 : len(whole) - len(told)]
        )
        joined = told[-1].content != whole[-1].content
        assert joined or more > budget


@given(st.lists(TEXTS, max_size=8), FACTORS)
def test_what_has_room_by_its_characters_fits_by_its_tokens(
    texts: list[str], factor: float
) -> None:
    """So nothing has to be counted then."""
    characters = sum(map(len, texts))
    counted = sum(tokens(0, factor).cost(text) for text in texts)
    assert tokens(counted, factor).has_room_for(0, 0)
    if tokens(counted - 1, factor).has_room_for(characters, len(texts)):
        assert not texts
    assert all(estimate_tokens(text) <= len(text) for text in texts)


def test_an_estimate_is_made_once_and_the_oldest_is_forgotten() -> None:
    estimates = Estimates(most=2)
    texts = [f"{number} {WORDS}" for number in range(3)]
    for text in (*texts, *reversed(texts)):
        assert estimates.of(text) == estimate_tokens(text)
    assert len(estimates._known) == 2


# The budget


def test_of_a_context_the_answer_and_a_tenth_are_left() -> None:
    assert budget_of(10_000, answer=2_000).tokens == 7_200
    assert budget_of(10_000).tokens == int((10_000 - 4_096) * 0.9)
    # An answer that is asked for at length takes half of it at most.
    assert budget_of(10_000, answer=100_000).tokens == 4_500
    assert budget_of(1).tokens == budget_of(LEAST_CONTEXT).tokens > 0


def test_a_model_of_which_nothing_is_known_has_what_the_operator_has_set() -> None:
    assert ModelMemory().budget(connection(), "m", None) == SHIPPED
    budget = ModelMemory(8_192).budget(connection(), "m", 1_000)
    assert (budget.context, budget.known, budget.tokens) == (8_192, False, int(7_192 * 0.9))


def test_what_a_servers_list_says_counts_for_that_model_of_that_connection_alone() -> None:
    memory, one = ModelMemory(8_192), connection()
    listed = [Model("m", context_tokens=100_000), Model("n", context_tokens=4_000)]
    assert memory.wants_list(one, "m")
    assert not memory.wants_list(one, "m")
    memory.note_list(one, "m", listed)
    assert not memory.wants_list(one, "m")
    budget = memory.budget(one, "m", None)
    assert (budget.context, budget.known) == (100_000, True)
    assert memory.budget(one, "n", None).context == 8_192
    assert memory.budget(connection(), "m", None).context == 8_192
    assert memory.wants_list(one, "n")


def test_where_a_list_does_not_say_the_setting_holds() -> None:
    memory, one = ModelMemory(8_192), connection()
    memory.note_list(one, "m", [Model("m", output_tokens=500)])
    assert memory.budget(one, "m", None).known is False


def test_the_longest_answer_is_kept_free_where_the_protocol_asks_for_it() -> None:
    memory = ModelMemory()
    listed = [Model("m", context_tokens=200_000, output_tokens=64_000)]
    for provider, reserved in (("anthropic", 64_000), ("openai", 4_096)):
        one = connection(provider=provider)
        memory.note_list(one, "m", listed)
        assert memory.budget(one, "m", None).tokens == int((200_000 - reserved) * 0.9)
        assert memory.budget(one, "m", 1_000).tokens == int(199_000 * 0.9)


@pytest.mark.parametrize("answer", [None, 1, 100, 2_048, 100_000])
@pytest.mark.parametrize("most", [None, 1, 0, -5, 4_096, 19_999, 10**12])
def test_behind_a_refusal_the_next_prompt_is_shorter_in_any_case(
    most: int | None, answer: int | None
) -> None:
    memory, one = ModelMemory(32_768), connection()
    estimated = 20_000
    for _ in range(20):
        memory.note_too_long(one, "m", most=most, estimated=estimated, answer=answer)
        after = memory.budget(one, "m", answer)
        assert after.known
        assert after.context >= LEAST_CONTEXT
        assert after.tokens < estimated or after.context == LEAST_CONTEXT
        estimated = after.tokens


@pytest.mark.parametrize("answer", [None, 0, 100, 4_000, 10**6])
@pytest.mark.parametrize("tokens", [500, 3_000, 10**6])
def test_a_context_is_that_of_which_so_much_is_left(tokens: int, answer: int | None) -> None:
    left = budget_of(context_of(tokens, answer=answer), answer=answer).tokens
    assert tokens - 2 <= left <= tokens


def test_a_smaller_context_by_refusal_goes_before_the_lists() -> None:
    memory, one = ModelMemory(), connection()
    memory.note_list(one, "m", [Model("m", context_tokens=131_072)])
    memory.note_too_long(one, "m", most=8_192, estimated=30_000)
    assert memory.budget(one, "m", None).context == 8_192


# The correction


def report(memory: ModelMemory, one: Connection, ratio: float, times: int = 1) -> float:
    for _ in range(times):
        if memory.wants_usage(one, "m"):
            memory.note_usage(one, "m", estimated=1_000, reported=round(1_000 * ratio))
    return memory.budget(one, "m", None).factor


@pytest.mark.parametrize("ratio", [0.6, 0.8, 1.0, 1.2, 1.4, 1.9])
def test_a_model_that_counts_otherwise_is_met_within_15_percent_soon_and_5_in_the_end(
    ratio: float,
) -> None:
    memory, one = ModelMemory(), connection()
    assert abs(report(memory, one, ratio, 5) / ratio - 1) <= 0.15
    assert abs(report(memory, one, ratio, 200) / ratio - 1) <= 0.05


def test_one_that_counts_four_tenths_more_is_met_by_the_first_report() -> None:
    memory, one = ModelMemory(), connection()
    assert abs(report(memory, one, 1.4) / 1.4 - 1) <= 0.15


@pytest.mark.parametrize("reported", [0, -1, -(10**9), 10**9, 2**63, 100, 5_000])
def test_an_absurd_report_changes_nothing(reported: int) -> None:
    memory, one = ModelMemory(), connection()
    report(memory, one, 1.4, 5)
    before = memory.budget(one, "m", None)
    for _ in range(100):
        memory.note_usage(one, "m", estimated=1_000, reported=reported)
    assert memory.budget(one, "m", None) == before
    memory.note_usage(one, "m", estimated=0, reported=10)
    assert memory.budget(one, "m", None) == before


@given(st.lists(st.integers(-(10**12), 10**12) | st.integers(250, 4_000), max_size=60))
def test_whatever_is_reported_the_factor_is_from_a_half_to_two(reports: list[int]) -> None:
    memory, one = ModelMemory(), connection()
    for reported in reports:
        memory.note_usage(one, "m", estimated=1_000, reported=reported)
        assert 0.5 <= memory.budget(one, "m", None).factor <= 2.0


def test_of_a_models_later_prompts_few_are_counted() -> None:
    memory, one = ModelMemory(), connection()
    wanted = [memory.wants_usage(one, "m") for _ in range(160)]
    assert wanted[:8] == [True] * 8
    assert sum(wanted[8:]) == 10


def test_what_stands_around_messages_is_counted_with_them() -> None:
    assert estimate_of_prompt(["", "hello"]) == 2 * AROUND + 1


def test_an_account_is_read_as_it_was_written_and_one_of_an_earlier_version_too() -> None:
    earlier = [PromptMessage("system", "be"), PromptMessage(SUMMARY, "so far", (2,))]
    prompt = build_prompt([*earlier, *said(*[WORDS] * 4)], "?", WIDE, 9, tokens(150, 1.25))
    context = Context.of_prompt(prompt)
    assert (context.summed_up, context.why_older) == (2, Why.BEYOND_BUDGET)
    kept = cast("dict[str, Any]", orjson.loads(context.to_json()))
    read = Context.of(kept)
    assert (read.parts, read.budget, read.why_older, read.summed_up) == (
        *(context.parts, context.budget, context.why_older, 2),
    )
    old = Context.of({"parts": kept["parts"]})
    assert (old.budget, old.why_older, old.summed_up) == (None, Why.BEYOND_WINDOW, None)
    assert Context.of({**kept, "why_older": "BEYOND_TIME"}).why_older is Why.BEYOND_WINDOW


def test_a_summary_is_told_in_the_system_message_unless_it_takes_a_quarter_of_the_room() -> None:
    earlier = [PromptMessage("system", "be"), PromptMessage(SUMMARY, WORDS, (2,)), *said("q", "a")]
    small = tokens(0).cost(WORDS) * 4
    prompt = build(earlier, "?", tokens(small))
    assert prompt.messages[0].content.startswith("be\n\n")
    assert WORDS in prompt.messages[0].content
    assert prompt.summed_up == 2
    without = build(earlier, "?", tokens(small - 1))
    assert (without.messages[0].content, without.summed_up) == ("be", None)
    alone = build(earlier[1:], "?", tokens(small))
    assert [message.role for message in alone.messages] == ["system", "user", "assistant", "user"]


def test_pairs_are_never_split_whatever_the_budget() -> None:
    earlier = said(*[f"{number} {WORDS}" for number in range(6)])
    lengths = {len(build(earlier, "?", tokens(budget)).messages) for budget in range(400)}
    assert lengths == {1, 3, 5, 7}
