"""Rows of the vault, made apart from it: by what docs/operations.md and the code say of their form."""

import base64
import hashlib
import hmac
import os
import uuid
from collections.abc import Iterator

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_BATCH = 5_000
_INSERT = """
INSERT INTO keys (id, tenant_id, user_id, name, name_folded, masked_key, model, base_url, provider,
    ciphertext, wrapped_key, kek_id, created_at, updated_at)
VALUES (%s, %s, %s, 'bench', 'bench', '…', 'm', 'https://a.example', 'openai', %s, %s, %s, now(), now())
"""


def new_key() -> str:
    """A key-encryption key as a setting has it."""
    return base64.b64encode(os.urandom(32)).decode()


def insert(url: str, kek: str, count: int) -> None:
    """Store ``count`` rows of as many users, sealed with ``kek``; ``url`` is the worker role's."""
    secret = base64.b64decode(kek)
    cipher = AESGCM(secret)
    name = hmac.digest(secret, b"parley vault key id", hashlib.sha256)[:8].hex()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for at in range(0, count, _BATCH):
            cursor.executemany(_INSERT, _rows(cipher, name, min(_BATCH, count - at)))
            connection.commit()


def _rows(cipher: AESGCM, kek_id: str, count: int) -> Iterator[tuple[object, ...]]:
    for _ in range(count):
        key_id, tenant_id, user_id = (uuid.uuid4() for _ in range(3))
        place = tenant_id.bytes + user_id.bytes + key_id.bytes + b"api_key"
        data_key = os.urandom(32)
        yield (
            *(key_id, tenant_id, user_id),
            _lock(AESGCM(data_key), b"sk-" + os.urandom(24).hex().encode(), b"secret." + place),
            _lock(cipher, data_key, b"datakey." + place),
            kek_id,
        )


def _lock(cipher: AESGCM, text: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, text, b"parley.vault.1." + context)
