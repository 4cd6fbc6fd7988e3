"""The claims that take minutes: each bench's own limits, at every seed."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def bench(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(3))
def test_every_gaussian_is_found(seed: int) -> None:
    modes, good, _ = bench("gaussians").run(seed)
    assert modes == 25
    assert good >= 0.9


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(3))
def test_the_demo_keeps_its_promises(seed: int, tmp_path: Path) -> None:
    demo: Any = bench("demo")
    figures = demo.measure(seed, tmp_path)
    # Time and memory depend on the machine and on what ran before in this process.
    missed = set(demo.shortfalls(figures)) - {"minutes", "memory"}
    assert missed == set(), figures
