"""Frozen records to JSON and back, by their type annotations: what a journal keeps and what is read from it again. Pure.

``encode(type, value)`` gives what ``json.dumps`` takes, ``decode(type, data)`` the equal record again, for every record of ``records``,
``observations``, ``events``, ``reach``, ``entries`` and ``path.records``. The form: a record is an object by field name, ``None`` where
that is the default left out; a value of a union of records carries its class under ``is``; an enumeration is its value, a tuple a list,
a moment ISO 8601, bytes a text of code points 0 to 255. A field that this version does not know is skipped and one that is not there
has its default, so that records may gain fields; anything else that does not fit raises ``CodecError``. ``VERSION`` changes when the
form itself does.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

VERSION = 1
"""Of the form described above; kept beside every session."""

TAG = "is"

Turn = Callable[[Any], Any]


class CodecError(ValueError):
    """The data is no record of the type asked for; the text names the place."""


def encode(kind: Any, value: Any) -> Any:
    """A value of an annotated type as plain data."""
    return _encoder(kind)(value)


def learn(kinds: Iterable[Any]) -> None:
    """Work out beforehand how values of these types are encoded: it takes a while, which should not fall into a run."""
    for kind in kinds:
        _encoder(kind)


def decode(kind: Any, data: Any) -> Any:
    """The value again. Raises CodecError."""
    try:
        return _decoder(kind)(data)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"{_name(kind)}: {error}") from None


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))


def _members(kind: Any) -> tuple[Any, ...] | None:
    """The members of a union; None for any other type."""
    return get_args(kind) if get_origin(kind) in {Union, types.UnionType} else None


def _same(value: Any) -> Any:
    return value


# ------------------------------------------------------------------------------------------------------------------- encoding
@cache
def _encoder(kind: Any) -> Turn:
    members = _members(kind)
    if members is not None:
        return _union_encoder(tuple(m for m in members if m is not type(None)))
    origin = get_origin(kind)
    if origin is tuple:
        return _tuple_encoder(get_args(kind))
    if origin is not None and issubclass(origin, Mapping):
        inner = _encoder(get_args(kind)[1])
        return dict if inner is _same else lambda value: {key: inner(item) for key, item in value.items()}
    if is_dataclass(kind):
        return _record_encoder(kind)
    if issubclass(kind, Enum):
        return _same if issubclass(kind, str) else lambda value: value.value
    return _PLAIN_OUT[kind]


_PLAIN_OUT: Mapping[Any, Turn] = {
    str: _same, int: _same, bool: _same, float: _same,
    bytes: lambda value: value.decode("latin-1"),
    datetime: lambda value: value.isoformat(),
}  # fmt: skip


def _union_encoder(members: tuple[Any, ...]) -> Turn:
    if len(members) == 1:
        inner = _encoder(members[0])
        return inner if inner is _same else lambda value: None if value is None else inner(value)
    if not all(is_dataclass(m) for m in members):
        raise CodecError(f"a union of other things than records: {members}")
    by_type = {m: (_name(m), _encoder(m)) for m in members}

    def turn(value: Any) -> Any:
        if value is None:
            return None
        name, inner = by_type[type(value)]
        return {TAG: name, **inner(value)}

    return turn


def _tuple_encoder(kinds: tuple[Any, ...]) -> Turn:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        inner = _encoder(kinds[0])
        return list if inner is _same else lambda value: [inner(item) for item in value]
    inners = [_encoder(kind) for kind in kinds]
    return lambda value: [turn(item) for turn, item in zip(inners, value, strict=True)]


def _record_encoder(kind: Any) -> Turn:
    hints = get_type_hints(kind)
    turns = {f.name: _encoder(hints[f.name]) for f in fields(kind) if f.init}
    names = tuple(turns)
    left_out = {f.name for f in fields(kind) if f.default is None}
    changing = tuple((name, inner) for name, inner in turns.items() if inner is not _same)
    read = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)

    def turn(value: Any) -> dict[str, Any]:
        found = {name: item for name, item in zip(names, read(value), strict=True) if item is not None or name not in left_out}
        for name, inner in changing:
            if name in found:
                found[name] = inner(found[name])
        return found

    return turn


# ------------------------------------------------------------------------------------------------------------------- decoding
@cache
def _decoder(kind: Any) -> Turn:
    members = _members(kind)
    if members is not None:
        return _union_decoder(tuple(m for m in members if m is not type(None)), type(None) in members)
    origin = get_origin(kind)
    if origin is tuple:
        return _tuple_decoder(get_args(kind))
    if origin is not None and issubclass(origin, Mapping):
        inner = _decoder(get_args(kind)[1])
        return lambda data: {_text(key): inner(item) for key, item in _of(dict, data).items()}
    if is_dataclass(kind):
        return _record_decoder(kind)
    if issubclass(kind, Enum):
        decoded: Turn = kind
        return decoded
    return _PLAIN_IN[kind]


def _of(kind: type, data: Any) -> Any:
    if type(data) is not kind:
        raise CodecError(f"{data!r:.60} is no {kind.__name__}")
    return data


def _text(data: Any) -> str:
    return str(_of(str, data))


def _number(data: Any) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise CodecError(f"{data!r:.60} is no number")
    return float(data)


_PLAIN_IN: Mapping[Any, Turn] = {
    str: _text,
    int: lambda data: _of(int, data),
    bool: lambda data: _of(bool, data),
    float: _number,
    bytes: lambda data: _text(data).encode("latin-1"),
    datetime: lambda data: datetime.fromisoformat(_text(data)),
}


def _union_decoder(members: tuple[Any, ...], optional: bool) -> Turn:
    if len(members) == 1:
        only = _decoder(members[0])
        return lambda data: None if data is None else only(data)
    by_name = {_name(m): _decoder(m) for m in members}

    def turn(data: Any) -> Any:
        if data is None and optional:
            return None
        tag = _of(dict, data).get(TAG)
        if tag not in by_name:
            raise CodecError(f"{tag!r:.60} is none of {', '.join(by_name)}")
        return by_name[tag](data)

    return turn


def _tuple_decoder(kinds: tuple[Any, ...]) -> Turn:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        inner = _decoder(kinds[0])
        return lambda data: tuple(inner(item) for item in _of(list, data))
    inners = [_decoder(kind) for kind in kinds]
    return lambda data: tuple(turn(item) for turn, item in zip(inners, _of(list, data), strict=True))


def _record_decoder(kind: Any) -> Turn:
    parts: dict[str, Turn] | None = None
    needed: list[str] = []

    def turn(data: Any) -> Any:
        nonlocal parts
        if parts is None:
            hints = get_type_hints(kind)
            parts = {f.name: _decoder(hints[f.name]) for f in fields(kind) if f.init}
            needed.extend(f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING)
        given = {name: inner(data[name]) for name, inner in parts.items() if name in _of(dict, data)}
        missing = [name for name in needed if name not in given]
        if missing:
            raise CodecError(f"{_name(kind)}: {', '.join(missing)} is not there")
        return kind(**given)

    return turn
