"""The command `lift`: its list of commands, its exit codes, and one line for whatever a user can mend."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable

import pytest

from lift_core import __version__, cli
from lift_core.errors import SourceError


@pytest.fixture
def fake_command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[argparse.Namespace], int]], None]:
    """Put a command in the place of `lift demo` whose run is the given function."""

    def install(run: Callable[[argparse.Namespace], int]) -> None:
        module = types.ModuleType("lift_core.commands.demo")
        module.HELP = "a command for this test"  # type: ignore[attr-defined]
        module.configure = lambda parser: parser.add_argument("--number", type=int)  # type: ignore[attr-defined]
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)

    return install


def failing(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_and_parses_its_own_help(name: str, capsys: pytest.CaptureFixture[str]):
    command = cli.load_command(name)
    assert command.HELP
    assert "\n" not in command.HELP
    with pytest.raises(SystemExit) as stopped:
        cli.main([name, "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: lift {name}")


def test_help_lists_every_command_and_needs_nothing_but_python():
    """Neither torch nor any other package is imported, so that help works in a half-installed environment."""
    code = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.stdlib_module_names | {"lift_core"}:
            raise ModuleNotFoundError(f"blocked: {name}", name=name)
sys.meta_path.insert(0, Blocker())
from lift_core.cli import main
main(["--help"])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert [name for name in cli.COMMANDS if not re.search(rf"\n    {name}\s", result.stdout)] == []


def test_version_is_the_package_version(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"lift {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["paint"], ["demo", "--number", "x"]])
def test_wrong_arguments_exit_with_2(arguments: list[str], fake_command, capsys: pytest.CaptureFixture[str]):
    fake_command(lambda args: 0)
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err


def test_exit_code_is_the_command_own(fake_command):
    fake_command(lambda args: args.number)
    assert cli.main(["demo", "--number", "7"]) == 7


def test_lift_error_becomes_one_line_and_exit_code_2(fake_command, capsys: pytest.CaptureFixture[str]):
    fake_command(failing(SourceError("cannot open\nthe clip.", where="a.mp4", fix="Check the name.")))
    assert cli.main(["demo"]) == 2
    assert capsys.readouterr().err == "lift: cannot open the clip. [a.mp4] Check the name.\n"


def test_missing_package_becomes_one_line_with_advice(fake_command, capsys: pytest.CaptureFixture[str]):
    fake_command(failing(ModuleNotFoundError("No module named 'av.codec'", name="av.codec")))
    assert cli.main(["demo"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lift: the Python package 'av' is not installed.")
    assert "make setup" in line


def test_missing_module_of_our_own_is_not_disguised(fake_command):
    fake_command(failing(ModuleNotFoundError("No module named 'lift_core.x'", name="lift_core.x")))
    with pytest.raises(ModuleNotFoundError):
        cli.main(["demo"])


def test_programming_error_keeps_its_traceback(fake_command):
    fake_command(failing(ZeroDivisionError("a fault of ours")))
    with pytest.raises(ZeroDivisionError):
        cli.main(["demo"])


def test_interrupt_exits_with_130_and_no_traceback(fake_command, capsys: pytest.CaptureFixture[str]):
    fake_command(failing(KeyboardInterrupt()))
    assert cli.main(["demo"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_reader_that_leaves_early_causes_no_traceback():
    code = """
import sys, types
module = types.ModuleType("lift_core.commands.demo")
module.HELP, module.configure = "x", lambda parser: None
module.run = lambda args: print("\\n".join(map(str, range(200000)))) or 0
sys.modules[module.__name__] = module
from lift_core.cli import main
sys.exit(main(["demo"]))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "0\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=30) == 1


def test_a_path_that_the_terminal_cannot_show_is_no_error():
    code = """
import sys, types
module = types.ModuleType("lift_core.commands.demo")
module.HELP, module.configure = "", lambda parser: None
module.run = lambda args: print("\u732b.mp4: 2 frames in, 3 out") or 0
sys.modules[module.__name__] = module
from lift_core.cli import main
sys.exit(main(["demo"]))
"""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "\\u732b.mp4: 2 frames in, 3 out\n"
