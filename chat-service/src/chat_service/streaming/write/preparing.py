"""A prompt for which files have to be read, made in its run's own time."""

from collections.abc import Sequence
from dataclasses import replace

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import Prepare
from chat_service.runs.domain.run import Run
from chat_service.streaming.write.verdict import BROKEN, Verdict, verdict_of_refusal

_log = get_logger(__name__)


async def prepared(run: Run, prepare: Prepare) -> tuple[Run, Sequence[PromptMessage]] | Verdict:
    """What the model is given, and the run with the account of that; or how the run ends without."""
    try:
        context, prompt = await prepare()
    except AppError as refusal:
        _log.warning("run.prompt_not_made", run_id=str(run.id), reason=refusal.reason)
        return verdict_of_refusal(refusal)
    except Exception as error:  # noqa: BLE001 - whatever broke, the run has to end
        _log.error("run.prompt_broke", run_id=str(run.id), exc_info=error)
        return BROKEN
    return replace(run, context=context), prompt


def let_go_of_pictures(prompt: Sequence[PromptMessage]) -> None:
    """Once the model answers nobody is asked once more."""
    for message in prompt:
        for picture in message.pictures:
            picture.let_go()
