"""The rate limit: how many requests each client may send.

A prediction costs little more than its refusal, so under overload it is the number of waiting requests that must be
limited: see ConnectionLifetime.admission.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

ROUNDING_SECONDS = 1e-6  # a shorter wait may be the rounding of sums of times
CLIENTS = 65_536  # clients whose buckets are kept; the one not seen for longest is dropped


class TokenBuckets:
    """A bucket of `burst` tokens for each client, refilled with `rate` tokens a second.

    A bucket is one float: the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._tolerance = (burst - 1) / rate
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        full_at = max(self._full_at.get(client, now), now)
        wait = full_at - self._tolerance - now
        if wait > ROUNDING_SECONDS:
            return wait
        self._full_at[client] = full_at + self._interval
        self._full_at.move_to_end(client)
        if len(self._full_at) > CLIENTS:
            self._full_at.popitem(last=False)
        return 0.0


def client_key(peer: str, forwarded_for: bytes, trusted_proxies: int) -> str:
    """Return the key of a client's bucket: the address that the outermost trusted proxy saw, or the peer's.

    IPv6 addresses of one /64 network share a bucket; IPv4 in IPv6 (::ffff:192.0.2.1) is the IPv4 address. A port that
    some proxies append (192.0.2.1:4711, [2001:db8::1]:4711) is no part of the address.
    """
    address = peer
    if trusted_proxies and forwarded_for:
        hops = forwarded_for.decode("latin-1").split(",")
        address = _without_port(hops[-min(trusted_proxies, len(hops))].strip())
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or int(found) >> 64)


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, _, port = address.partition(":")
    return host if port.isdecimal() else address
