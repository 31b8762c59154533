"""A name server of a test's own: the addresses of a name change while it is asked about it."""

import struct
import threading
from ipaddress import IPv4Address
from socketserver import BaseRequestHandler, UDPServer
from typing import cast

_HEADER = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHHIH")
_IS_RESPONSE = 0x8400
_NO_SUCH_NAME = 3
_ADDRESS = 1
_INTERNET = 1
# The name of the question, by its place in the message: RFC 1035, 4.1.4.
_SAME_NAME = 0xC000 | _HEADER.size
# As long as Docker's answers live: who asks again must be told what is true now all the same.
_LIFE_SECONDS = 600


class NameServer(UDPServer):
    """Says of the names in ``addresses`` (IPv4) where they are; the dictionary may be changed.

    It serves on a port of 127.0.0.1 from a thread of its own, until it is closed.
    """

    def __init__(self, addresses: dict[str, list[str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Question)
        self.addresses = addresses
        #: The names whose addresses were asked for.
        self.asked: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def target(self, name: str, port: int) -> str:
        """A target of gRPC's: ``name``, as this server knows it, at ``port``."""
        return f"dns://127.0.0.1:{self.server_address[1]}/{name}:{port}"

    def close(self) -> None:
        """Answer nobody any more."""
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Question(BaseRequestHandler):
    """One question, whose kind is looked at: what is no IPv4 address has no records."""

    def handle(self) -> None:
        names = cast("NameServer", self.server)
        message, connection = self.request
        number, *_ = _HEADER.unpack_from(message)
        name, end = _read_name(message)
        kind, _ = struct.unpack_from(">HH", message, end)
        found = names.addresses.get(name)
        records = []
        if kind == _ADDRESS and found is not None:
            names.asked.append(name)
            records = [IPv4Address(address).packed for address in found]
        flags = _IS_RESPONSE | (_NO_SUCH_NAME if found is None else 0)
        answer = _HEADER.pack(number, flags, 1, len(records), 0, 0)
        answer += message[_HEADER.size : end + 4]
        for record in records:
            head = _RECORD.pack(_SAME_NAME, _ADDRESS, _INTERNET, _LIFE_SECONDS, len(record))
            answer += head + record
        connection.sendto(answer, self.client_address)


def _read_name(message: bytes) -> tuple[str, int]:
    """The name that is asked about, and where its type begins."""
    labels, place = [], _HEADER.size
    while length := message[place]:
        labels.append(message[place + 1 : place + 1 + length].decode())
        place += 1 + length
    return ".".join(labels).lower(), place + 1
