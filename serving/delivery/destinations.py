"""Which addresses a webhook may be sent to: those of the public internet, unless allowed."""

import errno
import ipaddress
import socket
from typing import Any

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_INSIDE = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b:1::/48", "fec0::/10")))
"""IPv4-compatible, local NAT64 (RFC 8215) and site-local: not all of it counts as private."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[Any, Any, Any, Any, tuple[Any, ...]]
"""What `socket.getaddrinfo` says of one address."""


class PrivateAddressError(OSError):
    """Say that a name leads into a network that webhooks are kept out of."""


def public_socket(info: AddressInfo) -> socket.socket:
    """Return a socket towards an address, as the connector asks for before it connects.

    This is the very address that is connected to, so that a name that leads elsewhere the second
    time it is looked up gains nothing.

    Raises
    ------
    PrivateAddressError
        If the address is not public.
    """
    family, kind, protocol, _, place = info
    # An IPv6 address may name the interface it is reached through.
    address = ipaddress.ip_address(str(place[0]).partition("%")[0])
    if not is_public(address):
        raise PrivateAddressError(
            errno.EACCES,
            f"{address} is not public; expected an address of the internet, or "
            "allow_private_addresses = true for this webhook",
        )
    return socket.socket(family, kind, protocol)


def is_public(address: Address) -> bool:
    """Return whether an address, and any IPv4 address that it carries, is of the internet."""
    if any(address in network for network in _INSIDE):
        return False
    carried = _carried(address) if isinstance(address, ipaddress.IPv6Address) else None
    if carried is not None and not is_public(carried):
        return False
    is_mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    return is_mapped or (address.is_global and not address.is_multicast)


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a mapped, 6to4, Teredo or NAT64 address leads to."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo
