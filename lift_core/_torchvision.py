"""Lets torchvision be imported beside a CPU-only torch, whose missing libraries keep torchvision's own from loading.

The registry's Linux wheel of torchvision is built for CUDA. Beside a CPU-only torch its compiled library ``_C`` cannot
be loaded, and the import of the package ends in ``operator torchvision::nms does not exist``. Its Python parts
(transforms.v2, tv_tensors, flow_to_image, the models) need no compiled code: they work as soon as the two operators
that the import refers to, ``nms`` and ``qnms``, have a schema. Calling one of the two then ends in a plain
Python error; the image decoders stay unavailable.

Schemas must not be defined where the compiled library can be loaded: it defines the same names when it loads, and
torch answers a second definition inside a static initialiser by aborting the process. So the library is tried first.

All of it happens when torchvision is first looked for, not before: ``import lift_core`` stays light, and a program
that never touches torchvision is left alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch.library import Library

State = Literal["absent", "loaded", "already defined", "schemas defined"]

_SCHEMA = "{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


class _OperatorsFirst(MetaPathFinder):
    """An import hook that finds nothing itself: it prepares the operators just before torchvision is looked for.

    It stays in ``sys.meta_path`` when ``done``: taking a finder out during a search makes the search skip the next one.
    """

    def __init__(self) -> None:
        self.done = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision" and not self.done:
            provide_operators()
        return None


def make_importable() -> None:
    """Arrange that a later ``import torchvision`` works on a CPU-only torch; does nothing when called again."""
    if "torchvision" not in sys.modules and not _hooks():
        sys.meta_path.insert(0, _OperatorsFirst())


@cache
def provide_operators() -> State:
    """Load torchvision's compiled library or, where that is impossible, define the schemas of ``nms`` and ``qnms``.

    Returns:
        "absent": there is no torch or no torchvision; nothing was done.
        "already defined": the operators exist (torchvision is imported, or someone else defined them); left alone.
        "loaded": torchvision's own library was loaded and has defined them.
        "schemas defined": the library is missing or cannot be loaded, and the two schemas were defined.
    """
    for hook in _hooks():
        hook.done = True  # What follows looks for torchvision too.
    if find_spec("torch") is None or find_spec("torchvision") is None:
        return "absent"
    import torch

    if hasattr(torch.ops.torchvision, "nms"):
        return "already defined"
    library = _compiled_library()
    if library is not None:
        try:
            torch.ops.load_library(library)
        except OSError:
            pass
        else:
            return "loaded"
    _schemas()
    return "schemas defined"


def _hooks() -> list[_OperatorsFirst]:
    return [finder for finder in sys.meta_path if isinstance(finder, _OperatorsFirst)]


def _compiled_library() -> str | None:
    """Find the file that torchvision will try to load, in the way it looks for it, without importing torchvision."""
    spec = find_spec("torchvision")
    for folder in (spec.submodule_search_locations if spec is not None else None) or ():
        if sys.platform == "win32":
            os.add_dll_directory(folder)
        found = FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec("_C")
        if found is not None:
            return found.origin
    return None


@cache
def _schemas() -> Library:
    """Define the two schemas; the cache keeps the library object, whose end would take them away again."""
    from torch.library import Library

    # A fragment, since another package may own the namespace already without having defined these two.
    library = Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(_SCHEMA.format(name=name))
    return library
