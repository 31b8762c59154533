"""What earlier releases have stored opens with this one: the formats of sealed keys, in values written out."""

import base64
from uuid import UUID

from apikey_service.domain.sealed import Sealed
from apikey_service.usecases.sealing import open_headers, open_key
from apikey_service.vault.envelope import EnvelopeVault
from apikey_service.vault.kek import parse_kek
from apikey_service.vault.ring import LocalKeyRing
from chassis.testing import Signer

KEK = parse_kek(base64.b64encode(bytes(range(32))).decode())
TENANT, USER, KEY = (UUID(int=number) for number in (1, 2, 3))

API_KEY = Sealed(
    ciphertext=bytes.fromhex(
        "bf7393288d45a934a0197f7a52231479ff6de476322b3e8ed3715a73592d13900f129481aeb27c56c455cbb8"
    ),
    wrapped_key=bytes.fromhex(
        "1d4060f1b14557d1b0491d4d735cba41c191ea55430c6e93b3b3321504bce817"
        "444d5a55b4f4a6358eb165b375ffaadc0b36846946c3e0923ed08679"
    ),
    kek_id="9f52636a75c79c1f",
)
HEADERS = Sealed(
    ciphertext=bytes.fromhex(
        "607f05b784212f440e77b59c56faf57cd69090725394bebe20159268030b47154c78cabe"
        "2361d8a1d655f057cfd67f90ce57bd5241054f470e7565e0a2065c1d119699644da3cfc7e4"
    ),
    wrapped_key=bytes.fromhex(
        "3d3a7a17c03b1c93df43abedb36a415ba6bd7fbc996bfc697d045b82ce1bb963"
        "b102b2f3622fba8f5b909c2f7f893675d6d63e1ee595a161ba22a913"
    ),
    kek_id="9f52636a75c79c1f",
)


def test_a_key_encryption_key_is_stored_under_the_id_that_it_always_had() -> None:
    assert KEK.id == "9f52636a75c79c1f"


def test_what_was_sealed_before_opens(signer: Signer) -> None:
    caller = signer.caller(tenant_id=TENANT, user_id=USER)
    vault = EnvelopeVault(LocalKeyRing(KEK))

    assert open_key(vault, caller, KEY, API_KEY).reveal() == "sk-kept-for-ever"
    headers = open_headers(vault, caller, KEY, HEADERS)
    assert [(name, value.reveal()) for name, value in headers] == [
        ("X-Team", "blue"),
        ("X-Key", "naïve"),
    ]
