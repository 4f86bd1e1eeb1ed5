"""The catalogue holds every fact of the requirement page, is read strictly, and takes a user's own file over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aetui.catalogue import Catalogue, load
from aetui.records import Requirement
from aetui.strict import DataError

LOGGERS = {"pm2000", "ps3000", "pl1000", "moxa", "acquisuite"}
WEB = {("http", 80), ("https", 443)}
DOCUMENTED = [
    ("www.alsoenergy.com", {"204.232.231.197"}, LOGGERS | {"kiosk"}, WEB),
    ("maki.alsoenergy.com", {"146.20.187.118"}, LOGGERS, WEB),
    ("moxa.alsoenergy.com", {"146.20.187.118"}, LOGGERS, WEB),
    ("servlet.alsoenergy.com", {"146.20.187.118"}, LOGGERS, WEB),
    ("makirt.alsoenergy.com", {"104.239.186.186"}, LOGGERS, WEB),
    ("dataobvius.alsoenergy.com", {"146.20.187.118"}, {"acquisuite"}, WEB),
    ("streamer.alsoenergy.com", {"74.205.11.149"}, {"pm2000", "ps3000"}, WEB),
    ("buildingmanageronline.com", {"67.51.237.194"}, {"acquisuite"}, WEB),
    ("time.windows.com", set(), {"pm2000", "ps3000", "kiosk"}, {("ntp", 123)}),
    ("time.nist.gov", set(), {"pm2000", "ps3000", "acquisuite", "kiosk"}, {("ntp", 123)}),
    ("smaftpdm.alsoenergy.com", {"146.20.122.22"}, {"sma-ftp"}, {("ftp", 21)}),
    ("ptsmaftp.alsoenergy.com", {"146.20.122.22"}, {"sma-ftp"}, {("ftp", 21)}),
    ("ra.buildingmanageronline.com", {"67.51.237.194"}, {"acquisuite"}, WEB | {("ssh", 2022)}),
    ("216.246.49.51", {"216.246.49.51"}, {"kiosk"}, {("tcp", 80), ("tcp", 443)}),
    *((host, set(), {"minisite"}, WEB) for host in (
        "hmi.alsoenergy.com", "apps.alsoenergy.com", "pubdisplay.alsoenergy.com", "code.jquery.com", "fonts.gstatic.com", "fonts.googleapis.com",
    )),
]  # fmt: skip


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


@pytest.mark.parametrize(("host", "addresses", "equipment", "services"), DOCUMENTED, ids=[row[0] for row in DOCUMENTED])
def test_every_documented_host_is_there(
    catalogue: Catalogue, host: str, addresses: set[str], equipment: set[str], services: set[tuple[str, int]]
) -> None:
    mine = [e for e in catalogue.endpoints if e.host == host]
    assert {a for e in mine for a in e.addresses} == addresses
    assert {k for e in mine for k in e.equipment} == equipment
    assert {(s.speaks, s.port) for e in mine for s in e.services if s.requirement is not Requirement.STATED} == services
    assert all(e.section and e.why and e.breaks for e in mine)


def test_nothing_else_is_required(catalogue: Catalogue) -> None:
    known = {row[0] for row in DOCUMENTED} | {"172.245.215.160/27"}
    samples = {e.host for e in catalogue.endpoints if e.equipment == ("logmein",)}
    assert {e.host for e in catalogue.endpoints} == known | samples
    assert all(any("sample" in note.lower() for note in e.notes) for e in catalogue.endpoints if e.host in samples)


def test_the_kiosk_range_is_one_soft_group_of_32_addresses(catalogue: Catalogue) -> None:
    (entry,) = [e for e in catalogue.endpoints if "/" in e.host]
    assert (len(entry.addresses), entry.addresses[0], entry.addresses[-1]) == (32, "172.245.215.160", "172.245.215.191")
    assert entry.group and {s.requirement for s in entry.services} == {Requirement.SOFT}


def test_web_ports_of_time_servers_are_stated_only(catalogue: Catalogue) -> None:
    for host in ("time.windows.com", "time.nist.gov"):
        stated = {s.port for e in catalogue.endpoints if e.host == host for s in e.services if s.requirement is Requirement.STATED}
        assert stated == {80, 443}


def test_inbound_ports_are_as_documented(catalogue: Catalogue) -> None:
    assert {(i.equipment, i.service, i.port) for i in catalogue.inbound} == {
        (("pm2000", "ps3000"), "rdp", 3389),
        (("pl1000", "moxa"), "telnet", 23),
    }


def test_the_doubts_are_kept_as_notes(catalogue: Catalogue) -> None:
    notes = " ".join(n for e in catalogue.endpoints for n in e.notes) + " ".join(n for e in catalogue.equipment.values() for n in e.notes)
    assert "PM200" in notes and "qotoassist" in notes and "UDP 123" in notes


WRONG = [
    ("colour = 'red'", "colour: is not known here"),
    ("[[endpoint]]\nhost = 'a.example'\nequipment = ['pm2000']", "endpoint[1].https: is missing"),
    ("[[endpoint]]\nhost = 'a.example'\nhttps = [443]", "endpoint[1].equipment: is missing"),
    ("[[endpoint]]\nhost = 'a.example'\nequipment = ['pm2000']\nhttps = [99999]", "endpoint[1].https: 99999 is not a port"),
    ("[[endpoint]]\nhost = 'a.example'\nequipment = ['pm2000']\nhttps = ['443']", "endpoint[1].https: '443' is not a port"),
    ("[[endpoint]]\nhost = 'a b'\nequipment = ['pm2000']\nhttps = [443]", "endpoint[1].host: 'a b' is neither a host name nor an IP address"),
    ("[[endpoint]]\nhost = 'a.example'\nequipment = ['pm9']\nhttps = [443]", "endpoint.equipment: 'pm9' is no equipment"),
    ("[[endpoint]]\nhost = 'a.example'\naddresses = ['x']\nequipment = ['pm2000']\nhttps = [443]", "endpoint[1].addresses: 'x' is not an IP address"),
    ("[[endpoint]]\nhost = 'a.example'\nequipment = ['pm2000']\nhttps = [443]\nrequirement = 'maybe'", "endpoint[1].requirement: 'maybe' is none of"),
    ("[[endpoint]]\nhost = 'a.example'\nequipment = ['pm2000']\nhttps = [443]\nprots = [1]", "endpoint[1].prots: is not known here"),
    ("[[range]]\nnetwork = '10.0.0.0/8'\nequipment = ['kiosk']\ntcp = [80]", "range[1].network: 10.0.0.0/8 holds more than 64 addresses"),
    ("[[range]]\nnetwork = 'x'\nequipment = ['kiosk']\ntcp = [80]", "range[1].network: 'x' is not a network"),
    ("[[inbound]]\nequipment = ['moxa']\nservice = 'vnc'\nport = 5900", "inbound[1].service: 'vnc' is neither rdp nor telnet"),
    ("[[inbound]]\nequipment = ['moxa']\nservice = 'rdp'\nport = 0", "inbound[1].port: 0 is not between 1 and 65535"),
    ("[[opinion]]\naddress = 'dns.example'", "opinion[1].address: 'dns.example' is not an IP address"),
    ("[[remove]]\nhost = 'nobody.example'", "remove: 'nobody.example' is not in the catalogue"),
    ("[equipment.x]\ntitle = 'X'", "equipment.x.does: is missing"),
    ("endpoint = 3", "endpoint: must be a list of tables"),
    ("[[endpoint]\n", "Expected"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[row[1] for row in WRONG])
def test_a_wrong_own_file_is_one_line_with_file_key_and_fault(tmp_path: Path, text: str, told: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(DataError) as caught:
        load(own)
    assert told in str(caught.value) and str(own) in str(caught.value) and "\n" not in str(caught.value)


def test_an_unreadable_own_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        load(tmp_path / "missing.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="is not UTF-8"):
        load(tmp_path / "bad.toml")


def test_an_own_entry_takes_the_place_of_the_shipped_one_and_says_so(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[[endpoint]]\nhost = 'www.alsoenergy.com'\naddresses = ['198.51.100.9']\nequipment = ['pm2000']\nhttps = [8443]\n")
    changed = load(own)
    (mine,) = [e for e in changed.endpoints_of(["pm2000"]) if e.host == "www.alsoenergy.com"]
    (others,) = [e for e in changed.endpoints_of(["moxa"]) if e.host == "www.alsoenergy.com"]
    assert (mine.addresses, [s.port for s in mine.services]) == (("198.51.100.9",), [8443])
    assert others.addresses == ("204.232.231.197",)
    assert changed.changes == ("www.alsoenergy.com replaced for pm2000",)
    assert changed.sha256 != load().sha256


def test_an_own_file_adds_equipment_removes_hosts_and_names_resolvers(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        "[equipment.meter]\ntitle = 'Meter'\ndoes = 'Counts.'\n[[endpoint]]\nhost = 'meter.example'\nequipment = ['meter']\ntcp = [502]\n"
        "[[remove]]\nhost = 'time.nist.gov'\nequipment = ['pm2000']\n[[opinion]]\naddress = '192.0.2.53'\n"
    )
    changed = load(own)
    assert [e.host for e in changed.endpoints_of(["meter"])] == ["meter.example"]
    assert "time.nist.gov" not in {e.host for e in changed.endpoints_of(["pm2000"])}
    assert changed.opinions[0].address == "192.0.2.53"
    assert len(changed.changes) == 4
