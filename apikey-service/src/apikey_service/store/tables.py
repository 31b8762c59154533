"""The tables that the vault itself queries; ``migrations/`` is what makes them."""

from sqlalchemy import ARRAY, Column, DateTime, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

keys = Table(
    "keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("masked_key", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("kek_id", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("header_names", ARRAY(Text), nullable=False),
    Column("headers_ciphertext", LargeBinary),
    Column("headers_wrapped_key", LargeBinary),
    Column("headers_kek_id", Text),
    Column("fallback_key_id", Uuid),
    Column("last_used_at", DateTime(timezone=True)),
    Column("last_error_reason", Text),
    Column("last_error_at", DateTime(timezone=True)),
    Column("learnt", JSONB, nullable=False),
)

default_keys = Table(
    "default_keys",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("key_id", Uuid, nullable=False),
)

operator_keys = Table(
    "operator_keys",
    metadata,
    Column("key_id", Uuid, primary_key=True),
    Column("last_error_reason", Text),
    Column("last_error_at", DateTime(timezone=True)),
    Column("learnt", JSONB, nullable=False),
)
