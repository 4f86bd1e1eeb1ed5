"""``aetui catalogue``: what is required, by whom, why, and where the document says so."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from aetui.catalogue import Catalogue, Endpoint, Service
from aetui.cli.common import refuse
from aetui.strict import DataError


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("equipment", nargs="*", metavar="EQUIPMENT", help="one or several; all where none is named")
    parser.add_argument("--catalogue", type=Path, metavar="FILE", help="your own requirements, over the shipped ones")
    parser.add_argument("--json", action="store_true", help="the catalogue as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    from aetui.catalogue import load
    from aetui.prepare import Refused, known, own_catalogue

    try:
        catalogue = load(arguments.catalogue or own_catalogue())
        known(catalogue, tuple(arguments.equipment))
    except (DataError, Refused) as error:
        return refuse(str(error))
    keys = tuple(arguments.equipment) or tuple(catalogue.equipment)
    if arguments.json:
        print(json.dumps(_json(catalogue, keys), indent=2))
    else:
        print("\n".join(_lines(catalogue, keys, bool(arguments.equipment))))
    return 0


def _json(catalogue: Catalogue, keys: tuple[str, ...]) -> dict[str, object]:
    return {
        "version": catalogue.version,
        "document": catalogue.document,
        "sha256": catalogue.sha256,
        "changes": list(catalogue.changes),
        "equipment": [asdict(catalogue.equipment[key]) for key in keys],
        "endpoints": [asdict(entry) for entry in catalogue.endpoints_of(keys)],
        "inbound": [asdict(entry) for entry in catalogue.inbound_of(keys)],
    }


def _lines(catalogue: Catalogue, keys: tuple[str, ...], whole: bool) -> list[str]:
    lines = [f"{catalogue.document}, catalogue {catalogue.version} (sha256 {catalogue.sha256[:12]})"]
    lines += [f"changed by your own file: {change}" for change in catalogue.changes]
    for key in keys:
        entry = catalogue.equipment[key]
        lines += ["", f"{entry.title}  [{key}]", f"  {entry.does}"]
        lines += [f"  note: {note}" for note in entry.notes]
        for endpoint in catalogue.endpoints_of([key]):
            lines += _endpoint(endpoint, whole)
        for inbound in catalogue.inbound_of([key]):
            lines.append(f"  inbound  TCP {inbound.port} ({inbound.service})")
            lines += (
                [f"             {inbound.why} [{inbound.section}]", *(f"             note: {n}" for n in inbound.notes)] if whole else []
            )
    return lines


def _endpoint(endpoint: Endpoint, whole: bool) -> list[str]:
    addresses = "" if endpoint.literal else ", ".join(endpoint.addresses) or "no address documented"
    line = f"  outbound {endpoint.host}  {', '.join(map(_service, endpoint.services))}" + (f"  ({addresses})" if addresses else "")
    if not whole:
        return [line]
    group = [f"             one of the group '{endpoint.group}' is enough"] if endpoint.group else []
    return [
        line, f"             {endpoint.why} [{endpoint.section}]", f"             if blocked: {endpoint.breaks}", *group,
        *(f"             note: {note}" for note in endpoint.notes),
    ]  # fmt: skip


def _service(service: Service) -> str:
    name = f"UDP {service.port}" if service.speaks == "ntp" else f"TCP {service.port}"
    return name if service.requirement == "hard" else f"{name} ({service.requirement})"
