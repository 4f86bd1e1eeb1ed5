"""Scenario files are read strictly: each wrong file is one line naming the file, the key and the fault."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aetui.causes import load_causes
from aetui.demo import loading
from aetui.demo.scenario import Drop, Reject, Scenario, Serve, UnknownScenarioError, Web, load, names
from aetui.records import Transport
from aetui.strict import DataError, parse_toml

HEAD = 'title = "T"\nsentence = "S"\n'
RULE = HEAD + '[[rules]]\nto = ["internet"]\n'
SITE = '[here]\ninterface = "eth0"\n[outside]\ninterface = "eth0"\n'

BAD = {
    "no title": ('sentence = "S"', "title", "is missing"),
    "an empty title": ('title = ""\nsentence = "S"', "title", "must not be empty"),
    "no sentence": ('title = "T"', "sentence", "is missing"),
    "an unknown key": (HEAD + "colour = 1", "colour", "is not known here"),
    "not TOML": ("title =", "", "Invalid value"),
    "causes not a list": (HEAD + 'causes = "filtered"', "causes", "must be a list of texts"),
    "judged not a flag": (HEAD + 'judged = "no"', "judged", "must be true or false"),
    "a clock beyond reason": (HEAD + "clock_ahead_s = 1e12", "clock_ahead_s", "is not between"),
    "an unknown key of here": (HEAD + "[here]\nmood = 1", "here.mood", "is not known here"),
    "an address without prefix": (HEAD + '[here]\naddress = "192.168.50.9"', "here.address", "lacks its prefix"),
    "an address that is none": (HEAD + '[here]\naddress = "fifty/24"', "here.address", "is not an address"),
    "a gateway that is none": (HEAD + '[here]\ngateway = "gw"', "here.gateway", "is not an IP address"),
    "a resolver that is none": (HEAD + '[here]\nresolvers = ["dns"]', "here.resolvers", "is not an IP address"),
    "an unknown key of line": (HEAD + "[line]\njitter = 1", "line.jitter", "is not known here"),
    "more loss than there is": (HEAD + "[line]\nloss = 1.5", "line.loss", "is not between"),
    "an MTU too small": (HEAD + "[line]\nmtu = 10", "line.mtu", "is not between"),
    "a hop without address": (HEAD + '[[hops]]\nname = "x"', "hops[1].address", "is missing"),
    "a place without addresses": (HEAD + '[[places]]\nhost = "x.example"', "places[1].addresses", "is missing"),
    "a place's port that is none": (
        HEAD + '[[places]]\nhost = "x"\naddresses = ["192.0.2.1"]\nports = { web = "http" }',
        "places[1].ports.web",
        "is not a port",
    ),
    "a place's unknown service": (
        HEAD + '[[places]]\nhost = "x"\naddresses = ["192.0.2.1"]\nports = { 80 = "gopher" }',
        "places.x.ports.80",
        "no service is called",
    ),
    "a made-up address that is none": (HEAD + '[addresses]\n"x.example" = ["here"]', "addresses.x.example", "is not an IP address"),
    "an authority without issuer": (HEAD + '[authorities.a]\nroot = "R"\norganization = "O"', "authorities.a.issuer", "is missing"),
    "an unknown key of an authority": (
        HEAD + '[authorities.a]\nroot = "R"\nissuer = "I"\norganization = "O"\nage = 3',
        "authorities.a.age",
        "is not known here",
    ),
    "a service without kind": (HEAD + "[services.x]\nstatus = 200", "services.x.kind", "is missing"),
    "a service of no known kind": (HEAD + '[services.x]\nkind = "gopher"', "services.x.kind", "is none of"),
    "a key of another kind": (HEAD + '[services.x]\nkind = "http"\nrcode = "SERVFAIL"', "services.x.rcode", "is not known here"),
    "a status that is none": (HEAD + '[services.x]\nkind = "http"\nstatus = 99', "services.x.status", "is not between"),
    "an unknown authority": (HEAD + '[services.x]\nkind = "https"\nauthority = "a"', "services.x.authority", "no authority is called"),
    "a certificate that ends before it begins": (
        HEAD + '[services.x]\nkind = "https"\ndays_before = 1\ndays_after = -1',
        "services.x.days_after",
        "would end before",
    ),
    "an unknown rcode": (HEAD + '[services.x]\nkind = "dns"\nrcode = "MAYBE"', "services.x.rcode", "is none of"),
    "an answer that is none": (
        HEAD + '[services.x]\nkind = "dns"\ninstead = { "a.example" = "maybe" }',
        "services.x.instead.a.example",
        "is neither an address",
    ),
    "an everything that is no address": (HEAD + '[services.x]\nkind = "dns"\neverything = "all"', "services.x.everything", "is not an IP"),
    "a kiss of the wrong length": (HEAD + '[services.x]\nkind = "ntp"\nkiss = "GOAWAY"', "services.x.kiss", "four capital letters"),
    "a stratum too high": (HEAD + '[services.x]\nkind = "ntp"\nstratum = 17', "services.x.stratum", "is not between"),
    "a passive address that is none": (
        HEAD + '[services.x]\nkind = "ftp"\npassive_address = "x"',
        "services.x.passive_address",
        "is not an IP",
    ),
    "a rule without target": (HEAD + '[[rules]]\ndoes = "drop"', "rules[1].to", "is missing"),
    "a rule for nobody": (HEAD + '[[rules]]\nto = []\ndoes = "drop"', "rules[1].to", "names nothing"),
    "a rule for half an address": (HEAD + '[[rules]]\nto = ["10.0.0"]\ndoes = "drop"', "rules[1].to", "neither a host"),
    "a rule for an unknown host": (HEAD + '[[rules]]\nto = ["no.such.example"]\ndoes = "drop"', "rules[1].to", "no host is called"),
    "a rule that does nothing": (RULE, "rules[1].does", "is missing"),
    "a rule that does something unknown": (RULE + 'does = "delay"', "rules[1].does", "is none of"),
    "a rule with an unknown key": (RULE + 'does = "drop"\nwhen = "now"', "rules[1].when", "is not known here"),
    "a rule with another action's key": (RULE + 'does = "drop"\nicmp = "port"', "rules[1].icmp", "is not known here"),
    "a rule for a port that is none": (RULE + 'does = "drop"\nports = ["80-"]', "rules[1].ports", "is not a port"),
    "a rule for ports in reverse": (RULE + 'does = "drop"\nports = ["90-80"]', "rules[1].ports", "is not a port"),
    "a rule for another transport": (RULE + 'does = "drop"\ntransport = "sctp"', "rules[1].transport", "is none of"),
    "a rule at a hop that is not there": (RULE + 'does = "drop"\nat = 29', "rules[1].at", "there are only"),
    "a rejection in unknown words": (RULE + 'does = "reject"\nicmp = "no"', "rules[1].icmp", "is none of"),
    "a rule that serves nothing": (RULE + 'does = "serve"', "rules[1].service", "is missing"),
    "a rule that serves something unknown": (RULE + 'does = "serve"\nservice = "x"', "rules[1].service", "no service is called"),
}


def composed(text: str) -> Scenario:
    return loading.compose("bad", parse_toml(text.encode(), "bad.toml"), loading.ground())


@pytest.mark.parametrize(("text", "key", "why"), BAD.values(), ids=BAD)
def test_a_wrong_file_names_file_key_and_fault(text: str, key: str, why: str) -> None:
    with pytest.raises(DataError) as caught:
        composed(text)
    assert (caught.value.file, caught.value.key) == ("bad.toml", key)
    assert why in caught.value.why
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [("[outside]\ninterface = 'eth0'", "here"), (SITE + "mood = 1", "outside.mood"), (SITE + "[cloud]\na = 1", "cloud")],
)
def test_a_wrong_site_names_file_key_and_fault(text: str, key: str) -> None:
    with pytest.raises(DataError) as caught:
        loading.site(parse_toml(text.encode(), "_site.toml"))
    assert (caught.value.file, caught.value.key) == ("_site.toml", key)


def test_a_scenario_stands_on_the_site_and_changes_what_it_names() -> None:
    made = composed(
        HEAD
        + 'causes = ["rejected"]\n[here]\ngateway = ""\n[line]\nloss = 0.5\n'
        + '[services.page]\nkind = "http"\nstatus = 403\n[[rules]]\nto = ["lan"]\nports = ["80", "8000-8100"]\n'
        + 'transport = "tcp"\ndoes = "reject"\nicmp = "host-prohibited"\n[[rules]]\nto = ["internet"]\ndoes = "serve"\nservice = "page"\n'
    )
    ground = loading.ground()
    assert (made.here.gateway, made.here.address, made.here.resolvers) == (None, ground.here.address, ground.here.resolvers)
    assert (made.line.loss, made.line.out_ms) == (0.5, ground.line.out_ms)
    assert made.services["page"] == Web(status=403)
    assert set(ground.services) < set(made.services)
    first, second = made.rules
    assert (first.action, first.ports, first.transport) == (Reject(10), ((80, 80), (8000, 8100)), Transport.TCP)
    assert (second.action, second.ports, second.transport) == (Serve("page"), ((1, 65535),), None)
    assert made.causes_outside == made.causes


ALL = [name for name, _ in names()]


@pytest.mark.parametrize("name", ALL)
def test_every_scenario_says_what_it_is_and_names_known_causes(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.title[0].isupper()
    assert not scenario.title.endswith(".")
    assert len(scenario.title) <= 50
    assert scenario.sentence.endswith(".")
    assert len(scenario.sentence) <= 160
    assert {*scenario.causes, *scenario.causes_outside} <= set(load_causes().causes)


def test_titles_are_unique_and_healthy_comes_first() -> None:
    titles = [title for _, title in names()]
    assert len(set(titles)) == len(titles)
    assert ALL[0] == "healthy"
    assert ALL[1:] == sorted(ALL[1:])


def test_the_scenarios_that_people_were_promised_are_there() -> None:
    assert set(ALL) >= {
        "healthy",
        "port-dropped",
        "port-refused",
        "dns-dead",
        "dns-hijacked",
        "dns-filtered",
        "tls-intercepted",
        "tls-private-root",
        "tls-expired",
        "captive-portal",
        "captive-200",
        "block-page",
        "proxy-required",
        "ntp-blocked",
        "ntp-kiss",
        "ftp-data-blocked",
        "server-down",
        "slow-line",
        "lossy-line",
        "mtu-blackhole",
        "everything-dropped",
        "no-internet",
        "no-gateway",
        "no-address",
        "clock-wrong",
        "two-faults",
        "hostile",
    }


def test_the_healthy_site_does_nothing_to_anybody() -> None:
    assert load("healthy").rules == ()
    assert load("healthy").causes == ()


def test_the_first_fault_is_what_its_name_says() -> None:
    (rule,) = load("port-dropped").rules
    assert rule.action == Drop()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("port-droped", "did you mean port-dropped?"),
        ("helthy", "did you mean healthy?"),
        ("zzzzzz", "there are healthy, "),
        ("", "there are"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(asked: str, said: str) -> None:
    with pytest.raises(UnknownScenarioError) as caught:
        load(asked)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["_site", "../catalogue", "healthy.toml"])
def test_only_scenarios_can_be_loaded(name: str) -> None:
    with pytest.raises(UnknownScenarioError):
        load(name)


def test_reading_scenarios_loads_neither_certificates_nor_sockets() -> None:
    code = (
        "import sys; from aetui.demo import scenario; scenario.names(); "
        "print(*sorted({m.partition('.')[0] for m in sys.modules} & {'cryptography', 'dns', 'asyncio', 'ssl', 'socket', 'OpenSSL'}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""
