"""One decision turned round at a time: which changes are tried, and how a function gets one.

Only decisions are changed: conditions, comparisons, what is raised, what is called for its effect,
numbers, truth values, set operations. Words in messages are not (nothing is decided by them), and
neither is what stands outside functions. A change is put into the running function (its ``__code__``),
so that every module that imported it has it, and nothing is written to disk. Functions that it has made
already, such as the shapes of ``attest/shape.py`` that are made while modules are imported, get theirs too.
"""

from __future__ import annotations

import ast
import copy
import gc
import importlib
import sys
import types
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """One change in one function."""

    module: str
    function: str
    """Qualified name within the module, e.g. ``Judge.judge``."""
    line: int
    lines: tuple[int, ...]
    """What runs neither of these lines cannot notice the change."""
    operator: str
    was: str
    """The source of what is changed, on one line."""
    code: types.CodeType
    is_check: bool = False
    """Whether it takes a check out, or turns the comparison that one makes."""

    @property
    def key(self) -> str:
        """The same for the same change, wherever its line moves; several equal ones share it."""
        return f"{self.module}:{self.function}: {self.operator}: {self.was}"


Change = Callable[[ast.AST], Iterator[tuple[str, ast.AST | list[ast.stmt]]]]


def mutants_of(module: str) -> Iterator[Mutant]:
    """All changes of a module's functions and methods, in the order of their lines."""
    source = Path(importlib.import_module(module).__file__ or "").read_text()
    original = ast.parse(source)
    codes = _codes(compile(original, module, "exec"))
    for function, node in _functions(original):
        count = sum(1 for _ in _places(node))
        for place in range(count):
            target = list(_places(node))[place]
            for operator, _made in _changes(target):
                code = _changed(node, function, place, operator, module)
                if code is not None and code.co_code + repr(code.co_consts).encode() != codes[function]:
                    was = _text(target)
                    lines = _lines(target, operator)
                    yield Mutant(
                        module, function, lines[0], lines, operator, was, code, _is_check(target, operator)
                    )


def names_of(module: str, functions: Collection[str]) -> frozenset[str]:
    """The keys of all changes of some functions of a module, without making the changes."""
    source = Path(importlib.import_module(module).__file__ or "").read_text()
    found = set()
    for function, node in _functions(ast.parse(source)):
        if function in functions:
            for target in _places(node):
                for operator, _made in _changes(target):
                    found.add(f"{module}:{function}: {operator}: {_text(target)}")
    return frozenset(found)


def put(mutant: Mutant) -> None:
    """Gives the running function the change. For a process that ends soon."""
    live: Any = importlib.import_module(mutant.module)
    for name in mutant.function.split("."):
        live = vars(live)[name] if isinstance(live, type) else getattr(live, name)
    for inner in ("__func__", "fget", "__wrapped__"):
        while hasattr(live, inner) and getattr(live, inner) is not None:
            live = getattr(live, inner)
    inside = {id(was): now for was, now in within(live.__code__, mutant.code)}
    if inside:
        gc.unfreeze()  # what is frozen is not among the objects
    made = [each for each in gc.get_objects() if type(each) is types.FunctionType] if inside else []
    for each in made:
        each.__code__ = inside.get(id(each.__code__), each.__code__)
    live.__code__ = mutant.code
    forget()


def within(was: types.CodeType, now: types.CodeType) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    """The code of each function inside another one, and the same one's with the change."""
    for place, codes in _inner(was).items():
        changed = _inner(now).get(place, [])
        if len(codes) == len(changed):
            yield from zip(codes, changed, strict=True)
            for each, other in zip(codes, changed, strict=True):
                yield from within(each, other)


def _inner(code: types.CodeType) -> dict[tuple[str, int], list[types.CodeType]]:
    found: dict[tuple[str, int], list[types.CodeType]] = {}
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            found.setdefault((each.co_name, each.co_firstlineno), []).append(each)
    return found


def forget() -> None:
    """Empties every cache of the package: what was found out before the change is not asked for again."""
    for name, module in list(sys.modules.items()):
        if name.startswith("lfci_gate"):
            for each in list(vars(module).values()):
                if callable(clear := getattr(each, "cache_clear", None)):
                    clear()


# -- where ----------------------------------------------------------------------------------------


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not _is_protocol(node):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def _places(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Every node of the body, in a fixed order; annotations and docstrings are not code."""
    for statement in function.body:
        yield from _below(statement)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, ast.AST) and not isinstance(node, ast.JoinedStr | ast.Assert):
                yield from _below(inner)


def _changed(
    function: ast.FunctionDef, qualified: str, place: int, operator: str, module: str
) -> types.CodeType | None:
    """The code of the function with this change; None when it does not compile."""
    copied = copy.deepcopy(function)
    target = list(_places(copied))[place]
    made = dict(_changes(target))[operator]
    kept = [(inner, _free(inner, copied)) for inner in ast.walk(copied) if _is_inner(inner, copied)]
    _replace(copied, target, made)
    for inner, free in kept:
        _keep(inner, free)
    names = qualified.split(".")
    around: list[ast.stmt] = [copied]
    if len(names) > 1:
        around = [ast.ClassDef(names[0], [], [], around, [])]
    alone = ast.Module([ast.parse("from __future__ import annotations").body[0], *around], [])
    ast.fix_missing_locations(alone)
    try:
        found: types.CodeType = compile(alone, f"<mutant of {module}>", "exec")
    except (SyntaxError, ValueError):
        return None
    for name in names:
        found = next(
            each for each in found.co_consts if isinstance(each, types.CodeType) and each.co_name == name
        )
    return found


def _is_inner(node: ast.AST, function: ast.FunctionDef) -> bool:
    return node is not function and isinstance(node, ast.FunctionDef | ast.Lambda)


def _free(inner: ast.AST, function: ast.FunctionDef) -> list[str]:
    """What ``inner`` uses of the function around it."""
    return sorted((_bound(function, but=inner) & _names(inner, ast.Load)) - _bound(inner))


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {
        each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, context)
    }


def _bound(function: ast.AST, but: ast.AST | None = None) -> set[str]:
    """The parameters and variables of a function, without those of ``but`` alone."""
    apart = set() if but is None else set(ast.walk(but))
    nodes = [each for each in ast.walk(function) if each not in apart]
    return {each.arg for each in nodes if isinstance(each, ast.arg)} | {
        each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _keep(inner: ast.AST, free: list[str]) -> None:
    """Names them once more where nothing runs: a living function only takes code with the same free names."""
    names = ast.Tuple([ast.Name(name, ast.Load()) for name in free], ast.Load())
    if isinstance(inner, ast.FunctionDef):
        inner.body.append(ast.If(ast.Constant(False), [ast.Expr(names)], []))
    elif isinstance(inner, ast.Lambda):
        inner.body = ast.IfExp(ast.Constant(True), inner.body, names)


def _text(target: ast.AST) -> str:
    return " ".join(ast.unparse(target).split())[:200]


def _lines(target: ast.AST, operator: str) -> tuple[int, ...]:
    """Where the change is: of a condition that never holds any more, what it guards."""
    spans: list[ast.AST] = [target]
    if isinstance(target, ast.If | ast.While):
        spans = [target.body[0] if operator == "never" else target.test]
    elif isinstance(target, ast.comprehension):
        spans = [target.iter, *target.ifs]
    found: set[int] = set()
    for each in spans:
        first = getattr(each, "lineno", 0)
        found.update(range(first, (getattr(each, "end_lineno", None) or first) + 1))
    return tuple(sorted(found))


def _codes(top: types.CodeType, prefix: str = "") -> dict[str, bytes]:
    found = {}
    for each in top.co_consts:
        if isinstance(each, types.CodeType):
            found[prefix + each.co_name] = each.co_code + repr(each.co_consts).encode()
            found |= _codes(each, prefix + each.co_name + ".")
    return found


def _replace(root: ast.AST, target: ast.AST, made: ast.AST | list[ast.stmt]) -> None:
    for parent in ast.walk(root):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, made)
                return
            if isinstance(value, list) and any(each is target for each in value):
                at = next(index for index, each in enumerate(value) if each is target)
                value[at : at + 1] = made if isinstance(made, list) else [made]
                return


# -- what -----------------------------------------------------------------------------------------

_COMPARED: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Mult: ast.Add,
}
_CALLED = {"any": "all", "all": "any", "min": "max", "max": "min"}


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST | list[ast.stmt]]]:
    match node:
        case ast.Raise():
            yield "raise dropped", [ast.Pass()]
        case ast.Expr(value=ast.Call() | ast.YieldFrom() | ast.Yield()):
            yield "effect dropped", [ast.Pass()]
        case ast.AugAssign():
            yield "assignment dropped", [ast.Pass()]
        case ast.Continue():
            yield "continue dropped", [ast.Pass()]
        case ast.Break():
            yield "break dropped", [ast.Pass()]
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield from _turned(node, test)
        case ast.comprehension(ifs=[_, *_]):
            yield "filter dropped", ast.comprehension(node.target, node.iter, [], node.is_async)
        case ast.BoolOp(op=op, values=values):
            other = ast.And() if isinstance(op, ast.Or) else ast.Or()
            yield "and/or", ast.BoolOp(other, values)
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield f"operand {index + 1} dropped", rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not dropped", operand
        case ast.Compare(left=left, ops=[op], comparators=right):
            for made in _COMPARED.get(type(op), ()):
                yield made.__name__, ast.Compare(left, [made()], right)
        case ast.BinOp(left=left, op=op, right=operand) if type(op) in _COMPUTED and not _is_text(node):
            made = _COMPUTED[type(op)]
            yield made.__name__, ast.BinOp(left, made(), operand)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=words) if name in _CALLED:
            yield _CALLED[name], ast.Call(ast.Name(_CALLED[name], ast.Load()), args, words)
        case ast.Constant(value=bool() as value):
            yield str(not value), ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield "number + 1", ast.Constant(value + 1)
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield "returns None", ast.Return(ast.Constant(None))


def _is_check(node: ast.AST, operator: str) -> bool:
    """What refuses, leaves out or notes something: a raise, a guard, a call for its effect, a filter, one
    condition of several; and what a comparison compares by."""
    if isinstance(node, ast.If):
        last = node.body[-1]
        guards = isinstance(last, ast.Raise | ast.Return | ast.Continue | ast.Expr | ast.AugAssign)
        return operator == "never" and guards
    if isinstance(node, ast.Compare):
        return operator not in _BOUNDARY.get(type(node.ops[0]), "")
    return operator in _TAKEN_OUT or (isinstance(node, ast.BoolOp) and operator.startswith("operand"))


_TAKEN_OUT = frozenset(("raise dropped", "effect dropped", "assignment dropped", "filter dropped"))
_BOUNDARY: dict[type, str] = {ast.Lt: "LtE", ast.LtE: "Lt", ast.Gt: "GtE", ast.GtE: "Gt"}
"""A bound that lies one further is still a check; tests of the bounds are of the other half."""


def _turned(node: Any, test: ast.expr) -> Iterator[tuple[str, ast.AST]]:
    for name, made in (
        ("condition turned", ast.UnaryOp(ast.Not(), test)),
        ("always", ast.Constant(True)),
        ("never", ast.Constant(False)),
    ):
        if name == "always" and isinstance(node, ast.While):
            continue  # would only run into the time limit
        changed = copy.copy(node)
        changed.test = made
        yield name, changed


def _is_text(node: ast.BinOp) -> bool:
    """Texts put together for a message."""
    return any(
        isinstance(each, ast.JoinedStr)
        or (isinstance(each, ast.Constant) and isinstance(each.value, str | bytes))
        for each in ast.walk(node)
    )
