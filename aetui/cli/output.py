"""Where a result goes: standard output, or a file that is written whole or not at all. What is no terminal gets UTF-8 with the result's own
line ends, whatever the locale: pages say in themselves that they are UTF-8.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from aetui.cli.common import trouble
from aetui.cli.main import Exit


def give(text: str, output: Path | None) -> int:
    """Print a result, or write it to a file, which then is its user's alone; the exit status."""
    whole = text if text.endswith("\n") else f"{text}\n"
    if output is None:
        _print(whole)
        return Exit.READY
    try:
        if output.exists() and not output.is_file():
            output.write_bytes(whole.encode())  # a pipe or a device is written to; a directory says that it is one
        else:
            _replace(output.resolve(), whole)
    except OSError as error:
        return trouble(f"{output}: {(error.strerror or 'cannot be written').lower()}")
    print(f"written to {output}", file=sys.stderr)
    return Exit.READY


def _print(whole: str) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(whole)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(whole.encode())


def _replace(path: Path, whole: str) -> None:
    """The file at once; what a link leads to, not the link."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(whole.encode())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
