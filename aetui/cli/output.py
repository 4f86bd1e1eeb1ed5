"""Where a result goes: standard output, or a file that is written whole or not at all."""

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
        sys.stdout.write(whole)
        return Exit.READY
    try:
        handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(whole)
            Path(name).replace(output)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        return trouble(f"{output}: {(error.strerror or 'cannot be written').lower()}")
    print(f"written to {output}", file=sys.stderr)
    return Exit.READY
