"""The estimate of tokens beside what two tokenizers have counted: tiktoken's, of the texts below."""

import time
from pathlib import Path

import pytest

from chat_service.prompt.tokens import estimate_tokens

ROOT = Path(__file__).parents[2]
ENGLISH = (ROOT / "LICENSE").read_text()[1200:3200]
CHINESE = (
    "分布式系统里最难的不是性能,而是失败:网络会断,进程会被杀死,磁盘会写满。我们希望用户看到的每一个字都"
    "不会丢失,无论哪一台机器在什么时候停下来。为此,每一段生成的文字在显示之前先写进日志,再由任何一个副本接着"
    "读下去。这样,刷新页面、换一台手机、重启服务,都不会打断正在进行的回答。"
)
CODE = '''\
async def append(self, run_id: str, frames: list[Frame], *, epoch: int) -> int:
    """Append frames to the log of a run, unless somebody else owns it by now.

    Raises Fenced if the epoch is not the newest one, and LogUnavailable.
    """
    if not frames:
        return 0
    key = f"{self._prefix}:run:{run_id}"
    packed = [msgpack.packb((frame.seq, frame.event, frame.data)) for frame in frames]
    try:
        added = await self._append(keys=[key], args=[epoch, self._ttl_ms, *packed])
    except (ConnectionError, TimeoutError) as error:
        self._errors.labels(kind=type(error).__name__).inc()
        raise LogUnavailable(str(error)) from error
    if added < 0:
        raise Fenced(run_id=run_id, epoch=epoch)
    return int(added)
'''


@pytest.mark.parametrize(
    ("text", "cl100k", "o200k"),
    [(ENGLISH, 398, 397), (CHINESE, 142, 109), (CODE, 198, 198)],
    ids=["English", "Chinese", "code"],
)
def test_it_is_right_within_fifteen_percent(text: str, cl100k: int, o200k: int) -> None:
    for counted in (cl100k, o200k):
        assert abs(estimate_tokens(text) - counted) <= 0.15 * counted


def test_a_long_text_is_told_by_its_stretches() -> None:
    once = estimate_tokens(ENGLISH)
    assert abs(estimate_tokens(ENGLISH * 50) - once * 50) <= 0.05 * once * 50


def test_what_a_long_text_costs_does_not_grow_with_it() -> None:
    def cost(text: str) -> float:
        began = time.process_time()
        for _ in range(20):
            estimate_tokens(text)
        return time.process_time() - began

    long, short = (min(cost(ENGLISH * many) for _ in range(3)) for many in (500, 2))
    assert long < 4 * short


@pytest.mark.parametrize(("text", "tokens"), [("", 0), (" ", 1), ("a", 1), ("\n", 1), ("字", 1)])
def test_where_there_is_anything_there_is_a_token(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
