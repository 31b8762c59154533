"""What is attached to questions: to whose, for how long, and what a model is given of it."""

import io
import json
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import ValidationFailed
from chassis.idempotency import RequestKey
from chassis.ids import new_id
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.usecases.tree import fork_session
from chat_service.files.attached import AttachedFiles
from chat_service.files.decoding.decode import Decoding
from chat_service.files.domain.attachment import MOST_PICTURE_BYTES, GivenFile, NotGiven
from chat_service.files.domain.errors import FileNotFound, PicturesBusy, StorageUnavailable
from chat_service.files.domain.file import File
from chat_service.files.picture_room import PictureRoom
from chat_service.prompt.context import Context
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.model import Model
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import AcceptedRun, Again, Question, RepeatedRequest
from chat_service.runs.domain.errors import ModelCannotSee
from chat_service.runs.domain.limits import Limits
from chat_service.runs.usecases.accept import accept_run
from chat_service.runs.usecases.check import check_question
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.runs.usecases.regenerate import RegenerateRun
from servicekit.generation_parameters import GenerationParameters

from .corpus.pdfs import page_of, stream

# `Chat`, `FilesOf` and `Generations` of the conftest.py above, which a test module has no names for.
Chat = Any
FilesOf = Any
Generations = Any

WINDOW = ContextWindow(pairs=10, characters=100_000)


def png(size: int = 40) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (size, size), "blue").save(made, "PNG")
    return made.getvalue()


@dataclass
class Asking:
    """A conversation of one user, who attaches files to questions."""

    files: FilesOf
    caller: Caller
    session_id: UUID
    generations: Generations
    memory: ModelMemory = field(default_factory=lambda: ModelMemory(8_000))
    room: PictureRoom = field(default_factory=lambda: PictureRoom(MOST_PICTURE_BYTES))

    @property
    def chat(self) -> Chat:
        return self.files.chat

    def means(self) -> Any:
        return self.chat.means(
            self.generations,
            window=WINDOW,
            memory=self.memory,
            reads_files=lambda run: AttachedFiles(self.files.storage, run.user_id, self.room),
            sees=self.sees,
        )

    async def sees(self, connection: Any, model: str) -> bool | None:
        return self.memory.sees(connection, model)

    async def upload(self, content: bytes, name: str = "a.txt") -> File:
        self.files.inspect = Decoding()
        file: File = await self.files.upload(self.caller, content, name=name)
        return file

    async def ask(self, content: str, *files: File | UUID, **more: Any) -> AcceptedRun:
        attachments = tuple(one if isinstance(one, UUID) else one.id for one in files)
        asked = {"attachments": attachments or None, "session_id": self.session_id, **more}
        question = Question(
            content=content, key_id=None, model=None, parameters=GenerationParameters(), **asked
        )
        return await accept_run(
            self.means(), self.chat.turns, self.caller, question, self.chat.connection
        )

    async def turn(self, content: str, *files: File | UUID) -> AcceptedRun:
        accepted = await self.ask(content, *files)
        assert await self.chat.finish(accepted.run)
        return accepted

    async def attached(self) -> list[list[tuple[UUID, str, bool]]]:
        """What hangs on the questions of the chosen path."""
        messages = await self.chat.messages(self.caller, self.session_id)
        return [
            [(one.id, one.name, one.is_there) for one in message.attachments]
            for message in messages
            if message.role == "user"
        ]


@pytest.fixture
async def asking(files: FilesOf, caller: Caller, generations: Generations) -> Asking:
    session = await files.chat.session(caller)
    return Asking(files, caller, session.id, generations)


async def given(accepted: AcceptedRun) -> tuple[Context, list[PromptMessage]]:
    assert callable(accepted.prompt)
    context, prompt = await accepted.prompt()
    return context, list(prompt)


async def test_a_text_is_told_before_the_question_that_it_is_attached_to(asking: Asking) -> None:
    file = await asking.upload(b"Tea at five.", "plan.txt")
    accepted = await asking.ask("When is tea?", file)
    assert await asking.attached() == [[(file.id, "plan.txt", True)]]
    context, prompt = await given(accepted)
    told = '<file name="plan.txt">\nTea at five.\n</file>\n\nWhen is tea?'
    assert prompt == [PromptMessage("user", told)]
    assert context.files == (GivenFile(1, file.id, "plan.txt", "text", 12, 12),)
    assert context.tokens > 0
    assert Context.of(json.loads(context.to_json())).files == context.files


async def test_a_picture_is_shown_as_it_is_kept(asking: Asking) -> None:
    file = await asking.upload(png(), "square.png")
    context, prompt = await given(await asking.ask("What is it?", file))
    (message,) = prompt
    (picture,) = message.pictures
    assert (message.content, picture.media_type) == ("What is it?", "image/png")
    kept = await asking.files.content(file)
    assert picture.size == len(kept)
    assert context.files == (GivenFile(1, file.id, "square.png", "png"),)
    assert context.used > 1600


async def test_files_of_earlier_questions_are_given_in_their_place(asking: Asking) -> None:
    first = await asking.upload(b"One.", "one.txt")
    await asking.turn("Read it.", first)
    accepted = await asking.ask("And now?")
    context, prompt = await given(accepted)
    assert [message.content for message in prompt] == [
        '<file name="one.txt">\nOne.\n</file>\n\nRead it.',
        "an answer",
        "And now?",
    ]
    assert [one.order for one in context.files] == [1]


async def test_without_files_nothing_is_read_for_a_prompt(asking: Asking) -> None:
    accepted = await asking.ask("Hello")
    assert accepted.prompt == (PromptMessage("user", "Hello"),)


async def test_several_files_stay_in_their_order(asking: Asking) -> None:
    long = await asking.upload(b"long " * 500, "long.txt")
    short = await asking.upload(b"short", "short.txt")
    _, prompt = await given(await asking.ask("Both.", long, short))
    assert await asking.attached() == [[(long.id, "long.txt", True), (short.id, "short.txt", True)]]
    said = prompt[0].content
    assert said.index("long.txt") < said.index("short.txt") < said.index("Both.")


async def test_of_a_text_that_is_too_long_the_beginning_is_given(asking: Asking) -> None:
    words = " ".join(f"word{number}" for number in range(20_000))
    long = await asking.upload(words.encode(), "long.txt")
    short = await asking.upload(b"A short one.", "short.txt")
    context, prompt = await given(await asking.ask("What is in them?", long, short))
    (of_long, of_short) = context.files
    assert (of_short.characters, of_short.of_characters) == (12, 12)
    assert of_long.characters is not None
    assert 5_000 < of_long.characters < len(words) == of_long.of_characters
    assert context.budget is not None
    assert context.used <= context.budget.tokens
    begins = f'<file name="long.txt" shown="its first {of_long.characters:,} characters">\nword0 '
    assert prompt[-1].content.startswith(begins)
    assert prompt[-1].content.endswith("</file>\n\nWhat is in them?")


async def test_no_more_of_a_file_is_read_than_may_be_given(asking: Asking) -> None:
    read: list[int] = []

    class Counting:
        """The storage, and how much was asked of it."""

        def read(self, key: str, begin: int, end: int) -> Any:
            read.append(end - begin)
            return storage.read(key, begin, end)

    asking.memory = ModelMemory(1_000_000)
    accepted = await asking.ask("Read", await asking.upload(b"x" * 3_000_000))
    storage = asking.files.storage()
    asking.files.storage._storage = Counting()
    context, _ = await given(accepted)
    assert context.files[0].characters == WINDOW.characters // 2
    assert sum(read) <= 4 * WINDOW.characters // 2


async def test_a_file_that_was_deleted_is_said_to_be(asking: Asking) -> None:
    file = await asking.upload(b"secret", "gone.txt")
    await asking.turn("Read it.", file)
    await asking.files.deletes.delete(asking.caller, file.id)
    assert await asking.attached() == [[(file.id, "gone.txt", False)]]
    context, prompt = await given(await asking.ask("And?"))
    assert prompt[0].content == '[The file "gone.txt": the user has deleted it since.]\n\nRead it.'
    assert [one.why_not for one in context.files] == [NotGiven.DELETED]


async def test_a_document_without_text_is_said_to_have_none(asking: Asking) -> None:
    file = await asking.upload(page_of(stream(b"")), "scan.pdf")
    context, prompt = await given(await asking.ask("Read it.", file))
    assert "there is no text in it" in prompt[0].content
    assert [one.why_not for one in context.files] == [NotGiven.NO_TEXT]


async def test_a_text_in_an_older_encoding_is_given_as_it_reads(asking: Asking) -> None:
    text = "报告：2024年第三季度的销售额比去年增长了百分之十。"
    file = await asking.upload(text.encode("gb18030"), "报告.txt")
    _, prompt = await given(await asking.ask("Read it.", file))
    assert prompt[0].content == f'<file name="报告.txt">\n{text}\n</file>\n\nRead it.'


async def test_nobody_attaches_what_is_not_theirs(asking: Asking, stranger: Caller) -> None:
    asking.files.inspect = Decoding()
    theirs = await asking.files.upload(stranger, b"private")
    for file_id in (theirs.id, new_id()):
        with pytest.raises(FileNotFound):
            await asking.ask("Mine now?", file_id)
    assert await asking.chat.messages(asking.caller, asking.session_id) == []


@pytest.mark.parametrize("state", ["deleting", "lost"])
async def test_nobody_attaches_what_is_not_there(asking: Asking, state: str) -> None:
    file = await asking.upload(b"text")
    async with asking.chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE files SET state = :state"), {"state": state})
    with pytest.raises(FileNotFound):
        await asking.ask("Still there?", file)
    assert await asking.chat.messages(asking.caller, asking.session_id) == []


async def test_how_many_are_attached_is_bounded(asking: Asking) -> None:
    def wrong(*files: UUID) -> list[tuple[str, str]]:
        question = Question(None, "q", None, None, GenerationParameters(), attachments=files)
        with pytest.raises(ValidationFailed) as refused:
            check_question(question, Limits())
        return [(one.field, one.reason) for one in refused.value.fields]

    one = new_id()
    assert wrong(one, one) == [("attachments", "NOT_UNIQUE")]
    assert wrong(*(new_id() for _ in range(11))) == [("attachments", "TOO_MANY")]


async def test_pictures_that_are_too_much_together_are_refused(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_service.runs.usecases.check.MOST_PICTURE_BYTES", 100)
    file = await asking.upload(png())
    with pytest.raises(ValidationFailed) as refused:
        await asking.ask("See?", file)
    assert [one.reason for one in refused.value.fields] == ["TOO_LARGE"]
    assert await asking.chat.messages(asking.caller, asking.session_id) == []


async def test_a_model_that_is_known_to_see_nothing_is_not_asked(asking: Asking) -> None:
    model = asking.chat.connection.model
    picture, text = await asking.upload(png()), await asking.upload(b"text")
    earlier = await asking.turn("See?", picture)
    asking.memory.note_list(asking.chat.connection, model, [Model(model, vision=False)])
    with pytest.raises(ModelCannotSee):
        await asking.ask("See?", picture)
    with pytest.raises(ModelCannotSee):
        await RegenerateRun(asking.means())(
            asking.caller,
            Again(asking.session_id, earlier.run.question_id, None, None, GenerationParameters()),
        )
    assert len(await asking.attached()) == 1
    # What it was shown by a model that does see stays out of its way.
    context, prompt = await given(await asking.ask("Read?", text))
    assert [message.pictures for message in prompt] == [(), (), ()]
    assert "a picture, which you cannot see" in prompt[0].content
    assert context.files[0].why_not is NotGiven.NOT_SEEN


async def test_where_that_is_found_out_later_the_run_fails_by_it(asking: Asking) -> None:
    accepted = await asking.ask("See?", await asking.upload(png()))
    model = asking.chat.connection.model
    asking.memory.note_cannot_see(asking.chat.connection, model)
    with pytest.raises(ModelCannotSee):
        await given(accepted)


async def test_storage_that_is_away_keeps_a_prompt_from_being_made(asking: Asking) -> None:
    class Away:
        def read(self, key: str, begin: int, end: int) -> Any:
            raise StorageUnavailable()

    file = await asking.upload(b"text")
    accepted = await asking.ask("Read", file)
    asking.files.storage._storage = Away()
    with pytest.raises(StorageUnavailable):
        await given(accepted)


async def test_an_edited_question_keeps_its_files_unless_others_are_named(asking: Asking) -> None:
    one, other = await asking.upload(b"one", "1.txt"), await asking.upload(b"two", "2.txt")
    first = await asking.turn("Read.", one)
    edited = await asking.ask("Read well.", edits=first.run.question_id)
    assert await asking.attached() == [[(one.id, "1.txt", True)]]
    assert await asking.chat.finish(edited.run)
    edited = await asking.ask("Read the other.", other, edits=first.run.question_id)
    assert await asking.attached() == [[(other.id, "2.txt", True)]]
    assert await asking.chat.finish(edited.run)
    await asking.ask("Read none.", edits=first.run.question_id, attachments=())
    assert await asking.attached() == [[]]


async def test_another_answer_and_going_on_are_given_the_files_again(asking: Asking) -> None:
    file = await asking.upload(b"Tea at five.", "plan.txt")
    first = await asking.turn("When?", file)
    again = Again(asking.session_id, first.run.question_id, None, None, GenerationParameters())
    run = await RegenerateRun(asking.means())(asking.caller, again)
    _, prompt = await asking.generations.begun[-1].prepare()
    assert "Tea at five." in prompt[-1].content
    cut = replace(asking.chat.ending, status=RunStatus.INTERRUPTED, finish_reason=None)
    assert await asking.chat.finish(run, cut)
    await ContinueRun(asking.means())(asking.caller, run.id, None)
    _, prompt = await asking.generations.begun[-1].prepare()
    assert "Tea at five." in prompt[0].content
    assert prompt[1].content == "an answer"


async def test_a_fork_refers_to_the_same_files(asking: Asking) -> None:
    file = await asking.upload(b"kept", "kept.txt")
    await asking.turn("Read.", file)
    forked = await fork_session(
        asking.chat.open_transaction, asking.caller, asking.session_id, None
    )
    of_fork = Asking(asking.files, asking.caller, forked.id, asking.generations, asking.memory)
    assert await of_fork.attached() == [[(file.id, "kept.txt", True)]]


async def test_a_request_that_is_repeated_is_not_hindered_by_a_file_that_is_gone(
    asking: Asking,
) -> None:
    key = RequestKey("key", b"hash")
    file = await asking.upload(b"text")
    accepted = await asking.ask("Read", file, request=key)
    with pytest.raises(RepeatedRequest) as repeated:
        await asking.ask("Read", new_id(), request=key)
    assert repeated.value.run.id == accepted.run.id


async def test_what_is_attached_is_not_swept(asking: Asking) -> None:
    kept, dropped = await asking.upload(b"kept"), await asking.upload(b"dropped")
    # Their hour is over.
    await asking.files.age()
    await asking.turn("Read", kept)
    async with asking.chat.worker.transaction() as connection:
        held = await connection.execute(text("SELECT id FROM files WHERE held_until > now()"))
        # A sweep that has looked before finds that it is not due any more.
        assert [row.id for row in held] == [kept.id]
    await asking.files.age()
    await asking.files.sweep.sweep()
    assert await asking.attached() == [[(kept.id, "a.txt", True)]]
    assert [file_id for file_id, _ in await asking.files.rows()] == [kept.id]
    assert dropped.id != kept.id


async def test_a_question_whose_pictures_have_no_room_is_refused_before_anything_is_sent(
    asking: Asking,
) -> None:
    asking.room = PictureRoom(MOST_PICTURE_BYTES, most_seconds=0.05)
    held = [await asking.room.take(MOST_PICTURE_BYTES)]
    file = await asking.upload(png(), "blue.png")
    accepted = await asking.ask("What is it?", file)
    with pytest.raises(PicturesBusy):
        await given(accepted)
    held.clear()
    _, prompt = await given(accepted)
    (picture,) = prompt[-1].pictures
    del prompt
    # It is held as long as its picture is.
    with pytest.raises(PicturesBusy):
        await asking.room.take(MOST_PICTURE_BYTES)
    picture.let_go()
    await asking.room.take(MOST_PICTURE_BYTES)
