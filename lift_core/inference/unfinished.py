"""Unfinished: the parts of a result that are complete, kept beside its place until all are, so that work can go on."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from lift_core.atomic import atomic_file
from lift_core.errors import OutputError

_log = logging.getLogger(__name__)

_PLAN = "plan.json"
_CUTS = "cuts.txt"

Plain = str | int | float | bool | None
"""What a plan is made of: what JSON gives back as it was."""


class Unfinished:
    """A hidden folder ``.NAME.unfinished`` beside the result NAME.

    A context manager. When the block ends well, the folder is gone; when it does not, it stays if it holds anything
    worth keeping. Killed at any instant it stays too.

    Args:
        output: where the result will be.
        plan: what the result is made from and how: parts of one plan do not fit another.
        restart: throw away what an earlier run has left.

    Raises:
        OutputError: an earlier run of another plan has left parts, or the place cannot be written to.
    """

    def __init__(self, output: Path, plan: Mapping[str, Plain], *, restart: bool = False) -> None:
        self._output = output
        self.folder = output.with_name(f".{output.name}.unfinished")
        if restart:
            shutil.rmtree(self.folder, ignore_errors=True)
        known = self._read_plan()
        if known is None:
            self._begin(plan)
        elif known != dict(plan):
            changed = sorted(key for key in {*known, *plan} if known.get(key) != plan.get(key))
            raise OutputError(
                f"an unfinished result of another {', '.join(changed)} is here",
                where=self.folder,
                fix="Go on with the settings of that run, or throw it away with --restart.",
            )

    @property
    def parts(self) -> Path:
        """The folder of the parts."""
        return self.folder / "parts"

    def note_cut(self, frame: int) -> None:
        """Remember that a scene cut was found before a frame."""
        with (self.folder / _CUTS).open("a", encoding="utf-8") as file:
            file.write(f"{frame}\n")

    @property
    def cuts(self) -> int:
        """How many scene cuts were found, in this run and before."""
        try:
            return len(set((self.folder / _CUTS).read_text(encoding="utf-8").split()))
        except FileNotFoundError:
            return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kept = 0 if kind is None else sum(not part.name.startswith(".") for part in self.parts.glob("*"))
        if kept:
            _log.warning("what is done is kept in %s; the same command goes on from there", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _read_plan(self) -> dict[str, Plain] | None:
        try:
            plan: dict[str, Plain] = json.loads((self.folder / _PLAN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return plan

    def _begin(self, plan: Mapping[str, Plain]) -> None:
        # Without a plan that can be read nobody knows what parts belong to.
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.parts.mkdir(parents=True)
        except OSError as error:
            raise OutputError(
                f"cannot write: {error.strerror}", where=self._output, fix="Check the place, its rights and free space."
            ) from error
        with atomic_file(self.folder / _PLAN) as temporary:
            temporary.write_text(json.dumps(dict(plan), indent=2), encoding="utf-8")
