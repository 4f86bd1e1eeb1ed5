"""A bounded round of the fuzz target: every codec gets some hundred mutated inputs; and the target can find what it looks for."""

from __future__ import annotations

import random

import fuzz_codecs
import pytest

RUNS = 400


@pytest.mark.parametrize("name", fuzz_codecs.CODECS)
def test_no_mutated_input_makes_a_codec_raise_or_hang(name: str) -> None:
    done, problem = fuzz_codecs.search([name], random.Random(name), RUNS, 0)
    assert problem is None
    assert done == RUNS


def test_a_codec_that_raises_is_found_and_its_input_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fragile(data: bytes) -> None:
        assert b"\xff" not in data

    monkeypatch.setitem(fuzz_codecs.CODECS, "fragile", fuzz_codecs.Codec(fragile, (b"safe",)))
    assert fuzz_codecs.main(["fragile", "--runs", "2000"]) == 1
    assert "fragile: " in capsys.readouterr().out


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, second = ([fuzz_codecs.mutated(random.Random(3), (b"abc", b"d")) for _ in range(5)] for _ in range(2))
    assert first == second


def test_an_unknown_codec_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        fuzz_codecs.main(["morse"])
    assert caught.value.code == 2
