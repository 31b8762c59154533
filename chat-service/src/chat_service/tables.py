"""The tables as SQLAlchemy knows them; migrations make them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import BIT, JSONB, TSVECTOR

metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("key_id", Uuid),
    Column("model", Text),
    # The highest order number that was reserved; it never goes back.
    Column("last_order", Integer, nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("last_message_at", DateTime(timezone=True)),
    # Generated: last_message_at, or created_at while there is none.
    Column("active_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("pinned", Boolean, nullable=False),
    # A persona's name, and its prompt as it was when it was set.
    Column("persona", Text),
    Column("persona_prompt", Text),
    # What the session has of its persona, and not of its user.
    Column("persona_gave", JSONB),
    # GenerationParameters; null: nothing is said.
    Column("parameters", JSONB),
    Column("instructions", Text),
    Column("folder", Text),
    Column("archived_at", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
    # Deleted for good: a background job is to take it away.
    Column("purging", Boolean, nullable=False),
    Column("temporary", Boolean, nullable=False),
    # Null: all that there is has been read.
    Column("read_order", Integer),
    # first_line, model or user.
    Column("title_by", Text, nullable=False),
    # The chosen path's last message, 0 before the first; null: of a version that knew no other path
    # than all messages in order.
    Column("leaf_order", Integer),
    # Other than message_count: something is to be indexed. The database keeps it so by itself.
    Column("indexed_count", Integer),
    # Whether what falls out of what models are given is summed up: see messages.summary, which is
    # named in the statements that are about it, and no column of what is shown of a message.
    Column("summary", Boolean, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("session_id", Uuid, nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("order", Integer, nullable=False),
    Column("run_id", Uuid),
    Column("status", Text),
    Column("provider", Text),
    Column("model", Text),
    Column("reasoning", Text),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # Of answers alone, as all from run_id on; null as well in those of earlier versions.
    Column("finish_reason", Text),
    Column("reason", Text),
    Column("parameters", JSONB),
    # As in `runs`.
    Column("fallback_from", Uuid),
    Column("fallback_reason", Text),
    Column("cached_tokens", Integer),
    Column("reasoning_tokens", Integer),
    Column("adapted", JSONB),
    # hit or miss; null: kept answers were not wanted.
    Column("cache", Text),
    # The message that it follows, 0 for none; null: the one before it.
    Column("parent_order", Integer),
    Column("chosen", Boolean, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Null in all five: the run belongs to no conversation.
    Column("session_id", Uuid),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("question_id", Uuid),
    Column("answer_id", Uuid),
    Column("question_order", Integer),
    Column("answer_order", Integer),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    # GenerationParameters; null in rows of versions that had the two columns behind it alone.
    Column("parameters", JSONB),
    Column("temperature", Double, nullable=False),
    Column("max_tokens", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("finish_reason", Text),
    Column("last_seq", BigInteger, nullable=False),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    # Unique for each user, with the hash of the request it came with.
    Column("idempotency_key", Text),
    Column("request_hash", LargeBinary),
    # The run whose answer this one goes on with.
    Column("continues", Uuid),
    # The connection that answers; null in rows of earlier versions. Metered: its tokens are counted.
    Column("key_id", Uuid),
    Column("metered", Boolean, nullable=False),
    # The connection that was asked first and failed, and why; null: the first one answered.
    Column("fallback_from", Uuid),
    Column("fallback_reason", Text),
    # Of the tokens above; null: not known, as in rows of earlier versions.
    Column("cached_tokens", Integer),
    Column("reasoning_tokens", Integer),
    # Adapted; null: none that is known.
    Column("adapted", JSONB),
    # As in `messages`.
    Column("cache", Text),
    # TextForm; null: markdown.
    Column("form", Text),
)

# What titles and messages are found by; a row goes as soon as its text changes, by itself.
search_texts = Table(
    "search_texts",
    metadata,
    # The message's, or of a title the session's.
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    # The message's, or title.
    Column("role", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    # What a release before filters has kept; null: there is one.
    Column("lexemes", TSVECTOR),
    Column("filter", BIT(varying=True)),
    # Of the filter, by its number in `servicekit.search_filters.SIZES`.
    Column("size", SmallInteger),
)

# Users' own; the operator's are in a file.
personas = Table(
    "personas",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    # Unique for each user.
    Column("name_folded", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("model", Text),
    Column("parameters", JSONB, nullable=False),
    Column("starters", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

# What users have uploaded; the bytes are in storage, under keys made of the user's id and the file's.
files = Table(
    "files",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    # A label, and part of no path.
    Column("name", Text, nullable=False),
    # Null until it is known.
    Column("kind", Text),
    # While it is uploaded: the bytes that are set aside for it.
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary),
    # Of the text that was taken out of it and is kept beside it; null: there is none.
    Column("text_size", BigInteger),
    Column("facts", JSONB, nullable=False),
    # uploading, ready, lost, deleting.
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # Until then it is kept whether anything refers to it or not.
    Column("held_until", DateTime(timezone=True), nullable=False),
)

# What is attached to which message, as it was then: the file itself may be gone.
message_files = Table(
    "message_files",
    metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("file_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)

# A copy of what users have set in auth-service, as far as conversations go by it.
user_settings = Table(
    "user_settings",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("default_persona_folded", Text),
    Column("titles_by_model", Boolean, nullable=False),
    Column("retention_days", Integer),
    # auth-service's number of the change that it is of.
    Column("change", BigInteger, nullable=False),
)

# Frames that were shown while Redis could not take them, see streaming.md's "When things break".
run_frames = Table(
    "run_frames",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("event", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# Not a user's data: one row for each replica of the service, see streaming.md's "Heartbeat and takeover".
replicas = Table(
    "replicas",
    metadata,
    Column("id", Text, primary_key=True),
    # Its heartbeats so far.
    Column("beat", BigInteger, nullable=False),
    Column("seen", DateTime(timezone=True), nullable=False),
)
