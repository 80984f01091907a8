"""What may import what, how long things may be, and what the packages never do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("st_rl", "legged_gym_ext", "isaacgym")
ENGINES = {"mujoco", "mujoco_warp", "warp", "isaacgym"}
ENGINE_FOLDERS = {"mujoco", "warp"}
"""Folders of sim/, each of which may import its engine."""

ST_RL_LAYERS = ("utils", "modules", "storage", "algorithms", "runners")
"""Each may import itself and those before it; env and datasets stand beside utils."""
ALLOWED = {
    "kernels": set(),
    "plugins": set(),
    "robots": {"plugins"},
    "resource_folder": set(),
    "motions": {"robots"},
    "terrain": set(),
    "sensors": {"kernels"},
    "sim": {"kernels", "robots", "terrain", "sensors"},
    "mdp": {"kernels", "motions", "robots", "terrain", "sensors", "sim.interface"},
}
"""Parts of legged_gym_ext below envs, and the parts that each may import besides itself."""
UPPER = (
    {"envs"},
    {"tasks"},
    {"runs", "public"},
    {"evaluation"},
    {"viewing", "pipeline", "benchmarks"},
    {"cli"},
)
"""Floors above those, from the ground up: each may import itself and everything below it, but not beside it."""


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in files(*PACKAGES)}


def names(node: ast.stmt) -> list[str]:
    """Modules that an import statement reaches: ``from a import b`` is ``a.b`` where that is a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        return [f"{base}.{a.name}" if f"{base}.{a.name}" in MODULES else base for a in node.names]
    return []


def imports(path: Path) -> set[str]:
    """Every import anywhere in the file."""
    return {name for node in ast.walk(tree(path)) if isinstance(node, ast.stmt) for name in names(node)}


def imports_at_import(path: Path) -> set[str]:
    """Imports that run when the module is imported: not those in functions or under TYPE_CHECKING."""

    def visit(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.stmt):
                yield from names(child)
            yield from visit(child)

    return set(visit(tree(path)))


def part(name: str) -> str:
    return [*name.split("."), "", ""][1]


def beside_and_above(own: str) -> set[str]:
    """The parts of legged_gym_ext that ``own``, one of ``UPPER``, must not import."""
    floor = next((index for index, parts in enumerate(UPPER) if own in parts), 0)
    return set().union(*UPPER[floor:]) - {own}


def in_engine_folder(path: Path) -> bool:
    return path.parent.parent.name == "sim" and path.parent.name in ENGINE_FOLDERS


def test_st_rl_knows_neither_tasks_nor_engines() -> None:
    for path in files("st_rl"):
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & (ENGINES | {"legged_gym_ext"}), path


def test_arrows_inside_st_rl() -> None:
    for path in files("st_rl"):
        own = part(module(path))
        if own not in ST_RL_LAYERS:
            continue
        above = set(ST_RL_LAYERS[ST_RL_LAYERS.index(own) + 1 :])
        wrong = {name for name in imports(path) if name.startswith("st_rl.") and part(name) in above}
        assert not wrong, f"{module(path)} imports {sorted(wrong)}"


def test_arrows_inside_legged_gym_ext() -> None:
    for path in files("legged_gym_ext"):
        own = part(module(path))
        reached = {name for name in imports(path) if name.startswith("legged_gym_ext.") and part(name) != own}
        if not own:  # the package itself offers names, loaded when they are asked for
            wrong = reached - {"legged_gym_ext.public"}
        elif own in ALLOWED:
            may = tuple(f"legged_gym_ext.{name}" for name in ALLOWED[own])
            wrong = {name for name in reached if not any(name == m or name.startswith(m + ".") for m in may)}
        else:
            wrong = {name for name in reached if part(name) in beside_and_above(own)}
        assert not wrong, f"{module(path)} imports {sorted(wrong)}"


def test_only_tasks_and_envs_know_more_of_st_rl_than_its_utils() -> None:
    for path in files("legged_gym_ext"):
        if part(module(path)) in ALLOWED:
            wrong = {name for name in imports(path) if name.startswith("st_rl") and part(name) != "utils"}
            assert not wrong, f"{module(path)} imports {sorted(wrong)}"


def test_isaacgym_knows_neither_of_the_other_packages() -> None:
    for path in files("isaacgym"):
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & {"legged_gym_ext", "st_rl", "rsl_rl"}, path


def test_isaacgym_imports_warp_in_one_file_and_only_when_it_is_asked_for() -> None:
    engine = "isaacgym.engine.warp_engine"
    for name, path in MODULES.items():
        if name.startswith("isaacgym") and name != engine:
            assert not {each.split(".")[0] for each in imports(path)} & {"warp", "mujoco_warp"}, path
            assert engine not in imports_at_import(path), path


def test_engines_are_imported_in_their_own_folders_alone() -> None:
    for path in files("st_rl", "legged_gym_ext"):
        if not in_engine_folder(path):
            assert not {name.split(".")[0] for name in imports(path)} & ENGINES, path


def test_importing_the_packages_imports_no_engine() -> None:
    backends = {name for name, path in MODULES.items() if in_engine_folder(path)}
    for name, path in MODULES.items():
        if name not in backends:
            assert not imports_at_import(path) & backends, f"{name} imports a backend when it is imported"


def test_openmp_is_set_up_before_torch_reads_it() -> None:
    for name in ("train", "train_skills", "evaluate", "benchmark"):
        reached = [
            each.split(".")[0]
            for node in tree(ROOT / "legged_gym_ext" / "cli" / f"{name}.py").body
            for each in names(node)
        ]
        assert next(each for each in reached if each not in sys.stdlib_module_names) == "legged_gym_ext", name
    run = [sys.executable, "-c", "import legged_gym_ext, os, sys; print(os.environ['OMP_WAIT_POLICY'], *sys.modules)"]
    policy, *modules = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    assert policy == "PASSIVE" and "torch" not in modules


def test_no_cycles() -> None:
    graph = {name: {n for n in imports_at_import(path) if n in MODULES and n != name} for name, path in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the cycle
    assert set(order) == set(MODULES)


@pytest.mark.parametrize("path", files(*PACKAGES, "scripts", "tests"), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_fit(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{path} has {lines} lines"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{path}: {node.name} has {length} lines"


def test_packages_never_look_names_up_and_only_commands_print() -> None:
    for path in files(*PACKAGES):
        may_print = part(module(path)) == "cli" or path.name == "__main__.py"
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("getattr", "globals", "eval"), f"{path}:{node.lineno}"
                assert node.func.id != "print" or may_print, f"{path}:{node.lineno}"


def test_attributes_are_named_by_lists_in_one_file_alone() -> None:
    for path in files("st_rl", "legged_gym_ext"):  # isaacgym imports neither
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call):
                assert ast.unparse(node.value.func) != "vars", f"{path}:{node.lineno}: use st_rl.utils.attributes"


def is_setter(node: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in node.decorator_list)


def undocumented(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    """Public functions and classes without a docstring; an overriding or property-setting method may do without."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None:
                yield f"{prefix}.{node.name}"
            if isinstance(node, ast.ClassDef) and not node.bases:
                setters = [n for n in node.body if isinstance(n, ast.FunctionDef) and is_setter(n)]
                yield from undocumented([n for n in node.body if n not in setters], f"{prefix}.{node.name}")


def test_everything_public_is_documented() -> None:
    missing = [name for own, path in MODULES.items() for name in undocumented(tree(path).body, own)]
    assert not missing
    assert all(ast.get_docstring(tree(path)) for path in files(*PACKAGES)), "a module without a docstring"
