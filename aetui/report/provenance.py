"""Where a report comes from: session, site, place, times in UTC and local, versions and the catalogue's hash. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo

from aetui.catalogue import Catalogue
from aetui.display import displayable
from aetui.entries import Kept
from aetui.report.phrases import phrases, say


def provenance(kept: Kept, catalogue: Catalogue, zone: tzinfo | None = None) -> Iterator[tuple[str, str]]:
    """Labels and values, in order; what is not known is left out, except what a reader would miss."""
    labels = phrases()["about"]
    for key, value in _values(kept, catalogue, zone):
        if value:
            yield labels[key], value


def _values(kept: Kept, catalogue: Catalogue, zone: tzinfo | None) -> Iterator[tuple[str, str]]:
    state, about = kept.state, kept.about
    where, local = state.vantage, state.started.astimezone(zone)
    yield "site", displayable(about.name)
    yield "note", displayable(about.note, 2000)
    titles = [catalogue.equipment[key].title if key in catalogue.equipment else displayable(key) for key in state.equipment]
    yield "equipment", ", ".join(titles)
    yield "session", state.session
    yield "started", f"{state.started.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    yield "local", f"{local:%Y-%m-%d %H:%M:%S} {local.tzname() or ''} (UTC{local:%z})"
    yield "took", f"{state.elapsed_ms / 1000:.1f} s"
    yield "ended", phrases()["ended"].get(state.ended or "unfinished", displayable(state.ended or ""))
    yield (
        "vantage",
        f"{where.kind} {displayable(where.name, 60)}" + ("" if where.interface is None else f", {displayable(where.interface, 20)}"),
    )
    looked = bool(state.checks) or where.address is not None  # a trace or a listener does not ask its own machine for these
    network = f"{displayable(where.address or 'not known')}, gateway {displayable(where.gateway or 'not known')}"
    resolvers = ", ".join(map(displayable, where.resolvers)) or ("not known" if "resolvers" in where.missing else "none")
    yield "network", network if looked else ""
    yield "resolvers", resolvers if looked else ""
    yield "beside", displayable(state.beside_vantage.name, 60) if state.beside_vantage else ""
    yield "tool", about.tool or "version not known"
    yield "document", catalogue.document
    yield "catalogue", f"{about.catalogue or 'version not known'}, SHA-256 {about.sha256 or 'not known'}"
    yield "changes", "; ".join(map(displayable, about.changes))
    if kept.unread:
        yield "note", say("label", "unread", count=kept.unread)
