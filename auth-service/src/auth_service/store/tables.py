"""The tables that auth-service itself queries; ``migrations/`` is what makes them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Computed,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    literal_column,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _time(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def look_of(name: str) -> ColumnElement[str]:
    """What releases before this one know names by that look the same, as far as the database's locale knows letters."""
    return func.lower(func.normalize(name, literal_column("NFKC")))


tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    _time("created_at"),
    # What must be unique of the name; null: of two from before that look the same the later one, or not known yet.
    Column("name_key", Text),
    # Made by the database of the name, and unique as well.
    Column("look", Text, Computed("lower(normalize(name, NFKC))")),
)

# A deleted user is a tombstone: what is personal is null.
users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("username", Text),
    Column("username_key", Text),
    Column("email", Text),
    Column("password_hash", Text),
    _time("password_set_at"),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    _time("created_at"),
    _time("last_login_at", nullable=True),
    _time("deleted_at", nullable=True),
    # Both are there while the address is verified.
    Column("email_key", Text),
    _time("email_verified_at", nullable=True),
    Column("display_name", Text),
)

counters = Table(
    "counters",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("subject", LargeBinary, primary_key=True),
    Column("hits", ARRAY(DateTime(timezone=True)), nullable=False),
    # By the database's clock, as the hits are.
    _time("expires_at"),
)

codes = Table(
    "codes",
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    # By the database's clock.
    _time("expires_at"),
)

logins = Table(
    "logins",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("ip", Text, nullable=False),
    # What the address belongs to; empty before it was kept.
    Column("network", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    _time("created_at"),
    _time("last_used_at"),
    _time("expires_at"),
    _time("revoked_at", nullable=True),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("login_id", Uuid, nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    _time("created_at"),
    _time("expires_at"),
    _time("rotated_at", nullable=True),
    # Sealed under the token itself, which is not here.
    Column("successor", LargeBinary),
)

# Personal access tokens.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _time("created_at"),
    _time("expires_at", nullable=True),
    _time("last_used_at", nullable=True),
    # When the audit log last got an entry of them.
    _time("use_told_at", nullable=True),
    _time("refusal_told_at", nullable=True),
)

# What users want; what they say nothing of is not in it. It goes with its user, by a trigger.
user_settings = Table(
    "user_settings",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    _time("updated_at"),
    # Of all users' changes together: a later commit has a higher one.
    Column("change", BigInteger, nullable=False),
)

revocations = Table(
    "revocations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("sid", Text),
    _time("revoked_at"),
    _time("expires_at"),
    # By the database's clock, at the insert.
    _time("stored_at"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    _time("requested_at"),
    _time("sent_at"),
)

service_erasures = Table(
    "service_erasures",
    metadata,
    Column("erasure_id", Uuid, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    _time("erased_at", nullable=True),
    # How far auth-service has anonymised the user's audit log, in the order of the log.
    _time("reached_at"),
    Column("reached_id", Uuid, nullable=False),
)

# Without the address and agent of whoever was erased.
audit = Table(
    "audit",
    metadata,
    Column("id", Uuid, primary_key=True),
    _time("at"),
    Column("tenant_id", Uuid),
    Column("actor_id", Uuid),
    Column("subject_id", Uuid),
    Column("event", Text, nullable=False),
    Column("ip", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("fields", JSONB, nullable=False),
)
