"""The house rules that a program can hold: who imports whom, and that importing is free."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from mbm_hw import multipliers

ROOT = Path(__file__).parent.parent
# What each part of mbm_hw may import of the others: one way only.
MAY_IMPORT = {
    "system": set(),
    "multipliers": {"system"},
    "hdl": {"multipliers", "system"},
    "cost": {"multipliers", "hdl", "system"},
    "ops": {"multipliers"},
    "nn": {"multipliers", "ops"},
    "conformance": {"multipliers", "hdl", "ops", "nn"},
    "studies": {"multipliers", "ops", "nn", "system"},
    "atlas": {"multipliers", "hdl", "cost", "ops", "studies", "system"},
}
RIM = {"cli", "__init__", "__main__"}  # these may import everything


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "mbm_hw").with_suffix("").parts[0]


def imported_modules(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


@pytest.mark.parametrize(
    "path", sorted((ROOT / "mbm_hw").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_point_one_way(path):
    part = part_of(path)
    modules = imported_modules(path)
    assert not {m.split(".")[0] for m in modules} & {"sim", "models", "tests"}, "never back"
    if part in RIM:
        return
    others = {m.split(".")[1] for m in modules if m.startswith("mbm_hw.")} - {part}
    assert others <= MAY_IMPORT[part], f"{part} must not import {others - MAY_IMPORT[part]}"


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("mbm_hw", {"torch", "amaranth", "matplotlib", "sklearn", "scipy"}),
        ("mbm_hw.hdl", {"torch", "mbm_hw.ops"}),
        ("mbm_hw.ops", {"amaranth", "mbm_hw.hdl", "cuda.core"}),
        ("mbm_hw.cost", {"torch", "mbm_hw.ops", "matplotlib"}),
        ("mbm_hw.nn", {"amaranth", "mbm_hw.hdl", "cuda.core"}),
        ("mbm_hw.cli", {"torch", "amaranth", "matplotlib"}),
    ],
)
def test_importing_is_free(module, forbidden):
    """In a fresh interpreter; an import must neither compile nor start CUDA either."""
    program = f"import sys, {module}; print(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert not forbidden & set(printed.split())


def test_modules_and_the_version_are_there_at_their_first_use():
    """In a fresh interpreter: other tests have imported them."""
    program = (
        "import sys, mbm_hw as mh; "
        "assert 'torch' not in sys.modules; print(mh.__version__, mh.to_verilog.__name__); "
        "assert 'torch' not in sys.modules; print(mh.ops.conv2d.__name__, mh.nn.convert_.__name__)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    version, *names = printed.split()
    assert names == ["to_verilog", "conv2d", "convert_"]
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()


def test_every_folder_of_the_house_is_there():
    for name in ("mbm_hw", "rtl", "sim", "models", "tests", "Makefile", "pyproject.toml"):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("folder", ["mbm_hw/hdl", "mbm_hw/cost", "sim", "proof"])
def test_no_family_is_told_from_others_by_its_class(folder):
    """Specs answer for themselves, or a registry by class finds what serves them."""
    kinds = {kind.__name__ for kind in _subclasses(multipliers.Spec)}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                assert not asked & kinds, f"{path}:{node.lineno}: {ast.unparse(node)}"


def _subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(_subclasses, kind.__subclasses__()))
