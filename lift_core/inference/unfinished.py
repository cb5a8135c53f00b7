"""Unfinished: the parts of a result that are complete, kept beside its place until all are, so that work can go on."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from lift_core.atomic import atomic_file
from lift_core.data.checked_json import parse_json
from lift_core.data.folder_lock import LOCK_FILE, folder_lock
from lift_core.errors import OutputError, os_errors_as

_log = logging.getLogger(__name__)

_PLAN = "plan.json"
_CUTS = "cuts.txt"
_PARTS = "parts"
_JOINED = "joined"
# Names that are written here, and those under which lift_core.atomic begins them.
_OWN = re.compile(rf"{re.escape(LOCK_FILE)}|{_PLAN}|{_CUTS}|{_PARTS}|{_JOINED}\.\w+|\.plan\.\d+-\d+\.partial\.json")
_OWN_PART = re.compile(r"\d{6,}\.(mp4|png)|\.\d{6,}\.\d+-\d+\.partial\.(mp4|png)")

Plain = str | int | float | bool | None
"""What a plan is made of: what JSON gives back as it was."""


@contextmanager
def unfinished(output: Path, plan: Mapping[str, Plain], *, restart: bool = False) -> Iterator[Unfinished]:
    """Give a hidden folder ``.NAME.unfinished`` beside the result NAME, for this process alone.

    When the block ends well, the folder is gone; when it does not, it stays if it holds a part. Killed at any instant
    it stays too, and the next run of the same plan gets it as it is.

    Args:
        output: where the result will be.
        plan: what the result is made from and how: parts of one plan do not fit another.
        restart: throw away what an earlier run has left.

    Raises:
        OutputError: an earlier run of another plan has left parts, another process is making this result, the hidden
            folder holds what no run has written, or the place cannot be written to.
    """
    work = Unfinished(output.with_name(f".{output.name}.unfinished"))
    work.check_owner()
    lock = ExitStack()
    lock.enter_context(folder_lock(work.folder))
    try:
        with lock:
            if restart:
                work.clear()
            work.check_plan(plan)
            try:
                work.begin(plan)
                yield work
            except BaseException:
                if work.has_parts:
                    _log.warning("what is done is kept in %s; the same command goes on from there", work.folder)
                else:
                    work.clear()
                raise
            work.clear()
    finally:
        # Windows deletes no open file, so the lock goes last.
        _remove_if_empty(work.folder)


class Unfinished:
    """What `unfinished` gives.

    Attributes:
        folder: the hidden folder.
        parts: the folder of the parts in it. A part appears there when it is complete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = folder / _PARTS

    def joined(self, suffix: str) -> Path:
        """Where all parts may be put together, as a file of this suffix."""
        return self.folder / f"{_JOINED}{suffix}"

    def check_owner(self) -> None:
        """Refuse a folder of this name that somebody else has filled.

        Raises:
            OutputError: it holds what no run has written, or is no folder.
        """
        with os_errors_as(OutputError, "cannot write", where=self.folder):
            if not os.path.lexists(self.folder):
                return
            names = [(path.name, _OWN) for path in self.folder.iterdir()]
            if self.parts.is_dir():
                names += [(path.name, _OWN_PART) for path in self.parts.iterdir()]
        strange = sorted(name for name, own in names if own.fullmatch(name) is None)
        if strange:
            raise OutputError(
                f"the folder for unfinished work holds other files ({', '.join(strange[:3])})",
                where=self.folder,
                fix="Move them away, or name another output.",
            )

    def note_cut(self, frame: int) -> None:
        """Remember that a scene cut was found before a frame."""
        with (
            os_errors_as(OutputError, "cannot write", where=self.folder),
            (self.folder / _CUTS).open("a", encoding="utf-8") as file,
        ):
            file.write(f"{frame}\n")

    @property
    def cuts(self) -> int:
        """How many scene cuts were found, in this run and before."""
        try:
            return len(set((self.folder / _CUTS).read_text(encoding="utf-8").split()))
        except FileNotFoundError:
            return 0

    @property
    def has_parts(self) -> bool:
        """Whether anything is there that a later run could go on from."""
        return any(not part.name.startswith(".") for part in self.parts.glob("*"))

    def check_plan(self, plan: Mapping[str, Plain]) -> None:
        """Refuse to mix the parts of two plans.

        Raises:
            OutputError: an earlier run of another plan has left parts.
        """
        known = self._known_plan()
        changed = sorted(key for key in {*known, *plan} if known.get(key) != plan.get(key))
        if changed and self.has_parts:
            raise OutputError(
                f"an unfinished result of another {', '.join(changed)} is here",
                where=self.folder,
                fix="Go on with the settings of that run, or throw it away with --restart.",
            )

    def begin(self, plan: Mapping[str, Plain]) -> None:
        """Make the folder ready for the parts of a plan that `check_plan` has let pass.

        Raises:
            OutputError: the place cannot be written to.
        """
        if self._known_plan() != dict(plan):
            self.clear()
            with atomic_file(self.folder / _PLAN) as temporary:
                temporary.write_text(json.dumps(dict(plan), indent=2), encoding="utf-8")
        with os_errors_as(OutputError, "cannot write", where=self.folder):
            self.parts.mkdir(exist_ok=True)
            for partial in self.parts.glob(".*"):
                # What a process that was killed was writing would end up in the result.
                partial.unlink()

    def clear(self) -> None:
        """Delete all but the lock; the parts first, so that no part is ever without its plan."""
        shutil.rmtree(self.parts, ignore_errors=True)
        with os_errors_as(OutputError, "cannot write", where=self.folder):
            for entry in self.folder.iterdir():
                if entry.name != LOCK_FILE:
                    entry.unlink(missing_ok=True)

    def _known_plan(self) -> dict[str, Plain]:
        try:
            plan = parse_json((self.folder / _PLAN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return plan if isinstance(plan, dict) else {}


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder in which nothing is left but the lock."""
    with suppress(OSError):
        if os.listdir(folder) == [LOCK_FILE]:
            (folder / LOCK_FILE).unlink()
            folder.rmdir()
