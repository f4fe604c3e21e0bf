"""Which internet addresses anybody may reach.

Python's ``is_global`` differs between versions and lets addresses through that carry another one inside, so the blocks
are listed here: for IPv4 what is refused, for IPv6 what is let through.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_REFUSED_4 = [
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by the customers of a provider; one cloud keeps its metadata service here
        "127.0.0.0/8",
        "168.63.129.16/32",  # a public address that is a cloud's host agent to the machines inside
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
_GLOBAL_6 = IPv6Network("2000::/3")
_REFUSED_6 = [
    IPv6Network(block)
    for block in (
        "2001::/23",  # Teredo and others that lead elsewhere
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",
    )
]
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and to nothing near this machine."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _REFUSED_4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:  # how a network without IPv4 reaches it: what counts is the address inside
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _GLOBAL_6 and not any(address in block for block in _REFUSED_6)
