import pytest

from tools.named_columns import stars


@pytest.mark.parametrize(
    "source",
    [
        'x = "SELECT * FROM runs"',
        "x = 'select\\n  * from runs'",
        'x = f"SELECT {a}, * FROM {b}"',
        'x = f"SELECT {table}.* FROM {table}"',
        'x = ("UPDATE runs SET epoch = 2" " RETURNING runs.*")',
        'connection.execute(text("INSERT INTO notes (id) VALUES (:id) RETURNING *"))',
    ],
)
def test_a_star_in_place_of_columns_is_found_wherever_the_statement_is_made(source: str) -> None:
    assert len(list(stars(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""SELECT * is what this module never says."""',
        'x = "SELECT count(*), 2 * price FROM things"',
        'x = "Cache-Control: *, no-store"',
        "x = a.b * c",
    ],
)
def test_what_is_no_list_of_columns_is_left_alone(source: str) -> None:
    assert list(stars(source)) == []
