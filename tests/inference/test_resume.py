"""Tests of interruption: whatever ends a run, the next one goes on, and the result has the same bytes as in one go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from lift_core.data.clip_writer import write_sequence
from lift_core.data.folder_lock import folder_lock
from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.scene_cuts import find_cuts
from lift_core.errors import FrameReadError, OutputError
from lift_core.inference import video_files
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.methods import BaselineMethod
from tests.inference.video_clips import moving, write_clip

# Runs one command again and again, each time in a child that the system kills at a random moment of its CPU time, until
# one child ends by itself. Prints how many were killed.
KILLING = """
import os, random, signal, sys
from lift_core.cli import main
import lift_core.inference.interpolator
chance = random.Random(int(sys.argv[1]))
command = ["interpolate", *sys.argv[2:], "--method", "blend", "--quiet"]
killed = 0
while True:
    child = os.fork()
    if child == 0:
        # Without a handler this signal ends a process as SIGKILL does: nothing of it runs any more.
        if killed < 25:
            signal.setitimer(signal.ITIMER_PROF, chance.uniform(0.2, 1) * 0.004 * (killed + 1))
        os._exit(main(command))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status >= 0:
        print(killed)
        sys.exit(status)
    killed += 1
"""


class Interrupted(BaselineMethod):
    """A blend during which something happens."""

    def __init__(self, after: int, error: type[BaseException] = KeyboardInterrupt) -> None:
        super().__init__("blend")
        object.__setattr__(self, "left", [after])
        object.__setattr__(self, "error", error)

    def between(self, first, second, window):
        self.left[0] -= 1
        if self.left[0] < 0:
            raise self.error("it happened")
        return super().between(first, second, window)


def hidden_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def video(method, folder: Path, name: str = "out.mp4", **settings):
    return Interpolator.with_method(method).video(folder / "in.mp4", folder / name, progress=False, **settings)


def images(method, folder: Path, name: str = "out", **settings):
    return Interpolator.with_method(method).folder(folder / "in", folder / name, progress=False, **settings)


BLEND = BaselineMethod("blend")


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(video_files, "_PIECE", 8)


@pytest.fixture
def clip(tmp_path, small_pieces):
    write_clip(tmp_path / "in.mp4", moving(20, height=32, width=48), audio_seconds=0.6)
    return tmp_path


@pytest.fixture
def frames(tmp_path):
    write_sequence(tmp_path / "in", moving(12, height=32, width=48), 12)
    return tmp_path


def interrupted(make, folder: Path, after: int = 10, **settings) -> list[Path]:
    """Run until something happens, and return the parts that are left."""
    with pytest.raises(KeyboardInterrupt):
        make(Interrupted(after), folder, **settings)
    parts = folder / (".out.mp4.unfinished" if make is video else ".out.unfinished") / "parts"
    return sorted(parts.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("kind", "seed"), [("mp4", 1), ("folder", 3)])
def test_a_run_that_is_killed_at_any_moment_goes_on_and_ends_with_the_same_bytes(tmp_path, kind, seed):
    pictures = moving(70, height=32, width=48, cuts=1)
    write_sequence(tmp_path / "in", pictures, 70)
    write_clip(tmp_path / "in.mp4", pictures, audio_seconds=2.2)
    name = "out" if kind == "folder" else f"out.{kind}"
    source = tmp_path / ("in" if kind == "folder" else "in.mp4")
    once = tmp_path / f"once.{kind}"
    make = Interpolator("blend").folder if kind == "folder" else Interpolator("blend").video
    make(source, once, factor=3, progress=False)
    command = [sys.executable, "-c", KILLING, str(seed), str(source), str(tmp_path / name), "--factor", "3", "--force"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout.splitlines()[-1]) > 2
    assert "Traceback" not in ended.stderr
    assert hidden_in(tmp_path) == []
    if kind == "folder":
        assert [path.name for path in sorted((tmp_path / name).iterdir())] == [f"{k:06d}.png" for k in range(208)]
        assert all((once / path.name).read_bytes() == path.read_bytes() for path in (tmp_path / name).iterdir())
    else:
        assert (tmp_path / name).read_bytes() == once.read_bytes()


def test_two_runs_give_the_same_bytes_in_every_container(clip):
    for suffix in (".mp4", ".mov", ".mkv"):
        first, second = (video(BLEND, clip, name + suffix).path.read_bytes() for name in ("a", "b"))
        differing = [place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other]
        assert (len(first), differing) == (len(second), []), suffix


@pytest.mark.parametrize("make", [video, images])
@pytest.mark.parametrize("error", [KeyboardInterrupt, FrameReadError])
def test_what_is_done_is_kept_named_and_not_made_again(request, tmp_path, caplog, make, error):
    request.getfixturevalue("clip" if make is video else "frames")
    with pytest.raises(error):
        make(Interrupted(10, error), tmp_path)
    assert "the same command goes on from there" in caplog.text
    (work,) = hidden_in(tmp_path)
    assert work in caplog.text
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / work / "parts").iterdir()}
    assert len(before) == (2 if make is video else 21)
    # As many pairs as are left: one more would be one that was made before.
    rest = Interrupted(19 - 8 if make is video else 11 - 10)
    with pytest.raises(FrameReadError):
        make(Interrupted(0, FrameReadError), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    make(rest, tmp_path)
    assert rest.left == [0]
    assert hidden_in(tmp_path) == []


@pytest.mark.parametrize("after", [8, 13])
@pytest.mark.parametrize("setting", [{"factor": 2}, {"factor": 5}, {"fps": 47}, {"fps": 13}])
def test_a_video_that_went_on_has_the_bytes_of_one_in_one_go(clip, after, setting):
    video(BLEND, clip, "once.mp4", **setting)
    with suppress(KeyboardInterrupt):
        video(Interrupted(after), clip, **setting)
    video(BLEND, clip, force=True, **setting)
    assert (clip / "out.mp4").read_bytes() == (clip / "once.mp4").read_bytes()
    assert hidden_in(clip) == []


def test_a_model_sees_the_same_window_after_an_interruption(tmp_path, small_pieces, lift):
    pictures = moving(24, height=32, width=48, cuts=2, seed=3)
    write_clip(tmp_path / "in.mp4", pictures, pts=[20 * k + 7 * (k % 3) for k in range(24)])
    assert len(find_cuts(pictures)) == 2
    method = LiftMethod(lift)
    made = video(method, tmp_path, "once.mp4")
    assert made.cuts == 2

    class Stopping(LiftMethod):
        left = 0

        def between(self, first, second, window):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return super().between(first, second, window)

    stopping = Stopping(lift)
    for _ in range(3):
        stopping.left = 6
        with pytest.raises(KeyboardInterrupt):
            video(stopping, tmp_path)
    result = video(method, tmp_path)
    assert result.cuts == 2
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "once.mp4").read_bytes()


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"factor": 3}, "factor"), ({"fps": 50}, "factor, fps"), ({"crf": 30}, "crf"), ({"name": "dis"}, "method")],
)
def test_parts_of_other_settings_are_not_mixed_and_stay(clip, settings, named):
    parts = interrupted(video, clip)
    method = BaselineMethod("dis") if settings.pop("name", "") else BLEND
    with pytest.raises(OutputError, match=rf"unfinished result of another {named} is here.*--restart"):
        video(method, clip, **settings)
    assert all(part.exists() for part in parts)
    made = video(method, clip, restart=True, **settings)
    assert hidden_in(clip) == []
    video(method, clip, "once.mp4", **settings)
    assert made.path.read_bytes() == (clip / "once.mp4").read_bytes()


@pytest.mark.parametrize("make", [video, images])
def test_parts_of_a_source_that_has_changed_are_not_used(request, tmp_path, make):
    request.getfixturevalue("clip" if make is video else "frames")
    parts = interrupted(make, tmp_path)
    if make is video:
        write_clip(tmp_path / "in.mp4", moving(20, height=32, width=48, seed=5))
    else:
        (tmp_path / "in" / "im11.png").write_bytes((tmp_path / "in" / "im10.png").read_bytes())
    with pytest.raises(OutputError, match=f"another {'video' if make is video else 'images'} is here"):
        make(BLEND, tmp_path)
    assert all(part.exists() for part in parts)
    make(BLEND, tmp_path, restart=True)
    make(BLEND, tmp_path, "once.mp4" if make is video else "once")
    if make is video:
        assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "once.mp4").read_bytes()
    else:
        assert np.array_equal(ImageFolderSource(tmp_path / "out").frame(22), moving(11, height=32, width=48)[10])


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
@pytest.mark.parametrize("make", [video, images])
def test_a_damaged_part_is_made_again(request, tmp_path, make, damage):
    request.getfixturevalue("clip" if make is video else "frames")
    second = interrupted(make, tmp_path)[1]
    data = second.read_bytes()
    second.write_bytes({"truncated": data[: len(data) * 2 // 3], "garbage": b"?" * 3000, "empty": b""}[damage])
    make(BLEND, tmp_path)
    make(BLEND, tmp_path, "once.mp4" if make is video else "once")
    if make is video:
        assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "once.mp4").read_bytes()
    else:
        found, expected = (ImageFolderSource(tmp_path / name).frames(range(23)) for name in ("out", "once"))
        assert np.array_equal(found, expected)


def test_a_piece_that_was_coded_in_another_way_is_an_error(clip):
    first, second = interrupted(video, clip)[:2]
    write_clip(second, moving(8, height=32, width=48))
    with pytest.raises(OutputError, match=r"do not fit together.*--restart"):
        video(BLEND, clip)
    assert first.exists()
    assert not (clip / "out.mp4").exists()
    assert len(video(BLEND, clip, restart=True).path.read_bytes()) > 1000


@pytest.mark.parametrize("plan", ["{", "[]", "{}", "[" * 100_000])
def test_parts_whose_plan_is_lost_are_not_used(clip, plan):
    first = interrupted(video, clip)[0]
    (clip / ".out.mp4.unfinished" / "plan.json").write_text(plan)
    with pytest.raises(OutputError, match="--restart"):
        video(BLEND, clip)
    assert first.exists()


@pytest.mark.parametrize("make", [video, images])
def test_two_runs_do_not_make_one_result_at_a_time(request, tmp_path, make):
    request.getfixturevalue("clip" if make is video else "frames")
    parts = interrupted(make, tmp_path)
    before = {path: path.read_bytes() for path in parts}
    with folder_lock(parts[0].parent.parent):
        for restart in (False, True):
            with pytest.raises(OutputError, match=rf"another process \({os.getpid()}\) is writing here"):
                make(BLEND, tmp_path, restart=restart)
        assert {path: path.read_bytes() for path in parts} == before
    make(BLEND, tmp_path)
    assert hidden_in(tmp_path) == []


def test_what_a_killed_process_was_writing_does_not_end_up_in_a_folder(frames):
    parts = interrupted(images, frames)
    (parts[0].parent / ".000020.123-456.partial.png").write_bytes(b"half")
    made = images(BLEND, frames)
    assert [path.name for path in sorted(made.path.iterdir())] == [f"{k:06d}.png" for k in range(23)]


@pytest.mark.parametrize("make", [video, images])
def test_what_came_to_lie_in_the_outputs_place_meanwhile_is_not_lost(request, tmp_path, make):
    request.getfixturevalue("clip" if make is video else "frames")
    precious = tmp_path / "out.mp4" if make is video else tmp_path / "out" / "notes.txt"

    class Meanwhile(BaselineMethod):
        def between(self, first, second, window):
            precious.parent.mkdir(exist_ok=True)
            precious.write_text("precious")
            return super().between(first, second, window)

    with pytest.raises(OutputError, match="exists already" if make is video else "other files"):
        make(Meanwhile("blend"), tmp_path)
    assert precious.read_text() == "precious"
    precious.unlink()
    rest = Interrupted(0)
    make(rest, tmp_path)
    assert rest.left == [0]


def test_a_run_that_goes_on_shows_what_is_done(clip, capsys):
    interrupted(video, clip)
    Interpolator("blend").video(clip / "in.mp4", clip / "out.mp4")
    shown = capsys.readouterr().err
    assert "16/39" in shown.replace("\r", "\n").strip().splitlines()[0]
    assert "39/39" in shown
    assert "frame/s" in shown


def test_the_plan_says_what_the_parts_were_made_from(clip):
    interrupted(video, clip, fps="60000/1001")
    plan = json.loads((clip / ".out.mp4.unfinished" / "plan.json").read_text())
    assert (plan["factor"], plan["fps"], plan["crf"], plan["method"]) == (None, "60000/1001", 18, "blend")


def test_cuts_found_before_an_interruption_are_counted_once(tmp_path, small_pieces):
    settings = ClipConfig(frames=24, height=32, width=48, max_speed=2.0, cuts=2, seed=3)
    write_clip(tmp_path / "in.mp4", moving(24, height=32, width=48, cuts=2, seed=3))
    assert len(ProceduralClip(settings).cut_frames) == 2
    for after in (6, 6, 6):
        with pytest.raises(KeyboardInterrupt):
            video(Interrupted(after), tmp_path)
    assert video(BLEND, tmp_path).cuts == 2
