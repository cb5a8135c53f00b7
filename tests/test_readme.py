"""Every command in the README is run here or, where it cannot be, held against the files and parsers it depends on.

The comment above a fenced block says how; CONTRIBUTING.md lists the comments. A block without one fails.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lift_core.cli import build_parser
from lift_core.data.clip_writer import write_image, write_sequence, write_video
from lift_core.data.procedural import ClipConfig, ProceduralClip
from tests.conftest import needs_program

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHELLS = {"bash", "sh", "shell", "console", "powershell", "bat", "cmd"}
KINDS = {"run", "file", "parsed"}
PARSED = {"make", "conda", "windows", "lift"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, how it is tested ("run", "file: x.py", "parsed: conda"; "" if unsaid), its text."""

    line: int
    language: str
    test: str
    text: str

    @property
    def kind(self) -> str:
        return self.test.partition(":")[0]

    @property
    def argument(self) -> str:
        return self.test.partition(":")[2].strip()


def blocks(text: str) -> list[Block]:
    """Find the fenced blocks of a Markdown text, each with the comment on the line above it."""
    found = []
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        fence = re.match(r"\s*```(.*)", line)
        if fence is None:
            continue
        if start is None:
            start = number
            continue
        above = "\n".join(lines[:start]).rstrip().splitlines()
        comment = re.fullmatch(r"\s*<!--\s*(.*?)\s*-->", above[-1]) if above else None
        language = lines[start].strip().removeprefix("```").strip()
        found.append(Block(start + 1, language, comment[1] if comment else "", "\n".join(lines[start + 1 : number])))
        start = None
    return found


def commands(text: str) -> Iterator[list[str]]:
    """Split a shell block into commands, each a list of words; comments, continuations and && are resolved."""
    for line in text.replace("\\\n", " ").replace(" && ", "\n").splitlines():
        words = shlex.split(line.replace("\\", "/"), comments=True)
        if words:
            yield words


def check_make(words: list[str]) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    subprocess.run(
        [needs_program("make"), "-n", *words], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )


def check_lift(words: list[str]) -> None:
    build_parser().parse_args(words)


def check_conda(words: list[str]) -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    match words:
        case ["env", "create" | "update", "-f" | "--file", name]:
            assert name == "environment.yml"
        case ["activate", name]:
            assert name == environment["name"]
        case ["run", "-n", name, *rest]:
            assert name == environment["name"]
            check_command(rest)
        case _:
            raise AssertionError(f"unknown: conda {words}")


def check_pip(words: list[str]) -> None:
    assert words[0] == "install", words
    for position, word in enumerate(words[1:], start=1):
        if word in ("-c", "-e", "--constraint", "--editable"):
            continue
        target = Requirement(word.replace(".", "lift-core", 1)) if word.startswith(".") else None
        if words[position - 1] in ("-c", "--constraint"):
            assert (ROOT / word).is_file(), word
        elif target is None:
            assert Requirement(word).name == PROJECT["name"], word
            assert Requirement(word).extras <= set(PROJECT["optional-dependencies"]), word
        else:
            assert target.extras <= set(PROJECT["optional-dependencies"]), word


def check_python(words: list[str]) -> None:
    match words:
        case [version, *rest] if re.fullmatch(r"-3(\.\d+)?", version):
            # The Windows launcher: py -3.11.
            assert version == "-3" or version[1:] in SpecifierSet(PROJECT["requires-python"])
            check_python(rest)
        case ["-m", "pip", *rest]:
            check_pip(rest)
        case ["-m", "venv", name]:
            assert name == ".venv"
        case ["-m", "pytest", *rest]:
            assert all((ROOT / word).exists() for word in rest if not word.startswith("-")), rest
        case ["-m", module, *_]:
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
        case [script, *rest]:
            subprocess.run([sys.executable, ROOT / script, "--help"], check=True, stdout=subprocess.DEVNULL)
            assert not rest or script != "setup_env.py" or rest == ["--only-opencv"], rest
        case _:
            raise AssertionError(f"unknown: python {words}")


def check_git(words: list[str]) -> None:
    assert words[0] == "clone", words


def check_cd(words: list[str]) -> None:
    assert len(words) == 1, words


def check_activate(words: list[str]) -> None:
    assert words in ([], [".venv/bin/activate"]), words


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "make": check_make,
    "lift": check_lift,
    "conda": check_conda,
    "pip": check_pip,
    "python": check_python,
    "python3": check_python,
    "py": check_python,
    "git": check_git,
    "cd": check_cd,
    "source": check_activate,
    "activate": check_activate,
    "Activate.ps1": check_activate,
}


def check_command(words: list[str]) -> None:
    """Hold one command against what it names: files, extras, environments, targets, options."""
    program = re.sub(r"^(\./)?\.venv/(bin|Scripts)/", "", words[0]).removesuffix(".exe")
    assert program in CHECKS, f"no way to check: {' '.join(words)}"
    CHECKS[program](words[1:])


@pytest.fixture(scope="module")
def readme() -> list[Block]:
    return blocks((ROOT / "README.md").read_text(encoding="utf-8"))


def test_every_block_of_commands_says_how_it_is_tested(readme: list[Block]):
    unsaid = [
        f"line {block.line}: {block.test or 'no comment above it'}"
        for block in readme
        if block.language in SHELLS | {"python", ""}
        and (block.kind not in KINDS or (block.kind == "parsed" and block.argument not in PARSED))
    ]
    assert unsaid == []


def test_every_way_to_set_up_is_there(readme: list[Block]):
    assert {"run", "parsed: make", "parsed: conda", "parsed: windows"} <= {block.test for block in readme}


def test_commands_that_cannot_run_here_name_what_exists(readme: list[Block]):
    for block in readme:
        if block.kind == "parsed":
            for words in commands(block.text):
                check_command(words)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that the README's commands run in: small inputs under the names that they use."""
    clip = ProceduralClip(ClipConfig(frames=9, height=64, width=96, seed=1))
    frames = [clip.frame(index) for index in range(len(clip))]
    for name, frame in (("a.png", frames[0]), ("b.png", frames[2])):
        write_image(tmp_path / name, frame)
    write_sequence(tmp_path / "my_frames", frames, len(frames))
    for name in ("clip_1", "clip_2"):
        write_sequence(tmp_path / "my_clips" / name, frames, len(frames))
    write_video(tmp_path / "my_video.mp4", frames)
    for name in ("data_scripts", "setup_env.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.timeout(240)
def test_commands_run_in_order(readme: list[Block], folder: Path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "LIFT_WORK": str(folder / "work"), "MPLBACKEND": "agg"}
    for block in readme:
        if block.kind == "file":
            (folder / block.argument).write_text(block.text + "\n", encoding="utf-8")
        elif block.kind == "run":
            program = [sys.executable, "-c"] if block.language == "python" else [shutil.which("bash") or "sh", "-ec"]
            result = subprocess.run(
                [*program, block.text], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert result.returncode == 0, f"README line {block.line}:\n{block.text}\n{result.stdout}{result.stderr}"


def test_blocks_are_found_with_their_comments():
    text = "intro\n\n<!-- run -->\n```bash\nlift doctor\n```\n\n```python\nx = 1\n```\n"
    assert blocks(text) == [Block(4, "bash", "run", "lift doctor"), Block(8, "python", "", "x = 1")]


def test_commands_are_split_without_comments_and_continuations():
    assert list(commands("# a\nlift demo \\\n  --x 1  # b\n\ncd x && .venv\\Scripts\\lift lab")) == [
        ["lift", "demo", "--x", "1"],
        ["cd", "x"],
        [".venv/Scripts/lift", "lab"],
    ]


@pytest.mark.parametrize(
    "command",
    [
        "make setup",
        "make test ARGS=-x",
        "conda env create -f environment.yml",
        "conda activate lift",
        "conda run -n lift lift doctor",
        "py -3.11 setup_env.py",
        ".venv/Scripts/lift start 0 --again",
        "pip install -c constraints.txt -e .[lab,test]",
        "python -m lift_core.course.build",
        "git clone URL lift-lab",
        "cd lift-lab",
    ],
)
def test_sound_commands_pass_the_check(command: str):
    check_command(shlex.split(command))


@pytest.mark.parametrize(
    "command",
    [
        "make coffee",
        "conda env create -f env.yml",
        "conda activate lab",
        "py -3.10 setup_env.py",
        "python no_such_script.py",
        "python setup_env.py --fast",
        "lift lab --no-such-option",
        "pip install -e .[gpu]",
        "pip install -c pins.txt -e .",
        "curl somewhere",
    ],
)
def test_unsound_commands_fail_the_check(command: str):
    with pytest.raises((AssertionError, subprocess.CalledProcessError, SystemExit)):
        check_command(shlex.split(command))
