"""A model that will not says so in a sentence, which is no title and no summary."""

import pytest

from chat_service.asides.refusal import is_refusal


@pytest.mark.parametrize(
    "said",
    [
        "I'm sorry, but I can't assist with that request.",
        "I’m sorry, I can’t help with that.",
        '"I am very sorry, but this is not possible."',
        "I am unable to create a title for this conversation.",
        "I'm just an AI and have no conversation to name.",
        "Sorry, I cannot do that.",
        "Sorry! But that is beyond me.",
        "My apologies, that is not something to be named.",
        "I apologize, but no.",
        "I must apologise.",
        "Unfortunately, I cannot see a conversation.",
        "As an AI language model, I have no titles.",
        "As a language model I have none.",
        "I can't help with that.",
        "I cannot provide a title.",
        "I can not summarise this.",
        "I won't engage with this topic.",
        "I must decline to answer.",
        "I don't feel comfortable naming this.",
        "We do not have enough context.",
        "**I cannot comply.**",
        "Es tut mir leid, das geht nicht.",
        "Ich kann dabei nicht helfen.",
        "Je suis désolé, je ne peux pas.",
        "Lo siento, no puedo ayudar con eso.",
        "Mi dispiace, non posso.",
        "Desculpe, não posso ajudar.",
        "Извините, я не могу.",
        "很抱歉，我无法提供标题。",
        "對不起，我不能協助。",
        "我无法为这段对话命名。",
        "作为一个人工智能，我没有标题。",
        "申し訳ありませんが、お手伝いできません。",
        "죄송합니다, 도와드릴 수 없습니다.",
    ],
)
def test_a_refusal_is_known_by_how_it_begins(said: str) -> None:
    assert is_refusal(said)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Tea in the afternoon",
        "I can't sleep",
        "I can't log in to my account",
        "I am learning to cook",
        "I'm moving to Spain",
        "We don't talk about Bruno",
        "Sorry letters to customers",
        "Sorry seems to be the hardest word",
        "Unfortunately named rivers",
        "Apologies in business letters",
        "As an amateur in astronomy",
        "AI models and their refusals",
        "How to say I'm sorry, but I can't",
        "The user said: I'm sorry, I can't.",
        "The user wants a letter that says sorry.",
        "道歉信的写法",
        "我不能睡觉怎么办",
        "无法登录的问题",
        "Ich kann nicht schlafen",
        "謝罪メールの書き方",
    ],
)
def test_what_only_speaks_of_refusing_is_none(said: str) -> None:
    assert not is_refusal(said)
