"""What the model of an admitted run is given: at once, or once the files are read that it is to be given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chat_service.conversations.domain.message import Role
from chat_service.files.domain.attachment import Attachment
from chat_service.prompt.attaching import Attaching
from chat_service.prompt.context import Context
from chat_service.prompt.domain import Prompt, build_continuation, build_prompt
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import Prepare
from chat_service.runs.domain.errors import ModelCannotSee
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.beginning import RunMeans


@dataclass(frozen=True, slots=True)
class ToldSoFar:
    """What a run answers: the question behind what came `earlier`, and what is there of the answer already.

    `attached` is what hangs on the questions, by their order.
    """

    earlier: Sequence[PromptMessage]
    question: str
    answer: str | None = None
    attached: Mapping[int, Sequence[Attachment]] | None = None


def prompt_for(
    means: RunMeans, run: Run, connection: Connection, told: ToldSoFar
) -> tuple[Run, Sequence[PromptMessage] | Prepare]:
    """What the run's model is given, and the run with the account of that.

    Where files have to be read for it, it is what does so, once; then it makes the account as well.
    """
    asked = PromptMessage(Role.USER.value, told.question, (run.question_order,))
    budget = means.memory.budget(connection, run.model, run.parameters.max_tokens)

    def build(earlier: Sequence[PromptMessage], asked: PromptMessage) -> Prompt:
        order, window, pictures = run.question_order, means.window, asked.pictures
        if told.answer is None:
            return build_prompt(earlier, asked.content, window, order, budget, pictures)
        orders = order, run.answer_order
        return build_continuation(
            earlier, asked.content, told.answer, window, orders, budget, pictures
        )

    attached = told.attached
    if not attached:
        prompt = build(told.earlier, asked)
        account = Context.of_prompt(prompt)
        return replace(run, context=account), prompt.messages

    async def prepare() -> tuple[Context, Sequence[PromptMessage]]:
        sees = None
        if any(has_pictures(one) for one in attached.values()):
            sees = await means.sees(connection, run.model)
        if sees is False and has_pictures(attached.get(run.question_order, ())):
            raise ModelCannotSee()
        attaching = Attaching(means.reads_files(run), means.window, budget, sees)
        *earlier, question = await attaching.put_into([*told.earlier, asked], attached)
        prompt = build(earlier, question)
        account = Context.of_prompt(prompt, files=attaching.given)
        return account, prompt.messages

    return run, prepare


def refuse_pictures(
    means: RunMeans, run: Run, connection: Connection, attached: Iterable[Attachment]
) -> None:
    """Raises ModelCannotSee for a question with pictures to a model that is known to take none."""
    if has_pictures(attached) and means.memory.sees(connection, run.model) is False:
        raise ModelCannotSee()


def has_pictures(attached: Iterable[Attachment]) -> bool:
    return any(one.is_picture and one.is_there for one in attached)
