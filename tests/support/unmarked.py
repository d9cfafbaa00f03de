"""Finds words that reach a person without the catalogue.

It follows what is handed to Discord back to where it was written: through names, f-strings, joins,
conditions and functions of the same module. Text without letters is free, and so is Discord's
markup (``<#...>``). What goes through ``words(...)`` has to be a constant marked with ``N_``, since
the tool that collects sentences sees nothing else.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

SAYING = {
    "send", "send_message", "edit", "edit_message", "edit_original_response", "respond",
    "reply", "refuse", "tell", "ask_first", "Silent", "set_author", "set_footer", "add_field",
}  # fmt: skip
"""What says its positional arguments."""
SHOWN = {"content", "label", "placeholder", "title", "description"}
"""Keywords that are shown, whoever takes them."""
NAMED = {"Choice", "SelectOption", "ContextMenu", "set_author", "add_field"}
"""Whose ``name`` and ``value`` of these may be shown; of a choice it is ``name`` alone."""
LABELLING = {"Line": 1, "Form": 1}
"""Of our own: which positional argument is shown."""
PASSING = {
    "join", "format", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "replace",
    "upper", "lower", "title", "capitalize", "center", "ljust", "rjust", "get", "expandtabs",
}  # fmt: skip
MARKUP = re.compile(r"<[^<>]*>|```\w*")
LETTER = re.compile(r"[^\W\d_]")
HOLE = "\0"

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


class Unmarked(ast.NodeVisitor):
    """Visit a module; ``found`` then holds line and text of each bypass."""

    def __init__(self, module: ast.Module) -> None:
        self.found: set[tuple[int, str]] = set()
        self._scopes: list[Scope] = [module]
        self._values: dict[Scope, dict[str, list[ast.expr]]] = {}
        self._functions = {
            node.name: node
            for node in ast.walk(module)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self._learn(module)
        self.visit(module)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._inside(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id="sentence")], value=value)
                    | ast.AnnAssign(target=ast.Name(id="sentence"), value=ast.expr() as value)
                ):
                    self._check(value)
        for keyword in node.keywords:  # class Page(discord.ui.Modal, title=...)
            if keyword.arg in SHOWN:
                self._check(keyword.value)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in SHOWN:
                self._check(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = _called(node)
        if name in SAYING:
            for each in node.args:
                self._check(each)
        if name in LABELLING and len(node.args) > LABELLING[name]:
            self._check(node.args[LABELLING[name]])
        for keyword in node.keywords:
            if keyword.arg in SHOWN or (keyword.arg == "name" and name in NAMED):
                self._check(keyword.value)
        if name == "describe":
            for keyword in node.keywords:
                self._check(keyword.value)
        if name in {"words", "_words", "plural", "locale_str"} or isinstance(node.func, ast.Call):
            for each in node.args[:2]:
                self._check(each)
        self.generic_visit(node)

    def _inside(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._scopes.append(node)
        self._learn(node)
        self.generic_visit(node)
        self._scopes.pop()

    def _learn(self, scope: Scope) -> None:
        """What each name of a scope may be: all that is ever put into it there."""
        values: dict[str, list[ast.expr]] = defaultdict(list)
        for node in ast.walk(scope) if not isinstance(scope, ast.Module) else scope.body:
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        _put(values, target, value)
                case (
                    ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                    | ast.AugAssign(target=ast.Name(id=name), value=value)
                    | ast.NamedExpr(target=ast.Name(id=name), value=value)
                ):
                    values[name].append(value)
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend"),
                    args=[value],
                ):
                    values[name].append(value)
                case ast.For(target=target, iter=value):
                    _put(values, target, value)
                case ast.arguments(args=args, defaults=[*defaults]) if defaults:
                    for argument, default in zip(args[-len(defaults) :], defaults, strict=True):
                        values[argument.arg].append(default)
        self._values[scope] = values

    def _check(self, expression: ast.expr) -> None:
        for line, text in self._texts(expression, frozenset()):
            bare = MARKUP.sub("", text.replace(HOLE, ""))
            if LETTER.search(bare):
                self.found.add((line, text.replace(HOLE, "{}")))

    def _texts(self, node: ast.expr, seen: frozenset[str]) -> Iterator[tuple[int, str]]:
        """The literals that ``node`` may be made of."""
        match node:
            case ast.Constant(value=str(text)):
                yield node.lineno, text
            case ast.JoinedStr(values=values):
                parts = [v.value if isinstance(v, ast.Constant) else HOLE for v in values]
                yield node.lineno, "".join(str(part) for part in parts)
                for value in values:
                    if isinstance(value, ast.FormattedValue):
                        yield from self._texts(value.value, seen)
            case ast.Name(id=name) if name not in seen:
                for scope in reversed(self._scopes):
                    if known := self._values[scope].get(name):
                        for value in known:
                            yield from self._texts(value, seen | {name})
                        break
            case ast.Call(func=ast.Attribute(value=owner, attr=attr), args=args) if attr in PASSING:
                for each in (owner, *args):
                    yield from self._texts(each, seen)
            case ast.Call(func=ast.Name(id=name)) if name in self._functions and name not in seen:
                yield from self._returned(name, seen)
            case ast.Call():
                return  # words(...), N_(...), or another module's, where `sentences` looks
            case ast.Dict(values=values):
                for each in values:
                    yield from self._texts(each, seen)
            case ast.Subscript(value=value) | ast.Starred(value=value) | ast.Await(value=value):
                yield from self._texts(value, seen)
            case ast.NamedExpr(value=value):
                yield from self._texts(value, seen)
            case ast.IfExp(body=body, orelse=orelse):
                yield from self._texts(body, seen)
                yield from self._texts(orelse, seen)
            case ast.ListComp(elt=elt) | ast.GeneratorExp(elt=elt):
                yield from self._texts(elt, seen)
            case ast.BinOp(left=left, right=right):
                yield from self._texts(left, seen)
                yield from self._texts(right, seen)
            case (
                ast.BoolOp(values=parts)
                | ast.List(elts=parts)
                | ast.Tuple(elts=parts)
                | ast.Set(elts=parts)
            ):
                for each in parts:
                    yield from self._texts(each, seen)

    def _returned(self, name: str, seen: frozenset[str]) -> Iterator[tuple[int, str]]:
        function = self._functions[name]
        self._learn(function)
        self._scopes.append(function)
        for node in ast.walk(function):
            match node:
                case ast.Return(value=ast.expr() as value):
                    yield from self._texts(value, seen | {name})
        self._scopes.pop()


def unmarked(source: str) -> list[tuple[int, str]]:
    """Line and text of all that bypasses the catalogue in a module."""
    return sorted(Unmarked(ast.parse(source)).found)


SPARED = {"N_", "TypeVar", "cast", "compile", "create_task", "fullmatch", "get_cog", "match", "sub"}
"""Whose strings nobody reads, or which are marked."""
WORDY = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}|[A-Z][a-z]|[^\W\d_](?<![A-Za-z])")
"""Two words, a capital at the beginning of one, or a letter that English has not."""


def sentences(source: str) -> list[tuple[int, str]]:
    """Line and text of every unmarked literal that looks like words, wherever it may go.

    What is left looks like an identifier: one word, in small letters. Documentation, what is logged
    and what is raised (errors that are shown have a ``sentence``) are not meant for people who talk
    with Parley.
    """
    return sorted(_wordy(ast.parse(source)))


def _wordy(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Raise():
            return
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
            return
        case ast.Call() if _called(node) in SPARED:
            return
        case ast.Constant(value=str(text)) if WORDY.search(MARKUP.sub("", text)):
            yield node.lineno, text
    for child in ast.iter_child_nodes(node):
        yield from _wordy(child)


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _put(values: dict[str, list[ast.expr]], target: ast.expr, value: ast.expr) -> None:
    match target, value:
        case ast.Name(id=name), _:
            values[name].append(value)
        case ast.Tuple(elts=targets), ast.Tuple(elts=parts) if len(targets) == len(parts):
            for each, part in zip(targets, parts, strict=True):
                _put(values, each, part)
