"""The codecs of ``fuzz_codecs`` under atheris, where that package is installed: coverage leads the search.

    python tests/fuzz/fuzz_atheris.py CODEC [libFuzzer's own options, for example -max_total_time=60]

Runs until it finds something or is told to stop. Only our codecs and dnspython are instrumented; all else would take minutes.
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found, unused-ignore]

with atheris.instrument_imports(include=["aetui.wire", "dns"]):
    import fuzz_codecs


def main() -> None:
    """The program; does not return."""
    if len(sys.argv) < 2 or sys.argv[1] not in fuzz_codecs.CODECS:
        sys.exit(f"one codec is needed: {', '.join(fuzz_codecs.CODECS)}")
    program, name, *options = sys.argv
    atheris.Setup([program, *options], fuzz_codecs.CODECS[name].take)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
