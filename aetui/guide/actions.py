"""What each action takes, can give, and makes known: the tables that the loader and the proof hold guides against. Pure.

A sign is a word of ours for what one check saw, finer than a cause; statuses and causes are those of the contract. Names are given values
by what an action saw: always, after some of its keys only, or perhaps; a branch can ask whether a name has a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from aetui.guide import records
from aetui.guide.records import Action, Ask
from aetui.records import Status

MACHINE = frozenset({"no-link", "no-address", "no-gateway", "gateway-unreachable", "local-firewall", "clock-wrong", "privilege-missing"})
NAMES = frozenset({"dns-unreachable", "dns-failing", "dns-name-missing", "dns-filtered", "dns-hijacked", "dns-changed"})
TRANSPORT = frozenset({
    "refused", "rejected", "filtered", "unreachable", "no-internet", "mtu-blackhole", "slow", "lossy", "server-down",
})  # fmt: skip
CONTENT = frozenset({
    "tls-blocked", "tls-intercepted", "tls-expired", "tls-name-mismatch", "tls-untrusted", "captive-portal", "http-blocked", "proxy-required",
    "http-error", "ntp-no-reply", "ntp-bad-answer", "ftp-data-blocked", "wrong-service",
})  # fmt: skip
OUTBOUND = MACHINE | NAMES | TRANSPORT | CONTENT
DEEP = frozenset({"double-nat", "carrier-nat"})
INBOUND = DEEP | {
    "forward-confirmed", "service-confirmed", "forward-missing", "forward-refused", "forward-elsewhere", "service-down", "unreachable",
    "wrong-service", "exposed", "forward-limited", "forward-unanswered",
}  # fmt: skip
DHCP = frozenset({"dhcp-silent", "dhcp-several", "dhcp-no-resolver"})


@dataclass(frozen=True, slots=True)
class Gives:
    """What an action can bring."""

    statuses: frozenset[Status]
    causes: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()
    sure: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names that have a value after it, by the key that it went on with; under ``""`` those that have one in any case."""
    perhaps: frozenset[str] = frozenset()
    """Names that may have one."""

    @property
    def keys(self) -> frozenset[str]:
        """Everything that a branch on it may name."""
        return self.signs | self.causes | {status.value for status in self.statuses}

    @property
    def names(self) -> frozenset[str]:
        """Every name that it may give a value to."""
        return self.perhaps.union(*self.sure.values())


_ANY = frozenset({Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN})
_YES_NO = frozenset({Status.PASS, Status.FAIL, Status.UNKNOWN})

GIVES: Mapping[type[Action], Gives] = {
    records.Plan: Gives(_ANY, OUTBOUND, frozenset({"all-fail", "some-fail", "clock-alone", "ftp-moved", "ftp-refused"})),
    records.Models: Gives(_ANY, OUTBOUND, frozenset({"all-work", "some-work", "none-work"})),
    records.Inside: Gives(
        _YES_NO, frozenset({"service-down", "wrong-service"}),
        frozenset({"answers", "refuses", "silent", "nobody", "mute", "another", "no-way"}), perhaps=frozenset({"identity"}),
    ),
    records.Public: Gives(frozenset({Status.PASS, Status.UNKNOWN}), sure={"pass": frozenset({"public"})}),
    records.Confirm: Gives(_ANY, INBOUND, frozenset({"no-place", "inside-view"})),
    records.Listen: Gives(
        _ANY, INBOUND | {"port-in-use", "privilege-missing"}, frozenset({"knock-proved", "knock-seen", "knock-none"})
    ),
    records.Nat: Gives(frozenset({Status.PASS, Status.WARN, Status.UNKNOWN}), DEEP, frozenset({"listed", "not-listed", "mute-router"})),
    records.Lan: Gives(
        _ANY, MACHINE | DHCP, frozenset({"by-dhcp", "static", "not-asked"}), perhaps=frozenset({"own", "gateway", "resolvers", "network", "public"}),
    ),
    records.Find: Gives(
        _ANY, frozenset(),
        frozenset({"found-one", "found-many", "found-none", "no-network"}),
        {"found-one": frozenset({"found", "candidates"}), "found-many": frozenset({"candidates"})},
    ),
    records.Free: Gives(
        _YES_NO, frozenset({"address-conflict"}), frozenset({"free", "ours", "taken", "elsewhere"}),
    ),
    records.Trace: Gives(
        _ANY, TRANSPORT | {"privilege-missing", "dns-unreachable", "dns-name-missing", "dns-failing"}, frozenset({"reached"}),
        perhaps=frozenset({"dies"}),
    ),
    records.Decode: Gives(
        frozenset({Status.PASS, Status.UNKNOWN}), frozenset(),
        frozenset({"way", "silence", "refusal", "name", "broken", "clock", "device", "other"}), {"": frozenset({"meaning"})},
    ),
}  # fmt: skip

KINDS: Mapping[str, type[Action]] = {
    "plan": records.Plan, "models": records.Models, "inside": records.Inside, "public": records.Public, "confirm": records.Confirm,
    "listen": records.Listen, "nat": records.Nat, "lan": records.Lan, "find": records.Find, "free": records.Free, "trace": records.Trace,
    "decode": records.Decode,
}  # fmt: skip
"""By the word that stands in a file."""

GIVEN = frozenset({"outside", "public", "ftp_login", "vantage", "jump_host"})
"""What may be known before the first step: the name of a place outside, the site's public address, that an FTP login was given, where we stand,
the jump host that was used last.
"""

TAKES: Mapping[str, Ask] = {
    "port": Ask.PORT, "public_port": Ask.PORT, "address": Ask.ADDRESS, "public": Ask.ADDRESS, "inside": Ask.ADDRESS,
}  # fmt: skip
"""What an argument of this name is; any text where none is named."""
ADDRESSES = frozenset({"public", "found", "own", "gateway", "dies"})
"""Names, beside those that people are asked for, whose value is an address."""


def gives(action: Action) -> Gives:
    """What this action can bring."""
    return GIVES[type(action)]


def texts_of(action: Action) -> tuple[str, ...]:
    """The texts of an action, which may hold ``{name}``."""
    values = [getattr(action, each.name) for each in fields(action)]
    return tuple(text for value in values for text in ((value,) if isinstance(value, str) else value))
