"""Finds a lab by its name or number and copies it to the student's own folder, never over their work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lift_core.atomic import atomic_file
from lift_core.errors import ConfigError


@dataclass(frozen=True)
class StudentCopy:
    """A student's copy of a lab; ``is_new`` tells whether it was made just now."""

    path: Path
    is_new: bool


def find_lab(labs: Path, name: str | None) -> Path | None:
    """Find a notebook in the folder ``labs``.

    Args:
        labs: the folder of generated notebooks; it may be missing.
        name: a number ("3", "03"), the beginning of a file name, or None for the first lab.

    Returns:
        The notebook, or None where no name is given and there is no lab at all.

    Raises:
        ConfigError: no lab, or more than one, has that name.
    """
    notebooks = sorted(labs.glob("*.ipynb"))
    if name is None:
        return notebooks[0] if notebooks else None
    wanted = f"{int(name):02d}_" if name.isdecimal() else name.removesuffix(".ipynb")
    exact = [notebook for notebook in notebooks if notebook.stem == wanted]
    found = exact or [notebook for notebook in notebooks if notebook.stem.startswith(wanted)]
    if len(found) != 1:
        known = ", ".join(notebook.stem for notebook in notebooks) or "none yet"
        raise ConfigError(
            f"{'no lab is' if not found else 'more than one lab is'} called '{name}'.", fix=f"Labs: {known}."
        )
    return found[0]


def copy_lab(lab: Path, work: Path) -> StudentCopy:
    """Copy ``lab`` into the folder ``work``; a file of that name that is there already is kept as it is.

    Raises:
        OutputError: the folder cannot be written to.
    """
    target = work / lab.name
    if target.exists():
        return StudentCopy(target, is_new=False)
    with atomic_file(target) as temporary:
        temporary.write_bytes(lab.read_bytes())
    return StudentCopy(target, is_new=True)
