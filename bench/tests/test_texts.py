"""The texts of `bench.conversations`."""

from bench.conversations.texts import Texts


def test_a_seed_makes_the_same_texts_and_another_one_others() -> None:
    first, second, other = (
        [f() for _ in range(20) for f in (texts.question, texts.answer, texts.title, texts.word)]
        for texts in (Texts(1), Texts(1), Texts(2))
    )
    assert first == second != other


def test_there_is_english_and_chinese_and_code_and_some_answers_are_long() -> None:
    texts = Texts(3)
    answers = [texts.answer() for _ in range(2_000)]
    sizes = sorted(len(answer.encode()) for answer in answers)
    assert 400 < sizes[len(sizes) // 2] < 2_000
    assert 4_000 < sizes[-1] < 30_000
    assert 500 < sum("\u4e00" < answer[0] < "\u9fff" for answer in answers) < 1_500
    assert 400 < sum("```" in answer for answer in answers) < 1_000
