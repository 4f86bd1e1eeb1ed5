"""Does a vantage stand outside the site, or behind the same router? What the public address looks like from inside proves nothing.

Many routers turn a connection from the LAN to their own public address round (hairpin), some refuse it, and either way the ISP's and the
firewall's rules are not met. So an answer counts as one from outside only if nothing says that the vantage stands inside. Pure.
"""

from __future__ import annotations

from aetui.reach import Arrival, NatSeen, Standing
from aetui.records import VantageInfo
from aetui.wire.realm import Realm, realm


def before(vantage: VantageInfo, address: str, nat: NatSeen | None = None, seen_as: str | None = None) -> Standing:
    """As far as can be said before knocking.

    ``nat`` is the word of this machine's own gateway, for a vantage that stands beside us; ``seen_as`` is how a jump host sees us: a public
    address means that the internet is between us and it.
    """
    if vantage.address == address or realm(address) is not Realm.PUBLIC:
        return Standing.INSIDE  # its own address, or one that no outsider can reach
    if vantage.address is not None and realm(vantage.address) is Realm.PUBLIC:
        return Standing.OUTSIDE
    if vantage.kind == "jump":
        return Standing.OUTSIDE if seen_as is not None and realm(seen_as) is Realm.PUBLIC else Standing.UNKNOWN
    outer = {side.address for side in nat.outer if side.address} if nat is not None else set()
    if address in outer or (nat is not None and nat.public == address):
        return Standing.INSIDE
    return Standing.OUTSIDE if any(realm(own) is Realm.PUBLIC for own in outer) else Standing.UNKNOWN


def after(known: Standing, vantage: VantageInfo, arrival: Arrival | None) -> Standing:
    """With the listener's word of where the connection came from, which the token proves.

    A private source means that no internet was crossed, or that the site's router hides every source behind itself; which of the two, a
    jump host's other signs may tell, and for a vantage beside us the first is taken.
    """
    if arrival is None or known is Standing.INSIDE:
        return known
    if realm(arrival.peer) is Realm.PUBLIC:
        return Standing.OUTSIDE
    if vantage.kind != "jump" or arrival.peer == vantage.address:
        return Standing.INSIDE
    return known
