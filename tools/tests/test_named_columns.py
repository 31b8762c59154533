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
        'x = "DELETE FROM runs WHERE id IN (SELECT * FROM old)"',
        'x = "WITH old AS (SELECT * FROM runs) UPDATE runs SET epoch = 2"',
        'x = "TABLE runs"',
        'x = "SELECT*FROM runs"',
        'x = "WITH a AS (TABLE runs) UPDATE kept SET epoch = 2"',
        'x = "INSERT INTO kept (id) TABLE runs"',
        'x = "INSERT INTO kept TABLE runs"',
        'x = "SELECT /* all of it */ * FROM runs"',
        'x = "SELECT -- all of it\\n * FROM runs"',
        'x = f"SELECT r FROM {runs} r"',
        'x = "SELECT runs FROM runs"',
        'x = "SELECT to_jsonb(r) FROM runs AS r"',
        'x = "UPDATE runs SET epoch = 2 RETURNING row_to_json(runs)"',
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
        'x = "SELECT answer.id FROM answer WHERE EXISTS (SELECT * FROM runs)"',
        "x = \"SELECT id FROM runs WHERE note = 'SELECT * FROM runs'\"",
        'x = "INSERT INTO runs (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET epoch = 2 RETURNING epoch"',
        'x = "SELECT jsonb_agg(r.id) FROM runs r"',
        'x = f"SELECT {columns} FROM {table}"',
        'x = "CREATE TABLE runs (id uuid)"',
    ],
)
def test_what_is_no_list_of_columns_is_left_alone(source: str) -> None:
    assert list(stars(source)) == []
