"""Pages of the reference: one a package, with every public name of it; mkdocstrings reads the docstrings at build time.

Names and the modules that define them are read from the sources, so that nothing is imported.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import InputError

ROOT = Path(__file__).parents[1]
PACKAGES = (  # what users import; everything else is private to its package
    "zoo",
    "zoo.data",
    "zoo.training.distribution",
    "zoo.layers",
    "zoo.losses",
    "zoo.metrics",
    "zoo.outputs",
    "zoo.tasks",
    "zoo.registry",
    "zoo.classical",
    "zoo.pretrained.catalog",
    "zoo.recipes",
    "zoo.errors",
    "converters",
    "edge",
)


@dataclass(frozen=True)
class Name:
    """A public name: as users write it, and where it is defined."""

    public: str
    defined: str
    docstring: str


def page(package: str) -> str:
    """The page of a package: its docstring, then its names."""
    blocks = [f"# {package}", f"::: {package}\n    options:\n      members: []\n      show_root_heading: false"]
    for name in public_names(package):
        options = f'      heading: "{name.public}"\n      toc_label: "{name.public.rpartition(".")[2]}"'
        blocks.append(f"::: {name.defined}\n    options:\n{options}")
    return "\n\n".join([f"<!-- made from the sources of {package} by make readme -->", *blocks]) + "\n"


def public_names(package: str) -> list[Name]:
    """Every public name of a package: those of `__all__`, or where it has none its own public functions and classes.

    Raises:
        InputError: for a name of `__all__` whose definition is not there.
    """
    tree = _parsed(_file(package))
    imported = _imports(tree)
    listed = _listed(tree)
    if package == "zoo.layers":  # its names are those of its files
        listed = sorted(name for name, module in _below(package).items() if _is_layer(module, name))
    if listed is None:
        listed = [node.name for node in tree.body if _is_definition(node) and not node.name.startswith("_")]
    below = _below(package)
    names = []
    for name in listed:
        if name not in imported and _file_or_none(f"{package}.{name}"):
            continue  # a module
        if name in (methods := _bound_methods(tree)):
            module, original = methods[name]
        else:
            module = package if name in _defined(tree) else imported.get(name) or below.get(name)
            if module is None:
                raise InputError(f"{package}.{name} is in __all__, and no module of {package} defines it")
            module, original = _origin(module, name)
        names.append(Name(f"{package}.{name}", f"{module}.{original}", _docstring(module, original)))
    return names


def _origin(module: str, name: str) -> tuple[str, str]:
    """Where a name that is handed on is defined in the end."""
    tree = _parsed(_file(module))
    while name not in _defined(tree):
        module = _imports(tree).get(name) or _below(module)[name]
        tree = _parsed(_file(module))
    return module, name


def _file(module: str) -> Path:
    path = _file_or_none(module)
    if path is None:
        raise InputError(f"no module {module} in this checkout")
    return path


def _file_or_none(module: str) -> Path | None:
    stem = ROOT.joinpath(*module.split("."))
    return next((path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()), None)


@functools.cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.Module) -> dict[str, str]:
    """Names that a module takes from others → the module; also those for type checkers, and those of a table of late ones."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: node.module for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("_PUBLIC", "_LATER", "_LAZY"):
            for table in (each for each in ast.walk(node.value) if isinstance(each, ast.Dict)):
                pairs = zip(table.keys, table.values, strict=True)
                names |= {key.value: value.value for key, value in pairs if isinstance(key, ast.Constant)}
    return names


def _bound_methods(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Names that are methods of an object, as in `names, get = _kinds.names, _kinds.get` → the module and CLASS.METHOD."""
    imported = _imports(tree)
    classes = {  # of the objects that are annotated
        node.target.id: getattr(node.annotation, "value", node.annotation).id
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(getattr(node.annotation, "value", node.annotation), ast.Name)
    }
    pairs = [
        pair
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
        for pair in zip(node.targets[0].elts, node.value.elts, strict=True)
    ]
    return {
        name.id: (imported[classes[value.value.id]], f"{classes[value.value.id]}.{value.attr}")
        for name, value in pairs
        if isinstance(value, ast.Attribute) and classes.get(getattr(value.value, "id", "")) in imported
    }


def _listed(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return sorted(ast.literal_eval(node.value), key=str.casefold)
    return None


def _is_definition(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def _defined(tree: ast.Module) -> dict[str, ast.AST]:
    """What a module defines itself: functions, classes and values."""
    names: dict[str, ast.AST] = {}
    typed = [node for block in tree.body if isinstance(block, ast.If) for node in block.body]  # for type checkers
    for node in [*typed, *tree.body]:
        if _is_definition(node):
            names[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return names


@functools.cache
def _below(package: str) -> dict[str, str]:
    """Every function and class of a package's own modules → the module."""
    folder = ROOT.joinpath(*package.split("."))
    return {
        name: f"{package}.{path.stem}"
        for path in sorted(folder.glob("*.py"))
        if path.stem != "__init__"
        for name, node in _defined(_parsed(path)).items()
        if _is_definition(node)
    }


def _is_layer(module: str, name: str) -> bool:
    node = _defined(_parsed(_file(module)))[name]
    return not name.startswith("_") and any("register_keras_serializable" in ast.unparse(line) for line in node.decorator_list)


def _docstring(module: str, name: str) -> str:
    first, *rest = name.split(".")
    node = _defined(_parsed(_file(module)))[first]
    for part in rest:
        node = next(each for each in node.body if _is_definition(each) and each.name == part)
    return (ast.get_docstring(node) or "") if _is_definition(node) else ""
