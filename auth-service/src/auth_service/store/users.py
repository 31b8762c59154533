"""Users in PostgreSQL, as admins see them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select, tuple_, update

from auth_service.domain.users import NamePosition, Role, Status, User, UserFilter
from auth_service.store.tables import users
from auth_service.store.transactions import Transaction

USER_COLUMNS = (
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


def is_active(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Rows of ``condition`` whose user is neither deleted nor disabled."""
    return and_(condition, users.c.status == "active")


def to_user(row: RowMapping | Mapping[str, Any]) -> User:
    """The user in a row with USER_COLUMNS."""
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


class Users:
    """The users that a transaction may see."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    async def find(self, user_id: UUID) -> User | None:
        """The user unless deleted or disabled; never touches the password's hash."""
        query = select(*USER_COLUMNS).where(is_active(users.c.id == user_id))
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else to_user(row._mapping)

    async def list(
        self, user_filter: UserFilter, *, after: NamePosition | None, limit: int
    ) -> Sequence[tuple[str, User]]:
        """Users by name, those behind ``after`` (a key and an id); each with its key."""
        query = _select_users().add_columns(users.c.username_key).where(*_matching(user_filter))
        if after is not None:
            query = query.where(tuple_(users.c.username_key, users.c.id) > tuple_(*after))
        query = query.order_by(users.c.username_key, users.c.id).limit(limit)
        rows = await self._connection.execute(query)
        return [(row.username_key, to_user(row._mapping)) for row in rows]

    async def count(self, user_filter: UserFilter) -> int:
        query = (
            select(func.count())
            .select_from(users)
            .where(users.c.status != "deleted", *_matching(user_filter))
        )
        return (await self._connection.execute(query)).scalar_one()

    async def lock(self, user_ids: Sequence[UUID]) -> Sequence[User]:
        """Those of them that are neither deleted nor out of sight; holds off their log-ins."""
        # In one order, whoever asks: nobody waits for somebody who waits for them.
        query = (
            _select_users()
            .where(users.c.id.in_(user_ids))
            .order_by(users.c.id)
            .with_for_update(key_share=True)
        )
        return [to_user(row._mapping) for row in await self._connection.execute(query)]

    async def set_role(self, user_id: UUID, role: Role) -> None:
        await self._connection.execute(
            update(users).where(users.c.id == user_id).values(role=role.value)
        )

    async def set_status(self, user_id: UUID, status: Status) -> None:
        await self._connection.execute(
            update(users).where(users.c.id == user_id).values(status=status.value)
        )


def _select_users() -> Select[Any]:
    return select(*USER_COLUMNS).where(users.c.status != "deleted")


def _matching(user_filter: UserFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if user_filter.tenant_id is not None:
        conditions.append(users.c.tenant_id == user_filter.tenant_id)
    if user_filter.query:
        conditions.append(
            or_(
                users.c.username_key.contains(user_filter.query, autoescape=True),
                func.lower(users.c.email).contains(user_filter.query, autoescape=True),
            )
        )
    if user_filter.ids is not None:
        conditions.append(users.c.id.in_(user_filter.ids))
    if user_filter.status is not None:
        conditions.append(users.c.status == user_filter.status.value)
    return conditions
