"""Checkpoints of a training run: all that is needed to go on, written whole or not at all, read without unpickling."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from lift_core.atomic import atomic_file
from lift_core.errors import CheckpointError, OutputError

VERSION = 2
_NAME = re.compile(r"step-(\d{8})\.pt")


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], keep: int) -> Path:
    """Write ``step-XXXXXXXX.pt`` and delete all but the newest ``keep``.

    Older files go only after the new one is on the disk under its own name.

    Raises:
        OutputError: the folder cannot be written to; earlier checkpoints stay.
    """
    path = folder / f"step-{step:08d}.pt"
    try:
        with atomic_file(path) as temporary:
            _write({"version": VERSION, "step": step, **state}, temporary)
    except OutputError as error:
        before = [known.name for known in list_checkpoints(folder)]
        if before:
            error.fix = f"{error.fix} {before[-1]} is intact: go on from it with --resume."
        raise
    for old in list_checkpoints(folder)[:-keep]:
        old.unlink()
    # A run that was killed while it saved has left its temporary file behind.
    for left_over in folder.glob(".step-*.partial.pt"):
        left_over.unlink()
    return path


def _write(state: dict[str, Any], path: Path) -> None:
    with path.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:
            # Where the disk is full, torch's writer complains of its own position in the file instead.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in ``folder``, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; only tensors and plain values are accepted, so a file cannot run code.

    Raises:
        CheckpointError: the file is missing, damaged, holds more than plain values, or is of another version.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Damaged bytes make torch's unpickler raise anything: KeyError, IndexError, ...
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise CheckpointError(
            f"the checkpoint cannot be read: {reason}",
            where=path,
            fix="Delete it to resume from the one before.",
        ) from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        found = state.get("version") if isinstance(state, dict) else type(state).__name__
        raise CheckpointError(
            f"the checkpoint has version {found}, this package reads {VERSION}",
            where=path,
            fix="Resume with the lift_core version that wrote it.",
        )
    return state
