"""What the ssh configuration says, held against OpenSSH's own reading of the same file (``ssh -G``)."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aetui.vantage import sshfile
from aetui.vantage.sshconfig import MOST_HOPS, HostSettings, SshConfig, Target, target
from aetui.vantage.sshfile import ConfigFault

ME = getpass.getuser()
needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh to compare with")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def write(home: Path, text: str, name: str = "config") -> SshConfig:
    file = home / ".ssh" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return SshConfig((home / ".ssh" / "config",), home=home, environment={})


def one(config: SshConfig, name: str) -> HostSettings:
    return config.chain(name)[-1]


def as_openssh(file: Path, name: str) -> dict[str, list[str]]:
    done = subprocess.run(["ssh", "-G", "-F", str(file), name], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


CONFIGS = {
    "first value wins": ("Host a\n Port 1\n Port 2\nHost *\n Port 3\n", "a"),
    "wildcards": ("Host web-?? db*\n User u\nHost *\n Port 99\n", "web-01"),
    "wildcard that is one short": ("Host web-??\n User u\nHost *\n Port 99\n", "web-1"),
    "negation rules the line out": ("Host * !b\n Port 7\n", "b"),
    "negation alone matches nothing": ("Host !b\n Port 7\n", "c"),
    "equals signs and quotes": ('Host=a\n Port = 44\n User "joe"\n', "a"),
    "keywords in any case": ("hOST a\n hostNAME Real.Example\n PORT 5\n", "a"),
    "HostName with the name in it": ("Host a\n HostName %h.example.net\n", "a"),
    "comment at the end": ("Host a # the first\n User joe # him\n", "a"),
    "values before any Host": ("Port 12\nHost a\n Port 13\n", "a"),
    "Match host looks at HostName": ("Host a\n HostName b\nMatch host b\n Port 8\n", "a"),
    "Match originalhost looks at the name": ("Host a\n HostName b\nMatch originalhost a\n Port 8\n", "a"),
    "Match negated": ("Match !host a\n Port 8\nMatch all\n User u\n", "a"),
    "Match user": ("Host a\n User u\nMatch user u\n Port 8\n", "a"),
    "Match of two criteria": ("Match host a user nobody-else\n Port 8\n", "a"),
    "IdentityFile adds up": ("Host a\n IdentityFile /k1\nHost *\n IdentityFile /k2\n IdentityFile /k1\n", "a"),
    "ProxyCommand before ProxyJump": ("Host a\n ProxyCommand nc %h %p\n ProxyJump j\n", "a"),
    "ProxyJump before ProxyCommand": ("Host a\n ProxyJump j\n ProxyCommand nc %h %p\n", "a"),
    "ProxyJump none switches off": ("Host a\n ProxyJump none\nHost *\n ProxyJump j\n", "a"),
    "ConnectTimeout": ("Host *\n ConnectTimeout 7\n", "a"),
    "HostKeyAlias": ("Host a\n HostKeyAlias other\n", "a"),
    "IdentitiesOnly": ("Host a\n IdentitiesOnly yes\n", "a"),
    "methods switched off": ("Host a\n PasswordAuthentication no\n", "a"),
    "brackets are no wildcard": ("Host [ab]\n Port 7\n", "a"),
    "windows line ends": ("Host a\r\n  Port 7\r\n", "a"),
}
"""Rule -> configuration and the name asked for."""


@needs_ssh
@pytest.mark.parametrize("rule", CONFIGS)
def test_a_host_is_read_as_openssh_reads_it(home: Path, rule: str) -> None:
    text, name = CONFIGS[rule]
    mine, theirs = one_or_chain(write(home, text), name), as_openssh(home / ".ssh" / "config", name)
    assert [mine.hostname] == theirs["hostname"]
    assert [str(mine.port)] == theirs["port"]
    assert [mine.user] == theirs["user"]
    assert ["yes" if mine.identities_only else "no"] == theirs["identitiesonly"]
    assert [mine.host_key_alias] == theirs.get("hostkeyalias", [None])
    assert ("password" in mine.methods) == (theirs["passwordauthentication"] == ["yes"])
    named = [str(f) for f in mine.identity_files if str(f).startswith("/k")]
    assert named == [f for f in theirs["identityfile"] if f.startswith("/k")]
    assert [jump_text(mine)] == theirs.get("proxyjump", [None])
    assert bool(mine.proxy_command) == ("proxycommand" in theirs)
    if theirs["connecttimeout"] != ["none"]:
        assert [f"{mine.connect_timeout_s:.0f}"] == theirs["connecttimeout"]


def one_or_chain(config: SshConfig, name: str) -> HostSettings:
    return config.settings(target(name))


def jump_text(settings: HostSettings) -> str | None:
    return ",".join(t.host for t in settings.proxy_jump) or None


INCLUDES = {
    "in place, before what follows": ({"config": "Include one\nHost a\n Port 2\n", "one": "Host a\n Port 1\n"}, 1),
    "in place, after what stands before": ({"config": "Host a\n Port 2\nHost *\nInclude one\n", "one": "Port 1\n"}, 2),
    "only where its Host holds": ({"config": "Host b\n Include one\nHost *\n Port 2\n", "one": "Port 1\n"}, 2),
    "a Host inside ends with the file": ({"config": "Host a\n Include one\n Port 2\n", "one": "Host b\n Port 1\n"}, 2),
    "a Host inside a block that does not hold": ({"config": "Host b\n Include one\nHost *\n Port 2\n", "one": "Host a\n Port 1\n"}, 2),
    "globs, in the order of names": (
        {"config": "Include d/*.conf\n", "d/2.conf": "Port 2\n", "d/1.conf": "Port 1\n", "d/0.off": "Port 3\n"},
        1,
    ),
    "several on one line": ({"config": "Include none-such two one\n", "one": "Port 1\n", "two": "Port 2\n"}, 2),
    "of an included file lies beside the first too": ({"config": "Include d/one\n", "d/one": "Include two\n", "two": "Port 2\n"}, 2),
    "with quotes": ({"config": 'Include "d d/one"\n', "d d/one": "Port 1\n"}, 1),
}
"""Rule -> files, and the port that host a gets."""


@pytest.mark.parametrize("rule", INCLUDES)
def test_include(home: Path, rule: str) -> None:
    files, port = INCLUDES[rule]
    for name, text in files.items():
        config = write(home, text, name)
    assert one(config, "a").port == port


def test_include_takes_the_home_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    write(home, "Port 1\n", "../elsewhere/one")
    assert one(write(home, "Include ~/elsewhere/one\n"), "a").port == 1


@pytest.mark.parametrize("files", [{"config": "Include config\n"}, {"config": "Include b\n", "b": "Include config\n"}])
def test_include_in_a_circle_is_told(home: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        config = write(home, text, name)
    with pytest.raises(ConfigFault, match="include itself"):
        config.chain("a")
    with pytest.raises(ConfigFault, match="include itself"):
        config.hosts()


CHAINS = {
    "none": ("Host z\n", "z", ["z:22"]),
    "one": ("Host z\n ProxyJump a\n", "z", ["a:22", "z:22"]),
    "with the hop's own settings": ("Host a\n HostName 10.0.0.1\n Port 2222\nHost z\n ProxyJump a\n", "z", ["10.0.0.1:2222", "z:22"]),
    "port on the spot beats the hop's own": ("Host a\n Port 2222\nHost z\n ProxyJump a:23\n", "z", ["a:23", "z:22"]),
    "a list in order": ("Host z\n ProxyJump a,b:5\n", "z", ["a:22", "b:5", "z:22"]),
    "of the first hop too": ("Host a\n ProxyJump o\nHost z\n ProxyJump a\n", "z", ["o:22", "a:22", "z:22"]),
    "not of the later hops": ("Host b\n ProxyJump o\nHost z\n ProxyJump a,b\n", "z", ["a:22", "b:22", "z:22"]),
    "as a URI": ("Host z\n ProxyJump ssh://a:7/\n", "z", ["a:7", "z:22"]),
    "with tokens": ("Host *.site !gw-*\n ProxyJump gw-%h\n", "x.site", ["gw-x.site:22", "x.site:22"]),
    "IPv6": ("Host z\n ProxyJump [2001:db8::1]:7\n", "z", ["2001:db8::1:7", "z:22"]),
}
"""Rule -> configuration, name, hops as address and port."""


@pytest.mark.parametrize("rule", CHAINS)
def test_proxyjump_chain(home: Path, rule: str) -> None:
    text, name, hops = CHAINS[rule]
    assert [f"{s.hostname}:{s.port}" for s in write(home, text).chain(name)] == hops


CIRCLES = {
    "itself": "Host a\n ProxyJump a\n",
    "a pair": "Host a\n ProxyJump b\nHost b\n ProxyJump a\n",
    "all hosts": "Host *\n ProxyJump b\n",
}


@pytest.mark.parametrize("rule", CIRCLES)
def test_proxyjump_in_a_circle_is_told(home: Path, rule: str) -> None:
    with pytest.raises(ConfigFault, match="circle"):
        write(home, CIRCLES[rule]).chain("a")


def test_a_chain_has_an_end(home: Path) -> None:
    text = "".join(f"Host h{n}\n ProxyJump h{n + 1}\n" for n in range(MOST_HOPS + 2))
    with pytest.raises(ConfigFault, match="through more than"):
        write(home, text).chain("h0")


TOKENS = {
    "ProxyCommand": ("ProxyCommand nc -x %n %h %p %r %%", "nc -x a real 2200 joe %"),
    "ProxyCommand in quotes": ('ProxyCommand "nc" %h', '"nc" real'),
    "a tilde is the shell's": ("ProxyCommand ~/bin/nc %h", "~/bin/nc real"),
}


@pytest.mark.parametrize("rule", TOKENS)
def test_tokens_of_a_proxycommand(home: Path, rule: str) -> None:
    line, command = TOKENS[rule]
    assert one(write(home, f"Host a\n HostName real\n Port 2200\n User joe\n {line}\n"), "a").proxy_command == command


FILES = {
    "~/k": "{home}/k",
    "%d/k": "{home}/k",
    "/keys/%r@%h-%p-%n": "/keys/joe@real-22-a",
    "/keys/%i": f"/keys/{os.getuid()}",
    "/keys/%u%%": f"/keys/{ME}%",
    "${WHERE}/k": "/there/k",
}


@pytest.mark.parametrize("name", FILES)
def test_tokens_of_a_key_file(home: Path, name: str) -> None:
    (home / ".ssh" / "config").write_text(f"Host a\n HostName real\n User joe\n IdentityFile {name}\n")
    config = SshConfig((home / ".ssh" / "config",), home=home, environment={"WHERE": "/there"})
    assert [str(f) for f in one(config, "a").identity_files] == [FILES[name].format(home=home)]


FAULTS = {
    "port that is none": ("Host a\n Port ssh\n", "port 'ssh'"),
    "port out of range": ("Host a\n Port 70000\n", "port '70000'"),
    "keyword without a value": ("Host a\n Port\n", "config line 2: no keyword and value"),
    "open quotation mark": ('Host "a\n', "config line 1: a quotation mark"),
    "unknown token": ("Host a\n IdentityFile /k/%z\n", "unknown token %z"),
    "unset variable": ("Host a\n IdentityFile ${NO_SUCH}/k\n", "NO_SUCH"),
    "host name that is an option": ("Host a\n HostName -oProxyCommand=x\n", "no host name"),
    "host name with a newline's worth of junk": ("Host a\n HostName a;b,c\n", "no host name"),
    "jump that makes no sense": ("Host a\n ProxyJump a b\n", "is not"),
    "shell in a user name": ("Host a\n User $(x)\n ProxyCommand nc %r\n", "must not stand in a ProxyCommand"),
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_names_what_is_wrong(home: Path, rule: str) -> None:
    text, words = FAULTS[rule]
    with pytest.raises(ConfigFault) as caught:
        write(home, text).chain("a")
    assert words in str(caught.value)


def test_hosts_are_the_concrete_names_in_order(home: Path) -> None:
    write(home, "Host inner\n", "more")
    config = write(home, "Host b a\nHost *.x !q w?\nInclude more\nHost a c\n")
    assert config.hosts() == ("b", "a", "inner", "c")


def test_no_configuration_is_no_fault(home: Path) -> None:
    config = SshConfig((home / "none",), home=home, environment={})
    assert config.hosts() == ()
    assert (one(config, "joe@h:23").hostname, one(config, "joe@h:23").user, one(config, "joe@h:23").port) == ("h", "joe", 23)


def test_match_exec_runs_nothing_and_is_told(home: Path) -> None:
    trace = home / "ran"
    settings_ = one(write(home, f'Match exec "touch {trace}"\n Port 9\nHost *\n Port 7\n'), "a")
    assert settings_.port == 7
    assert not trace.exists()
    assert settings_.passed_over == (f"{home}/.ssh/config line 1",)


KNOWN_AS = {
    "h": "h",
    "H.Example": "h.example",
    "h:22": "h",
    "h:23": "[h]:23",
    "[2001:db8::1]:23": "[2001:db8::1]:23",
    "[2001:db8::1]": "2001:db8::1",
}


@pytest.mark.parametrize("text", KNOWN_AS)
def test_the_name_in_known_hosts(home: Path, text: str) -> None:
    assert one(write(home, ""), text).known_as == KNOWN_AS[text]


AGENTS = {
    "": "/env",
    "IdentityAgent none": None,
    "IdentityAgent /sock": "/sock",
    "IdentityAgent SSH_AUTH_SOCK": "/env",
    "IdentityAgent $OTHER": "/o",
}


@pytest.mark.parametrize("line", AGENTS)
def test_the_agent(home: Path, line: str) -> None:
    (home / ".ssh" / "config").write_text(f"Host a\n {line}\n" if line else "")
    config = SshConfig((home / ".ssh" / "config",), home=home, environment={"SSH_AUTH_SOCK": "/env", "OTHER": "/o"})
    assert one(config, "a").identity_agent == AGENTS[line]


TARGETS = {
    "h": Target("h"),
    "joe@h": Target("h", "joe"),
    "joe@h:23": Target("h", "joe", 23),
    "[::1]:23": Target("::1", None, 23),
    "joe@[fe80::1%eth0]": Target("fe80::1%eth0", "joe"),
}
BAD_TARGETS = ["", "@h", "a b", "h:", "h:0", "h:65536", "h:x", "-oX=y", "a@b@c", "::1", "[::1", "h\n", "joe@-h", "h/../x:1"]


@pytest.mark.parametrize("text", TARGETS)
def test_target(text: str) -> None:
    assert target(text) == TARGETS[text]


@pytest.mark.parametrize("text", BAD_TARGETS)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ConfigFault):
        target(text)


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_a_fault(text: str) -> None:
    try:
        found = target(text)
    except ConfigFault:
        return
    assert found.host
    assert not found.host.startswith("-")
    assert found.port is None or 0 < found.port < 65536


@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_configuration_is_read_or_told_as_a_fault(home: Path, text: str) -> None:
    config = write(home, text.replace("nclude", "xclude"))
    try:
        assert config.chain("a")[-1].name == "a"
        config.hosts()
    except ConfigFault as fault:
        assert str(fault)


@given(st.lists(st.text("ab*?!", min_size=1, max_size=4), min_size=1, max_size=4), st.text("ab", min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@needs_ssh
def test_patterns_match_as_openssh_matches(home: Path, patterns: list[str], name: str) -> None:
    file = home / ".ssh" / "config"
    file.write_text(f"Host {' '.join(patterns)}\n Port 7\n")
    assert sshfile.matches(patterns, name) == (as_openssh(file, name)["port"] == ["7"])
