"""The pages of the Inbound tab that are filled in: what each asks, and how it is read. Pure but for making the page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from aetui.screens.inbound_form import Field, Form, Typed
from aetui.screens.inbound_outside import Here, Question, Way
from aetui.screens.inbound_site import Settings
from aetui.screens.inbound_typed import Typo, address, code, forwards, host, minutes, networks, place, port, ports
from aetui.screens.inbound_words import say


def _field(form: str, key: str, value: str = "", **values: str) -> Field:
    return Field(key, say("forms", f"{form}_{key}"), say("forms", f"{form}_{key}_help", **values), value)


def settings_form(settings: Settings) -> Form[Settings]:
    """Ports, minutes and who is let in."""

    def read(typed: Typed) -> Settings:
        return Settings(ports(typed["ports"]), minutes(typed["minutes"]), networks(typed["allow"]))

    return Form(
        say("forms", "site"),
        [
            _field("site", "ports", " ".join(map(str, settings.ports))),
            _field("site", "minutes", f"{settings.minutes:g}"),
            _field("site", "allow", " ".join(map(str, settings.allow))),
        ],
        read,
    )


def port_form(taken: Collection[int]) -> Form[int]:
    """One more port."""

    def read(typed: Typed) -> int:
        found = port(typed["port"])
        if found in taken:
            raise Typo(say("typos", "taken", text=found))
        return found

    return Form(say("forms", "another"), [_field("another", "port")], read)


def address_form(before: Question | None, way: Way, seen: str | None, *, needed: bool) -> Form[Question]:
    """The site's public address, its ports, the logger's own address, and who should get in; ``needed`` where nobody else tells the address."""

    def read(typed: Typed) -> Question:
        if needed and not typed["public"]:
            raise Typo(say("typos", "public"))
        inside = tuple(address(part) for part in typed["inside"].replace(",", " ").split())
        meant = tuple(map(str, networks(typed["meant"])))
        return Question(way, host(typed["public"]) if typed["public"] else "", forwards(typed["ports"]), inside, meant)

    asked = before or Question(way)
    shown = " ".join(str(outer) if outer == inner else f"{outer}:{inner}" for outer, inner in asked.forwards)
    return Form(
        say("forms", "address"),
        [
            _field("address", "public", asked.public, seen=seen or say("forms", "address_unseen")),
            _field("address", "ports", shown),
            _field("address", "inside", " ".join(asked.inside)),
            _field("address", "meant", " ".join(asked.meant)),
        ],
        read,
    )


def here_form(before: Question | None) -> Form[Question]:
    """The other half: the site's public address and port, the port inside, the code that is shown there."""
    asked = before if before is not None and isinstance(before.way, Here) else Question(Here())

    def read(typed: Typed) -> Question:
        public, outer = place(typed["place"])
        inner = port(typed["inner"]) if typed["inner"] else None
        if inner is not None and outer is None:
            raise Typo(say("typos", "outer"))
        pairs = ((outer, inner or outer),) if outer is not None else ()
        return replace(asked, public=public, forwards=pairs, code=code(typed["code"]))

    outer, inner = asked.forwards[0] if asked.forwards else (None, None)
    literal = f"[{asked.public}]" if ":" in asked.public and outer is not None else asked.public
    return Form(
        say("forms", "here"),
        [
            _field("here", "place", f"{literal}:{outer}" if outer is not None else literal),
            _field("here", "code", asked.code or ""),
            _field("here", "inner", str(inner) if inner is not None and inner != outer else ""),
        ],
        read,
    )
