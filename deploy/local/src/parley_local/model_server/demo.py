"""What the demo model says to someone who tries Parley without any key."""

import re

from parley_local.model_server.tokens import pieces_of

# Tokens a second: a pace at which one can read along.
DEMO_RATE = 30.0
_QUOTED = 120
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_ENGLISH_ANSWER = (
    "You asked: *{quoted}*\n\n"
    "I am a **scripted demo model**: nothing here thinks, but everything around me is real. "
    "Your question was saved before I was called, and this answer is being streamed, "
    "logged and saved word by word.\n\n"
    "- Reload in mid-answer: nothing is lost.\n"
    "- Add a connection of your own under *Connections* to talk to a real model.\n"
)
_CHINESE_ANSWER = (
    "你的问题：*{quoted}*\n\n"
    "我是一个**照本宣科的演示模型**：这里没有谁在思考，但我周围的一切都是真的。"
    "你的问题在我被调用之前就已保存，这个回答正在逐字传送、记录和保存。\n\n"
    "- 回答到一半时刷新页面：一个字也不会丢。\n"
    "- 在“连接”里添加你自己的连接，就能与真正的模型对话。\n"
)


def demo_answer(question: str) -> tuple[str, ...]:
    """The answer's pieces: it quotes the question and says plainly that no model is behind it, in
    Chinese to who asks in Chinese.
    """
    words = " ".join(question.split())
    quoted = words if len(words) <= _QUOTED else f"{words[:_QUOTED].rstrip()}…"
    answer = _CHINESE_ANSWER if _CHINESE.search(question) else _ENGLISH_ANSWER
    return pieces_of(answer.format(quoted=quoted))
