"""Creates .venv beside this file and installs the pinned dependencies; needs only Python 3.11 or newer."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
NEEDED_BYTES = 3_000_000_000
FULL_BYTES = 200_000_000
EXTRAS = "lab,test,dev"
MISSING_LIBRARY_SIGNS = ("cannot open shared object file", "Library not loaded", "DLL load failed")


class SetupError(Exception):
    """A reason, in one line, why the set-up cannot go on, with what to do about it."""


def check_python(version: tuple[int, ...]) -> None:
    """Refuse a Python outside the tested range; ``version`` is (major, minor, …)."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        found, oldest, newest = (".".join(map(str, numbers)) for numbers in (version[:3], OLDEST, NEWEST))
        raise SetupError(
            f"This is Python {found}; LIFT Lab needs {oldest} to {newest}."
            " Name another one: make setup PYTHON=/path/to/python3.11"
        )


def check_venv_modules() -> None:
    """Refuse a Python that cannot make environments: Debian and Ubuntu ship those modules in a package of their own."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        minor = sys.version_info[1]
        raise SetupError(
            f"This Python lacks the module {' and '.join(missing)}, which makes environments."
            f" On Debian or Ubuntu: sudo apt-get install python3.{minor}-venv"
        )


def check_disk(free_bytes: int, folder: Path) -> None:
    """Refuse to start where the packages cannot fit."""
    if free_bytes < NEEDED_BYTES:
        raise SetupError(
            f"{folder} has {free_bytes / 1e9:.1f} GB free; the packages need {NEEDED_BYTES / 1e9:.0f} GB"
            " (up to 10 GB where torch comes with CUDA). Free some space and run the same command again."
        )


def venv_python(venv: Path) -> Path:
    """Return where an environment keeps its interpreter."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_usable(venv: Path) -> bool:
    """Tell whether ``venv`` has a pip and an interpreter of a tested version that still runs."""
    probe = f"import pip, sys; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    try:
        return subprocess.run([venv_python(venv), "-c", probe], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create_venv(venv: Path) -> None:
    """Make the environment, or make it anew where what is there cannot be used."""
    if is_usable(venv):
        return
    check_venv_modules()
    check_disk(shutil.disk_usage(venv.parent).free, venv.parent)
    print(f"Creating {venv} with Python {sys.version.split()[0]}", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=False).returncode != 0:
        raise SetupError(f"{venv} could not be created; the lines above say why.")


def install(python: Path, root: Path) -> None:
    """Install the package in ``root``, editable, with every dependency at its pinned version."""
    command: list[Path | str] = [
        python,
        "-m",
        "pip",
        "install",
        "-c",
        root / "constraints.txt",
        "-e",
        f"{root}[{EXTRAS}]",
    ]
    if subprocess.run(command, cwd=root, check=False).returncode != 0:
        raise SetupError(why_pip_failed([root, Path(tempfile.gettempdir())]))


def why_pip_failed(folders: list[Path]) -> str:
    """Tell a full disk, which pip's own words often hide, from any other failure."""
    for folder in folders:
        if shutil.disk_usage(folder).free < FULL_BYTES:
            return f"The disk of {folder} is full. Free some space and run the same command again."
    return "pip could not install the packages; its last lines above say why. Running the same command again goes on."


def opencv_failure(python: Path) -> str | None:
    """Try ``import cv2`` and return the last line of the error, or None where it works."""
    result = subprocess.run([python, "-c", "import cv2"], capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return None
    return (result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1]


def mend_opencv(python: Path) -> str | None:
    """Swap in opencv-python-headless where opencv-python lacks a library of the system (libGL on a bare Linux).

    Returns:
        A sentence that says what was done, or None where ``import cv2`` works as it is.
    """
    failure = opencv_failure(python)
    if failure is None:
        return None
    if not any(sign in failure for sign in MISSING_LIBRARY_SIGNS):
        raise SetupError(f"OpenCV is installed but cannot be imported: {failure}")
    version = installed_version(python, "opencv-python")
    pip: list[Path | str] = [python, "-m", "pip"]
    subprocess.run([*pip, "uninstall", "--yes", "opencv-python"], check=True)
    # Forced, since both packages own the same files: a headless one installed before has just lost its own.
    headless = f"opencv-python-headless=={version}"
    subprocess.run([*pip, "install", "--no-deps", "--force-reinstall", headless], check=True)
    still = opencv_failure(python)
    if still is not None:
        raise SetupError(f"OpenCV cannot be imported, with or without a display: {still}")
    return f"OpenCV: this machine lacks a library ({failure}), so {headless} replaces opencv-python {version}."


def installed_version(python: Path, package: str) -> str:
    """Ask the environment of ``python`` for a package's version."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def set_up(root: Path, venv: Path) -> None:
    """Do the whole set-up; run again, it changes only what has to change."""
    check_python(sys.version_info[:3])
    create_venv(venv)
    install(venv_python(venv), root)


def main() -> int:
    """Run the set-up and return the exit code: 0, or 1 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only-opencv", action="store_true", help="only check OpenCV in the environment of this Python, and mend it"
    )
    args = parser.parse_args()
    root = Path(__file__).resolve().parent
    python = Path(sys.executable) if args.only_opencv else venv_python(root / ".venv")
    try:
        if not args.only_opencv:
            set_up(root, root / ".venv")
        mended = mend_opencv(python)
    except SetupError as error:
        print(f"Set-up stopped. {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"Set-up stopped. A command failed: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    print(mended or "OpenCV: works as it is.")
    if not args.only_opencv:
        print(f"Set-up is complete. {python.parent / 'lift'} doctor tells what is there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
