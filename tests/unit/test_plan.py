"""The plan: ids that never change their meaning, prerequisites first, equipment merged, groups, choices; by table and by property."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.catalogue import Catalogue, Endpoint, Service, load
from aetui.plan import BEYOND_TARGETS, NTP_TRIES, SILENT_TRIES, Options, matches, plan
from aetui.probes import PROBES
from aetui.records import Check, Requirement, Transport, VantageInfo

CATALOGUE = load()
KEYS = sorted(CATALOGUE.equipment)
HERE = VantageInfo("local", "test", resolvers=("192.168.50.1",))
SIXTH = replace(HERE, ipv6=True)
STRICT = [Requirement.STATED, Requirement.SOFT, Requirement.HARD]

some_equipment = st.lists(st.sampled_from(KEYS), min_size=1, unique=True)
some_vantage = st.builds(
    lambda six, resolvers: replace(HERE, ipv6=six, resolvers=tuple(resolvers)),
    st.booleans(), st.lists(st.sampled_from(["192.168.50.1", "8.8.8.8", "fd00::1"]), max_size=3, unique=True),
)  # fmt: skip
some_options = st.builds(
    Options, stated=st.booleans(), nonce=st.sampled_from(["xa1", "xb2"]), opinions=st.sampled_from([(), ("9.9.9.9",), ("192.0.2.53",)])
)


def ids(*equipment: str, info: VantageInfo = HERE, catalogue: Catalogue = CATALOGUE, **options: object) -> list[str]:
    return [check.id for check in plan(catalogue, equipment, info, Options(**options))]  # type: ignore[arg-type]


def by_id(*equipment: str, info: VantageInfo = HERE, **options: object) -> dict[str, Check]:
    return {check.id: check for check in plan(CATALOGUE, equipment, info, Options(**options))}  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------------------------------------- properties
@given(some_equipment, some_vantage, some_options)
def test_every_plan_is_in_order_and_runnable(equipment: list[str], info: VantageInfo, options: Options) -> None:
    seen: set[str] = set()
    for check in plan(CATALOGUE, equipment, info, options):
        assert check.id not in seen, "an id stands for one check"
        assert check.needs is None or check.needs in seen, f"{check.id} stands before what it needs"
        assert check.kind in PROBES
        assert check.tries >= 1
        assert not check.equipment or check.source, "what equipment needs says where that is written"
        seen.add(check.id)


@given(some_equipment, some_vantage, some_options)
def test_an_id_tells_kind_host_and_port(equipment: list[str], info: VantageInfo, options: Options) -> None:
    for check in plan(CATALOGUE, equipment, info, options):
        if check.equipment:
            parts = [
                check.kind,
                check.host or "",
                *([str(check.port)] if check.port else []),
                *(["ipv6"] if check.about.get("family") else []),
            ]
            assert check.id == ":".join(parts)


@given(some_equipment, some_equipment, some_vantage)
def test_more_equipment_only_adds(one: list[str], other: list[str], info: VantageInfo) -> None:
    fewer = {c.id: c for c in plan(CATALOGUE, one, info)}
    more = {c.id: c for c in plan(CATALOGUE, [*one, *other], info)}
    assert fewer.keys() <= more.keys()
    for identity, check in fewer.items():
        merged = more[identity]
        assert set(check.equipment) <= set(merged.equipment)
        assert STRICT.index(check.requirement) <= STRICT.index(merged.requirement)
        assert (check.kind, check.host, check.port, check.needs) == (merged.kind, merged.host, merged.port, merged.needs)


@given(some_equipment, some_vantage, some_options)
def test_the_order_of_equipment_changes_no_check(equipment: list[str], info: VantageInfo, options: Options) -> None:
    def told(keys: list[str]) -> set[tuple[object, ...]]:
        return {(c.id, c.kind, c.requirement, c.group, c.needs, frozenset(c.equipment)) for c in plan(CATALOGUE, keys, info, options)}

    assert told(equipment) == told(equipment[::-1])


@given(some_equipment, some_vantage, st.data())
def test_choosing_one_check_keeps_it_and_what_it_needs(equipment: list[str], info: VantageInfo, data: st.DataObject) -> None:
    everything = plan(CATALOGUE, equipment, info)
    needed = [c for c in everything if c.equipment]
    chosen = data.draw(st.sampled_from(needed))
    kept = {c.id: c for c in plan(CATALOGUE, equipment, info, Options(only=(chosen.id,)))}
    whole = {c.id: c for c in everything}
    above = chosen.needs
    assert chosen.id in kept
    while above:
        assert above in kept
        above = whole[above].needs
    meant = [c for c in needed if c.id == chosen.id or c.id.startswith(f"{chosen.id}:")]
    assert {i for i, c in kept.items() if c.equipment} == {c.id for c in meant} | set().union(*(_ancestors(whole, c) for c in meant))


def _ancestors(whole: dict[str, Check], check: Check) -> set[str]:
    return set() if check.needs is None else {check.needs, *_ancestors(whole, whole[check.needs])}


# ------------------------------------------------------------------------------------------------------------------------ tables
def test_the_same_request_gives_the_same_plan() -> None:
    assert plan(CATALOGUE, ("pm2000", "kiosk"), HERE) == plan(CATALOGUE, ("pm2000", "kiosk"), HERE)


def test_a_web_host_is_a_chain_of_checks() -> None:
    checks = by_id("pm2000")
    assert [checks[i].needs for i in ("dns:www.alsoenergy.com", "tcp:www.alsoenergy.com:443", "tls:www.alsoenergy.com:443", "http:www.alsoenergy.com:443")] == [
        None, "dns:www.alsoenergy.com", "tcp:www.alsoenergy.com:443", "tls:www.alsoenergy.com:443",
    ]  # fmt: skip
    assert checks["http:www.alsoenergy.com:80"].needs == "tcp:www.alsoenergy.com:80"


def test_time_is_udp_and_asked_rarely() -> None:
    check = by_id("pm2000")["ntp:time.nist.gov:123"]
    assert (check.transport, check.tries, check.needs) == (Transport.UDP, NTP_TRIES, "dns:time.nist.gov")


def test_silence_is_tried_again_and_nothing_else_is() -> None:
    assert {c.tries for c in by_id("pm2000", "acquisuite", "sma-ftp").values() if c.kind == "tcp" and c.equipment} == {SILENT_TRIES}
    assert {c.tries for c in by_id("pm2000", "acquisuite", "sma-ftp").values() if c.kind not in {"tcp", "ntp"}} == {1}


def test_a_literal_address_needs_no_name() -> None:
    checks = by_id("kiosk")
    assert checks["tcp:216.246.49.51:443"].needs is None
    assert "dns:216.246.49.51" not in checks


def test_a_range_is_one_group_a_port_and_soft() -> None:
    members = [c for c in by_id("kiosk").values() if c.group and "172.245" in c.id]
    assert len(members) == 64
    assert {c.group for c in members} == {"kiosk-range:80", "kiosk-range:443"}
    assert {c.requirement for c in members} == {Requirement.SOFT}


def test_what_two_need_differently_takes_the_stricter_and_loses_the_group() -> None:
    soft = Endpoint(
        "x.example", ("192.0.2.1",), ("moxa",), (Service("https", 443, Requirement.SOFT),), "A", "why", "breaks", group="either"
    )
    hard = Endpoint("x.example", ("192.0.2.1",), ("pm2000",), (Service("https", 443, Requirement.HARD),), "B", "why", "breaks")
    both = replace(CATALOGUE, endpoints=(soft, hard))
    (check,) = [c for c in plan(both, ("pm2000", "moxa"), HERE) if c.id == "tcp:x.example:443"]
    assert (check.requirement, check.group, set(check.equipment), check.source) == (Requirement.HARD, None, {"pm2000", "moxa"}, "A; B")
    (alone,) = [c for c in plan(both, ("moxa",), HERE) if c.id == "tcp:x.example:443"]
    assert (alone.requirement, alone.group) == (Requirement.SOFT, "either:443")


def test_ipv6_only_where_the_site_has_it_and_never_a_hard_requirement() -> None:
    assert not [i for i in ids("pm2000") if i.endswith(":ipv6")]
    sixth = [c for c in by_id("pm2000", info=SIXTH).values() if c.id.endswith(":ipv6")]
    assert {c.kind for c in sixth} == {"tcp", "tls", "http"}
    assert {c.requirement for c in sixth} == {Requirement.SOFT}
    assert all(c.about["family"] == "ipv6" for c in sixth)


def test_what_is_only_stated_is_not_probed_unless_asked_for() -> None:
    assert not [i for i in ids("pm2000") if i.startswith("tcp:time.")]
    asked = by_id("pm2000", stated=True)
    assert {asked[f"tcp:time.nist.gov:{port}"].requirement for port in (80, 443)} == {Requirement.STATED}
    assert asked["ntp:time.nist.gov:123"].requirement is Requirement.HARD
    assert asked["dns:time.nist.gov"].requirement is Requirement.HARD


def test_made_up_names_are_asked_of_each_resolver_and_differ_by_run() -> None:
    info = replace(HERE, resolvers=("192.168.50.1", "192.168.50.2"))
    checks = by_id("pm2000", info=info, nonce="xq9")
    canaries = [c for c in checks.values() if c.about.get("purpose") == "canary"]
    assert {c.about["resolver"] for c in canaries} == set(info.resolvers)
    assert len(canaries) == 4
    assert all("xq9" in (c.host or "") for c in canaries)
    assert {c.id for c in canaries} == {
        c.id for c in by_id("pm2000", info=info, nonce="other").values() if c.about.get("purpose") == "canary"
    }


def test_the_line_is_tried_at_a_few_documented_addresses_without_any_name() -> None:
    check = by_id("pm2000")["beyond"]
    targets = check.about["targets"].split(",")
    assert len(targets) == BEYOND_TARGETS
    assert all(re.fullmatch(r"[\d.]+:443", target) for target in targets)
    assert "beyond" not in by_id("minisite"), "no address is documented there"


def test_opinions_of_the_user_come_first() -> None:
    assert by_id("pm2000", opinions=("192.0.2.53",))["dns:www.alsoenergy.com"].about["opinions"].startswith("192.0.2.53,")


ONLY = [
    (("tcp:www.alsoenergy.com:443",), {"dns:www.alsoenergy.com", "tcp:www.alsoenergy.com:443"}),
    (("tcp:www.alsoenergy.com",), {"dns:www.alsoenergy.com", "tcp:www.alsoenergy.com:80", "tcp:www.alsoenergy.com:443"}),
    (("tcp:www.alsoenergy.com:",), {"dns:www.alsoenergy.com", "tcp:www.alsoenergy.com:80", "tcp:www.alsoenergy.com:443"}),
    (("dns:www.alsoenergy.com", "ntp:time.nist.gov"), {"dns:www.alsoenergy.com", "dns:time.nist.gov", "ntp:time.nist.gov:123"}),
]  # fmt: skip


@pytest.mark.parametrize(("only", "wanted"), ONLY, ids=[" ".join(row[0]) for row in ONLY])
def test_only_takes_ids_and_their_beginnings_up_to_a_colon(only: tuple[str, ...], wanted: set[str]) -> None:
    assert {c.id for c in by_id("pm2000", only=only).values() if c.equipment} == wanted
    assert {"link", "canary:192.168.50.1:com", "beyond"} <= set(ids("pm2000", only=only)), "what the diagnosis needs stays"


@pytest.mark.parametrize(
    ("only", "names"),
    [("tcp:www.alsoenergy.com", True), ("tcp:www.alsoenergy.co", False), ("tcp", True), ("", False), ("ftp", False), ("TCP", False)],
)
def test_only_must_name_something(only: str, names: bool) -> None:
    assert matches([c for c in by_id("pm2000").values() if c.equipment], only) is names


def test_each_piece_of_equipment_has_checks_of_its_own() -> None:
    for key in KEYS:
        assert [c for c in plan(CATALOGUE, (key,), HERE) if key in c.equipment], key


STABLE = [
    "link", "canary:192.168.50.1:com", "canary:192.168.50.1:own", "beyond", "dns:www.alsoenergy.com", "tcp:www.alsoenergy.com:80",
    "http:www.alsoenergy.com:80", "tcp:www.alsoenergy.com:443", "tls:www.alsoenergy.com:443", "http:www.alsoenergy.com:443",
    "ntp:time.windows.com:123", "ntp:time.nist.gov:123", "ftp:smaftpdm.alsoenergy.com:21", "ssh:ra.buildingmanageronline.com:2022",
    "tcp:172.245.215.160:443", "tcp:216.246.49.51:80",
]  # fmt: skip


def test_ids_that_scripts_rely_on_are_there() -> None:
    assert set(STABLE) <= set(ids(*KEYS))
