"""The house of DESIGN.md, as far as a program can see it: which module imports which, and what `import zoo` costs."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("zoo", "converters", "edge")


def module_files() -> dict[str, Path]:
    """Every module of the packages by its dotted name."""
    files = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def imported(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that a file imports, also inside functions; not what only a type checker sees."""
    if isinstance(tree, ast.If) and ast.unparse(tree.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        for node in tree.orelse:
            yield from imported(node)
        return
    if isinstance(tree, ast.Import):
        yield from (alias.name for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom) and tree.module and not tree.level:
        yield from (f"{tree.module}.{alias.name}" for alias in tree.names)
    for node in ast.iter_child_nodes(tree):
        yield from imported(node)


def graph(files: dict[str, Path]) -> dict[str, set[str]]:
    """Which modules each module imports; a name taken from a module counts for that module."""
    edges = {}
    for module, path in files.items():
        names = imported(ast.parse(path.read_text(encoding="utf-8")))
        targets = {name if name in files else name.rpartition(".")[0] for name in names}
        edges[module] = {target for target in targets if target in files and target != module}
    return edges


@functools.cache
def house() -> dict[str, set[str]]:
    """The graph of the packages as they are."""
    return graph(module_files())


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring, the first of them once more at the end; empty where there is no ring."""
    finished: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in finished:
            return []
        for target in sorted(edges[module]):
            if ring := walk(target, [*path, module]):
                return ring
        finished.add(module)
        return []

    return next((ring for module in sorted(edges) if (ring := walk(module, []))), [])


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges = house()
    assert len(edges) > 200 and "zoo.pretrained.weights_io" in edges["zoo.build"]
    assert not circle(edges), " → ".join(circle(edges))


def test_a_circle_would_be_seen(tmp_path: Path) -> None:
    """Late imports count, imports for type checkers do not."""
    sources = {
        "zoo.first": "def late():\n    from zoo import second",
        "zoo.second": "from zoo.third import name",
        "zoo.third": "if TYPE_CHECKING:\n    from zoo.first import late",
    }
    files = {}
    for module, source in sources.items():
        files[module] = tmp_path / f"{module}.py"
        files[module].write_text(source)
    assert circle(graph(files)) == []
    files["zoo.third"].write_text("import zoo.first")
    assert circle(graph(files)) == ["zoo.first", "zoo.second", "zoo.third", "zoo.first"]


def test_the_registry_knows_errors_and_papers_only() -> None:
    assert house()["zoo.registry"] == {"zoo.errors", "zoo.paper"}


@pytest.mark.parametrize("statement", ["import zoo", "import zoo.build", "from zoo import registry"])
def test_zoo_build_is_the_function_and_costs_nothing(statement: str) -> None:
    code = f"""
{statement}
import sys, zoo, zoo.build
heavy = {{"keras", "numpy", "PIL", "tensorflow"}} & set(sys.modules)
sys.exit(f"imports {{heavy}}" if heavy else 0 if callable(zoo.build) and zoo.build.__name__ == "build" else "no function")"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
