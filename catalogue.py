"""Brings ``locale/*/LC_MESSAGES/parley.po`` up to date with the sources: ``make catalogue``.

Sentences are found where they are marked with ``N_``; a sentence and its plural are found where
``Words.plural`` joins them. Names of commands and options are taken from the commands themselves.
Translations are kept; what nobody says any more is dropped; what is new waits to be translated.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from discord import app_commands
from discord.ext import commands

import cogs
from cogs.watchdog import NEEDED
from words import DOMAIN, LOCALE_DIR

ROOT = Path(__file__).parent
FILES = ("bot.py", "errors.py", "health.py", "settings.py")
PACKAGES = ("cogs", "dialogue", "lobby", "speech")
LANGUAGES = ("zh_TW", "ja")
WIDTH = 100
HEADER = """\
# The words of Parley in {name}. `make catalogue` keeps this file up to date.
msgid ""
msgstr ""
"Project-Id-Version: Parley\\n"
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""

AnyCommand = app_commands.Command[commands.Cog, ..., object] | app_commands.Group


class Unclear(Exception):
    """What is marked, or joined with its plural, cannot be read from the source."""


def sources() -> list[Path]:
    """Every file that may hold a sentence."""
    found = [ROOT / name for name in FILES]
    for package in PACKAGES:
        found += sorted((ROOT / package).rglob("*.py"))
    return found


def template() -> Catalog:
    """Everything that has to be translated. Raises :class:`Unclear`."""
    catalogue = Catalog(domain=DOMAIN, project="Parley")
    for path in sources():
        where = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text("utf-8"), where)
        pairs = dict(_plurals(tree, where))
        for sentence in marked(tree, where):
            if sentence not in pairs.values():
                key = (sentence, pairs[sentence]) if sentence in pairs else sentence
                catalogue.add(key, locations=[(where, 0)])
    for kind, name in names():
        catalogue.add(name, context=kind)
    return catalogue


def marked(tree: ast.AST, where: str = "") -> Iterator[str]:
    """The sentences inside ``N_(...)``, in the order of the source. Raises :class:`Unclear`."""
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_"
    ]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        match call.args:
            case [ast.Constant(value=str(sentence))]:
                yield sentence
            case _:
                raise Unclear(f"{where}:{call.lineno}: N_ needs one literal")


def _plurals(tree: ast.Module, where: str) -> Iterator[tuple[str, str]]:
    constants = dict(_constants(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="plural"), args=[one, many, *_]):
                pair = tuple(_sentence(each, constants) for each in (one, many))
                if pair[0] is None or pair[1] is None:
                    raise Unclear(f"{where}:{node.lineno}: plural() needs constants of this file")
                yield pair[0], pair[1]


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if (sentence := _sentence(value, {})) is not None:
                    yield name, sentence


def _sentence(node: ast.expr, constants: dict[str, str]) -> str | None:
    match node:
        case ast.Name(id=name):
            return constants.get(name)
        case ast.Call(func=ast.Name(id="N_"), args=[ast.Constant(value=str(sentence))]):
            return sentence
    return None


def command_groups() -> Iterator[tuple[AnyCommand, ...]]:
    """The commands that stand beside each other: first the top level, then each group's."""
    top: dict[str, AnyCommand] = {}
    for module in pkgutil.iter_modules(cogs.__path__, "cogs."):
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, commands.Cog):
                for command in kind.__cog_app_commands__:
                    # A cog that takes over another's group has all of it.
                    if len(_inside(command)) >= len(_inside(top.get(command.name))):
                        top[command.name] = command
    level = tuple(top.values())
    yield level
    for command in level:
        yield from _groups_in(command)


def _groups_in(command: AnyCommand) -> Iterator[tuple[AnyCommand, ...]]:
    if inside := _inside(command):
        yield inside
        for each in inside:
            yield from _groups_in(each)


def _inside(command: AnyCommand | None) -> tuple[AnyCommand, ...]:
    return tuple(command.commands) if isinstance(command, app_commands.Group) else ()


def names() -> list[tuple[str, str]]:
    """Context and name of every command, group, option and permission, sorted, each once."""
    found: set[tuple[str, str]] = {("permission", name) for name in NEEDED.values()}
    for level in command_groups():
        for command in level:
            found.add(("command", command.name))
            if isinstance(command, app_commands.Command):
                found |= {("option", option.name) for option in command.parameters}
    return sorted(found)


def path_of(language: str) -> Path:
    """The catalogue of ``zh_TW`` or ``ja``."""
    return LOCALE_DIR / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """The catalogue as it is; an empty one if there is none."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, domain=DOMAIN, fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=language, domain=DOMAIN)


def update(language: str, wanted: Catalog) -> int:
    """Write the catalogue anew; how many of its entries wait to be translated."""
    catalogue = read(language)
    # A guess from a similar sentence may be wrong in the one word that matters: none are made.
    catalogue.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        target.write(_header(language, catalogue).encode())
        write_po(
            target, catalogue, WIDTH, omit_header=True, ignore_obsolete=True, include_lineno=False
        )
    return len(untranslated(catalogue))


def _header(language: str, catalogue: Catalog) -> str:
    # Babel's own header has dates and addresses, which would change without anything changing.
    name = catalogue.locale.english_name if catalogue.locale else language
    return HEADER.format(name=name, language=language, plural_forms=catalogue.plural_forms)


def untranslated(catalogue: Catalog) -> list[str]:
    """What has no translation."""
    return [
        str(message.id)
        for message in catalogue
        if message.id
        and not (all(message.string) if isinstance(message.string, tuple) else message.string)
    ]


def main() -> int:
    """Update every catalogue; 1 if something waits to be translated."""
    wanted = template()
    waiting = {language: update(language, wanted) for language in LANGUAGES}
    for language, count in waiting.items():
        sys.stdout.write(f"{path_of(language).relative_to(ROOT)}: {count} to translate\n")
    return 1 if any(waiting.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
