"""Tells which network addresses belong to the public internet, and why another may not be called; pure.

The tables are the IANA registries of special-purpose addresses (IPv4: RFC 6890 and its updates, IPv6 likewise),
multicast and the reserved space. `ipaddress.is_global` follows these registries at the age of the Python in use and
calls blocks such as 192.88.99.0/24 global. A block counts whole, also where the registry marks parts of it as globally
reachable (anycast of the network itself): no provider's site has such an address.
"""

import ipaddress

_SPECIAL_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared address space of carriers
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, with the metadata service of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112, direct delegation
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with the limited broadcast address
    )
)

# Only this part of IPv6 is given out as global unicast; mapped, translated, local and multicast lie outside.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments, with Teredo, benchmarking and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 carries any IPv4 address inside
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

REFUSED = "not a public address"


def refusal(address: str) -> str:
    """Why an address may not be called; empty when it is public."""
    try:
        ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            public = not ip.scope_id and ip in _GLOBAL_V6 and not any(ip in block for block in _SPECIAL_V6)
            return "" if public else REFUSED
        ip = ip.ipv4_mapped
    return REFUSED if any(ip in block for block in _SPECIAL_V4) else ""
