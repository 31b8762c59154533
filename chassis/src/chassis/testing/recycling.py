"""A used database as good as new, at a hundredth of what a new one costs.

What can be put back is put back: rows and sequences. Anything else that was changed, by a
revision, a trigger, a right or a setting, makes the database unfit to be used again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

# Whatever is defined in a database is a row of one of these. A row that was changed or added has
# the number of a later transaction; what VACUUM and ANALYZE note there they note without one. Of what PostgreSQL
# brings itself, which is most of these rows, it is taken for granted: numbers of other things begin behind it.
_CATALOGS = {
    "pg_attrdef": "", "pg_attribute": "WHERE attrelid >= 16384", "pg_class": "WHERE oid >= 16384",
    "pg_constraint": "WHERE oid >= 16384", "pg_default_acl": "", "pg_event_trigger": "", "pg_extension": "",
    "pg_index": "WHERE indexrelid >= 16384", "pg_namespace": "", "pg_policy": "",
    "pg_proc": "WHERE oid >= 16384", "pg_rewrite": "WHERE oid >= 16384", "pg_trigger": "",
    "pg_type": "WHERE oid >= 16384",
}  # fmt: skip
_DEFINED = " UNION ALL ".join(
    f"SELECT '{catalog}', count(*), max(xmin::text::bigint) FROM {catalog} {others}"
    for catalog, others in _CATALOGS.items()
)
_SETTINGS = """
    SELECT 'pg_database', count(*), max(xmin::text::bigint)
    FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'pg_db_role_setting', count(*), max(xmin::text::bigint)
    FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_OBJECTS = """
    SELECT nspname, relname
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = %s AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
# Of the tables that a test has written to. What is deleted stays in the files, and is read past by each scan.
_MOST_BYTES = 4_000_000

#: Of a table or a sequence: its schema, and its own.
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pristine:
    """What a database was like before anybody used it."""

    defined: frozenset[tuple[str, int, int | None]]
    #: Tables, each with the rows that revisions put there, as COPY has them.
    tables: Mapping[Name, bytes]
    #: Where each sequence stands, and whether it has given that number out.
    sequences: Mapping[Name, tuple[int, bool]]


def look_at(connection: psycopg.Connection) -> Pristine:
    """What is there now, to the eyes of a superuser."""
    tables = _objects(connection, "r")
    return Pristine(
        defined=_defined(connection),
        tables={name: _rows(connection, name) for name in tables},
        sequences={name: _place(connection, name) for name in _objects(connection, "S")},
    )


def restore(
    connection: psycopg.Connection,
    pristine: Pristine,
    spared: Sequence[int] = (),
    *,
    in_use: bool = False,
) -> bool:
    """Put rows and sequences back; False where that does not make it what it was.

    Ends what others have going on in the database, but for the backends ``spared``. These are idle, or the
    database is ``in_use``: what they are writing is waited for then, five seconds and not longer
    (psycopg.errors.LockNotAvailable), and sequences go on. ``connection`` is a superuser's, in
    autocommit mode.
    """
    connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL (%s)",
        (list(spared),),
    )
    if _defined(connection) != pristine.defined:
        return False
    with connection.transaction():
        if in_use:
            connection.execute("SET LOCAL lock_timeout = 5000")
            connection.execute(
                sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(
                    sql.SQL(", ").join(sql.Identifier(*name) for name in pristine.tables)
                )
            )
        changed = _changed(connection, pristine.tables)
        if changed:
            if _size(connection, changed) > _MOST_BYTES:
                return False
            # No trigger fires, and no foreign key asks for an order.
            connection.execute("SET LOCAL session_replication_role = replica")
        for name in changed:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(*name)))
            if rows := pristine.tables[name]:
                with connection.cursor().copy(
                    sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(*name))
                ) as copy:
                    copy.write(rows)
        for name, place in () if in_use else pristine.sequences.items():
            quoted = sql.Identifier(*name).as_string(connection)
            connection.execute("SELECT setval(%s::regclass, %s, %s)", (quoted, *place))
    return True


def _changed(connection: psycopg.Connection, tables: Mapping[Name, bytes]) -> list[Name]:
    """Those of ``tables`` that hold anything else than they did.

    A test writes into few of them, and to delete from one costs more than to look into all.
    """
    empty = [name for name, rows in tables.items() if not rows]
    changed = [name for name, rows in tables.items() if rows and _rows(connection, name) != rows]
    if empty:
        found = connection.execute(
            sql.SQL("SELECT {}").format(
                sql.SQL(", ").join(
                    sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(*name))
                    for name in empty
                )
            )
        ).fetchone()
        assert found is not None
        changed += [name for name, has_rows in zip(empty, found, strict=True) if has_rows]
    return changed


def _defined(connection: psycopg.Connection) -> frozenset[tuple[str, int, int | None]]:
    return frozenset(connection.execute(f"{_DEFINED} UNION ALL {_SETTINGS}".encode()).fetchall())


def _objects(connection: psycopg.Connection, kind: str) -> list[Name]:
    return connection.execute(_OBJECTS, (kind,)).fetchall()


def _size(connection: psycopg.Connection, tables: Iterable[Name]) -> int:
    """Bytes of these tables and of their indexes."""
    names = [sql.Identifier(*name).as_string(connection) for name in tables]
    found = connection.execute(
        "SELECT sum(pg_total_relation_size(name)) FROM unnest(%s::regclass[]) AS name", (names,)
    ).fetchone()
    assert found is not None
    return int(found[0])


def _rows(connection: psycopg.Connection, table: Name) -> bytes:
    with connection.cursor().copy(
        sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(*table))
    ) as copy:
        return b"".join(copy)


def _place(connection: psycopg.Connection, sequence: Name) -> tuple[int, bool]:
    found = connection.execute(
        sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(*sequence))
    ).fetchone()
    assert found is not None
    return found
