"""Where somebody's code uses the interface, found in its syntax trees; nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isaacgym.check import surface

SKIPPED_FOLDERS = {".git", ".venv", "venv", "build", "dist", "node_modules", "site-packages", "__pycache__"}
GYM_NAMES = {"gym", "_gym"}
"""How variables and attributes are called that hold the ``Gym`` object."""


@dataclass(frozen=True)
class Use:
    """A place where a name of the interface is used."""

    name: str
    path: Path
    line: int


def python_files(folder: Path) -> Iterator[Path]:
    """Yield the Python files below a folder, apart from virtual environments and copies of Isaac Gym itself."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if not _is_skipped(path):
                yield from python_files(path)
        elif path.suffix == ".py" and path.is_file():
            yield path


def _is_skipped(folder: Path) -> bool:
    """Return whether a folder holds no code of the repository: environments, builds, Isaac Gym's own files."""
    is_isaacgym = folder.name == "isaacgym" and any((folder / name).exists() for name in ("gymapi.py", "python"))
    return folder.name in SKIPPED_FOLDERS or is_isaacgym


def uses_of(path: Path) -> list[Use]:
    """Return the uses in one file. Raises ``SyntaxError`` or ``UnicodeDecodeError`` where it is no Python 3."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    finder = _Finder(path)
    finder.prepare(tree)
    finder.visit(tree)
    return finder.uses


def _defined_in(tree: ast.Module) -> set[str]:
    """Return the names that a file assigns or defines anywhere, arguments included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


class _Finder(ast.NodeVisitor):
    """Follows modules, the ``Gym`` object and structures through one file.

    The kind of an expression is a module's name, ``Gym``, a structure's name, or ``list[structure]``; it is known for
    what is assigned from them by name, function by function, and for attributes of ``self`` in the whole file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.uses: list[Use] = []
        self.kinds: dict[str, str] = {}
        self.imported: dict[str, str] = {}
        self.star: set[str] = set()
        self.stored: set[str] = set()
        self.foreign_gym = False
        self.structures = surface.structures()
        self.returns = surface.return_types()

    def prepare(self, tree: ast.Module) -> None:
        """Collect imports, what the file defines itself, and attributes of ``self`` before uses are recorded."""
        self.stored = _defined_in(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                self._import_from(node)
        imports = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        bound = {(alias.asname or alias.name).partition(".")[0] for alias in imports}
        self.star -= self.stored | bound
        self.foreign_gym = "gym" in bound
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute):
                        self._learn(target, self.kind(node.value))

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            package, _, of = alias.name.partition(".")
            if package == "isaacgym" and of in surface.MODULES and alias.asname:
                self.kinds[alias.asname] = of

    def _import_from(self, node: ast.ImportFrom) -> None:
        of = (node.module or "").removeprefix("isaacgym.")
        for alias in node.names:
            if node.module == "isaacgym" and alias.name in surface.MODULES:
                self.kinds[alias.asname or alias.name] = alias.name
            elif node.module == "isaacgym":
                self._use(f"isaacgym.{alias.name}", node)
            elif node.module != of and of in surface.MODULES:
                if alias.name == "*":
                    # Only functions and structures: np and torch are not part of the interface.
                    self.star |= {n for n, e in surface.names(of).items() if e.says and not n.startswith("_")}
                    self.imported.update({name: f"{of}.{name}" for name in self.star if name in surface.names(of)})
                else:
                    self.imported[alias.asname or alias.name] = f"{of}.{alias.name}"
                    self._use(f"{of}.{alias.name}", node)

    def _use(self, name: str, node: ast.AST) -> None:
        self.uses.append(Use(name, self.path, node.__dict__.get("lineno", 1)))

    def _learn(self, target: ast.expr, kind: str | None) -> None:
        if kind is not None and isinstance(target, ast.Name | ast.Attribute):
            self.kinds[ast.unparse(target)] = kind
        elif isinstance(target, ast.Name):
            self.kinds.pop(target.id, None)

    def kind(self, node: ast.expr) -> str | None:
        """Return the kind of an expression, or None where it is nothing of the interface."""
        if isinstance(node, ast.Name):
            return self._kind_of_name(node.id)
        if isinstance(node, ast.Attribute):
            return self._kind_of_attribute(node)
        if isinstance(node, ast.Subscript):
            listed = self.kind(node.value) or ""
            return listed[5:-1] if listed.startswith("list[") else None
        if isinstance(node, ast.Call):
            return self._kind_of_call(node.func)
        return None

    def _kind_of_name(self, name: str) -> str | None:
        if name in self.kinds:
            return self.kinds[name]
        if name in GYM_NAMES and not self.foreign_gym:
            return "Gym"
        return None

    def _kind_of_attribute(self, node: ast.Attribute) -> str | None:
        text = ast.unparse(node)
        if text in self.kinds:
            return self.kinds[text]
        if isinstance(node.value, ast.Name) and node.value.id == "isaacgym":
            return node.attr if node.attr in surface.MODULES else None
        owner = self.kind(node.value)
        if owner == "gymapi" and node.attr in self.structures:
            return node.attr  # the class itself: its members are those of its instances
        if owner in self.structures:
            return surface.field_types(self.structures[owner]).get(node.attr)
        return "Gym" if node.attr in GYM_NAMES and owner is None else None

    def _kind_of_call(self, function: ast.expr) -> str | None:
        if isinstance(function, ast.Name) and function.id in self.imported:
            name = self.imported[function.id].partition(".")[2]
            return name if name in self.structures else None
        if not isinstance(function, ast.Attribute):
            return None
        owner = self.kind(function.value)
        if owner == "gymapi":
            return "Gym" if function.attr == "acquire_gym" else self.kind(function)
        if owner == "Gym":
            returned = self.returns.get(function.attr, "")
            plain = returned[5:-1] if returned.startswith("list[") else returned
            return returned if plain in self.structures else None
        return None

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outside = dict(self.kinds)
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            annotated = None if argument.annotation is None else self.kind(argument.annotation)
            self._learn(ast.Name(argument.arg), annotated)
        self.generic_visit(node)
        self.kinds = outside

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)
            self._learn(target, self.kind(node.value))

    def visit_For(self, node: ast.For) -> None:
        listed = self.kind(node.iter) or ""
        self._learn(node.target, listed[5:-1] if listed.startswith("list[") else None)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner = self.kind(node.value)
        if owner == "Gym":
            self._use(f"gym.{node.attr}", node)
        elif owner in surface.MODULES:
            self._use(f"{owner}.{node.attr}", node)
        elif owner in self.structures:
            self._use(f"gymapi.{owner}.{node.attr}", node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        by_star = node.id in self.star
        by_name = node.id in self.imported and node.id not in self.stored
        if isinstance(node.ctx, ast.Load) and (by_star or by_name):
            self._use(self.imported[node.id], node)
