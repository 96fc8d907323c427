"""Measures the house: circles of imports, sizes of folders, modules entered from other packages; fails over a limit.

python -m tests.architecture.house
"""

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("portal", "gadgets", "recommender", "identity", "core")
ANYBODY_ENTERS = frozenset({"queries", "actions", "errors", "domain", "hooks"})


@dataclass(frozen=True, slots=True)
class Import:
    """One module imports another; `inside` a function, or at the top. `reason`: the comment at an inside one."""

    by: str
    of: str
    line: int
    inside: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """`circles`: groups of modules that import each other, largest first. `folders`: modules in each."""

    circles: tuple[tuple[str, ...], ...]
    folders: Mapping[str, int]
    entered: Mapping[tuple[str, str], tuple[str, ...]]
    inside: tuple[Import, ...]


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(known: Mapping[str, Path]) -> Iterator[Import]:
    """Imports of our modules by our modules; those for type checking only do not run and do not count."""
    for name, path in known.items():
        source = path.read_text(encoding="utf-8")
        lines = ["", *source.split("\n")]
        for node, inside in _import_nodes(ast.parse(source), inside=False):
            # The reason is behind the import or in the line above it.
            beside = lines[node.end_lineno or node.lineno].partition("# ")[2]
            above = lines[node.lineno - 1].strip()
            reason = beside or (above[2:] if above.startswith("# ") else "")
            for of in _imported(node, known):
                if of != name:
                    yield Import(name, of, node.lineno, inside, reason)


def _import_nodes(tree: ast.AST, *, inside: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, inside
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        else:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _import_nodes(node, inside=inside or function)


def _imported(node: ast.Import | ast.ImportFrom, known: Mapping[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif node.module and node.module.split(".")[0] in PACKAGES:
        for alias in node.names:
            module = f"{node.module}.{alias.name}"
            yield module if module in known else node.module


def circles(found: Iterable[Import]) -> tuple[tuple[str, ...], ...]:
    """Strongly connected groups of more than one module (Tarjan, without recursion)."""
    graph: dict[str, set[str]] = defaultdict(set)
    for one in found:
        graph[one.by].add(one.of)
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups = []
    for start in sorted(graph):
        if start in order:
            continue
        work = [(start, iter(sorted(graph[start])))]
        order[start] = low[start] = len(order)
        stack.append(start)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in order:
                    order[other] = low[other] = len(order)
                    stack.append(other)
                    work.append((other, iter(sorted(graph.get(other, ())))))
                    break
                if other in stack:
                    low[node] = min(low[node], order[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    group = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    groups.append(tuple(sorted(group)))
    return tuple(sorted((group for group in groups if len(group) > 1), key=len, reverse=True))


def measure() -> House:
    known = modules()
    found = list(imports(known))
    folders = Counter(
        str(path.parent.relative_to(ROOT)) for path in known.values() if path.name != "__init__.py"
    )
    entered: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in found:
        by, of = one.by.split(".")[0], one.of.split(".")[0]
        if by != of and of != "core":
            entered[by, of].add(one.of)
    return House(
        circles=circles(found),
        folders=folders,
        entered={pair: tuple(sorted(names)) for pair, names in entered.items()},
        inside=tuple(one for one in found if one.inside),
    )


LIMITS = {"modules in circles": 0, "largest folder": 15, "modules entered": 29, "imports without a reason": 0}
"""Circles, folders and reasons are as they are meant to be; the modules that one package enters of another go to 12."""


def numbers(house: House) -> dict[str, int]:
    return {
        "modules in circles": sum(map(len, house.circles)),
        "largest folder": max(house.folders.values()),
        "modules entered": max(map(len, house.entered.values())),
        "imports without a reason": sum(not one.reason for one in house.inside),
    }


def report(house: House) -> Iterator[str]:
    for circle in house.circles:
        yield f"circle of {len(circle)}: {', '.join(circle[:8])}{' …' if len(circle) > 8 else ''}"
    for folder, count in sorted(house.folders.items(), key=lambda pair: -pair[1])[:8]:
        yield f"{count:3} modules in {folder}/"
    for (by, of), names in sorted(house.entered.items(), key=lambda pair: -len(pair[1])):
        yield f"{len(names):3} modules of {of} entered from {by}"
    for one in house.inside:
        yield f"{one.by}:{one.line} imports {one.of} inside a function: {one.reason or 'WITHOUT A REASON'}"


def main() -> int:
    house = measure()
    sys.stdout.write("\n".join(report(house)) + "\n")
    over = {name: number for name, number in numbers(house).items() if number > LIMITS[name]}
    for name, number in numbers(house).items():
        sys.stdout.write(f"{name}: {number}, at most {LIMITS[name]}{'  EXCEEDED' if name in over else ''}\n")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
