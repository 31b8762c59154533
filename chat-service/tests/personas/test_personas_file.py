"""The operator's file of personas: read whole or not at all, and what is wrong has a line."""

from pathlib import Path

import pytest

from chat_service.personas.domain.persona import Owner, Persona
from chat_service.personas.operators.personas_file import MOST, read_personas
from servicekit.generation_parameters import GenerationParameters
from servicekit.operator_file import BadFile, Reading


def read(folder: Path, raw: str | bytes) -> tuple[Persona, ...]:
    path = folder / "personas.yaml"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return read_personas(Reading(), path)


def one(*lines: str) -> str:
    """A file of one persona, whose further lines begin with the sixth."""
    return "\n".join(
        ["personas:", "  - name: a", "    title: A", "    prompt: You.", "", *lines, ""]
    )


def test_all_that_is_said_is_read_in_its_order(tmp_path: Path) -> None:
    raw = """# Of the house.
personas:
  - name: Übersetzer
    title: ' Translator '
    description: Translates.
    prompt: |
      You translate.

      Nothing else.
    model: small
    parameters:
      temperature: 1
      stop: [END, "\\n"]
      reasoning_effort: low
    starters: [One?, Two?, Three?, Four?]
    default: yes
  - {name: b, title: B, prompt: You.}
"""
    first, second = read(tmp_path, raw)
    assert (first.told.name, first.told.title) == ("Übersetzer", "Translator")
    assert first.told.prompt == "You translate.\n\nNothing else."
    assert first.told.parameters == GenerationParameters(
        temperature=1, stop=("END", "\n"), reasoning_effort="low"
    )
    assert first.told.starters == ("One?", "Two?", "Three?", "Four?")
    assert (first.told.model, first.is_default, first.owner) == ("small", True, Owner.OPERATOR)
    assert (second.told.description, second.told.model, second.told.starters) == ("", None, ())
    assert (second.is_default, second.told.parameters) == (False, GenerationParameters())
    assert read(tmp_path, "personas: []") == ()


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", "line 1: it is empty"),
        ("# nothing\n", "line 1: it is empty"),
        ("personas:\n", "line 1: personas: "),
        ("persona: []\n", "line 1: personas: Field required"),
        ("- a\n", "line 1: : Input should be"),
        (one("   broken: x"), "line 6: it is no YAML"),
        (one("    starters: [a"), "line 7: it is no YAML"),
        (one("\tmodel: m"), "line 6: it is no YAML"),
        (one("    description: a: b"), "line 6: it is no YAML"),
        (one("---", "personas: []"), "line 6: it is no YAML"),
        (one("    model: \x07"), "there is a character in it that cannot be"),
        (one("    model: m", "    model: n"), "line 7: a field that is there already"),
        (one("    model: &m m"), "line 6: anchors and aliases are not taken"),
        (one("    model: *m"), "line 6: anchors and aliases are not taken"),
        (one("    model: !!python/object:os.system x"), "line 6: it is no YAML"),
        (one("    model: 2026-99-99"), "line 6: no number or date that there is"),
        (one("    1: x"), "line 6: a field's name is a word"),
        (one(f"    starters: {'[' * 200_000}"), "line 6: it is too deep"),
        (one("    colour: red"), "line 6: personas 1 colour: Extra inputs"),
        (one("    model: 4.1"), "line 6: personas 1 model: Input should be a valid string"),
        (one("    default: 1"), "line 6: personas 1 default: "),
        (one("    parameters: {top_p: .nan}"), "line 6: personas 1 parameters top_p: "),
        (one("    parameters:", "      top_p: 2"), "line 7: personas 1 parameters top_p: TOO_LARGE"),
        (one("    parameters:", "      model: m"), "line 7: personas 1 parameters model: Extra"),
        (one("    starters:", "      - a", '      - ""'), "line 8: personas 1 starters 2: REQUIRED"),
        (one("    starters: [a, b, c, d, e]"), "line 6: personas 1 starters: TOO_MANY"),
        (one(f"    description: {'d' * 1001}"), "line 6: personas 1 description: TOO_LONG"),
        (one("  - name: b", "    prompt: You."), "line 6: personas 2 title: Field required"),
        (one("  - {name: Ａ, title: B, prompt: You.}"), "line 6: personas 2 name: another one has"),
        (
            one("    default: true", "  - name: b", "    title: B", "    prompt: P", "    default: true"),
            "line 10: personas 2 default: another one is the default",
        ),
        ("personas:\n  - name: a/b\n    title: T\n    prompt: P\n", "line 2: personas 1 name: INVALID_CHARACTER"),
        ("personas:\n  - name: a\n    title: T\n    prompt: |\n\n", "line 4: personas 1 prompt: REQUIRED"),
        (
            "personas:\n" + f"  - name: a\n    title: T\n    prompt: |\n      {'p' * 20_001}\n",
            "line 4: personas 1 prompt: TOO_LONG",
        ),
        ("personas:\n" + "  - {}\n" * (MOST + 1), "line 1: personas: List should have at most 200"),
        ("#" * (1024 * 1024 + 1), "more than 1048576 bytes: "),
        (b"personas: \xff", "not text in UTF-8: "),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_its_line_and_field(
    tmp_path: Path, raw: str | bytes, problem: str
) -> None:
    with pytest.raises(BadFile) as refused:
        read(tmp_path, raw)
    assert problem in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file or directory"):
        read_personas(Reading(), tmp_path / "absent.yaml")


def test_of_many_things_that_are_wrong_five_are_said(tmp_path: Path) -> None:
    entries = [f'  - {{name: n{number}, title: "", prompt: P}}\n' for number in range(9)]
    with pytest.raises(BadFile) as refused:
        read(tmp_path, "personas:\n" + "".join(entries))
    assert str(refused.value).count("REQUIRED") == 5
    assert "line 6: personas 5 title" in str(refused.value)


def test_the_example_of_the_documentation_is_a_good_one(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    personas = read(tmp_path, (root / "docs/personas.example.yaml").read_bytes())
    assert [persona.told.name for persona in personas if persona.is_default] == ["assistant"]
    # And so is what operations.md shows.
    (shown,) = [
        block
        for block in (root / "docs/operations.md").read_text().split("```yaml\n")
        if block.startswith("personas:")
    ]
    (translator,) = read(tmp_path, shown.partition("```")[0])
    assert translator.told.starters == ("Translate into French: good morning",)
