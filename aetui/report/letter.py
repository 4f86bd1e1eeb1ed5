"""The letter that goes with a firewall request: what to ask, in courteous plain English. Words are assets/requests/letter.toml. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from aetui.causes import Words, describe
from aetui.display import displayable
from aetui.entries import Kept
from aetui.records import Severity
from aetui.report.asks import Ask, Asked
from aetui.report.phrases import say
from aetui.report.request import Site
from aetui.strict import parse_toml
from aetui.tally import tally_of

WIDTH = 76


@cache
def sentences() -> Mapping[str, str]:
    """The letter's sentences. Raises DataError where the file is wrong."""
    return parse_toml(files("aetui.assets").joinpath("requests", "letter.toml").read_bytes(), "requests/letter.toml").strings()


def letter(kept: Kept, asked: Asked, site: Site, words: Words, everything: bool = False) -> str:
    """The whole letter, ready for a mail."""
    return "\n".join(_page(kept, asked, site, words, everything)).rstrip() + "\n"


def _page(kept: Kept, asked: Asked, site: Site, words: Words, everything: bool) -> Iterator[str]:
    said = sentences()
    values = {
        "equipment": f" ({site.equipment})" if kept.state.equipment else "",
        "site": displayable(site.name), "when": f"{kept.state.started:%Y-%m-%d %H:%M}",
        "vantage": displayable(kept.state.vantage.name, 60), "address": displayable(kept.state.vantage.address or "an unknown address"),
        "proof": say("summary", "proof", tool=kept.about.tool or "?", catalogue=kept.about.catalogue or "?", sha=kept.about.sha256[:12] or "?",
                     session=kept.state.session),
    }  # fmt: skip
    yield said["subject"].format_map(values)
    yield ""
    yield said["greeting"]
    yield from _paragraph(said["opening"].format_map(values))
    faults = [describe(words, f) for f in kept.state.diagnosis.findings] + list(tally_of(kept).findings())
    faults = [entry for entry in faults if entry.severity is not Severity.INFO]
    if faults:
        yield from _paragraph(said["findings"])
        for entry in faults:
            yield from _wrapped(f"- {entry.summary}", "  ")
    if not asked.asks:
        yield from _paragraph(" ".join(_nothing(asked)))
    else:
        yield from _asks(asked, site, everything)
    yield from _paragraph(said["closing"])
    yield ""
    yield from _wrapped(said["signature"].format_map(values))


def _nothing(asked: Asked) -> Iterator[str]:
    said, rest = sentences(), list(_rest(asked))
    if not asked.nameless:
        yield said[asked.nothing]
    yield from rest or ([said["no_change"]] if asked.nothing == "nothing" else [])


def _rest(asked: Asked) -> Iterator[str]:
    """What is needed and not in the list."""
    if asked.nameless:
        yield sentences()["nameless"]
    if asked.later:
        yield sentences()["later"].format(count=asked.later)


def _asks(asked: Asked, site: Site, everything: bool) -> Iterator[str]:
    said, kinds = sentences(), {ask.kind for ask in asked.asks}
    yield from _paragraph(said["everything" if everything else "failed"])
    yield ""
    for number, group in enumerate(_grouped(asked.asks), 1):
        yield from _line(number, group, site)
    direction = [said["direction"]] if kinds != {"forward"} else []
    rest = list(_rest(asked)) or [said["nothing_out" if kinds == {"forward"} else "nothing_else"]]
    yield from _paragraph(" ".join([*direction, *rest]))
    if kinds - {"forward", "dns-here"}:
        yield from _paragraph(said["names"])
    for kind, key in (("exempt", "inspection"), ("ftp", "ftp"), ("forward", "inbound")):
        if kind in kinds:
            yield from _paragraph(said[key])


def _grouped(asks: tuple[Ask, ...]) -> list[list[Ask]]:
    """Lines that a person reads as one: the ports of one host, and all hosts to be exempted."""
    found: dict[tuple[str, ...], list[Ask]] = {}
    for ask in asks:
        key = ("exempt", ask.ports) if ask.kind == "exempt" else (ask.kind, ask.target, ask.protocol if ask.kind != "dns-here" else "")
        found.setdefault(key, []).append(ask)
    return list(found.values())


def _line(number: int, group: list[Ask], site: Site) -> Iterator[str]:
    first = group[0]
    ports = ", ".join(dict.fromkeys(f"{ask.protocol.upper()} {ask.ports}" for ask in group))
    match first.kind:
        case "exempt":
            what = f"no TLS inspection ({ports}) for {', '.join(ask.target for ask in group)}"
        case "forward":
            away = ", ".join(site.support) or "the support team's addresses"
            what = f"inbound {ports} from {away} to {site.logger or 'the equipment'}, port {first.own_port}"
        case _:
            shown = f" ({', '.join(first.addresses)})" if first.addresses and first.target not in first.addresses else ""
            what = f"{ports} to {first.target}{shown}"
    yield from _wrapped(f"{number:>3}. {what}", "     ")
    yield from _wrapped(f"     {displayable(first.why, 300)} Seen: {displayable(first.evidence, 200)}.", "     ")


def _paragraph(text: str) -> Iterator[str]:
    yield ""
    yield from _wrapped(text)


def _wrapped(text: str, rest: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False)
