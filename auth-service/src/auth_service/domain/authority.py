"""Who may do what to whom."""

from auth_service.domain.users import Role, User

_RANK = {Role.USER: 0, Role.TENANT_ADMIN: 1, Role.OPERATOR: 2}


def may_change(actor: Role, target: User, *, role: Role | None = None) -> bool:
    """Whether an admin may change ``target``, whom they can see, and give them ``role``.

    A tenant admin neither touches an operator nor makes one.
    """
    if actor is Role.OPERATOR:
        return True
    return actor is Role.TENANT_ADMIN and Role.OPERATOR not in {target.role, role}


def is_demotion(before: Role, after: Role) -> bool:
    """Whether something is taken away by it."""
    return _RANK[after] < _RANK[before]
