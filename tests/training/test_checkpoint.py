"""Checkpoints on disk: whole, pruned, and never a way to run code."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from lift_core.errors import CheckpointError, OutputError
from lift_core.training.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint


class Payload:
    """Would make a folder if a file of it were unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.target),))


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    tensor = torch.randn(4)
    path = save_checkpoint(tmp_path, 12, {"model": {"a": tensor}, "position": {"epoch": 1}}, keep=2)
    state = load_checkpoint(path)
    assert state["step"] == 12
    assert torch.equal(state["model"]["a"], tensor)
    assert state["position"] == {"epoch": 1}


def test_the_newest_are_kept_in_order_of_their_steps(tmp_path: Path) -> None:
    for step in (5, 10, 100, 1000):
        save_checkpoint(tmp_path, step, {}, keep=2)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000100.pt", "step-00001000.pt"]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_killed_run_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".step-00000007.4711.partial.pt").write_bytes(b"half")
    path = save_checkpoint(tmp_path, 8, {}, keep=2)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_save_leaves_the_old_checkpoint_and_no_rubbish(tmp_path: Path) -> None:
    good = save_checkpoint(tmp_path, 1, {"value": 1}, keep=1)
    with pytest.raises((TypeError, AttributeError)):
        save_checkpoint(tmp_path, 2, {"value": lambda: None}, keep=1)
    assert list(tmp_path.iterdir()) == [good]
    assert load_checkpoint(good)["value"] == 1


def _save_on_a_full_disk(folder: Path) -> None:
    """Save in a process whose files may hold 200 kB; exit code 7 says that the error was as it should be."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        save_checkpoint(folder, 2, {"value": torch.rand(100_000)}, keep=1)
    except OutputError as error:
        sys.exit(7 if "step-00000001.pt is intact" in str(error) and "too large" in str(error) else 8)


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_full_disk_leaves_the_last_checkpoint_and_says_so(tmp_path: Path) -> None:
    good = save_checkpoint(tmp_path, 1, {"value": 1}, keep=1)
    process = get_context("fork").Process(target=_save_on_a_full_disk, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == 7
    assert list(tmp_path.iterdir()) == [good]
    assert load_checkpoint(good)["value"] == 1


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(OutputError, match="run"):
        save_checkpoint(tmp_path / "run", 1, {}, keep=1)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "step-00000001.pt"
    torch.save({"version": 1, "step": 1, "model": Payload(tmp_path / "owned")}, path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"hello"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "step-00000001.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"step-00000001\.pt"):
        load_checkpoint(path)


def test_a_checkpoint_of_another_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "step-00000001.pt"
    torch.save({"version": 99}, path)
    with pytest.raises(CheckpointError, match="version 99"):
        load_checkpoint(path)
