"""``aetui completion SHELL``: what a shell needs to complete aetui's words, made from the commands' own definitions.

bash: ``source <(aetui completion bash)`` in ~/.bashrc. zsh: write it to a file ``_aetui`` on the fpath. fish: write it to
~/.config/fish/completions/aetui.fish. Equipment and scenarios are those of this version.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator, Mapping

from aetui.cli.definition import EQUIPMENT, SCENARIO, Argument, Definition, definitions
from aetui.cli.main import scenarios


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the argument."""
    parser.add_argument("shell", choices=tuple(SHELLS), help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    print("\n".join(SHELLS[arguments.shell](list(definitions()))))
    return 0


def _equipment() -> tuple[str, ...]:
    from aetui.catalogue import load

    return tuple(load().equipment)


def _words(argument: Argument) -> tuple[str, ...]:
    """What can be written for its value, where that is known."""
    if argument.choices:
        return argument.choices
    if argument.values == (SCENARIO,):
        return tuple(scenarios())
    return _equipment() if argument.values == (EQUIPMENT,) else ()


def _flags(definition: Definition) -> tuple[str, ...]:
    return tuple(flag for option in definition.options for flag in option.flags)


# ----------------------------------------------------------------------------------------------------------------------- bash
_FILES = """local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null"""
"""Files, one a line, whatever is in their names; a directory can be gone on into (bash 4, an older one does without)."""


def bash(found: list[Definition]) -> Iterator[str]:
    """A function for ``complete``."""
    names = " ".join(d.name for d in found if d.name)
    yield "_aetui() {"
    yield '    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command="" word words=""'
    yield '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield f'        case " {names} " in *" $word "*) command=$word; break ;; esac'
    yield "    done"
    yield '    case "$command:$prev" in'
    for definition in found:
        for option in definition.options:
            if option.path:
                yield f"        {_either(definition, option)}) {_FILES}; return ;;"
            elif option.values and not option.optional:
                yield f'        {_either(definition, option)}) COMPREPLY=($(compgen -W "{" ".join(_words(option))}" -- "$cur")); return ;;'
    yield "    esac"
    yield '    case "$command" in'
    for definition in found:
        listed = [*_flags(definition), *(word for argument in definition.positionals for word in _words(argument))]
        extra = "" if definition.name else f"{names} "
        yield f'        {definition.name or chr(34) * 2}) words="{extra}{" ".join(listed)}" ;;'
    yield "    esac"
    yield f'    [ "$prev" = --demo ] && words="{" ".join(scenarios())} $words"'
    yield '    COMPREPLY=($(compgen -W "$words" -- "$cur"))'
    yield "}"
    yield "complete -F _aetui aetui"


def _either(definition: Definition, option: Argument) -> str:
    return "|".join(f"{definition.name}:{flag}" for flag in option.flags)


# ------------------------------------------------------------------------------------------------------------------------ zsh
def zsh(found: list[Definition]) -> Iterator[str]:
    """A file for the fpath."""
    yield "#compdef aetui"
    yield "_aetui() {"
    yield "    local command word"
    yield "    local -a commands"
    yield "    commands=("
    yield from (f"        {shlex.quote(f'{d.name}:{_plain(d.does)}')}" for d in found if d.name)
    yield "    )"
    yield "    for word in ${words[2,CURRENT-1]}; do"
    yield "        if (( ${commands[(I)$word:*]} )); then command=$word; break; fi"
    yield "    done"
    yield '    case "$command" in'
    for definition in found:
        yield f"        {definition.name or chr(34) * 2})"
        specs = [spec for argument in definition.arguments for spec in _spec(argument)]
        first = [] if definition.name else ["'*::command:{ _describe command commands }'"]
        skipped = ["'1:command:( )'"] if definition.name else []
        yield "            _arguments " + " ".join([*skipped, *specs, *first]) + " ;;"
    yield "    esac"
    yield "}"
    yield 'if [ "$funcstack[1]" = _aetui ]; then _aetui "$@"; else compdef _aetui aetui; fi'


def _spec(argument: Argument) -> Iterator[str]:
    words = " ".join(_words(argument))
    action = "_files" if argument.path else f"({words})" if words else " "
    value = "".join(f":{_plain(name)}:{action}" for name in argument.values[:1])
    if not argument.flags:
        yield shlex.quote(f"*{value or ':: '}")
    for flag in argument.flags:
        yield shlex.quote(f"*{flag}[{_plain(argument.help)}]{value}")


def _plain(text: str) -> str:
    """A description without the characters that the shells' own lists are made of."""
    return " ".join(text.translate(str.maketrans('[]:"`$\\', "() ,   ")).split())


# ----------------------------------------------------------------------------------------------------------------------- fish
def fish(found: list[Definition]) -> Iterator[str]:
    """Lines of ``complete``."""
    names = " ".join(d.name for d in found if d.name)
    yield "complete -c aetui -f"
    for definition in found:
        if definition.name:
            no_command = f"not __fish_seen_subcommand_from {names}"
            yield f"complete -c aetui -n '{no_command}' -a {definition.name} -d {shlex.quote(_plain(definition.does))}"
    for definition in found:
        when = f"__fish_seen_subcommand_from {definition.name}" if definition.name else f"not __fish_seen_subcommand_from {names}"
        for argument in definition.arguments:
            yield from _fish(argument, when)


def _fish(argument: Argument, when: str) -> Iterator[str]:
    words = " ".join(_words(argument))
    given = f" -a {shlex.quote(words)}" if words else ""
    if not argument.flags:
        if given:
            yield f"complete -c aetui -n '{when}'{given}"
        return
    needs = " -r -F" if argument.path else " -x" if argument.values and not argument.optional else ""
    names = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in argument.flags)
    yield f"complete -c aetui -n '{when}' {names}{needs}{given} -d {shlex.quote(_plain(argument.help))}"


SHELLS: Mapping[str, Callable[[list[Definition]], Iterator[str]]] = {"bash": bash, "zsh": zsh, "fish": fish}
