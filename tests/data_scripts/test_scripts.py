"""Every script: help that names its arguments, light to start, the same as a program as when it is imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.clip_trees import write_clip
from tests.data_scripts.scripts import FOLDER, NAMES, load_script

EXPECTED = {
    "clean_runs",
    "extract_frames",
    "fetch_datasets",
    "make_clips",
    "make_video_list",
    "pack_shards",
    "pregenerate_augmentations",
    "verify_dataset",
}

# What each script calls when it begins to work, and arguments that lead there.
WORK = {
    "clean_runs": ("lift_core.cleaning._looked_at", []),
    "extract_frames": ("lift_core.commands.extract.run", ["video.mp4", "out"]),
    "fetch_datasets": ("lift_core.data.dataset_fetching.fetch_archives", ["vimeo90k_triplet", "--accept-licence"]),
    "make_clips": ("lift_core.data.procedural.ProceduralClip.frame", ["out"]),
    "make_video_list": ("lift_core.data.video_list.find_video_files", ["."]),
    "pack_shards": ("lift_core.data.discovery.find_clips", [".", "out"]),
    "pregenerate_augmentations": ("lift_core.data.discovery.find_clips", [".", "out"]),
    "verify_dataset": ("lift_core.data.verification_layouts.clips_to_verify", ["."]),
}


def test_all_scripts_are_here() -> None:
    assert set(NAMES) == EXPECTED


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_the_script_is_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = load_script(name)
    with pytest.raises(SystemExit) as end:
        script.main(["--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert "usage: " in printed
    summary = (script.__doc__ or "").splitlines()[0]
    assert " ".join(printed.split()).count(" ".join(summary.split())) == 1


@pytest.mark.parametrize("name", NAMES)
def test_unknown_arguments_are_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        load_script(name).main(["a", "b", "--no-such-option"])
    assert end.value.code == 2
    assert "--no-such-option" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_scripts_run_as_programs_from_anywhere(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--help"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"usage: {name}.py")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_scripts_show_progress(name: str) -> None:
    """By tqdm, in the script or in the command that it is a name of."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert "tqdm(" in text or "lift_core.commands import extract" in text


@pytest.mark.parametrize("name", NAMES)
def test_scripts_are_thin(name: str) -> None:
    """No classes: what can be reused lives in the package."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_ends_with_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    place, arguments = WORK[name]
    script = load_script(name)
    if name == "clean_runs":
        (tmp_path / "runs").mkdir()
        monkeypatch.setattr(script, "repository_root", lambda: tmp_path)
    monkeypatch.setattr(place, interrupted)
    monkeypatch.chdir(tmp_path)
    assert script.main(arguments) == 130
    # A progress bar has ended its own line.
    assert capsys.readouterr().err.rpartition("\n")[0].splitlines()[-1].startswith(f"{name}: stopped")


@pytest.mark.parametrize("name", NAMES)
def test_scripts_import_what_takes_time_where_ctrl_c_is_caught(name: str) -> None:
    load = f"from tests.data_scripts.scripts import load_script; load_script({name!r})"
    program = f"import sys; {load}; print(*{{'numpy', 'torch', 'cv2', 'av', 'tqdm'}} & set(sys.modules))"
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.split() == []


@pytest.mark.parametrize(
    ("name", "data"), [("make_clips", []), ("pack_shards", ["data"]), ("pregenerate_augmentations", ["data"])]
)
def test_a_folder_that_is_a_link_to_itself_is_one_line(
    name: str, data: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "data" / "0", 20)
    (tmp_path / "out").symlink_to("out")
    assert load_script(name).main([*data, "out"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"{name}: cannot write: ")
    assert (tmp_path / "out").is_symlink()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("make_video_list", ["clips/a.mp4", "--out"]), ("verify_dataset", ["clips", "--report"])],
)
def test_a_link_in_a_results_place_stays(
    name: str, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused unless forced; then what it leads to is written, which for a circle is nothing."""
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clips" / "0", 3)
    (tmp_path / "clips" / "a.mp4").write_bytes(b"not looked at")
    script = load_script(name)
    for link, target in (("circle", "circle"), ("nowhere", "there"), ("full", "file")):
        Path(link).symlink_to(target)
    Path("file").write_text("mine")
    for link in ("circle", "nowhere", "full"):
        assert script.main([*arguments, link]) == 2
        assert "exists" in capsys.readouterr().err
    assert script.main([*arguments, "circle", "--force"]) == 2
    assert "cannot write: Too many levels of symbolic links" in capsys.readouterr().err
    assert Path("file").read_text() == "mine"
    for link in ("nowhere", "full"):
        assert script.main([*arguments, link, "--force"]) in (0, 1)
    assert [Path(link).is_symlink() for link in ("circle", "nowhere", "full")] == [True] * 3
    assert Path("file").read_text() == Path("there").read_text() != "mine"


@pytest.mark.parametrize("name", ["make_video_list", "verify_dataset"])
def test_a_path_that_no_system_takes_is_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_script(name).main(["x" * 300]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert "cannot be looked at: File name too long" in errors[0]


@pytest.mark.parametrize(("name", "option"), [("make_video_list", "--out"), ("verify_dataset", "--report")])
def test_a_result_that_no_system_takes_is_told_before_any_work(
    name: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_script(name).main([str(tmp_path), option, "x" * 300]) == 2
    assert "cannot write: File name too long" in capsys.readouterr().err
