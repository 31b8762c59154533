"""The tables that the notes service itself queries; ``migrations/`` is what makes them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

metadata = MetaData()

notes = Table(
    "notes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    # Both or neither.
    Column("source_session_id", Uuid),
    Column("source_message_id", Uuid),
    # What a note is found by; NULL in a row of an earlier release, until that is made.
    Column("title_lexemes", TSVECTOR),
    Column("tags_lexemes", TSVECTOR, nullable=False),
    Column("content_lexemes", TSVECTOR),
)
