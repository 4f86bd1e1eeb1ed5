"""What a person types about ports and addresses is read, or refused in one sentence that says what is wanted."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.display import displayable
from aetui.screens import inbound_typed as typed
from aetui.screens.inbound_typed import Typo

READ: list[tuple[Callable[[str], object], str, object]] = [
    (typed.port, "3389", 3389),
    (typed.port, "65535", 65535),
    (typed.ports, "3389 23", (3389, 23)),
    (typed.ports, "3389, 23,3389", (3389, 23)),
    (typed.forwards, "", ()),
    (typed.forwards, "3389 53023:23", ((3389, 3389), (53023, 23))),
    (typed.minutes, "15", 15.0),
    (typed.minutes, "0.5", 0.5),
    (typed.networks, "", ()),
    (typed.networks, "203.0.113.7 198.51.100.9/24", (ip_network("203.0.113.7"), ip_network("198.51.100.0/24"))),
    (typed.networks, "2001:db8::/32", (ip_network("2001:db8::/32"),)),
    (typed.address, "[2001:DB8::7]", "2001:db8::7"),
    (typed.host, "site.example.com", "site.example.com"),
    (typed.host, "203.0.113.7", "203.0.113.7"),
    (typed.place, "203.0.113.7", ("203.0.113.7", None)),
    (typed.place, "site.example.com:53389", ("site.example.com", 53389)),
    (typed.place, "2001:db8::7", ("2001:db8::7", None)),
    (typed.place, "[2001:db8::7]:23", ("2001:db8::7", 23)),
    (typed.code, "", None),
    (typed.code, "7k3m q9xd", "7K3M-Q9XD"),
    (typed.code, "7K3MQ9XO", "7K3M-Q9X0"),
    (typed.jump_name, "jump:noc", "noc"),
    (typed.jump_name, "ssh:noc", "ssh:noc"),
    (typed.jump_name, "tech@203.0.113.7:2222", "tech@203.0.113.7:2222"),
]


@pytest.mark.parametrize(("read", "text", "found"), READ, ids=[f"{r.__name__} {t!r}" for r, t, _ in READ])
def test_it_is_read(read: Callable[[str], object], text: str, found: object) -> None:
    assert read(text) == found


REFUSED: list[tuple[Callable[[str], object], str, str]] = [
    (typed.port, "0", "no port"), (typed.port, "65536", "no port"), (typed.port, "ssh", "no port"), (typed.port, "２３", "no port"),
    (typed.port, "", "Type something"), (typed.ports, " ", "Type something"), (typed.ports, "23 x", "no port"),
    (typed.ports, " ".join(map(str, range(1, 18))), "at most 16"), (typed.forwards, "23:", "Type something"), (typed.forwards, "a:23", "no port"),
    (typed.minutes, "0", "no time"), (typed.minutes, "1e3", "no time"), (typed.minutes, "nan", "no time"), (typed.minutes, "1441", "no time"),
    (typed.networks, "203.0.113.7/33", "no address or network"), (typed.networks, "example.com", "no address or network"),
    (typed.address, "site", "no IP address"), (typed.host, "203.0.113.300", "no address or name"), (typed.host, "-x", "no address or name"),
    (typed.host, "a b", "no address or name"), (typed.place, "site:99999", "no port"), (typed.place, ":23", "Type something"),
    (typed.code, "7K3M-Q9X", "no code"), (typed.code, "7K3M-Q9XU", "no code"), (typed.jump_name, "-oX", "no jump host"),
    (typed.jump_name, "a b", "no jump host"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text", "said"), REFUSED, ids=[f"{r.__name__} {t!r}" for r, t, _ in REFUSED])
def test_it_is_refused_in_one_sentence(read: Callable[[str], object], text: str, said: str) -> None:
    with pytest.raises(Typo, match=said) as refused:
        read(text)
    assert "\n" not in str(refused.value)


READERS = (typed.port, typed.ports, typed.forwards, typed.minutes, typed.networks, typed.host, typed.place, typed.code, typed.jump_name)


@pytest.mark.parametrize("read", READERS)
@given(text=st.text(max_size=40))
def test_any_text_is_read_or_refused_and_never_shown_raw(read: Callable[[str], object], text: str) -> None:
    try:
        read(text)
    except Typo as wrong:
        assert displayable(str(wrong), 1000) == str(wrong)
