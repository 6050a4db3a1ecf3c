"""Who is let in when there is more to do than can be done in time, and how much each client may ask.

A small prediction is nearly as cheap to make as to refuse, so what bounds latency is how many wait: connections are
bounded, work that waits is bounded, and a request that has waited for its turn too long is refused at once.
"""

from collections import OrderedDict
from ipaddress import ip_address

CLIENTS = 65_536  # whose buckets are kept; the one longest unseen is forgotten


class TokenBuckets:
    """A bucket of `burst` tokens for each client, refilled with `rate` a second.

    Kept as one float a client, the time at which its bucket will be full again: the generic cell rate algorithm
    (ITU-T I.371).
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._tolerance = (burst - 1) / rate
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        full_at = max(self._full_at.get(client, now), now)
        wait = full_at - self._tolerance - now
        if wait > 0:
            return wait
        self._full_at[client] = full_at + self._interval
        self._full_at.move_to_end(client)
        if len(self._full_at) > CLIENTS:
            self._full_at.popitem(last=False)
        return 0.0


def client_key(peer: str, forwarded_for: bytes, trusted_proxies: int) -> str:
    """Whose bucket: the address that the outermost trusted proxy saw, or the peer's; of IPv6 the /64 network."""
    address = peer
    if trusted_proxies and forwarded_for:
        hops = forwarded_for.decode("latin-1").split(",")
        address = hops[-min(trusted_proxies, len(hops))].strip()
    if ":" not in address:
        return address
    try:
        return str(int(ip_address(address.partition("%")[0])) >> 64)
    except ValueError:
        return address
