"""Files are read by processes that can do nothing else, whatever is in them."""

import asyncio
import io
import resource
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageCms

from chassis.testing import eventually
from chat_service.files.decoding.decode import Decoding
from chat_service.files.decoding.texts import decode_older_text
from chat_service.files.domain.errors import (
    FileKindRefused,
    FileReadersBusy,
    FileUnreadable,
    StorageUnavailable,
)
from chat_service.files.domain.file import label_of
from chat_service.files.domain.kinds import HEAD_BYTES, recognise
from chat_service.files.usecases.ports import Inspected
from parley.bounds import FILE_NAME, is_joined_line

from .corpus import corpus
from .corpus.made import CANARY, Hostile
from .corpus.names import NAMES
from .corpus.pdfs import page_of, stream

# What a process may have, and something for what it is made of.
_MOST_RESIDENT = 800 * 1024


async def read(
    folder: Path, content: bytes, decoding: Decoding | None = None
) -> tuple[str, Inspected]:
    """The kind of a file with this content, and what became of it."""
    path = folder / "content"
    path.write_bytes(content)
    kind = recognise(content[:HEAD_BYTES])
    return kind.name, await (decoding or Decoding())(path, kind)


async def picture(folder: Path, content: bytes) -> Image.Image:
    _, inspected = await read(folder, content)
    with Image.open(inspected.content) as kept:
        kept.load()
        return kept


def saved(form: str, image: Image.Image, **options: object) -> bytes:
    made = io.BytesIO()
    image.save(made, form, **options)
    return made.getvalue()


@pytest.mark.slow
async def test_no_hostile_file_does_anything(tmp_path: Path) -> None:
    # What ends a reading is the processor time that it takes, however busy the machine is.
    decoding, turns = Decoding(most_seconds=600), asyncio.Semaphore(2)
    files = list(corpus())
    assert len(files) >= 60
    assert len({one.name for one in files}) == len(files)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Of all that this process has ever waited for: earlier tests may have had a larger one.
    most = max(_MOST_RESIDENT, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    largest = max(len(one.content) for one in files) // 1024

    async def what_becomes_of(at: int, one: Hostile) -> str | None:
        folder = tmp_path / str(at)
        folder.mkdir()
        try:
            async with turns:
                kind, inspected = await read(folder, one.content, decoding)
        except (FileKindRefused, FileUnreadable) as refused:
            return None if one.expected is None else f"{one.name}: refused, {refused.metadata}"
        if one.expected is None or kind not in one.expected:
            return f"{one.name}: taken for {kind}"
        if recognise(inspected.content.read_bytes()[:HEAD_BYTES]).is_image:
            kept = inspected.content.read_bytes()
            return f"{one.name}: goes on in what is kept" if CANARY in kept else None
        return None

    wrong = await asyncio.gather(*(what_becomes_of(at, one) for at, one in enumerate(files)))
    assert [one for one in wrong if one] == []
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= most
    # Here nothing is held of a file, but for what this test itself reads of it.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4 * largest + 20 * 1024


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_label_whatever_it_is(name: str) -> None:
    label = label_of(name)
    assert FILE_NAME.minimum <= len(label) <= FILE_NAME.maximum
    assert is_joined_line(label)
    assert not {"/", "\\"} & set(label)
    assert label.strip(".") != ""


def test_a_name_in_any_script_stays_what_it_is() -> None:
    for name in (
        "报告（最终版）.pdf",
        "보고서.pdf",
        "отчёт.pdf",
        "تقرير.pdf",
        "รายงาน.pdf",
        "रिपोर्ट.pdf",
        "क्\u200dष.pdf",
        "نامه\u200cها.pdf",
        "👩\u200d👩\u200d👧\u200d👦 family.png",
    ):
        assert label_of(name) == name


@pytest.mark.parametrize("content", ["a picture", "a text"])
async def test_a_disk_that_is_full_is_no_fault_of_the_file(tmp_path: Path, content: str) -> None:
    for beside in ("content.kept", "content.told"):
        (tmp_path / beside).symlink_to("/dev/full")
    pictured = saved("PNG", Image.new("RGB", (8, 8)))
    with pytest.raises(StorageUnavailable):
        await read(tmp_path, pictured if content == "a picture" else "é".encode("utf-16"))


async def test_a_disk_that_takes_no_result_is_no_fault_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "content.told").mkdir()
    with pytest.raises(StorageUnavailable):
        await read(tmp_path, b"a text")


_ESCAPES = {
    "a file": "open('/etc/hostname')",
    "a new file": "open('/tmp/parley-escape', 'w')",
    "a folder": "os.listdir('/')",
    "a file by a number that is free": "os.close(0) or open('/etc/hostname')",
    "a socket": "socket.socket()",
    "a network by a number that is free": "os.close(0) or socket.socket().connect(('127.0.0.1', 9))",
    "a program": "os.execv('/bin/true', ['true'])",
    "a process": "os.fork()",
    "memory": "bytearray(900 * 1024**2)",
    "more output": "os.ftruncate(9, 2**30)",
    "limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))",
}


@pytest.mark.parametrize("escape", _ESCAPES)
def test_who_reads_a_file_gets_at_nothing_else(escape: str, tmp_path: Path) -> None:
    program = f"""
import os, resource, socket
from chat_service.files.decoding.child import BOUNDS
from chat_service.files.decoding.confine import confine
os.dup2(os.open({str(tmp_path / "out")!r}, os.O_CREAT | os.O_WRONLY), 9)
confine(BOUNDS, os.getppid())
try:
    {_ESCAPES[escape]}
except (OSError, MemoryError, ValueError):
    os._exit(7)
os._exit(0)
"""
    assert subprocess.run([sys.executable, "-I", "-c", program], check=False).returncode == 7


def test_where_memory_runs_out_who_reads_a_file_goes_first() -> None:
    program = """
import os
from chat_service.files.decoding.child import BOUNDS
from chat_service.files.decoding.confine import confine
seen = os.open('/proc/self/oom_score_adj', os.O_RDONLY)
confine(BOUNDS, os.getppid())
os._exit(7 if os.read(seen, 9) == b'1000\\n' else 0)
"""
    assert subprocess.run([sys.executable, "-I", "-c", program], check=False).returncode == 7


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "plain, 中文, עברית"),
        ("utf-8-sig", "with a mark"),
        ("utf-16", "wide, 中文"),
        ("utf-32", "wider, 中文"),
        ("gb18030", "报告：2024年第三季度的销售额比去年增长了百分之十"),
        ("big5", "報告內容很多，請大家看看今年的銷售資料"),
        ("cp932", "東京に住んでいます。今日はとても寒いです。"),
        ("cp949", "서울에 살고 있습니다. 오늘은 날씨가 아주 좋습니다."),
        ("cp1251", "Сегодня хорошая погода, и мы идём гулять."),
        ("cp1252", "Müller wohnt in Köln, größer als café."),
    ],
)
async def test_a_text_is_read_in_the_encoding_that_it_is_in(
    encoding: str, text: str, tmp_path: Path
) -> None:
    content = text.encode(encoding)
    _, inspected = await read(tmp_path, content)
    assert inspected.content.read_bytes() == content
    told = inspected.content if inspected.text is None else inspected.text
    assert told.read_text(encoding="utf-8-sig") == text
    assert inspected.facts == {"characters": len(text)}


async def test_an_older_encoding_is_found_out_behind_much_ascii(tmp_path: Path) -> None:
    text = "x = 1\n" * 100_000 + "# 这里是最后一行的注释，说明用途\n"
    _, inspected = await read(tmp_path, text.encode("gb18030"))
    assert inspected.text is not None
    assert inspected.text.read_text() == text


async def test_of_a_long_text_in_an_older_encoding_the_beginning_is_told(tmp_path: Path) -> None:
    text = "这是一个很长的文件，里面有很多行。\n" * 150_000
    _, inspected = await read(tmp_path, text.encode("gb18030"))
    assert inspected.text is not None
    told = inspected.text.read_text()
    assert text.startswith(told)
    assert 3 * 1024**2 < len(told.encode()) <= 4 * 1024**2
    assert inspected.facts == {"characters": len(text), "cut": 1}


async def test_the_text_of_a_pdf_is_told_by_page(tmp_path: Path) -> None:
    document = page_of(stream(b"BT /F 12 Tf 72 700 Td (Parley answers) Tj ET"))
    kind, inspected = await read(tmp_path, document)
    assert kind == "pdf"
    assert inspected.content.read_bytes() == document
    assert inspected.text is not None
    assert inspected.text.read_text() == "[Page 1]\nParley answers\n\n"
    assert inspected.facts == {"pages": 1, "characters": len("Parley answers")}


async def test_a_pdf_without_text_is_taken_and_says_so(tmp_path: Path) -> None:
    _, inspected = await read(tmp_path, page_of(stream(b"")))
    assert inspected.text is not None
    assert inspected.text.read_text() == ""
    assert inspected.facts == {"pages": 1, "characters": 0}


@pytest.mark.parametrize(("form", "kind"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")])
async def test_a_picture_is_upright_and_without_what_was_said_of_it(
    form: str, kind: str, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, CANARY.decode()
    told, inspected = await read(
        tmp_path, saved(form, Image.new("RGB", (40, 20), "blue"), exif=exif)
    )
    assert told == kind
    assert inspected.facts == {"width": 20, "height": 40}
    assert CANARY not in inspected.content.read_bytes()
    with Image.open(inspected.content) as kept:
        assert kept.size == (20, 40)
        assert not kept.getexif()


async def test_a_picture_is_kept_as_large_as_models_look(tmp_path: Path) -> None:
    kept = await picture(tmp_path, saved("JPEG", Image.new("RGB", (5000, 2500), "blue")))
    assert kept.size == (2048, 1024)
    small = await picture(tmp_path, saved("PNG", Image.new("P", (3000, 10))))
    assert small.size == (2048, 7)


async def test_a_picture_that_does_not_get_small_by_its_format_is_made_smaller(
    tmp_path: Path,
) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((1600, 1600), 80) for _ in range(3)])
    _, inspected = await read(tmp_path, saved("PNG", noise))
    assert inspected.content.stat().st_size <= 3_500_000
    assert inspected.facts["width"] < 1600


async def test_colours_of_a_profile_are_those_that_are_seen_without_it(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    red = Image.new("RGB", (8, 8), (200, 30, 30))
    kept = await picture(tmp_path, saved("PNG", red, icc_profile=lab.tobytes()))
    assert "icc_profile" not in kept.info
    assert kept.mode == "RGB"


async def test_transparency_stays(tmp_path: Path) -> None:
    kept = await picture(tmp_path, saved("PNG", Image.new("RGBA", (8, 8), (0, 0, 0, 0))))
    assert kept.getpixel((0, 0)) == (0, 0, 0, 0)
    palette = Image.new("P", (8, 8), 1)
    kept = await picture(tmp_path, saved("GIF", palette, transparency=1))
    assert kept.convert("RGBA").getchannel("A").getextrema() == (0, 0)


async def test_of_an_animation_the_first_picture_is_kept(tmp_path: Path) -> None:
    frames = [Image.new("L", (16, 16), shade) for shade in (10, 200)]
    for form in ("GIF", "PNG", "WEBP"):
        content = saved(form, frames[0], save_all=True, append_images=frames[1:])
        _, inspected = await read(tmp_path, content)
        with Image.open(inspected.content) as kept:
            assert getattr(kept, "n_frames", 1) == 1
            darkest, _ = kept.convert("L").getextrema()
            assert darkest == pytest.approx(10, abs=4)


async def test_a_reading_that_is_not_done_in_time_is_ended_and_no_fault_of_the_file(
    tmp_path: Path,
) -> None:
    # What other tests have started, a database as a rule, goes on.
    before = children()
    with pytest.raises(FileReadersBusy):
        await read(tmp_path, b"word " * 1_000_000, Decoding(most_seconds=0.01))
    assert children() <= before


async def test_a_text_that_is_read_twice_has_no_more_time_than_others(tmp_path: Path) -> None:
    ends: list[float] = []

    class Watched(Decoding):
        async def _read(self, path: Path, ends_at: float, how: tuple[str, ...]) -> bytes:
            ends.append(ends_at)
            return await super()._read(path, ends_at, how)

    began = asyncio.get_running_loop().time()
    await read(tmp_path, "Grüße aus Köln".encode("latin-1"), Watched(most_seconds=40))
    first, second = ends
    assert first == second >= began + 40


async def test_a_reading_that_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    before = children()
    reading = asyncio.create_task(read(tmp_path, b"word " * 1_000_000))
    await eventually(lambda: children() - before)
    (child,) = children() - before
    # It does not come to its end by itself.
    psutil.Process(child).suspend()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    # Where it was still being made it is killed, but not waited for.
    await eventually(lambda: child not in children())


async def test_a_reader_that_somebody_kills_is_no_fault_of_the_file(tmp_path: Path) -> None:
    before = children()
    reading = asyncio.create_task(read(tmp_path, b"word " * 1_000_000))
    await eventually(lambda: children() - before)
    (child,) = children() - before
    psutil.Process(child).kill()
    with pytest.raises(FileReadersBusy):
        await reading


async def test_a_reader_that_cannot_begin_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_service.files.decoding.decode._CHILD", "os.path.none")
    with pytest.raises(RuntimeError, match="cannot begin"):
        await read(tmp_path, b"text")


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() != "zombie"}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "café crème"),
        ("cp1252", "Straße"),
        ("cp1252", "déjà vu"),
        ("cp1252", "l’été à Paris"),
        ("cp1252", "Über uns, Fräulein Müller"),
        ("cp1252", "El niño comió piñas. ¿Qué tal?"),
        ("cp1252", "São Paulo, coração"),
        ("cp1252", "prix 5 € — “quoted”"),
        ("cp1252", "5 £ each"),
        ("cp932", "Filename: テスト"),
        ("cp932", "Name: 山本"),
        ("cp932", "note: これはテストです"),
        ("big5", "Title: 日本人"),
        ("big5", "Name: 王小明"),
        ("gb18030", "Name: 张三"),
        ("gb18030", "标题: 你好世界"),
        ("cp949", "제목: 안녕하세요"),
        ("cp1251", "Name: Иван Петров"),
        ("cp1251", "Hello, Привет и пока"),
    ],
)
def test_a_short_line_reads_as_it_was_written(encoding: str, text: str) -> None:
    result = io.BytesIO()
    decode_older_text(io.BytesIO(f"In ASCII.\n{text}\n".encode(encoding)), result)
    assert result.getvalue().decode() == f"In ASCII.\n{text}\n"
