"""What a journal has taken and SQLite has not yet: a small file beside the history, mapped into memory.

A store into the mapping is a copy of some hundred bytes, without a call of the system and without letting another thread in; and it
survives the death of the process at once, as the page belongs to the kernel. So entries of a run stand here until a transaction takes
many of them. The file is its user's alone, locked for as long as its process lives (``flock``), and as large as it will ever be from
the beginning (``posix_fallocate``), so that a full disk is met when it is made and not while it is written. Where a system has neither,
there is no tail, and every entry is a transaction of its own.

A record is its length and CRC-32 (little endian, 4 bytes each) and its text; a length of 0 ends them. The header is written last.
"""

from __future__ import annotations

import mmap
import os
import secrets
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType


def _locks() -> ModuleType | None:
    """The module that locks files; None on Windows."""
    try:
        return import_module("fcntl")
    except ImportError:
        return None


fcntl = _locks()

SIZE = 1 << 18
"""Bytes of a tail: three times what a sweep of one piece of equipment writes."""

_HEADER = struct.Struct("<II")
_END = bytes(_HEADER.size)


class Tail:
    """One journal's. Raises OSError where there can be none."""

    def __init__(self, history: Path) -> None:
        if fcntl is None or not hasattr(os, "posix_fallocate"):
            raise OSError("this system has no tails")
        self.path = history.with_name(f"{history.name}-tail-{os.getpid()}-{secrets.token_hex(4)}")
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink == 0:
                raise OSError("taken for that of a dead process before it was locked, and removed")
            os.posix_fallocate(handle, 0, SIZE)
            self._map = mmap.mmap(handle, SIZE)
            self._map[:] = bytes(SIZE)
        except BaseException:
            os.close(handle)
            self.path.unlink(missing_ok=True)
            raise
        self._handle = handle
        self._at = 0

    def add(self, text: str) -> bool:
        """Keep a record; False where there is no room for it."""
        data = text.encode()
        begin = self._at + _HEADER.size
        end = begin + len(data)
        if end + _HEADER.size > SIZE:
            return False
        self._map[begin : end + _HEADER.size] = data + _END
        self._map[self._at : begin] = _HEADER.pack(len(data), zlib.crc32(data))
        self._at = end
        return True

    def clear(self) -> None:
        """Everything in it has been taken over."""
        self._map[: _HEADER.size] = _END
        self._at = 0

    def __bool__(self) -> bool:
        """True where something stands in it."""
        return self._at > 0

    def close(self) -> None:
        """Give it up, with what is in it."""
        self.path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Let go of it; whoever opens the history next takes over what is in it."""
        self._map.close()
        os.close(self._handle)


def orphans(history: Path) -> Iterator[tuple[Path, list[str]]]:
    """The tails whose process died, each with its records; locked until the next one is asked for."""
    if fcntl is None:
        return
    for path in history.parent.glob(f"{history.name}-tail-*"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path, list(_records(os.pread(handle, SIZE, 0)))
            finally:
                os.close(handle)


def _records(data: bytes) -> Iterator[str]:
    at = 0
    while at + _HEADER.size <= len(data):
        length, crc = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        record = data[at : at + length]
        if not length or len(record) < length or zlib.crc32(record) != crc:
            return
        yield record.decode("utf-8", "replace")
        at += length
