"""Tests of the evaluation on the layouts of public benchmarks: the right frames, the true times, T as it was seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lift_core.classical import blend
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.errors import ConfigError, DatasetError
from lift_core.inference.evaluate import EXACT_PSNR, evaluate
from lift_core.inference.evaluation_benchmarks import BENCHMARKS, benchmark_clips
from lift_core.inference.evaluation_rows import FrameRow
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.methods import BaselineMethod
from lift_core.metrics import psnr

Images = list[NDArray[np.uint8]]


def images(count: int, seed: int = 0) -> Images:
    clip = ProceduralClip(ClipConfig(frames=count, height=32, width=48, max_speed=3.0, seed=seed))
    return list(clip.frames(range(count)))


def put(folder: Path, names: list[str], frames: Images) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in zip(names, frames, strict=True):
        assert cv2.imwrite(str(folder / name), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))


def vimeo(root: Path, kind: str, count: int, clips: int = 2) -> list[Images]:
    places = [f"00001/{number:04d}" for number in range(1, clips + 1)]
    made = [images(count, seed) for seed in range(clips)]
    for place, frames in zip(places, made, strict=True):
        put(root / "sequences" / place, [f"im{n}.png" for n in range(1, count + 1)], frames)
    (root / f"{kind}_testlist.txt").write_text("\n".join(places) + "\n")
    return made


def ucf101(root: Path) -> list[Images]:
    made = [images(3, seed) for seed in range(2)]
    for number, frames in zip(("1", "11"), made, strict=True):
        put(root / number, ["frame_00.png", "frame_01_gt.png", "frame_02.png"], frames)
    return made


def snu_film(root: Path, level: str) -> list[Images]:
    frames = images(17)
    put(root / "test/GOPRO_test/GOPR0384", [f"{n:06d}.png" for n in range(17)], frames)
    lines = []
    for name, step in (("easy", 1), ("medium", 2), ("hard", 4), ("extreme", 8)):
        numbers = (8 - step, 8, 8 + step)
        (root / "eval_modes").mkdir(exist_ok=True)
        line = " ".join(f"data/SNU-FILM/test/GOPRO_test/GOPR0384/{n:06d}.png" for n in numbers)
        (root / "eval_modes" / f"test-{name}.txt").write_text(line + "\n")
        lines += [[frames[n] for n in numbers]] if name == level else []
    return lines


def x_test(root: Path) -> list[Images]:
    frames = images(33)
    put(root / "test/Type1/TEST01_003_f0433", [f"{n:04d}.png" for n in range(33)], frames)
    return [frames]


def frames_of(name: str, root: Path, method, **options) -> list[FrameRow]:
    found: list[FrameRow] = []
    evaluation = evaluate(benchmark_clips(name, root, **options), {"method": method}, on_frame=found.append)
    assert not evaluation.failures
    assert evaluation.means[0].psnr == pytest.approx(np.mean([row.psnr for row in found]))
    return found


def expected(clip: Images, first: int, hidden: int, second: int) -> float:
    made = blend(clip[first], clip[second], (hidden - first) / (second - first))
    return psnr(made, clip[hidden])


@pytest.mark.parametrize(
    ("name", "build", "places"),
    [
        ("vimeo-triplets", lambda root: vimeo(root, "tri", 3), [(0, 1, 2)]),
        ("vimeo-septuplets", lambda root: vimeo(root, "sep", 7), [(2, 3, 4)]),
        ("ucf101", ucf101, [(0, 1, 2)]),
        ("snu-film:easy", lambda root: snu_film(root, "easy"), [(0, 1, 2)]),
        ("snu-film:medium", lambda root: snu_film(root, "medium"), [(0, 1, 2)]),
        ("snu-film:hard", lambda root: snu_film(root, "hard"), [(0, 1, 2)]),
        ("snu-film:extreme", lambda root: snu_film(root, "extreme"), [(0, 1, 2)]),
        ("x-test", x_test, [(0, hidden, 32) for hidden in range(4, 32, 4)]),
    ],
)
def test_every_hidden_frame_is_made_from_its_references_at_its_time(tmp_path, name, build, places):
    assert name in BENCHMARKS
    clips = build(tmp_path)
    found = frames_of(name, tmp_path, BaselineMethod("blend"))
    assert [row.psnr for row in found] == pytest.approx([expected(clip, *place) for clip in clips for place in places])
    assert [row.frame for row in found] == [hidden for _ in clips for _, hidden, _ in places]
    assert [row.timestep for row in found] == pytest.approx(
        [(hidden - first) / (second - first) for _ in clips for first, hidden, second in places]
    )
    assert {row.context for row in found} == {2}


def test_lift_sees_all_that_a_septuplet_gives_and_says_how_many_that_are(tmp_path, lift):
    (clip,) = vimeo(tmp_path, "sep", 7, clips=1)
    (row,) = frames_of("vimeo-septuplets", tmp_path, LiftMethod(lift, context=4))
    given = torch.from_numpy(np.stack([clip[i] for i in (0, 2, 4, 6)])).permute(0, 3, 1, 2)[None] / 255
    with torch.inference_mode():
        made = lift(given, torch.tensor([[-1.5, -0.5, 0.5, 1.5]]), torch.ones(1, 4, dtype=torch.bool), 0.5).frame[0]
    assert row.psnr == pytest.approx(psnr(made, clip[3]), abs=1e-3)
    assert row.context == 4


@pytest.mark.parametrize(("context", "seen", "first"), [(6, 4, 0), (2, 2, 1)])
def test_more_context_than_is_given_is_masked_and_less_is_the_nearest(tmp_path, lift, context, seen, first):
    (clip,) = vimeo(tmp_path, "sep", 7, clips=1)
    (row,) = frames_of("vimeo-septuplets", tmp_path, LiftMethod(lift, context=context))
    even = [clip[i] for i in (0, 2, 4, 6)][first : first + seen]
    beyond = (context - seen) // 2
    shown = [even[0]] * beyond + even + [even[-1]] * beyond
    times = [i - 1.5 + first for i in range(seen)]
    times = [times[0]] * beyond + times + [times[-1]] * beyond
    valid = [False] * beyond + [True] * seen + [False] * beyond
    window = torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2)[None] / 255
    with torch.inference_mode():
        made = lift(window, torch.tensor([times]), torch.tensor([valid]), 0.5).frame[0]
    assert row.psnr == pytest.approx(psnr(made, clip[3]), abs=1e-3)
    assert row.context == seen


def test_a_triplet_shows_two_frames_whatever_the_context(tmp_path, lift):
    vimeo(tmp_path, "tri", 3)
    assert [row.context for row in frames_of("vimeo-triplets", tmp_path, LiftMethod(lift))] == [2, 2]


class Counting(BaselineMethod):
    """Counts the pairs that it prepares."""

    def __init__(self) -> None:
        super().__init__("blend")
        object.__setattr__(self, "pairs", [])

    def between(self, first, second, window):
        self.pairs.append(first)
        return super().between(first, second, window)


def test_frames_between_the_same_references_are_made_from_one_pair(tmp_path):
    x_test(tmp_path)
    method = Counting()
    (clip,) = benchmark_clips("x-test", tmp_path)
    assert len([hidden.pair.at(hidden.timestep) for hidden in clip.hidden(method)]) == 7
    assert len(method.pairs) == 1


def test_a_triplet_that_stands_still_counts(tmp_path):
    frames = [images(3)[0]] * 3
    put(tmp_path / "1", ["frame_00.png", "frame_01_gt.png", "frame_02.png"], frames)
    (row,) = frames_of("ucf101", tmp_path, BaselineMethod("blend"))
    assert row.psnr == EXACT_PSNR


def test_a_limit_takes_clips_from_all_over_the_list(tmp_path):
    vimeo(tmp_path, "tri", 3, clips=10)
    names = [clip.name for clip in benchmark_clips("vimeo-triplets", tmp_path, limit=2)]
    assert names == ["00001/0003", "00001/0008"]
    assert len(benchmark_clips("vimeo-triplets", tmp_path, limit=99)) == 10


def test_frames_are_scaled_where_that_is_asked_for(tmp_path):
    (clip,) = vimeo(tmp_path, "tri", 3, clips=1)
    (row,) = frames_of("vimeo-triplets", tmp_path, BaselineMethod("blend"), shorter_side=16)
    small = [cv2.resize(image, (24, 16), interpolation=cv2.INTER_AREA) for image in clip]
    assert row.psnr == pytest.approx(expected(small, 0, 1, 2))


def test_a_sample_that_cannot_be_read_is_missing_and_the_others_go_on(tmp_path):
    vimeo(tmp_path, "tri", 3)
    (tmp_path / "sequences/00001/0002/im2.png").unlink()
    found = evaluate(benchmark_clips("vimeo-triplets", tmp_path), {"blend": BaselineMethod("blend")})
    assert [row.clip for row in found.rows] == ["00001/0001"]
    assert "im2.png" in str(found.failures[0])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_another_layout_is_told_what_was_expected(tmp_path, name):
    with pytest.raises(DatasetError, match="Expected"):
        benchmark_clips(name, tmp_path)


@pytest.mark.parametrize("name", ["snu-film", "vimeo"])
def test_an_unknown_benchmark_is_told_the_known_ones(tmp_path, name):
    with pytest.raises(ConfigError, match="snu-film:extreme, x-test"):
        benchmark_clips(name, tmp_path)


def test_a_limit_of_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="limit of 0"):
        benchmark_clips("ucf101", tmp_path, limit=0)
