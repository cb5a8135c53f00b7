"""pack_shards: packed clips read back as they were, a second run keeps them, damage is found."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lift_core.data.discovery import find_clips
from lift_core.data.open_dataset import all_clips
from lift_core.data.open_source import open_source
from tests.data.clip_trees import write_clip
from tests.data_scripts.scripts import load_script


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("pack_shards")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for number in range(3):
        write_clip(tmp_path / "clips" / f"{number}", 4, shade=number)
    return tmp_path / "clips"


def test_packed_clips_hold_the_frames(
    script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "packed"
    assert script.main([str(clips), str(out), "--shard-mb", "0.01"]) == 0
    assert "3 written, 0 were there" in capsys.readouterr().out
    packed = find_clips(out, all_clips)
    assert len(packed) == 3
    for clip, folder in zip(packed, sorted(clips.iterdir()), strict=True):
        assert np.array_equal(open_source(clip.path).frames(range(4)), open_source(folder).frames(range(4)))
    assert script.main([str(clips), str(out), "--shard-mb", "0.01"]) == 0
    printed = capsys.readouterr()
    assert "0 written, 3 were there" in printed.out
    assert "3/3" in printed.err


@pytest.mark.parametrize("size", ["nan", "inf", "1e309", "0", "-1"])
def test_what_is_no_size_of_a_file_is_refused(
    size: str, script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(clips), str(tmp_path / "packed"), f"--shard-mb={size}"]) == 2
    assert capsys.readouterr().err.startswith("pack_shards: this is no size [--shard-mb")
    assert not (tmp_path / "packed").exists()


def test_frames_are_scaled_on_request(script: ModuleType, clips: Path, tmp_path: Path) -> None:
    assert script.main([str(clips), str(tmp_path / "packed"), "--size", "12x16"]) == 0
    (first, *_) = find_clips(tmp_path / "packed", all_clips)
    assert open_source(first.path).size == (12, 16)


def test_a_check_tells_damage_from_whole_files(
    script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "packed"
    script.main([str(clips), str(out)])
    assert script.main([str(out), "--check"]) == 0
    assert "all checksums hold" in capsys.readouterr().out
    (shard,) = out.glob("*.pack")
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    assert script.main([str(out), "--check"]) == 1
    assert "are not those that were packed" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--size", "12"], ["--shard-mb", "0"]])
def test_errors_are_one_line(
    options: list[str], script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(clips), str(tmp_path / "packed"), *options]) == 2
    assert script.main([str(tmp_path / "packed")]) == 2
    assert script.main([str(tmp_path / "absent"), str(tmp_path / "packed")]) == 2
    errors = capsys.readouterr().err
    assert errors.count("pack_shards: ") == 3


def test_other_settings_are_refused_unless_fresh(script: ModuleType, clips: Path, tmp_path: Path) -> None:
    arguments = [str(clips), str(tmp_path / "packed")]
    assert script.main(arguments) == 0
    assert script.main([*arguments, "--size", "12x16"]) == 2
    assert script.main([*arguments, "--size", "12x16", "--fresh"]) == 0
