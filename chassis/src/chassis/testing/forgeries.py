"""Access tokens that nobody may believe: each one differs from a good one in one thing."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chassis.grpc.caller import AUDIENCE, ISSUER
from chassis.ids import new_id
from chassis.testing.signer import Signer

Sign = Callable[[bytes], bytes]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _token(header: object, claims: object, sign: Sign) -> str:
    text = f"{_encode(_json(header))}.{_encode(claims if isinstance(claims, bytes) else _json(claims))}"
    return f"{text}.{_encode(sign(text.encode()))}"


def forgeries(signer: Signer, *, elsewhere: str = "https://evil.example") -> dict[str, str]:
    """More than a hundred of them, by what is wrong; ``elsewhere`` is where an attacker's keys
    would be fetched from.
    """
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(new_id()),
        "tid": str(new_id()),
        "role": "operator",
        "sid": str(new_id()),
        "iat": now,
        "exp": now + 300,
        "jti": str(new_id()),
    }
    header: dict[str, Any] = {"alg": "EdDSA", "typ": "at+jwt", "kid": signer.kid}
    return {
        **_by_algorithm(signer, header, claims),
        **_by_header(signer, header, claims, elsewhere),
        **_by_claim(signer, header, claims, now),
        **_by_shape(signer, header, claims),
    }


def _by_algorithm(signer: Signer, header: dict[str, Any], claims: dict[str, Any]) -> dict[str, str]:
    public = signer.private_key.public_key()
    secrets = {
        "raw": signer.public_key,
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "name": signer.kid.encode(),
        "nothing": b"",
    }
    forged = {
        f"{alg} with the public key as {name}": _token(
            {**header, "alg": alg},
            claims,
            lambda text, key=secret, digest=digest: hmac.digest(key, text, digest),  # type: ignore[misc]
        )
        for alg, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512"))
        for name, secret in secrets.items()
    }
    for alg in ("none", "None", "NONE", "nOnE", ""):
        forged[f"algorithm {alg!r}, unsigned"] = _token(
            {**header, "alg": alg}, claims, lambda _: b""
        )
    named: tuple[Any, ...] = ("none", "HS256", "ES256", "RS256", "Ed25519", "eddsa", 7, None)
    for other in (*named, ["EdDSA"]):
        forged[f"algorithm {other!r}, well signed"] = _token(
            {**header, "alg": other}, claims, signer.private_key.sign
        )
    ec, rsa = new_ec_key(SECP256R1()), new_rsa_key(65537, 2048)
    forged["ES256 of a stranger"] = _token(
        {**header, "alg": "ES256"}, claims, lambda text: ec.sign(text, ECDSA(SHA256()))
    )
    forged["RS256 of a stranger"] = _token(
        {**header, "alg": "RS256"}, claims, lambda text: rsa.sign(text, PKCS1v15(), SHA256())
    )
    return forged


def _by_header(
    signer: Signer, header: dict[str, Any], claims: dict[str, Any], elsewhere: str
) -> dict[str, str]:
    stranger = Signer(kid=signer.kid)
    jwk = {"kty": "OKP", "crv": "Ed25519", "kid": signer.kid, "x": _encode(stranger.public_key)}
    own = stranger.private_key.sign
    forged = {
        "a stranger's signature under our name": _token(header, claims, own),
        "a stranger's key inside": _token({**header, "jwk": jwk}, claims, own),
        "a stranger's keys by address": _token({**header, "jku": f"{elsewhere}/keys"}, claims, own),
        "a stranger's certificate": _token({**header, "x5u": f"{elsewhere}/pem"}, claims, own),
    }
    added: dict[str, Any] = {
        "jwk": jwk,
        "jku": f"{elsewhere}/keys",
        "x5u": f"{elsewhere}/pem",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
        "x5t#S256": "AAAA",
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "cty": "JWT",
        "enc": "A256GCM",
        "x": 1,
    }
    for name, value in added.items():
        forged[f"well signed, with {name}"] = _token(
            {**header, name: value}, claims, signer.private_key.sign
        )
    kids = ("", "other", "../../etc/passwd", "/dev/null", "' OR 1=1 --", f"{signer.kid}\0", 0, None)
    for kid in (*kids, [signer.kid], {"kid": signer.kid}, "k" * 2000):
        forged[f"kid {str(kid)[:20]!r}"] = _token(
            {**header, "kid": kid}, claims, signer.private_key.sign
        )
    for typ in ("JWT", "at+JWT ", "refresh+jwt", "", None, 1):
        forged[f"typ {typ!r}"] = _token({**header, "typ": typ}, claims, signer.private_key.sign)
    for name in header:
        less = {key: value for key, value in header.items() if key != name}
        forged[f"no {name}"] = _token(less, claims, signer.private_key.sign)
    headers: tuple[Any, ...] = ([], "EdDSA", None, 1)
    for other in headers:
        forged[f"header {other!r}"] = _token(other, claims, signer.private_key.sign)
    return forged


def _by_claim(
    signer: Signer, header: dict[str, Any], claims: dict[str, Any], now: int
) -> dict[str, str]:
    wrong: dict[str, tuple[Any, ...]] = {
        "iss": ("evil", "", None, ["parley"], "Parley"),
        "aud": ("evil", "", None, ["parley"], ["parley", "evil"]),
        "sub": ("admin", "", None, 1, "00000000"),
        "tid": ("default", "", None, 1),
        "role": ("root", "", None, ["operator"], "Operator"),
        "sid": ("", None, 7, ["s"]),
        "iat": (now + 3600, "soon", None, str(now), True),
        "exp": (now - 1, 0, -1, "never", None, str(now + 300), True, [now + 300]),
        "nbf": (now + 3600,),
        "jti": (None, 7),
        "scope": ("", "root", None, ["notes:read"], "notes:read root", "notes:read ", 1),
    }
    forged = {
        f"{name} {value!r}": _token(header, {**claims, name: value}, signer.private_key.sign)
        for name, values in wrong.items()
        for value in values
    }
    for name in claims:
        less = {key: value for key, value in claims.items() if key != name}
        forged[f"no {name}"] = _token(header, less, signer.private_key.sign)
    for number in ("Infinity", "NaN", "1e400"):
        raw = _json({**claims, "exp": "#"}).replace(b'"#"', number.encode())
        forged[f"exp {number}"] = _token(header, raw, signer.private_key.sign)
    for other in (b"[]", b"null", b'"admin"', b"", b"\xff", b"{" * 5000):
        forged[f"claims {other[:9]!r}"] = _token(header, other, signer.private_key.sign)
    return forged


def _by_shape(signer: Signer, header: dict[str, Any], claims: dict[str, Any]) -> dict[str, str]:
    good = _token(header, claims, signer.private_key.sign)
    head, body, signature = good.split(".")
    promoted = _encode(_json({**claims, "sub": str(new_id())}))
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    return {
        "words": "let-me-in",
        "dots": "..",
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "five parts": f"{head}..{body}.{body}.{signature}",
        "other claims": f"{head}.{promoted}.{signature}",
        "another's signature": f"{head}.{body}.{_encode(bytes(64))}",
        "half a signature": f"{head}.{body}.{signature[:40]}",
        "a longer signature": f"{head}.{body}.{signature}AAAA",
        "one bit of the signature": f"{head}.{body}.{flipped}",
        "parts changed about": f"{body}.{head}.{signature}",
        "JSON": json.dumps({"protected": head, "payload": body, "signature": signature}),
        "long": "x" * 20_000,
        "a long one": f"{head}.{body}{'A' * 8000}.{signature}",
        "personal": f"parley_pat_{good}",
        "personal and short": "parley_pat_x",
    }
