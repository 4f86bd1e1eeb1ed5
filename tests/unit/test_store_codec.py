"""Records survive the journal: whatever goes in as JSON comes out equal, for every record that a journal may hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aetui.entries import Entry
from aetui.events import CheckDone, Result
from aetui.observations import Ended, HttpSeen, Observation, Outcome, TcpSeen
from aetui.records import Check
from aetui.store.codec import CodecError, decode, encode

st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(str, st.text(st.characters(codec=None), max_size=12))
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(int, st.integers(-(2**62), 2**62))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a record with every field given, at most two items a tuple."""
    return st.from_type(kind)


def through_a_file(kind: Any, value: Any) -> Any:
    return decode(kind, json.loads(json.dumps(encode(kind, value))))


@pytest.mark.parametrize("kind", get_args(Observation), ids=lambda kind: kind.__name__)
def test_every_observation_comes_back_as_it_was(kind: type) -> None:
    @given(of(kind))
    @settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
    def holds(value: Any) -> None:
        check = Check("tcp:host:1", "tcp")
        event = CheckDone(1.5, Result(check, value, earlier=(value,)))
        assert through_a_file(CheckDone, event) == event

    holds()


@pytest.mark.parametrize("kind", get_args(Entry), ids=lambda kind: kind.__name__)
def test_every_entry_of_a_journal_comes_back_as_it_was(kind: type) -> None:
    @given(of(kind))
    @settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
    def holds(value: Any) -> None:
        assert through_a_file(kind, value) == value

    holds()


@pytest.mark.parametrize("kind", get_args(Entry), ids=lambda kind: kind.__name__)
def test_no_data_makes_decoding_raise_anything_but_its_own_error(kind: type) -> None:
    names = [f.name for f in fields(kind)]
    plain = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*names, "is", "x"]), inner, max_size=5),
        max_leaves=12,
    )

    @given(plain | st.fixed_dictionaries({}, optional=dict.fromkeys(names, plain)))
    @settings(max_examples=60, deadline=None)
    def holds(data: Any) -> None:
        with suppress(CodecError):
            decode(kind, data)

    holds()


TCP = TcpSeen("192.0.2.1", 80, Outcome.OPEN, rtt_ms=1.0)
RESULT = Result(Check("tcp:h:80", "tcp", "h", 80), TCP)


def changed(data: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    return {**data, **others}


def test_a_field_that_this_version_does_not_know_is_skipped() -> None:
    data = encode(TcpSeen, TCP)
    assert decode(TcpSeen, changed(data, invented_later=[1, 2])) == TCP


def test_a_field_that_is_not_there_has_its_default() -> None:
    data = encode(TcpSeen, replace(TCP, rtt_ms=None))
    assert "rtt_ms" not in data
    assert decode(TcpSeen, data).rtt_ms is None


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"address": "192.0.2.1", "port": 80}, "outcome is not there"),
        ({"address": "192.0.2.1", "port": "80", "outcome": "open"}, "'80' is no int"),
        ({"address": "192.0.2.1", "port": True, "outcome": "open"}, "True is no int"),
        ({"address": "192.0.2.1", "port": 80, "outcome": "ajar"}, "'ajar' is not a valid Outcome"),
        ([], r"\[\] is no dict"),
    ],
)
def test_what_is_no_such_record_is_refused_in_words(data: Any, complaint: str) -> None:
    with pytest.raises(CodecError, match=complaint):
        decode(TcpSeen, data)


def test_a_variant_that_this_version_does_not_know_is_refused() -> None:
    data = encode(Result, RESULT)
    data["observation"]["is"] = "QuicSeen"
    with pytest.raises(CodecError, match="QuicSeen"):
        decode(Result, data)


def test_bytes_stand_in_the_file_as_text_that_a_search_can_find() -> None:
    seen = HttpSeen("http://h/", Ended.DONE, body=b"<title>Blocked</title>\x00\xff")
    data = encode(HttpSeen, seen)
    assert "<title>Blocked</title>" in json.dumps(data)
    assert through_a_file(HttpSeen, seen).body == seen.body
