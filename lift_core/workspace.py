"""Where the course lives on a student's disk: the repository, its labs, and the folder for their own work."""

from __future__ import annotations

import os
from pathlib import Path

import lift_core
from lift_core.errors import ConfigError


def repository_root() -> Path:
    """Return the clone that the course runs in: the one installed from, else the one around the current folder.

    Raises:
        ConfigError: neither is a clone, as after an installation from a wheel.
    """
    package = Path(lift_core.__file__).resolve().parent
    current = Path.cwd()
    for folder in (package.parent, current, *current.parents):
        if (
            (folder / "pyproject.toml").is_file()
            and (folder / "lift_core").is_dir()
            and (folder / "Makefile").is_file()
        ):
            return folder
    raise ConfigError(
        "there is no course here: the installed package holds no labs.",
        where=current,
        fix="Clone the repository and run the command inside it.",
    )


def work_folder() -> Path:
    """Return the folder for what students write: the environment's ``LIFT_WORK``, else ``my_labs`` in the repository.

    The folder may not exist yet.

    Raises:
        ConfigError: ``LIFT_WORK`` is not set, and there is no repository (see `repository_root`).
    """
    named = os.environ.get("LIFT_WORK")
    return Path(named).expanduser().resolve() if named else repository_root() / "my_labs"
