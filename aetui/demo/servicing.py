"""Reads one ``[services.NAME]`` table into its record, by its ``kind``. Pure; errors are ``strict.DataError``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address

from aetui.demo import scenario as records
from aetui.strict import Table

ANSWERS = frozenset({"NXDOMAIN", "SERVFAIL", "REFUSED", "EMPTY", "LOOP", "POINTERS"})
"""What a name server may say of one name in place of an address; LOOP is a ring of aliases, POINTERS a packet that refers to itself."""
RCODES = ("NXDOMAIN", "SERVFAIL", "REFUSED")
MOST_NAMES = 5000
_LEAF, _FILES = records.Leaf(), records.Files()


def _web(table: Table) -> records.Web:
    return records.Web(
        status=table.integer("status", 100, 599, 200),
        reason=table.text("reason", "OK"),
        headers=tuple(table.table("headers").strings().items()),
        body=table.text("body", ""),
        endless=table.flag("endless"),
    )


def _secure_web(table: Table) -> records.Web:
    leaf = records.Leaf(
        authority=table.text("authority", ""),
        name=table.text("certificate_name", ""),
        days_before=table.number("days_before", -5000, 5000, _LEAF.days_before),
        days_after=table.number("days_after", -5000, 5000, _LEAF.days_after),
        more_names=table.integer("more_names", 0, MOST_NAMES, 0),
        self_signed=table.flag("self_signed"),
    )
    if leaf.days_before + leaf.days_after <= 0:
        table.fail("days_after", "the certificate would end before it begins")
    web = _web(table)
    return records.Web(web.status, web.reason, web.headers, web.body, web.endless, leaf)


def _names(table: Table) -> records.Names:
    rcode = table.optional("rcode")
    if rcode is not None and rcode not in RCODES:
        table.fail("rcode", f"{rcode!r} is none of {', '.join(RCODES)}")
    everything = table.optional("everything")
    if everything is not None and not _is_address(everything):
        table.fail("everything", f"{everything!r} is not an IP address")
    instead = table.table("instead")
    said = instead.strings()
    for name, answer in said.items():
        if answer not in ANSWERS and not _is_address(answer):
            instead.fail(name, f"{answer!r} is neither an address nor one of {', '.join(sorted(ANSWERS))}")
    return records.Names(rcode, everything, {name.lower(): answer for name, answer in said.items()}, table.flag("truncates"))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _clock(table: Table) -> records.Clock:
    kiss = table.optional("kiss")
    if kiss is not None and not (len(kiss) == 4 and kiss.isascii() and kiss.isupper()):
        table.fail("kiss", "must be four capital letters")
    stratum = 0 if kiss else table.integer("stratum", 0, 16, 2)
    return records.Clock(stratum, kiss, table.integer("leap", 0, 3, 0), table.flag("echoes", True))


def _files(table: Table) -> records.Files:
    passive = table.optional("passive_address")
    if passive is not None and not _is_address(passive):
        table.fail("passive_address", f"{passive!r} is not an IP address")
    return records.Files(table.text("banner", _FILES.banner), passive, table.flag("extended", True), table.flag("endless"))


READERS: Mapping[str, Callable[[Table], records.Service]] = {
    "http": _web,
    "https": _secure_web,
    "dns": _names,
    "ntp": _clock,
    "ftp": _files,
    "banner": lambda table: records.Banner(table.text("text", records.Banner().text)),
    "telnet": lambda table: records.Telnet(table.text("prompt", records.Telnet().prompt)),
    "rdp": lambda table: records.Desktop(table.text("computer", records.Desktop().computer)),
}
"""By ``kind``."""
