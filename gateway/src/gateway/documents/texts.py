"""The sentences of the OpenAPI document that belong to no single route."""

from typing import Any

from gateway.identity import refresh_cookie

DESCRIPTION = """\
Everything but what stands under *Operation*, and what is in files, is JSON in UTF-8. Names are `snake_case`, times
RFC 3339 in UTC, ids opaque strings. A field that is not known is refused.

**To try it here:** send `/api/v1/auth/register` or `/api/v1/auth/login`, copy the `access_token` out
of the answer into *Authorize*, and store a connection at `/api/v1/keys`. Then ask at
`/api/v1/chat/messages`; with the media type `text/event-stream` the answer is shown as its events.

**Errors** are problem documents (RFC 9457): `reason` is stable and says why, `errors` names the fields
that were refused and the bound that each missed. What was sent is never repeated.

**Texts:** white space and characters that cannot be seen are dropped at both ends of names, titles,
addresses and codes; what stands inside is kept, or refused. Passwords, questions and the texts of
notes are taken as they are. Lengths count characters of what is kept.

**Repetitions:** a POST that creates may be sent again with its `Idempotency-Key`.

**Two at once:** what is changed with `If-Match` and the `ETag` that was shown is changed as it was seen,
or not at all: 412 then has the present one as `current`. Without it the last one to write wins.\
"""

SERVERS = [{"url": "/", "description": "The server that this document came from."}]

TAGS = [
    {
        "name": "Identity",
        "description": "Registering, logging in and out, codes by e-mail, the profile, logins,"
        " personal access tokens, leaving.",
    },
    {
        "name": "Administration",
        "description": "Users, tenants and the audit log; for tenant admins and operators.",
    },
    {"name": "Keys", "description": "Connections to providers of models, with one's own keys."},
    {
        "name": "Chat",
        "description": "Conversations, questions, and the runs that generate their answers.",
    },
    {"name": "Transfer", "description": "What one has as files that go out, and come in."},
    {
        "name": "Shares",
        "description": "What others are shown of a conversation: whoever has a link, with or without an account.",
    },
    {"name": "Notes", "description": "Texts of one's own."},
    {
        "name": "Files",
        "description": "What is uploaded, to be attached to questions: it is what is in it, whatever it"
        " is called.",
    },
    {"name": "Search", "description": "In conversations and notes at once."},
    {"name": "Operation", "description": "For load balancers, and for whoever verifies tokens."},
]

SCHEMES = {
    "AccessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "What a log-in or a refresh hands out, good for minutes.",
    },
    "PersonalAccessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "parley_pat_",
        "description": "Made at `/api/v1/tokens`; good for what its scopes name.",
    },
    "RefreshCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": refresh_cookie.NAME,
        "description": "The refresh token of a log-in with `use_cookie`; from our own pages, or"
        " from those of a listed origin.",
    },
}

_SECONDS = {"type": "integer", "minimum": 0}
HEADERS: dict[str, dict[str, Any]] = {
    "Retry-After": {"description": "Seconds until it may be possible.", "schema": _SECONDS},
    "RateLimit": {
        "description": "The limit, what is left of it, and the same seconds, as in"
        " draft-ietf-httpapi-ratelimit-headers-10.",
        "schema": {"type": "string"},
        "example": '"too-many-attempts";r=0;t=60',
    },
    "ETag": {
        "description": "The version, as a strong entity tag: for `If-Match` and `If-None-Match`.",
        "schema": {"type": "string"},
        "example": '"3"',
    },
    "WWW-Authenticate": {"schema": {"type": "string", "const": "Bearer"}},
}

EVENTS = """\
id: 1
event: start
data: {"run_id":"01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e09","model":"demo"}

id: 2
event: delta
data: {"text":"A chat platform"}

id: 3
event: delta
data: {"text":" of your own."}

id: 4
event: done
data: {"status":"completed","finish_reason":"stop","saved":true}

"""
