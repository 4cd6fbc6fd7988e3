"""torch-fidelity 0.4.0 as a peer of the tests, without the torchvision that it asks for.

Its metrics need nothing of torchvision but names to import, so empty stand-ins
take their place while it is imported.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

MODULES = (
    "torchvision",
    "torchvision.datasets",
    "torchvision.models",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)


class _StandIn(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@contextmanager
def _stand_ins() -> Iterator[None]:
    missing = [name for name in MODULES if name not in sys.modules]
    for name in missing:
        sys.modules[name] = _StandIn(name)
        sys.modules[name].__dict__["__path__"] = []  # so that it may hold modules
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


def fidelity(module: str) -> ModuleType:
    """A module of torch-fidelity, for instance `metric_fid`."""
    with _stand_ins():
        return import_module(f"torch_fidelity.{module}")
