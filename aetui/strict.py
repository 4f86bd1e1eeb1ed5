"""Strict reading of data files: every key is known, every value has its type, and a mistake is one line naming file, key and fault.

``Table`` wraps one TOML table; a reader takes what it knows and then calls ``done``, which refuses what is left. Pure but for
``read_bytes`` and ``read_toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, NoReturn, TypeVar

LARGEST_FILE = 1 << 20
"""Bytes of a data file that are read at the most."""

E = TypeVar("E", bound=StrEnum)


class DataError(ValueError):
    """A data file is wrong; the text is the one line that a user needs."""

    def __init__(self, file: str, key: str, why: str) -> None:
        super().__init__(f"{file}: {key}: {why}" if key else f"{file}: {why}")
        self.file = file
        self.key = key
        self.why = why


def read_bytes(path: Path) -> bytes:
    """A whole file. Raises DataError where it cannot be read or is larger than ``LARGEST_FILE``."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DataError(str(path), "", error.strerror or "cannot be read") from None
    if len(data) > LARGEST_FILE:
        raise DataError(str(path), "", f"is larger than {LARGEST_FILE} bytes")
    return data


def read_toml(path: Path) -> Table:
    """The file's top table. Raises DataError where it cannot be read or is no TOML."""
    return parse_toml(read_bytes(path), str(path))


def parse_toml(data: bytes, file: str) -> Table:
    """As ``read_toml``, of bytes already read."""
    try:
        return Table(tomllib.loads(data.decode("utf-8")), file)
    except UnicodeDecodeError as error:
        raise DataError(file, "", f"is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(file, "", str(error)) from None


class Table:
    """One table of a data file, taken key by key."""

    def __init__(self, data: Mapping[str, Any], file: str, where: str = "") -> None:
        self._left = dict(data)
        self.file = file
        self.where = where

    def fail(self, key: str, why: str) -> NoReturn:
        """Refuse the file because of this key."""
        raise DataError(self.file, f"{self.where}.{key}" if self.where else key, why)

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def text(self, key: str, default: str | None = None) -> str:
        """A string that is not empty, unless the default is."""
        value = self._left.pop(key, default)
        if not isinstance(value, str):
            self.fail(key, "is missing" if value is None else "must be a text")
        if not value and default != "":
            self.fail(key, "must not be empty")
        return value

    def optional(self, key: str) -> str | None:
        """A string, or None where the key is not there."""
        return self.text(key) if key in self._left else None

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number between ``low`` and ``high``, both included."""
        value = self._left.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(key, "is missing" if value is None else "must be a whole number")
        if not low <= value <= high:
            self.fail(key, f"{value} is not between {low} and {high}")
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A number between ``low`` and ``high``, both included."""
        value = self._left.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(key, "is missing" if value is None else "must be a number")
        if not low <= value <= high:
            self.fail(key, f"{value} is not between {low} and {high}")
        return float(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """true or false."""
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            self.fail(key, "must be true or false")
        return value

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        """One of an enumeration's values."""
        value = self._left.pop(key, default)
        if value is None:
            self.fail(key, "is missing")
        try:
            return kind(value)
        except ValueError:
            self.fail(key, f"{value!r} is none of {', '.join(kind)}")

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """An array of strings."""
        value = self._left.pop(key, default)
        if value is None:
            self.fail(key, "is missing")
        if not isinstance(value, list | tuple) or not all(isinstance(x, str) and x for x in value):
            self.fail(key, "must be a list of texts")
        return tuple(value)

    def lines(self, key: str) -> tuple[str, ...]:
        """An array of lines of text, empty ones included; none where the key is not there."""
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            self.fail(key, "must be a list of lines")
        return tuple(value)

    def ports(self, key: str) -> tuple[int, ...]:
        """An array of port numbers; empty where the key is not there."""
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            self.fail(key, "must be a list of ports")
        for port in value:
            if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
                self.fail(key, f"{port!r} is not a port (1 to 65535)")
        return tuple(value)

    def addresses(self, key: str) -> tuple[str, ...]:
        """An array of IP addresses; empty where the key is not there."""
        found = self.texts(key, ())
        for text in found:
            try:
                ip_address(text)
            except ValueError:
                self.fail(key, f"{text!r} is not an IP address")
        return found

    def network(self, key: str) -> IPv4Network | IPv6Network:
        """A network in CIDR form."""
        text = self.text(key)
        try:
            return ip_network(text)
        except ValueError:
            self.fail(key, f"{text!r} is not a network in CIDR form")

    def table(self, key: str) -> Table:
        """A sub-table; empty where the key is not there."""
        value = self._left.pop(key, {})
        if not isinstance(value, dict):
            self.fail(key, "must be a table")
        return Table(value, self.file, f"{self.where}.{key}" if self.where else key)

    def tables(self, key: str) -> Iterator[Table]:
        """An array of tables, each with its place in error messages."""
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(x, dict) for x in value):
            self.fail(key, "must be a list of tables")
        place = f"{self.where}.{key}" if self.where else key
        return (Table(item, self.file, f"{place}[{number}]") for number, item in enumerate(value, 1))

    def named(self, key: str | None = None) -> Iterator[tuple[str, Table]]:
        """The tables of a table, by name: of sub-table ``key``, or of all that is left here."""
        inner = self if key is None else self.table(key)
        for name in list(inner._left):
            yield name, inner.table(name)

    def strings(self) -> dict[str, str]:
        """All that is left, as text by text."""
        return {key: self.text(key) for key in list(self._left)}

    def left(self) -> tuple[str, ...]:
        """Keys that nobody took yet."""
        return tuple(self._left)

    def done(self) -> None:
        """Refuse any key that nobody took."""
        for key in self._left:
            self.fail(key, "is not known here")
