"""Egress: which addresses a connection may really be made to, whatever a name or URL says.

A URL is checked against the declared addresses in `http`. Here the socket is: the address that
was looked up for it last, so that a literal in odd notation, a redirect or a name that answers
otherwise the second time (DNS rebinding) reaches nothing but what the host allows.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["LOOPBACK", "Egress", "EgressRefused", "connected"]

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
AddrInfo = tuple[Any, ...]  # as getaddrinfo gives it; the last part is the socket's address

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""What development and tests allow besides the global addresses."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class EgressRefused(OSError):
    """The name leads to an address that the host's operator does not allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """Global addresses, and what an operator allows besides: networks, and names wherever
    they lead."""

    networks: tuple[IPNetwork, ...] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, allowed: Iterable[str]) -> Egress:
        """From words such as `10.0.0.0/8`, `10.1.2.3`, `siasn.example.go.id`.

        Raises:
            ValueError: one is neither a network nor a host's name.
        """
        networks, names = [], set()
        for one in allowed:
            try:
                networks.append(ipaddress.ip_network(one))
            except ValueError as error:
                if one.replace(".", "").isdigit() or not _is_name(one):
                    raise ValueError(f"{one!r} is neither a network nor a host's name") from error
                names.add(one.rstrip(".").lower())
        return cls(networks=tuple(networks), names=frozenset(names))

    def permits(self, host: str, address: str) -> bool:
        """Whether a connection to `address`, looked up for `host`, may be made."""
        if host.rstrip(".").lower() in self.names:
            return True
        try:
            reached = ipaddress.ip_address(address)
        except ValueError:
            return False
        # All that it stands for must be allowed: a mapped address reaches its inner one.
        return all(
            _is_global(one) or any(one in network for network in self.networks)
            for one in _meant(reached)
        )

    def socket_factory(self, host: str) -> Callable[[AddrInfo], socket.socket]:
        """Makes sockets to where `host` leads; refuses those that are not permitted."""

        def make(found: AddrInfo) -> socket.socket:
            family, kind, protocol, _, place = found
            if not self.permits(host, str(place[0])):
                # The same words for each address of a name: aiohttp keeps one of equal errors.
                raise EgressRefused(
                    f"{host} leads to an address inside, which this host does not allow "
                    "(EKINERJA_EGRESS_ALLOW)"
                )
            return socket.socket(family, kind, protocol)

        return make


async def connected(egress: Egress, host: str, port: int) -> socket.socket:
    """A socket, not blocking, that is connected to the first address of `host` that answers.

    Raises:
        EgressRefused: none of its addresses is permitted.
        OSError: it has none, or none answers.
    """
    loop = asyncio.get_running_loop()
    make = egress.socket_factory(host)
    failure: OSError = OSError(f"{host} has no address")
    for found in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            made = make(found)
        except EgressRefused as error:
            failure = error
            continue
        made.setblocking(False)
        try:
            await loop.sock_connect(made, found[4])
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure


def _is_name(text: str) -> bool:
    labels = text.rstrip(".").split(".")
    return all(label and label.replace("-", "").isalnum() and label.isascii() for label in labels)


def _meant(address: IPAddress) -> tuple[IPAddress, ...]:
    """The addresses of version 4 inside one of version 6, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address, address.sixtofour)
    if address.teredo is not None:
        return (address, *address.teredo)
    if address in _NAT64:
        return (address, ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return (address,)


def _is_global(address: IPAddress) -> bool:
    local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not local
