"""Finds a lab by its name or number and copies it to the student's own folder, never over their work."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from lift_core.atomic import atomic_file
from lift_core.course.notebooks import marked_digest
from lift_core.errors import ConfigError, OutputError


@dataclass(frozen=True)
class StudentCopy:
    """A student's copy of a lab.

    Attributes:
        path: the copy.
        is_new: whether it was made just now.
        is_behind: whether the lab is another one now than the one that the copy was made from.
    """

    path: Path
    is_new: bool
    is_behind: bool = False

    def __str__(self) -> str:
        """One line that says where the copy is, and a second one where the lab has changed since it was made."""
        said = f"{'Copied to' if self.is_new else 'Your copy, kept as it is:'} {self.path}"
        if self.is_behind:
            again = f"lift start --again {short_name(self.path)}"
            said += f"\nThe lab has changed since. To start over, with your copy kept under another name: {again}"
        return said


def all_labs(labs: Path) -> list[Path]:
    """The notebooks in the folder ``labs``, in order; none where it is missing."""
    return sorted(labs.glob("*.ipynb"))


def short_name(lab: Path) -> str:
    """What a lab is called on the command line: its number, "04", or its name where it has none."""
    number, _, rest = lab.stem.partition("_")
    return number if number.isdecimal() and rest else lab.stem


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
    notebooks = all_labs(labs)
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
        made_from, now = marked_digest(target), marked_digest(lab)
        return StudentCopy(target, is_new=False, is_behind=None not in (made_from, now) and made_from != now)
    with atomic_file(target) as temporary:
        temporary.write_bytes(lab.read_bytes())
    return StudentCopy(target, is_new=True)


def set_aside(copy: Path) -> Path:
    """Rename a student's copy ``NAME.ipynb`` to the first free ``NAME.before-1.ipynb``, ``NAME.before-2.ipynb``, …

    Returns:
        The new name.

    Raises:
        OutputError: the folder cannot be written to.
    """
    names = (copy.with_name(f"{copy.stem}.before-{number}{copy.suffix}") for number in count(1))
    free = next(name for name in names if not name.exists())
    try:
        return copy.rename(free)
    except OSError as error:
        raise OutputError(f"the copy cannot be renamed: {error.strerror}.", where=copy) from error
