"""Tests of `lift evaluate` as it is typed: its forms, its files, its exit codes, and what it says of bad input."""

from __future__ import annotations

import csv
import json
import wave

import cv2
import pytest

from lift_core.cli import main
from lift_core.data.clip_writer import write_sequence, write_video
from lift_core.data.procedural import ClipConfig, ProceduralClip


@pytest.fixture
def clips(tmp_path):
    """Two tiny clips: a video and a folder of images."""
    frames = ProceduralClip(ClipConfig(frames=5, height=32, width=48, max_speed=3.0)).frames(range(5))
    write_video(tmp_path / "clips" / "a.mp4", frames)
    write_sequence(tmp_path / "clips" / "b", frames, 5)
    return tmp_path / "clips"


@pytest.fixture
def ucf101(tmp_path):
    """A benchmark of three triplets."""
    for number in ("1", "2", "3"):
        folder = tmp_path / "ucf101" / number
        folder.mkdir(parents=True)
        frames = ProceduralClip(ClipConfig(frames=3, height=32, width=48, max_speed=3.0, seed=int(number)))
        for name, frame in zip(("frame_00", "frame_01_gt", "frame_02"), frames.frames(range(3)), strict=True):
            cv2.imwrite(str(folder / f"{name}.png"), frame)
    return tmp_path / "ucf101"


def rows_of(path):
    return json.loads(path.read_text())["rows"]


def test_everything_that_can_be_asked_for_is_written(clips, tmp_path, capsys):
    out = tmp_path / "out"
    files = [
        *("--json", str(out / "r.json"), "--csv", str(out / "r.csv")),
        *("--frames", str(out / "f.csv"), "--figure", str(out / "f.png")),
    ]
    assert main(["evaluate", str(clips), "--methods", "blend", "dis", "--size", "16", *files]) == 0
    lines, table, motion = capsys.readouterr().out.split("\n\n")
    assert any(line.startswith("a.mp4: blend, T=2: ") for line in lines.splitlines())
    assert table.count("mean of clips") == 2
    assert "motion" in motion.splitlines()[0]
    assert "Hidden frames that blend made worst and best" in motion
    rows = rows_of(out / "r.json")
    assert {(row["clip"], row["method"], row["context"]) for row in rows} == {
        (clip, method, 2) for clip in ("a.mp4", "b", "mean of clips", "all frames") for method in ("blend", "dis")
    }
    assert len(list(csv.DictReader((out / "r.csv").open()))) == len(rows)
    assert len(list(csv.DictReader((out / "f.csv").open()))) == 2 * 2 * 2
    assert (out / "f.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in out.iterdir()) == ["f.csv", "f.png", "r.csv", "r.json"]


@pytest.mark.parametrize(
    "words",
    [
        ["CLIP", "--methods", "blend", "dis"],
        ["CLIP", "--methods", "blend,dis"],
        ["CLIP", "--methods", "blend", "--methods", "dis"],
        ["--methods", "blend,dis", "CLIP"],
        ["--methods", "blend", "dis", "CLIP"],
        ["--methods", "blend,dis", "--size", "16", "CLIP"],
        ["--methods", "blend", "CLIP", "--methods", "dis"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("clip", ["a.mp4", "b", "."])
def test_methods_and_clips_are_told_apart_in_any_order(clips, tmp_path, words, clip):
    arguments = [str(clips / clip) if word == "CLIP" else word for word in words]
    assert main(["evaluate", *arguments, "--json", str(tmp_path / "r.json")]) == 0
    config = json.loads((tmp_path / "r.json").read_text())["config"]
    assert (config["methods"], config["clips"]) == (["blend", "dis"], [str(clips / clip)])


def test_the_context_is_a_list_too_and_names_the_rows(clips, tmp_path):
    arguments = ["--methods", "lift_tiny,blend", "--context", "2,4", "--max-frames", "3", "--json"]
    assert main(["evaluate", str(clips / "b"), *arguments, str(tmp_path / "r.json")]) == 0
    labels = [row["method"] for row in rows_of(tmp_path / "r.json") if row["clip"] == "b"]
    assert labels == ["lift_tiny T=2", "lift_tiny T=4", "blend"]


def test_what_was_asked_can_be_read_from_the_file(clips, tmp_path):
    arguments = ["--methods", "blend", "--context", "2,4", "--device", "cpu", "--memory", "2GB", "--parallel", "--json"]
    assert main(["evaluate", str(clips / "b"), *arguments, str(tmp_path / "r.json")]) == 0
    assert json.loads((tmp_path / "r.json").read_text())["config"] == {
        "benchmark": None,
        "clips": [str(clips / "b")],
        "methods": ["blend"],
        "context": [2, 4],
        "max_frames": None,
        "shorter_side": None,
        "limit": None,
        "device": "cpu",
        "precision": "fp32",
        "memory": 2 * 10**9,
        "self_ensemble": "none",
        "parallel": True,
    }


def test_files_that_exist_are_replaced_only_where_that_is_asked_for(clips, tmp_path, capsys):
    (tmp_path / "r.csv").write_text("of yesterday")
    arguments = ["evaluate", str(clips / "b"), "--methods", "blend", "--csv", str(tmp_path / "r.csv")]
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "r.csv").read_text() == "of yesterday"
    assert main([*arguments, "--force"]) == 0
    assert {row["clip"] for row in csv.DictReader((tmp_path / "r.csv").open())} == {"b", "mean of clips", "all frames"}


def test_too_little_memory_is_told_once_and_ends_the_run(clips, capsys):
    assert main(["evaluate", str(clips), "--methods", "lift_tiny", "dis", "--memory", "1MB"]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("do not hold what lift_tiny needs") == 1
    assert "--memory" in shown.err
    assert "missing" not in shown.out


def test_a_benchmark_has_a_row_for_each_clip_in_the_files_and_for_all_in_the_table(ucf101, tmp_path, capsys):
    arguments = ["--benchmark", "ucf101", str(ucf101), "--methods", "blend,dis", "--json", str(tmp_path / "r.json")]
    assert main(["evaluate", *arguments]) == 0
    table = capsys.readouterr().out
    assert [row["clip"] for row in rows_of(tmp_path / "r.json") if row["method"] == "dis"][:4] == [
        *"123",
        "mean of clips",
    ]
    assert table.count("\nmean of clips") == 2
    assert not any(line.startswith(("1 ", "2 ", "3 ", "1:", "2:", "3:")) for line in table.splitlines())


def test_a_limit_and_a_size_serve_a_benchmark(ucf101, tmp_path):
    arguments = ["--benchmark", "ucf101", str(ucf101), "--limit", "1", "--size", "16", "--methods", "blend"]
    assert main(["evaluate", *arguments, "--json", str(tmp_path / "r.json")]) == 0
    assert [row["clip"] for row in rows_of(tmp_path / "r.json")[:2]] == ["2", "mean of clips"]


def test_the_figure_can_be_of_another_method(clips, tmp_path, capsys):
    arguments = ["--methods", "blend,dis", "--figure", str(tmp_path / "f.png"), "--figure-method", "dis"]
    assert main(["evaluate", str(clips / "b"), *arguments]) == 0
    assert "Hidden frames that dis made worst" in capsys.readouterr().out


def test_a_clip_that_cannot_be_read_is_missing_and_the_exit_code_says_so(clips, tmp_path, capsys):
    (clips / "broken.mp4").write_bytes(b"no video")
    whole = (clips / "a.mp4").read_bytes()
    (clips / "0_short.mp4").write_bytes(whole[: len(whole) // 3])
    files = ["--json", str(tmp_path / "r.json"), "--figure", str(tmp_path / "f.png")]
    assert main(["evaluate", str(clips), "--methods", "blend", *files]) == 1
    shown = capsys.readouterr()
    assert "2 clips are missing from the means" in shown.out
    assert "lift: broken.mp4, blend: " in shown.err
    loaded = json.loads((tmp_path / "r.json").read_text())
    assert sorted(loaded["missing"]) == ["0_short.mp4", "broken.mp4"]
    assert {row["clip"] for row in loaded["rows"]} == {"a.mp4", "b", "mean of clips", "all frames"}


def test_a_file_without_a_video_stream_is_missing(clips, tmp_path, capsys):
    sound = tmp_path / "sound.mkv"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    assert main(["evaluate", str(clips / "b"), str(sound), "--methods", "blend"]) == 1
    assert "no video stream" in capsys.readouterr().err


def test_what_was_found_before_an_interruption_is_on_the_disk(clips, tmp_path, monkeypatch):
    calls = []

    def interrupted(*pair):
        calls.append(pair)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return 0.9

    monkeypatch.setattr("lift_core.inference.evaluate.ssim", interrupted)
    named = {option: tmp_path / name for option, name in (("json", "r.json"), ("csv", "r.csv"), ("frames", "f.csv"))}
    files = [word for option, path in named.items() for word in (f"--{option}", str(path))]
    assert main(["evaluate", str(clips), "--methods", "blend,dis", *files]) == 130
    assert [row["method"] for row in rows_of(named["json"])] == ["blend", "dis"]
    assert len(list(csv.DictReader(named["csv"].open()))) == 2
    assert len(list(csv.DictReader(named["frames"].open()))) == 5


def test_where_nothing_could_be_compared_no_figure_is_drawn(tmp_path, capsys):
    frames = ProceduralClip(ClipConfig(frames=2, height=32, width=48)).frames(range(2))
    write_sequence(tmp_path / "short", frames, 2)
    assert main(["evaluate", str(tmp_path / "short"), "--methods", "blend", "--figure", str(tmp_path / "f.png")]) == 1
    shown = capsys.readouterr().out
    assert "fewer than three frames" in shown
    assert "not drawn" in shown
    assert not (tmp_path / "f.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{tmp}/none --methods blend", "does not exist"),
        ("{clips}/a.mp4 {tmp}/empty --methods blend", "no clips were found"),
        ("--methods blend,dis", "no clip is named"),
        ("{clips}/a.mp4 --methods {clips}/b", "names no method"),
        ("{clips}/a.mp4 --methods blnd", "no weights here [blnd]"),
        ("--methods blend {tmp}/none.mp4", "does not exist"),
        ("{clips}/a.mp4 --methods {tmp}/empty", "no weights here"),
        ("--context 2 {clips}/a.mp4", "--context takes numbers"),
        ("--benchmark snu-film {clips}", "snu-film:easy"),
        ("--benchmark ucf101 {clips}", "this is not the benchmark's layout"),
        ("--benchmark ucf101 {clips} {tmp}", "a benchmark is one folder"),
        ("--benchmark ucf101 {clips} --max-frames 9", "--limit N"),
        ("{clips}/a.mp4 --limit 3", "--max-frames N"),
        ("{clips}/a.mp4 --max-frames 2", "hide none"),
        ("{clips}/a.mp4 --methods blend --csv {tmp}/r.csv --frames {tmp}/r.csv", "name one file"),
        ("{clips}/a.mp4 --methods blend --json {tmp}/empty", "--json writes a .json file"),
        ("{clips}/a.mp4 --methods blend --json {clips}/a.mp4/r.json", "cannot write"),
        ("--methods blend {clips}/a.mp4 --csv {clips}/a.mp4", "is one of the clips"),
        ("{clips}/b --methods blend --figure {clips}/b/im03.png --force", "in a folder that is evaluated"),
        ("{clips} --methods blend --figure {clips}/b/new.png", "among the images of a clip"),
        ("{clips}/a.mp4 --methods blend --figure-method dis", "without --figure"),
        ("{clips}/a.mp4 --methods blend --figure {tmp}/f.png --figure-method dis", "none of the methods"),
    ],
)
def test_bad_input_is_told_in_one_line_before_the_work(clips, tmp_path, capsys, arguments, message):
    (tmp_path / "empty").mkdir()
    before = sorted(path for path in tmp_path.rglob("*"))
    assert main(["evaluate", *arguments.format(clips=clips, tmp=tmp_path).split()]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "\n" not in shown.err.strip()
    assert shown.out == ""
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_five_methods_do_not_fit_the_figure(clips, tmp_path, capsys):
    contexts = ["--methods", "lift_tiny", "--context", "2,4,6,8,10", "--figure", str(tmp_path / "f.png")]
    assert main(["evaluate", str(clips / "b"), *contexts]) == 2
    assert "room for 4 methods" in capsys.readouterr().err


def test_help_shows_the_forms_and_the_benchmarks(capsys):
    from lift_core.inference.evaluation_benchmarks import BENCHMARKS

    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name in (*BENCHMARKS, "--methods lift_tiny,dis a.mp4", "exit code is 1"):
        assert name in shown
