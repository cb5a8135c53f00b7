"""`lift lab`: copies a lab to the student's folder and opens JupyterLab on it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from lift_core import course
from lift_core.course.labs import copy_lab, find_lab
from lift_core.errors import MissingDependencyError
from lift_core.workspace import repository_root, work_folder

HELP = "copy a lab to my_labs/ and open JupyterLab on it"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="LAB", help="number or name of the lab; the first one by default")
    parser.add_argument("--port", type=int, help="port for JupyterLab")
    parser.add_argument(
        "--jupyter", action="append", default=[], metavar="ARG", help="pass ARG to JupyterLab: --jupyter=--no-browser"
    )


def run(args: argparse.Namespace) -> int:
    root = repository_root()
    lab = find_lab(root / "labs", args.name)
    if lab is None:
        print(f"There are no labs in {root / 'labs'} yet; JupyterLab opens on the repository.")
        opened, folder = None, root
    else:
        copy = copy_lab(lab, work_folder())
        print(copy)
        opened, folder = copy.path, copy.path.parent
    command = jupyter_command(opened, args.port, args.jupyter)
    return hand_over(command, folder, jupyter_environment())


def jupyter_command(notebook: Path | None, port: int | None, extra: list[str]) -> list[str]:
    """Compose the command that opens JupyterLab, on ``notebook`` where one is given.

    Raises:
        MissingDependencyError: JupyterLab is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingDependencyError(
            "JupyterLab is not installed.", fix='Run `make setup`, or: pip install "lift-core[lab]"'
        )
    command = [sys.executable, "-m", "jupyterlab"]
    if port is not None:
        command += ["--port", str(port)]
    return command + extra + ([notebook.name] if notebook is not None else [])


def jupyter_environment() -> dict[str, str]:
    """The environment for JupyterLab: ours, with the course's own defaults in the path of its settings.

    The work folder is spelled out: kernels run in folders of their own, where a relative ``LIFT_WORK`` means another.

    The defaults keep JupyterLab from asking whether it may fetch news and from looking for updates, for which it has no
    option (``LabApp.news_url=None`` does not stop the question). What users set themselves stays above them.
    """
    settings = Path(course.__file__).parent / "jupyter"
    path = [str(settings), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    named = {"LIFT_WORK": str(work_folder())} if "LIFT_WORK" in os.environ else {}
    return {**os.environ, **named, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, path))}


def hand_over(command: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Run ``command`` in ``folder`` until it ends; Ctrl-C and a signal to this process reach it as if run by hand.

    On POSIX the command takes this process's place, so that this returns nowhere but on Windows, with its exit code.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.chdir(folder)
        os.execve(command[0], command, environment)
    return wait_for(subprocess.Popen(command, cwd=folder, env=environment))


def wait_for(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process to end and return its exit code; Ctrl-C, which reaches it too, is its to answer."""
    while True:
        with suppress(KeyboardInterrupt):
            return process.wait()
