"""Users by id or by name, as both kinds of transaction read them."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, RowMapping, Select, and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.users import Account, Role, Status, User
from auth_service.store.tables import users
from chassis.db.statement import Statement

_COLUMNS = (
    users.c.id,
    users.c.tenant_id,
    users.c.username,
    users.c.email,
    users.c.role,
    users.c.status,
    users.c.created_at,
    users.c.last_login_at,
    users.c.email_verified_at,
    users.c.display_name,
)


async def find_user(connection: AsyncConnection, user_id: UUID) -> User | None:
    """The user unless deleted or disabled; never touches the password's hash."""
    query = select(*_COLUMNS).where(_living(users.c.id == user_id))
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else to_user(row._mapping)


async def find_account(
    connection: AsyncConnection,
    column: Column[Any],
    value: object,
    *,
    lock: bool,
    disabled: bool = False,
) -> Account | None:
    """The account that has ``value`` in a unique column, unless deleted or, where ``disabled``
    ones are not asked for as well, disabled.
    """
    statement = _account_of(column, lock=lock, disabled=disabled)
    row = await statement.first(connection, value=value)
    if row is None:
        return None
    return Account(to_user(row._asdict()), row.password_hash, row.password_set_at)


@cache
def _account_of(column: Column[Any], *, lock: bool, disabled: bool) -> Statement:
    named = column == bindparam("value")
    living = and_(named, users.c.status != "deleted") if disabled else _living(named)
    query = select(*_COLUMNS, users.c.password_hash, users.c.password_set_at).where(living)
    # Keys are left alone: whoever only refers to the user need not wait, and is not lost.
    return Statement(query.with_for_update(key_share=True) if lock else query)


def select_users() -> Select[Any]:
    """Users who are not deleted, for rows that ``to_user`` reads."""
    return select(*_COLUMNS).where(users.c.status != "deleted")


def _living(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(condition, users.c.status == "active")


def to_user(row: RowMapping | Mapping[str, Any]) -> User:
    """The user in a row of ``select_users``."""
    return User(
        id=row["id"],
        tenant_id=row["tenant_id"],
        username=row["username"],
        email=row["email"],
        role=Role(row["role"]),
        status=Status(row["status"]),
        created_at=row["created_at"],
        last_login_at=row["last_login_at"],
        email_verified_at=row["email_verified_at"],
        display_name=row["display_name"] or "",
    )
