"""Reports in a real browser: what is shown, that nothing runs and nothing is asked of the network, contrast as painted, and no sideways
scrolling.

The page itself forbids scripts; what a script would find out is measured on a copy whose policy lets one of ours run.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from kept_sessions import HOSTILE, alone, catalogue, hostile, kept

from aetui.causes import load_causes
from aetui.entries import Kept
from aetui.report.forms import made

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=3000",
)  # fmt: skip
DARK = "--blink-settings=preferredColorScheme=0"

MEASURE = Path(__file__).with_name("measure_page.html").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def browser() -> None:
    """A missing browser is a failure in CI."""
    if BROWSER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium here")
        pytest.skip("no chromium here")


def run(folder: Path, *arguments: str) -> str:
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def page(folder: Path, one: Kept, name: str = "report.html") -> Path:
    path = folder / name
    path.write_text(made("html", one, catalogue(), load_causes()), encoding="utf-8")
    return path


def measured(folder: Path, one: Kept, width: int, *flags: str) -> dict[str, object]:
    """What a script of ours finds on a copy of the page, shown in a frame of this width."""
    text = page(folder, one).read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</body>", MEASURE + "</body>")
    outer = folder / "outer.html"
    frame = f'<iframe width="{width}" height="3000" srcdoc="{html.escape(text)}"></iframe>'
    outer.write_text(f"<body>{frame}<script>onmessage = e => {{ document.title = 'x'; const p = document.createElement('pre');"
                     f" p.id = 'told'; p.textContent = e.data; document.body.append(p); }};</script>", encoding="utf-8")  # fmt: skip
    dom = run(folder, "--dump-dom", *flags, outer.as_uri())
    told = re.search(r'<pre id="told">(.*?)</pre>', dom, re.DOTALL)
    assert told, dom[-2000:]
    return dict(json.loads(html.unescape(told.group(1))))


def test_a_browser_shows_verdict_causes_and_checks(tmp_path: Path) -> None:
    dom = run(tmp_path, "--dump-dom", page(tmp_path, kept()).as_uri())
    text = html.unescape(re.sub(r"<[^>]+>", " ", dom.split("<body>")[1]))
    for words in ("BLOCKED: PM2000", "What stands in the way", "the site's IT", "tcp:www.alsoenergy.com:443", "Not checked, and why"):
        assert words in text


def test_nothing_hostile_runs_and_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0.2)
        where = f"http://127.0.0.1:{trap.getsockname()[1]}/"
        attacks = [
            f'<img src="{where}i">', f'<script src="{where}s"></script>', f'<style>@import "{where}c";</style>',
            f'"><link rel=stylesheet href={where}>',
            f"<iframe src={where}></iframe>", f"<meta http-equiv=refresh content='0;url={where}'>",
        ]  # fmt: skip
        one = hostile()
        one = replace(one, about=replace(one.about, name=" ".join(attacks), note=" ".join((*HOSTILE, *attacks))))
        path = page(tmp_path, one)
        dom = run(tmp_path, "--dump-dom", path.as_uri())
        with pytest.raises(TimeoutError):
            trap.accept()
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert title
    assert title.group(1) != "taken"
    body = dom.split("<body>")[1]
    assert not re.search(r"<(script|img|iframe|link|object|embed|form|input|base|a)\b", body)
    assert not re.search(r"<[^>]*\son\w+=", body)


@pytest.mark.parametrize("width", [1100, 390, 320], ids=["desktop", "phone", "small phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_as_painted_and_nothing_sticks_out_sideways(tmp_path: Path, theme: str, width: int) -> None:
    seen = measured(tmp_path, kept("hostile") if width == 320 else kept(), width, *([DARK] if theme == "dark" else []))
    assert seen["paper"] == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}[theme]
    assert isinstance(seen["texts"], int)
    assert seen["texts"] > 300
    assert seen["found"] == []
    assert seen["wide"] == []
    assert seen["over"] == 0
    assert seen["shown"] == (["block", "none"] if width > 640 else ["none", "block"])


@pytest.mark.parametrize("width", [1100, 390])
def test_a_session_with_everything_in_it_reads_as_well(tmp_path: Path, width: int) -> None:
    one = alone("everything")
    seen = measured(tmp_path, replace(one, state=kept("tls-intercepted").state), width)
    assert (seen["found"], seen["wide"], seen["over"]) == ([], [], 0)


@pytest.mark.parametrize(("paper", "points"), [("A4", (595, 842)), ("letter", (612, 792))])
@pytest.mark.parametrize("scenario", ["healthy", "tls-intercepted"])
def test_a_report_prints_on_both_papers_with_the_causes_on_the_first_pages(
    tmp_path: Path, scenario: str, paper: str, points: tuple[int, int]
) -> None:
    target, path = tmp_path / "report.pdf", page(tmp_path, kept(scenario))
    path.write_text(path.read_text(encoding="utf-8").replace("@page {", f"@page {{ size: {paper};"), encoding="utf-8")
    run(tmp_path, f"--print-to-pdf={target}", "--no-pdf-header-footer", path.as_uri())
    data = target.read_bytes()
    assert data.startswith(b"%PDF")
    sizes = {(round(float(w)), round(float(h))) for w, h in re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)", data)}
    assert {(abs(w - points[0]) <= 1, abs(h - points[1]) <= 1) for w, h in sizes} == {(True, True)}
    assert len(re.findall(rb"/Type\s*/Page\b", data)) <= 10


def test_on_paper_headings_of_tables_and_paragraphs_are_no_larger_than_what_they_head(tmp_path: Path) -> None:
    """Sizes in rem follow the root: a smaller body alone would leave every heading at the screen's size."""
    text = page(tmp_path, replace(alone("everything"), state=kept("healthy").state)).read_text(encoding="utf-8")
    script = (
        "<script>const size = s => parseFloat(getComputedStyle(document.querySelector(s)).fontSize);"
        "document.title = JSON.stringify(['body', 'th', 'td', 'h4', '.summary'].map(size));</script>"
    )
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("@media print", "@media all")
    (tmp_path / "paper.html").write_text(text.replace("</body>", script + "</body>"), encoding="utf-8")
    told = re.search(r"<title>(.*?)</title>", run(tmp_path, "--dump-dom", (tmp_path / "paper.html").as_uri()))
    assert told
    body, th, td, h4, summary = json.loads(told.group(1))
    assert th <= td <= body
    assert h4 <= body
    assert summary <= body * 1.1
