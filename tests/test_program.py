"""Programs end with an exit code, and with one line where a user has to know why."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from lift_core.errors import ConfigError, OutputError, SourceError, os_errors_as
from lift_core.program import exit_code


def raising(error: BaseException) -> int:
    raise error


def test_the_code_is_that_of_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert [exit_code("name", lambda code=code: code) for code in (0, 1)] == [0, 1]
    assert capsys.readouterr().err == ""


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("name", lambda: raising(ConfigError("two\nlines", where="a\nb", fix="Mend it."))) == 2
    assert capsys.readouterr().err == "name: two lines [a b] Mend it.\n"


def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("name", lambda: raising(KeyboardInterrupt())) == 130
    assert exit_code("name", lambda: raising(KeyboardInterrupt()), stopped="all is kept") == 130
    assert capsys.readouterr().err == "name: stopped\nname: all is kept\n"


@pytest.mark.parametrize(
    "work",
    [
        lambda: np.empty(10**17),
        lambda: torch.empty(10**17),
        lambda: raising(torch.OutOfMemoryError("CUDA")),
        lambda: raising(cv2.error("error: (-4:Insufficient memory) Failed to allocate 119997600012 bytes")),
    ],
)
def test_no_memory_left_is_one_line(work: Callable[[], int], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("name", work) == 2
    assert capsys.readouterr().err.startswith("name: there is no memory left for this. Choose smaller")


def test_a_fault_of_the_program_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_code("name", lambda: 1 // 0)
    with pytest.raises(cv2.error, match="empty"):
        exit_code("name", lambda: len(cv2.cvtColor(np.empty((0, 0, 3), np.uint8), cv2.COLOR_RGB2GRAY)))
    with pytest.raises(RuntimeError, match="stack expects"):
        exit_code("name", lambda: len(torch.stack([torch.zeros(1), torch.zeros(2)])))


@pytest.mark.parametrize(
    ("work", "code"), [("print('x' * 1000000)", 1), ("print('\\udcff')", 0), ("print('\\udcff', flush=True)", 0)]
)
def test_output_that_nobody_reads_or_that_has_no_letters_is_no_crash(work: str, code: int) -> None:
    program = f"import sys; from lift_core.program import exit_code; sys.exit(exit_code('name', lambda: {work} or 0))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if code:
            process.stdout.close()
        assert process.wait(timeout=60) == code
        assert process.stderr.read() == b""


def test_errors_of_the_system_take_the_kind_that_is_asked_for() -> None:
    named = os_errors_as(SourceError, "cannot read", where="here", fix="Check it.")
    with pytest.raises(SourceError, match=r"cannot read: Permission denied \[here\] Check it\."), named:
        raise PermissionError(13, "Permission denied", "/there")
    with pytest.raises(OutputError, match="cannot write: no reason"), os_errors_as(OutputError, "cannot write"):
        raise OSError("no reason")
    with pytest.raises(ConfigError), os_errors_as(OutputError, "cannot write"):
        raise ConfigError("another error is left as it is")
