"""The operator's terms for files."""

import os
from pathlib import Path
from typing import Any

import pytest

from chassis.testing import eventually
from chat_service.files.domain.terms import Bucket, Folder, Terms
from chat_service.files.operators.terms import FileTerms
from parley.chat.v1 import files_pb2 as pb
from servicekit.operator_file import BadFile

Client = Any
ELSEWHERE = Path("/elsewhere")


def read(tmp_path: Path, text: str, folder: Path | None = ELSEWHERE) -> Terms:
    path = tmp_path / "files.yaml"
    path.write_text(text)
    return FileTerms(path, folder).content


def test_without_a_file_the_usual_terms_hold_in_the_folder_there_is() -> None:
    assert FileTerms(None, ELSEWHERE).content == Terms(Folder(ELSEWHERE))
    assert FileTerms(None, None).content.place is None


def test_what_is_said_holds_and_what_is_not_is_as_usual(tmp_path: Path) -> None:
    terms = read(tmp_path, "files: {maximum_bytes: 10, quota_bytes: 0, kinds: [text]}")
    assert terms == Terms(Folder(ELSEWHERE), 10, 0, kinds=frozenset({"text"}))
    assert (terms.takes("text"), terms.takes("png")) == (True, False)
    assert read(tmp_path, "files: {}") == Terms(Folder(ELSEWHERE))
    assert read(tmp_path, "files: {folder: /here}").place == Folder(Path("/here"))
    assert read(tmp_path, "files: {}", folder=None).place is None


def test_a_bucket_has_its_secret_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("very secret\n")
    terms = read(
        tmp_path,
        f"""
files:
  bucket:
    name: parley-files
    endpoint: https://s3.example.org:9000
    region: eu-central-1
    prefix: parley/files
    access_key_id: AKIA
    secret_access_key_file: {secret}
    spool: /spool
""",
    )
    assert terms.place == Bucket(
        name="parley-files",
        spool=Path("/spool"),
        region="eu-central-1",
        endpoint="https://s3.example.org:9000",
        prefix="parley/files",
        access_key_id="AKIA",
        secret_access_key="very secret",
    )
    assert "very secret" not in repr(terms)


BUCKET = "files:\n  bucket:\n    name: b-b\n    spool: /s\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1"),
        ("files: {maximum_bytes: 0}", "files maximum_bytes"),
        ("files: {maximum_bytes: 20 MB}", "files maximum_bytes"),
        ("files: {\n  kinds: [text, exe]}", "line 2: files kinds 2: the kinds are"),
        ("files: {folder: here}", "files folder"),
        ("files: {largest: 3}", "files largest"),
        (BUCKET + "  folder: /f\n", "files bucket: there is a folder"),
        (BUCKET + "    access_key_id: a\n", "go together"),
        (BUCKET + "    access_key_id: a\n    secret_access_key_file: /nowhere\n", "/nowhere"),
        (BUCKET + "    endpoint: ftp://x\n", "line 5: files bucket endpoint"),
        (BUCKET + "    endpoint: https://user:word@x\n", "line 5: files bucket endpoint"),
        (BUCKET + "    prefix: ../x\n", "line 5: files bucket prefix"),
        ("files: {bucket: {name: b-b, spool: s}}", "files bucket spool"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_without_its_value(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(BadFile) as refused:
        read(tmp_path, text)
    assert told in str(refused.value)
    assert "word" not in str(refused.value)


@pytest.fixture
def settings(settings: Any, tmp_path: Path) -> Any:
    path = tmp_path / "terms.yaml"
    path.write_text("files: {maximum_bytes: 100}")
    return settings.model_copy(update={"files_file": path})


async def test_a_change_is_in_force_as_a_whole_and_a_mistake_changes_nothing(
    client: Client, settings: Any
) -> None:
    async def maximum() -> int:
        limits = await client.call("GetFileLimits", pb.GetFileLimitsRequest())
        return int(limits.maximum_bytes)

    async def becomes(number: int) -> bool:
        os.kill(os.getpid(), 1)
        return await maximum() == number

    assert await maximum() == 100
    settings.files_file.write_text("files: {maximum_bytes: 200, kinds: [nothing]}")
    os.kill(os.getpid(), 1)
    assert await maximum() == 100
    settings.files_file.write_text("files: {maximum_bytes: 200}")
    await eventually(lambda: becomes(200))
