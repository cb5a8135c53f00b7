"""Checks of a place to write to, before hours of work: nothing that is there is lost."""

from __future__ import annotations

import os
from pathlib import Path

from lift_core.errors import OutputError, os_errors_as


def check_output_file(source: Path, output: Path, force: bool, suffixes: tuple[str, ...]) -> None:
    """Refuse an output file that would destroy something, or whose kind is unknown.

    Raises:
        OutputError: it is the input, it exists and is not to be replaced, its suffix is not one of ``suffixes``, or its
            name cannot be.
    """
    if output.suffix.lower() not in suffixes:
        raise OutputError("no format is known by this name", where=output, fix=f"Use one of {', '.join(suffixes)}.")
    with os_errors_as(
        OutputError, "the output cannot be looked at", where=output, fix="Check its name and its rights."
    ):
        if output.exists() and source.exists() and output.samefile(source):
            raise OutputError("the output is the input", where=output, fix="Name another file.")
        if output.is_dir():
            raise OutputError("the output is a folder", where=output, fix="Name a file.")
        if output.exists() and not force:
            raise OutputError("the output exists already", where=output, fix="Name another file, or use --force.")


def check_output_folder(source: Path, output: Path, force: bool) -> None:
    """Refuse a folder that holds anything but an earlier result.

    Raises:
        OutputError: it is the input, a file, the folder that this process runs in, or one that cannot be renamed
            because a disk is mounted there; or holds files and is not to be replaced, or holds other files than this
            program writes; or its name cannot be.
    """
    with os_errors_as(
        OutputError, "the output cannot be looked at", where=output, fix="Check its name and its rights."
    ):
        if not output.exists():
            return
        if not output.is_dir():
            raise OutputError("the output is a file, not a folder", where=output, fix="Name another folder.")
        if os.path.ismount(output):
            raise OutputError("the output is where a disk is mounted", where=output, fix="Name a folder in it.")
        if source.exists() and output.samefile(source):
            raise OutputError("the output is the input", where=output, fix="Name another folder.")
        if Path.cwd().is_relative_to(output.resolve()):
            raise OutputError("the output is the folder you are in", where=output, fix="Name a folder below it.")
        names = {path.name for path in output.iterdir()}
        if names != {frame_name(number) for number in range(len(names))}:
            raise OutputError("the output folder holds other files", where=output, fix="Name a new or empty folder.")
        if names and not force:
            raise OutputError(
                "the output folder holds frames already", where=output, fix="Name another, or use --force."
            )


def frame_name(number: int) -> str:
    """The name of one image of a result: ``000000.png``, ``000001.png``, …"""
    return f"{number:06d}.png"
