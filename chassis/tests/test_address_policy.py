"""Which addresses a server may have that a user names."""

import ast
import ipaddress
import shutil
import subprocess
from pathlib import Path

import pytest

import chassis
from chassis import address_policy, public_addresses
from chassis.address_policy import AddressPolicy

# Written down here once more: a block that is lost there is missed here.
BLOCKS = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.0/29",
    "192.0.0.8/32",
    "192.0.0.9/32",
    "192.0.0.10/32",
    "192.0.0.170/31",
    "192.0.0.192/32",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:1::3/128",
    "2001:2::/48",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:30::/28",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "::/3",
    "4000::/2",
    "8000::/1",
]  # the last line: all that is not 2000::/3

# What stands just outside of the blocks, and servers that everybody knows.
PUBLIC = [
    "1.0.0.0",
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.1.255",
    "192.0.3.0",
    "192.31.195.255",
    "192.31.197.0",
    "192.52.192.255",
    "192.52.194.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "192.175.47.255",
    "192.175.49.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2000::",
    "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:200::",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2003::",
    "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff",
    "2620:4f:8001::",
    "2606:4700:4700::1111",
    "2a00:1450:4001:830::200e",
    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff:1000::",
    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2a00::5efd:a00:1",
    "2a00::5eff:a00:1",
]

# Spellings, zones, and IPv4 addresses inside of others.
CLOSED = [
    "0.0.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "192.0.0.192",
    "192.88.99.1",
    "255.255.255.255",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "::8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:808:808::",
    "2001:0:808:808:0:0:80ff:fffe",
    "2a00:1450::5efe:a00:1",
    "2a00:1450::200:5efe:808:808",
    "fec0::1",
    "3fff::1",
    "5f00::1",
    "100:0:0:1::1",
    "fe80::1%eth0",
    "fe80::1",
    "2001:db8::1",
    "fd00:ec2::254",
]

SOURCES = [Path(public_addresses.__file__), Path(address_policy.__file__)]


def _of(blocks: list[str]) -> list[str]:
    addresses = []
    for block in blocks:
        network = ipaddress.ip_network(block)
        first, last = int(network.network_address), int(network.broadcast_address)
        make = type(network.network_address)
        addresses += [str(make(number)) for number in (first, (first + last) // 2, last)]
    return addresses


@pytest.mark.parametrize("block", BLOCKS)
def test_the_first_the_last_and_a_middle_address_of_each_block_are_closed(block: str) -> None:
    for address in _of([block]):
        assert not AddressPolicy([]).admits(address), address


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_that_is_not_public_by_itself_is_closed(address: str) -> None:
    assert not AddressPolicy([]).admits(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_open(address: str) -> None:
    assert AddressPolicy([]).admits(address)


def test_each_block_of_the_list_is_one_of_these() -> None:
    assert {*public_addresses.IPV4, *public_addresses.IPV6} <= set(BLOCKS)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0177.0.0.1", "1.2.3.4.5", "1::2::3", "²"]
)
def test_what_is_no_address_is_closed(text: str) -> None:
    assert not AddressPolicy(["0.0.0.0/0", "::/0"]).admits(text)


def test_nothing_rests_on_what_this_python_thinks_of_an_address() -> None:
    opinions = {
        name
        for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv6Network)
        for name in dir(kind)
        if name.startswith("is_") or name in {"ipv4_mapped", "sixtofour", "teredo", "scope_id"}
    }
    assert {"is_global", "is_private", "is_reserved", "ipv4_mapped"} <= opinions
    for source in SOURCES:
        used = {
            node.attr
            for node in ast.walk(ast.parse(source.read_text()))
            if isinstance(node, ast.Attribute)
        }
        assert not used & opinions


JUDGE = """
import sys
from chassis.address_policy import AddressPolicy
policy = AddressPolicy([])
print(sys.version_info[:2] == (3, int(sys.argv[1])))
for address in sys.argv[2:]:
    print(policy.admits(address))
"""


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_other_pythons_judge_each_address_alike(minor: int) -> None:
    python = shutil.which(f"python3.{minor}")
    if (
        python is None
        or subprocess.run([python, "-V"], capture_output=True, check=False).returncode
    ):
        pytest.skip(f"there is no Python 3.{minor} here")
    addresses = [*_of(BLOCKS), *CLOSED, *PUBLIC]
    path = str(Path(chassis.__path__[0]).parent)
    done = subprocess.run(
        [python, "-S", "-c", JUDGE, str(minor), *addresses],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stderr == ""
    here = [str(AddressPolicy([]).admits(address)) for address in addresses]
    assert done.stdout.split() == ["True", *here]


def test_an_operator_opens_networks_and_names() -> None:
    policy = AddressPolicy(["127.0.0.0/8", "10.1.2.3", "fd00::/8", "Models.Internal"])
    assert policy.admits("127.0.0.1")
    assert policy.admits("10.1.2.3")
    assert policy.admits("fd12::1")
    assert not policy.admits("10.1.2.4")
    assert not policy.admits("::1")
    assert not policy.admits("::ffff:127.0.0.1")
    assert policy.opens_host("models.internal")
    assert not policy.opens_host("evil.models.internal")


@pytest.mark.parametrize(
    "entry", ["10.1.2.3/8", "models.internal.", "http://x", "127.1", "a:80", ""]
)
def test_an_entry_that_opens_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a network"):
        AddressPolicy(["127.0.0.0/8", entry])


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:8.8.8.8"])
def test_an_address_can_be_refused_before_anybody_connects(host: str) -> None:
    assert AddressPolicy([]).refuses(host)
    assert AddressPolicy(["10.0.0.0/8"]).refuses(host)
    assert not AddressPolicy(["0.0.0.0/0", "::/0"]).refuses(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700:4700::1111", "localhost", "a.internal"])
def test_neither_a_public_address_nor_a_name_is_refused_before_that(host: str) -> None:
    assert not AddressPolicy([]).refuses(host)
