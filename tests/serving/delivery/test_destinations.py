"""Which addresses a webhook may go to, whatever they are dressed up as."""

import ipaddress
import socket

import pytest

from serving.delivery.destinations import PrivateAddressError, is_public, public_socket


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 -- refused, not bound
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "64:ff9b:1::a00:1",
        "fec0::1",
        "::127.0.0.1",
        "::8.8.8.8",
    ],
)
def test_private_reserved_and_shared_addresses_are_not(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_a_name_that_leads_home_gets_no_socket(host: str) -> None:
    for info in socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM):
        with pytest.raises(PrivateAddressError, match="is not public; expected"):
            public_socket(info)


def test_a_link_local_address_with_its_interface_is_understood() -> None:
    info = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%eth0", 80, 0, 2))
    with pytest.raises(PrivateAddressError, match="fe80::1 is not public"):
        public_socket(info)
