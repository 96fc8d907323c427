"""Tells which network addresses belong to the public internet, and why another may not be called; pure."""

import ipaddress

# Addresses that carry an IPv4 address inside: Python calls some of them global, wherever they lead.
_REFUSED_NETWORKS = tuple(
    ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)


def refusal(address: str) -> str:
    """Why an address may not be called; empty when it is public."""
    try:
        ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip.scope_id or ip.is_site_local or any(ip in network for network in _REFUSED_NETWORKS):
            return "not a public address"
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified:
        return "not a public address"
    return ""
