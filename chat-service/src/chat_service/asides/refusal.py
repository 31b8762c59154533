"""Whether a model has said, in so many words, that it will not."""

import re
from typing import Final

# At the very beginning, where a model that will not says so. Of what may as well begin a title, such as "I can't
# sleep", the verb has to be one of those that assistants will not do.
_ENGLISH: Final = (
    r"(?:i['’]?m|i am|we['’]?re|we are) (?:very |so |really |truly )?(?:sorry|unable to|not able to|afraid (?:that )?i)",
    r"(?:i['’]?m|i am) (?:just |only )?an? (?:ai|artificial|large|language|virtual)\b",
    r"sorry\b[,.!]?(?: but)? (?:i|we|that|this)\b|my apologies|i (?:must )?apologi[sz]e",
    r"(?:unfortunately|regrettably)[, ]+(?:i|we)\b|as an? (?:ai\b|large language|language model|assistant)",
    (
        r"(?:i|we) (?:can(?:no|['’]?)t|can not|won['’]?t|will not|must decline|decline|refuse|do not|don['’]?t|am not going to)"
        r" (?:to )?(?:help|assist|provide|create|generate|comply|fulfil|discuss|engage|continue|give|produce|answer|respond"
        r"|write|offer|suggest|summari[sz]e|support|feel comfortable|have (?:enough|access|the ability))"
    ),
)
_OTHERS: Final = (
    r"(?:es )?tut mir (?:sehr )?leid|ich kann (?:dir |ihnen )?(?:das|dabei|leider|hier)|als (?:ki|sprachmodell)\b",
    r"(?:je suis (?:vraiment )?)?désolée?\b|je ne (?:peux|suis) pas|lo siento\b|no puedo (?:ayud|cumpl|proporc|crear)",
    r"(?:mi )?(?:dispiace|spiace)\b|desculpe\b|sinto muito|não posso (?:ajud|fornec|criar)|извините\b|к сожалению, я",
    r"(?:很|非常)?(?:抱歉|遗憾|遺憾)|(?:对不起|對不起)|我(?:无法|無法|不能|没有办法)(?:为|為|帮|幫|提供|回答|协助|協助|满足|滿足|讨论|討論)",
    r"作为(?:一个|一名)?(?:ai|人工智能|语言模型)|申し訳|すみません|ごめんなさい|お(?:手伝い|答え)(?:する(?:こと)?は)?でき|죄송|도와드릴 수 없",
)
_REFUSAL: Final = re.compile(
    rf"""[\s"'“‘«「*_]*+(?:{"|".join((*_ENGLISH, *_OTHERS))})""", re.IGNORECASE
)


def is_refusal(text: str) -> bool:
    """Whether `text` begins as models' refusals do, in some of the languages that they refuse in."""
    return _REFUSAL.match(text) is not None
