"""What the Site tab shows of a ``SiteLook``: a verdict line, rows, the details of one. Pure; text from the network is made displayable here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aetui.display import displayable
from aetui.guiding.public import line as public_line
from aetui.lan.look import OFFERS_S, SWEPT_PORTS
from aetui.lan.records import MOST_SWEPT, Device, Held
from aetui.packet.messages import MOST_HOSTS, Offer
from aetui.records import Severity
from aetui.screens.guide_verdict import told_paras
from aetui.screens.guide_words import known, say
from aetui.screens.site_facts import Fact, facts, network_of, public_fact
from aetui.screens.site_look import DHCP, FREE, WHO, SiteLook
from aetui.screens.skin import SIGN_WIDTH, SIGNS
from aetui.screens.widgets.lines import Line, cut, line
from aetui.screens.widgets.page import GAP, Para, pieces
from aetui.screens.widgets.rows import Row

LABEL = 16
ADDRESS = 16
LONGEST_NAME = 60
LONGEST_TEXT = 200
MOST_DEVICES = 1024
_DOING = {"dhcp": "running_dhcp", "who": "running_who", "free": "running_free"}
_HELD = {Held.FREE: "pass", Held.TAKEN: "fail", Held.OURS: "pass", Held.ELSEWHERE: "unknown", Held.UNKNOWN: "unknown"}


@dataclass
class View:
    """Draws one look."""

    look: SiteLook

    # ------------------------------------------------------------------------------------------------------------------ summary
    def summary(self, width: int, note: str) -> list[Line]:
        """Two lines: how it stands, and what is being done."""
        kind, word, text = self._standing()
        head = f" {SIGNS[kind].glyph} {word}  "
        first, *rest = pieces(note or text, max(20, width - len(head) - 1)) or [""]
        second = " ".join(rest)
        return [
            line((head, SIGNS[kind].ink), (first, "plain")),
            line((" " * len(head), "plain"), (cut(second, width - len(head) - 1), "plain")),
        ]

    def _standing(self) -> tuple[str, str, str]:
        look = self.look
        if look.why_not:
            return "fail", say("site", "fault"), displayable(look.why_not, 300)
        if look.doing in _DOING:
            return "running", say("site", "running_word"), self._doing()
        own = look.own
        if own is None:
            return "running", say("site", "opening"), say("site", "opening_text")
        placed = own.link is not None and own.link.address is not None
        worst = self._worst(rows=placed)
        if worst is not None:
            kind, text = worst
            return kind, say("site", "trouble" if kind == "fail" else "odd"), text
        if own.link is None or own.link.address is None:
            return "fail", say("site", "nowhere"), say("site", "nowhere_text")
        return "pass", say("site", "fine"), say("site", "fine_text", address=own.link.address, gateway=own.link.gateway or "")

    def _worst(self, *, rows: bool) -> tuple[str, str] | None:
        """How bad it is and what: the first failure, else the first warning, findings before the rows, which only say what is so."""
        found = [(one.severity.value, one.summary) for one in self.look.told if one.severity is not Severity.INFO]
        found += [(fact.kind, f"{say('site', fact.key)}: {fact.text}") for fact in self._facts() if rows and fact.kind in {"fail", "warn"}]
        return min(found, key=lambda one: one[0] != "fail", default=None)

    def _doing(self) -> str:
        look = self.look
        link = look.own.link if look.own is not None else None
        network, addresses = self._network()
        values = {
            "interface": displayable((link.default_interface if link else None) or "?", 30), "seconds": f"{OFFERS_S:g}", "network": network,
            "addresses": addresses, "address": look.address,
        }  # fmt: skip
        return say("site", _DOING[look.doing], **values)

    def _network(self) -> tuple[str, int]:
        """What 'who is here' looks through, and how many addresses of others that has."""
        look = self.look
        by_arp = look.room.world is not None and look.room.world.eyes.packets is not None
        return network_of(look.own.link if look.own is not None else None, MOST_HOSTS if by_arp else MOST_SWEPT)

    # --------------------------------------------------------------------------------------------------------------------- rows
    def rows(self, width: int) -> tuple[Row, ...]:
        """This computer, what can be asked, who is there."""
        return tuple(self._rows(width)) if self.look.own is not None else ()

    def _rows(self, width: int) -> Iterator[Row]:
        assert self.look.own is not None
        yield Row("here", ((say("site", "here"), "head"),), stop=False)
        for fact in self._facts():
            yield _row(f"fact:{fact.key}", fact.kind, say("site", fact.key), fact.text, width)
        yield Row("asked", ((say("site", "asked"), "head"),), stop=False)
        for key, (kind, text) in ((DHCP, self._dhcp()), (WHO, self._who()), (FREE, self._free())):
            held = self.look.held.held.value if key == FREE and self.look.held is not None else ""
            going = self.look.doing == key
            yield _row(f"ask:{key}", "running" if going else kind, say("site", key), text, width, "" if going else known("held", held))
        if self.look.around is not None and self.look.around.devices:
            yield Row("devices", ((say("site", "devices"), "head"),), stop=False)
            for device in self._devices():
                spans = (
                    (cut(device.address, ADDRESS), "strong"),
                    (cut(self._said(device), width - ADDRESS - 3).rstrip(), self._ink(device)),
                )
                yield Row(f"device:{device.address}", spans)

    def _facts(self) -> Iterator[Fact]:
        """What this computer says of itself, and the site's public address."""
        if self.look.own is not None:
            yield from facts(self.look.own)
            yield public_fact(self.look.reading)

    def _dhcp(self) -> tuple[str, str]:
        seen = self.look.dhcp
        if seen is None:
            return "planned", say("site", "dhcp_before")
        if seen.offers is None:
            return "skip", say("site", "dhcp_demo" if self.look.demo is not None else "dhcp_lacking")
        servers = {offer.server for offer in seen.offers}
        if not servers:
            return "warn", say("site", "dhcp_none", seconds=f"{seen.waited_s:g}")
        if len(servers) > 1:
            return "fail", say("site", "dhcp_many", count=len(servers))
        offer = seen.offers[0]
        text = say("site", "dhcp_one", server=offer.server, address=offer.address, router=offer.router or say("site", "address_none"))
        return "pass" if offer.resolvers else "fail", text

    def _who(self) -> tuple[str, str]:
        network, addresses = self._network()
        found = self.look.around
        if not network:
            return "skip", say("site", "who_nowhere")
        if found is None:
            return "planned", say("site", "who_before", network=network, addresses=addresses)
        part = "" if found.whole else say("site", "who_part")
        key = "who_found" if found.devices else "who_one"
        return "pass", say("site", key, count=len(found.devices), network=found.network, part=part)

    def _free(self) -> tuple[str, str]:
        held = self.look.held
        if held is None:
            return "planned", say("site", "free_before")
        maker = f", {displayable(held.maker, LONGEST_NAME)}" if held.maker else ""
        mac = f", {held.mac}" if held.mac else ""
        return _HELD[held.held], say("site", f"free_{held.held.value}", address=held.address, mac=mac, maker=maker)

    def _devices(self) -> list[Device]:
        """Known equipment first, then whoever answers, then the rest."""
        assert self.look.around is not None
        return sorted(self.look.around.devices, key=lambda one: (not one.equipment, not one.open_ports))[:MOST_DEVICES]

    def first_device(self) -> str:
        """The row of the first device; empty where there is none."""
        devices = self._devices() if self.look.around is not None else []
        return f"device:{devices[0].address}" if devices else ""

    def _said(self, device: Device) -> str:
        parts = [self._role(device), displayable(device.maker or "", LONGEST_NAME), self._may(device)]
        parts.append(say("site", "device_ports", ports=", ".join(map(str, device.open_ports))) if device.open_ports else "")
        parts.append(device.mac or "")
        return "  ".join(part for part in parts if part)

    def _role(self, device: Device) -> str:
        link = self.look.own.link if self.look.own is not None else None
        roles = {link.address: "device_us", link.gateway: "device_gateway"} if link is not None else {}
        return say("site", roles[device.address]) if device.address in roles else ""

    def _may(self, device: Device) -> str:
        world = self.look.room.world
        titles = [
            world.catalogue.equipment[key].title if world is not None and key in world.catalogue.equipment else key
            for key in device.equipment
        ]
        return say("site", "device_may", models=displayable(", ".join(titles), LONGEST_NAME)) if titles else ""

    def _ink(self, device: Device) -> str:
        return "key" if device.equipment else "plain" if device.open_ports else "muted"

    # ------------------------------------------------------------------------------------------------------------------ details
    def title(self, key: str) -> str:
        """What the details are about."""
        kind, _, name = key.partition(":")
        return name if kind == "device" else known("site", name)

    def details(self, key: str) -> Sequence[Para]:
        """Everything that is known of a row."""
        kind, _, name = key.partition(":")
        if kind == "device":
            return tuple(self._of_device(name))
        return tuple(self._of_row(name))

    def _of_row(self, name: str) -> Iterator[Para]:
        about = known("site_about", name)
        facts_here = next((fact.text for fact in self._facts() if fact.key == name), "")
        asked = {DHCP: self._dhcp, WHO: self._who, FREE: self._free}
        text = facts_here or (asked[name]()[1] if name in asked else "")
        reading = self.look.reading if name == "public" else None
        if text:
            yield Para(public_line(reading) if reading is not None else text, "strong")
        if name == DHCP and self.look.dhcp is not None:
            yield from (Para(_offer(offer), "strong") for offer in self.look.dhcp.offers or ())
        if name in {"link", "public", DHCP, FREE}:
            yield from told_paras([one for one in self.look.told if _concerns(one.cause) == name], whole=True)
        yield from self._lacking(name)
        if about:
            yield Para(about)

    def _lacking(self, name: str) -> Iterator[Para]:
        """What could not be done for want of a right, the command that grants it, and what was done instead."""
        seen = {DHCP: self.look.dhcp, WHO: self.look.around, FREE: self.look.held}.get(name)
        if seen is None or seen.lacking is None:
            return
        if self.look.demo is not None:
            yield Para(say("site", "demo_lan"), "warn")
        else:
            yield Para(say("site", "lacking", why=displayable(seen.lacking, 400)), "warn")
        if name == WHO:
            yield Para(say("site", "lacking_who", ports=", ".join(map(str, SWEPT_PORTS))))
        if name == FREE:
            yield Para(say("site", "lacking_free"))

    def _of_device(self, address: str) -> Iterator[Para]:
        device = next((one for one in (self.look.around.devices if self.look.around else ()) if one.address == address), None)
        if device is None:
            return
        role = self._role(device)
        if role:
            yield Para(role, "strong")
        yield Para(say("site", "mac", mac=device.mac) if device.mac else say("site", "device_mac_none"))
        if device.equipment:
            models = self._may(device).removeprefix(say("site", "device_may", models=""))
            yield Para(say("site", "may_be", maker=displayable(device.maker or "", LONGEST_NAME), models=models), "strong")
        elif device.maker:
            yield Para(displayable(device.maker, LONGEST_NAME))
        ports = ", ".join(map(str, device.open_ports or SWEPT_PORTS))
        yield Para(say("site", "device_ports" if device.open_ports else "device_silent", ports=ports))
        yield GAP


def _row(key: str, kind: str, label: str, text: str, width: int, word: str = "") -> Row:
    sign = SIGNS[kind]
    lead = (f"{sign.glyph} {word}" if word else sign.text) if kind not in {"planned", "moot"} else ""
    room = width - SIGN_WIDTH - LABEL - 3
    text = cut(displayable(text, LONGEST_TEXT), room).rstrip()
    return Row(key, ((lead.ljust(SIGN_WIDTH), sign.ink), (cut(label, LABEL), "strong"), (text, "plain")))


def _concerns(cause: str) -> str:
    """The row under which a cause is explained."""
    return (
        DHCP
        if cause.startswith("dhcp-")
        else {"address-conflict": FREE, "double-nat": "public", "carrier-nat": "public"}.get(cause, "link")
    )


def _offer(offer: Offer) -> str:
    text = say("site", "dhcp_one", server=offer.server, address=offer.address, router=offer.router or say("site", "address_none"))
    resolvers = ", ".join(offer.resolvers) or say("site", "resolvers_none")
    return displayable(f"{text}; {say('site', 'resolvers')}: {resolvers}; {say('site', 'mac', mac=offer.mac)}", 300)
