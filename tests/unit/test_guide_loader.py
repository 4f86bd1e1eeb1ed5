"""A guide that is wrong names file, step and fault, one bad file a rule; a user's own folder adds and replaces."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from aetui.catalogue import load as load_catalogue
from aetui.guide import library
from aetui.guide.actions import GIVES
from aetui.guide.errnos import KINDS, decode, load_errnos
from aetui.guide.loader import Raw, read
from aetui.guide.proof import prove, prove_all
from aetui.guide.records import Decode
from aetui.strict import DataError

GOOD = """
guide = "mine"
title = "Mine"
about = "About it."
equipment = ["pm2000"]
labels = ["Mine"]
start = "ask"
[step.ask]
is = "question"
title = "Where?"
text = "Where is it?"
ask = "address"
saves = "logger"
next = "look"
[step.look]
is = "check"
title = "Look"
text = "I look at {logger}."
does = "inside"
address = "{logger}"
port = "3389"
on = { answers = "good", pass = "good", fail = "bad", unknown = "bad" }
[step.good]
is = "verdict"
outcome = "ready"
title = "Good"
text = "It works."
[step.bad]
is = "verdict"
outcome = "blocked"
title = "Bad"
text = "It does not."
[[step.bad.hand]]
to = "site-it"
what = "Mend it."
"""
PART = """
part = "_part"
needs = ["model"]
exits = ["out"]
start = "one"
[step.one]
is = "instruction"
title = "One"
text = "Look at the $model; it costs $$5."
next = "exit:out"
"""
INCLUDE = """
[[include]]
part = "_part"
as = "part"
with = { model = "PM2000" }
exits = { out = "good" }
"""


def _load(text: str, part: str = PART) -> None:
    guide = read(Raw(tomllib.loads(text), "mine.toml"), {"_part": Raw(tomllib.loads(part), "_part.toml")})
    prove(guide, load_catalogue())


def test_the_good_one_is_good() -> None:
    _load(GOOD)


RULES = {
    "an unknown key": (('title = "Good"', 'title = "Good"\ncolour = "red"'), "step.good.colour", "is not known here"),
    "an unknown kind of step": (('is = "verdict"\noutcome = "ready"', 'is = "verdikt"'), "step.good.is", "is none of"),
    "a missing text": (('text = "It works."\n', ""), "step.good.text", "is missing"),
    "an empty title": (('title = "Good"', 'title = ""'), "step.good.title", "must not be empty"),
    "an unknown outcome": (('outcome = "ready"', 'outcome = "fine"'), "step.good.outcome", "is none of"),
    "an unknown owner": (('to = "site-it"', 'to = "somebody"'), "step.bad.hand[1].to", "is none of"),
    "an unknown action": (('does = "inside"', 'does = "hack"'), "step.look.does", "is none of"),
    "an action's missing argument": (('port = "3389"\n', ""), "step.look.port", "is missing"),
    "an unknown way of asking": (('ask = "address"', 'ask = "password"'), "step.ask.ask", "is none of"),
    "a name that is none": (('saves = "logger"', 'saves = "The Logger"'), "step.ask.saves", "is no name"),
    "an id that is none": (("[step.good]", '[step."Good One"]'), "step.Good One", "is no id"),
    "a next step that is not there": (('next = "look"', 'next = "lock"'), "step.ask", "goes on to 'lock', and there is no such step"),
    "a start that is not there": (('start = "ask"', 'start = "begin"'), "start", "is no step"),
    "a key that can never happen": (("answers =", "forward-missing ="), "step.look", "'forward-missing' can never happen here"),
    "a status that is not handled": ((", unknown = \"bad\"", ""), "step.look", "does not say what follows on unknown"),
    "an otherwise that is never used": (('port = "3389"', 'port = "3389"\notherwise = "bad"'), "step.look", "'otherwise' is never used"),
    "a step that is never reached": (('fail = "bad", unknown = "bad"', 'fail = "good", unknown = "good"'), "step.bad", "is never reached"),
    "a name that nothing makes known": (("I look at {logger}.", "I look at {loger}."), "step.look", "nothing makes that known"),
    "a name that is not known on every way there": (
        ('next = "look"', 'next = "look"\npassed = "look"'), "step.look", "which is not known on every way there"),
    "a brace without its partner": (("I look at {logger}.", "I look at {logger."), "step.look", "brace"),
    "more than a name in braces": (("I look at {logger}.", "I look at {logger:d}."), "step.look", "more than a name in braces"),
    "a port that is none": (('port = "3389"', 'port = "rdp"'), "step.look", "port is 'rdp', which is neither a port nor"),
    "a port that is an address": (('port = "3389"', 'port = "{logger}"'), "step.look", "port is '{logger}', which is neither a port nor"),
    "an address that is none": (('address = "{logger}"', 'address = "at home"'), "step.look", "address is 'at home', which is neither an IPv4 address"),
    "an address that may be any text": (('ask = "address"', 'ask = "text"'), "step.look", "address is '{logger}', which is neither an IPv4 address"),
    "an address with something beside it": (('address = "{logger}"', 'address = "{logger}1"'), "step.look", "address is '{logger}1'"),
    "a default that is no address": (('ask = "address"', 'ask = "address"\ndefault = "here"'), "step.ask", "default is 'here', which is neither an IPv4 address"),
    "equipment that is none": (('equipment = ["pm2000"]', 'equipment = ["pm9000"]'), "equipment", "is no equipment"),
    "a choice alone": (
        ('ask = "address"\nsaves = "logger"\nnext = "look"', 'ask = "choice"\n[[step.ask.choice]]\nkey = "a"\nlabel = "a"\nnext = "look"'),
        "step.ask.choice", "two choices or more"),
    "a default that is no choice": (
        ('ask = "address"\nsaves = "logger"\nnext = "look"', 'ask = "yes-no"\ndefault = "maybe"\nyes = "look"\nno = "bad"'),
        "step.ask.default", "is none of yes, no"),
    "a circle without a question": (
        ('fail = "bad", unknown = "bad"', 'fail = "look", unknown = "bad"'), "step.look", "circle without a question"),
    "steps that come to no verdict": (
        ('[step.good]\nis = "verdict"\noutcome = "ready"\ntitle = "Good"\ntext = "It works."',
         '[step.good]\nis = "question"\nask = "text"\ntitle = "Good"\ntext = "It works."\nnext = "good"'),
        "step.good", "no way from here comes to a verdict"),
    "a plan of equipment that is none": (
        ('does = "inside"\naddress = "{logger}"\nport = "3389"\non = { answers = "good", pass', 'does = "plan"\nequipment = ["pm9000"]\non = { warn = "bad", pass'),
        "step.look", "is no equipment"),
    "a check that the plan does not have": (
        ('does = "inside"\naddress = "{logger}"\nport = "3389"\non = { answers = "good", pass',
         'does = "plan"\nequipment = ["pm2000"]\nonly = ["tcp:nowhere.example:1"]\non = { warn = "bad", pass'),
        "step.look", "names no check of pm2000"),
    "a branch on a check that is none": (
        ('next = "look"', 'next = "fork"\n[step.fork]\nis = "branch"\nresult = "ask"\non = { pass = "look" }\notherwise = "bad"'), "step.fork", "is no check"),
    "a branch on an answer that nobody gives": (
        ('next = "look"', 'next = "fork"\n[step.fork]\nis = "branch"\nanswer = "logger"\notherwise = "look"'), "step.fork", "no question with choices saves"),
    "a branch on what nothing makes known": (
        ('next = "look"', 'next = "fork"\n[step.fork]\nis = "branch"\nknown = "moon"\non = { yes = "look", no = "look" }'), "step.fork", "nothing makes 'moon' known"),
    "a branch that looks at two things": (
        ('next = "look"', 'next = "fork"\n[step.fork]\nis = "branch"\nknown = "logger"\nanswer = "logger"\notherwise = "look"'), "step.fork.is", "exactly one of"),
    "a branch on a result that forgets that it may not have been run": (
        ('next = "look"', 'next = "fork"\n[step.fork]\nis = "branch"\nresult = "look"\non = { pass = "good", fail = "bad", unknown = "look" }'),
        "step.fork", "does not say what follows on not-run"),
    "a part that is not there": (("[step.ask]", '[[include]]\npart = "_no"\nas = "part"\n[step.ask]'), "include[1].part", "there is no part '_no'"),
    "a part's need that is missing": (("[step.ask]", INCLUDE.replace("model =", "modell =") + "[step.ask]"), "include[1].with", "'model' is missing"),
    "a part's exit that is missing": (("[step.ask]", INCLUDE.replace("out =", "inn =") + "[step.ask]"), "include[1].exits", "'out' is missing"),
    "a part included twice under one name": (("[step.ask]", INCLUDE + INCLUDE + "[step.ask]"), "include[2].as", "included twice"),
    "a part and a step of one name": (("[step.ask]", INCLUDE.replace('as = "part"', 'as = "good"') + "[step.ask]"), "step.good", "has this name"),
    "a part that is included and not used": (("[step.ask]", INCLUDE + "[step.ask]"), "step.part.one", "is never reached"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_wrong_guide_names_file_step_and_fault(rule: str) -> None:
    (old, new), key, why = RULES[rule]
    assert old in GOOD
    with pytest.raises(DataError) as caught:
        _load(GOOD.replace(old, new, 1))
    assert caught.value.file == "mine.toml" and caught.value.key == key and why in caught.value.why, str(caught.value)
    assert "\n" not in str(caught.value)


PARTS = {
    "a parameter that the part does not need": (("the $model", "the $modell"), "'$modell' is none of the part's needs"),
    "an exit that it does not declare": (("exit:out", "exit:in"), "is no exit of this part"),
    "an exit that nothing goes out by": (('next = "exit:out"', 'next = "one"'), "nothing goes out by 'out'"),
    "a key that no part has": (('part = "_part"', 'part = "_part"\nlabels = ["x"]'), "is not known here"),
}


@pytest.mark.parametrize("rule", PARTS)
def test_a_wrong_part_names_its_own_file(rule: str) -> None:
    (old, new), why = PARTS[rule]
    text = GOOD.replace("[step.ask]", INCLUDE + "[step.ask]", 1).replace('answers = "good"', 'answers = "part"')
    _load(text)
    with pytest.raises(DataError) as caught:
        _load(text, PART.replace(old, new, 1))
    assert caught.value.file == "_part.toml" and why in caught.value.why


def test_a_parts_words_are_filled_in_and_its_steps_keep_their_own_names() -> None:
    text = GOOD.replace("[step.ask]", INCLUDE + "[step.ask]", 1).replace('answers = "good"', 'answers = "part"')
    guide = read(Raw(tomllib.loads(text), "mine.toml"), {"_part": Raw(tomllib.loads(PART), "_part.toml")})
    step = guide.steps["part.one"]
    assert step.text == "Look at the PM2000; it costs $5." and step.next == "good"  # type: ignore[union-attr]


def test_the_guides_together_must_cover_every_model_and_share_no_label() -> None:
    catalogue = load_catalogue()
    guides = list(library.load(catalogue).guides.values())
    with pytest.raises(DataError, match="no guide for ps3000"):
        prove_all([guide for guide in guides if guide.key != "ps3000"], catalogue)
    from dataclasses import replace

    twin = replace(guides[0], key="twin", file="twin.toml")
    with pytest.raises(DataError, match=r"twin.toml: labels: the label 'PM2000' is that of pm2000.toml too"):
        prove_all([*guides, twin], catalogue)


def test_an_own_folder_adds_a_guide_and_replaces_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD.replace('equipment = ["pm2000"]', "equipment = []"))
    (tmp_path / "kiosk.toml").write_text(GOOD.replace('"mine"', '"kiosk"').replace('["pm2000"]', '["kiosk"]').replace('["Mine"]', '["Our Kiosk"]'))
    found = library.load(load_catalogue(), tmp_path)
    assert found.guides["mine"].title == "Mine"
    assert len(found.guides["kiosk"].steps) == 4 and found.by_label("our kiosk")[0].key == "kiosk"


OWN = {
    "no TOML": ("guide = ", "own.toml"),
    "a fault in it": (GOOD.replace('next = "look"', 'next = "lock"'), "step.ask"),
    "the key of another": (GOOD.replace('"mine"', '"kiosk"'), "is the key of"),
}


@pytest.mark.parametrize("what", OWN)
def test_an_own_guide_that_is_wrong_is_refused_by_its_path(what: str, tmp_path: Path) -> None:
    text, said = OWN[what]
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(DataError) as caught:
        library.load(load_catalogue(), tmp_path)
    assert said in str(caught.value) and str(tmp_path) in str(caught.value)


def test_an_own_folder_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder"):
        library.load(load_catalogue(), tmp_path / "none")


LABELS = {
    "PM2000": ["pm2000"], "PM-2000": ["pm2000"], "AlsoEnergy PM 2000 rev B": ["pm2000"], "PowerLogger 1000": ["pl1000"], "pl 1000 ser 4711": ["pl1000"],
    "AcquiSuite A8812-1": ["acquisuite"], "OBVIUS": ["acquisuite"], "MOXA": ["moxa"], "Moxa UC": ["moxa"], "SMA Sunny WebBox": ["sma-ftp"],
    "kiosk": ["kiosk"], "Acquisute": ["acquisuite"], "toaster": [], "": [], "\x1b[31m": [],
}  # fmt: skip


@pytest.mark.parametrize("said", LABELS)
def test_a_label_leads_to_its_guide(said: str) -> None:
    found = [guide.key for guide in library.load(load_catalogue()).by_label(said)]
    assert found[: len(LABELS[said]) or None] == LABELS[said]


ERRNOS = {
    "110": ("ETIMEDOUT", "silence"), "error 111": ("ECONNREFUSED", "refusal"), "2026 upload: errno=101": ("ENETUNREACH", "way"), "113": ("EHOSTUNREACH", "way"),
    "32": ("EPIPE", "broken"), "162": ("clock changed", "clock"),
}  # fmt: skip


@pytest.mark.parametrize("text", ERRNOS)
def test_an_error_number_of_the_acquisuite_is_linuxs_errno(text: str) -> None:
    import errno

    found = decode(text)
    assert found is not None and (found.symbol, found.kind) == ERRNOS[text]
    assert found.number == 162 or errno.errorcode[found.number] == found.symbol


@pytest.mark.parametrize("text", ["", "none", "7777", "4294967295"])
def test_a_number_that_nobody_knows_is_not_decoded(text: str) -> None:
    assert decode(text) is None


def test_the_kinds_of_errnos_are_the_signs_of_the_action() -> None:
    assert set(KINDS) == GIVES[Decode].signs
    assert {entry.kind for entry in load_errnos().values()} <= set(KINDS)


PAGE = Path(library.__file__).with_name("README.md")


def test_the_example_of_the_page_for_authors_is_a_good_guide(tmp_path: Path) -> None:
    example = "\n".join(line[4:] for line in PAGE.read_text().splitlines() if line.startswith("    ") or not line).split("\n\n\n\n")[0]
    (tmp_path / "pump.toml").write_text(example)
    assert set(library.load(load_catalogue(), tmp_path).guides["pump"].steps) == {"where", "look", "good", "bad"}


def test_the_page_for_authors_names_every_action_with_its_arguments_and_signs() -> None:
    import re
    from dataclasses import fields

    from aetui.guide.actions import KINDS

    rows = {cells[1].strip(" `"): cells for line in PAGE.read_text().splitlines() if line.startswith("| `") for cells in [line.split("|")]}
    assert set(rows) == set(KINDS)
    for does, kind in KINDS.items():
        assert re.findall(r"`([a-z_]+)`", rows[does][2]) == [each.name for each in fields(kind)], does
        assert set(re.findall(r"`([a-z-]+)`", rows[does][4])) == GIVES[kind].signs, does
