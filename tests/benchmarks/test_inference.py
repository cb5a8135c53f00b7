"""The tables of inference: what is beside what, in small sizes."""

from __future__ import annotations

import shutil

import pytest

from lift_core.benchmarks import inference_methods, inference_streaming, inference_tiles
from lift_core.benchmarks.table import BenchOptions
from lift_core.commands.bench import SUITES

QUICK = BenchOptions(quick=True)


def test_a_stream_stands_beside_windows_encoded_anew() -> None:
    time, memory = inference_streaming.streaming(QUICK).rows
    assert time.beside == memory.beside == "the whole window anew"
    assert time.ratio == pytest.approx(time.beside_value / time.value)
    assert memory.ratio == pytest.approx(memory.beside_value / memory.value)


def test_a_streams_new_frame_encodes_two_frames_and_a_windows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from lift_core.model.encoder import FrameEncoder

    encoded: list[int] = []
    forward = FrameEncoder.forward
    monkeypatch.setattr(
        FrameEncoder, "forward", lambda self, frames: encoded.append(len(frames)) or forward(self, frames)
    )
    for prepare, expected in ((inference_streaming.next_of_stream, 2), (inference_streaming.whole_window, 6)):
        work, _ = prepare("lift_tiny", (32, 64))
        work()
        encoded.clear()
        work()
        assert sum(encoded) == expected


def test_all_methods_stand_beside_lift() -> None:
    rows = inference_methods.methods(QUICK).rows
    names = [row.what.partition(": ")[2] for row in rows]
    expected = ["lift_tiny, T=6", "quadratic", "dis", "blend"]
    assert names == (expected if shutil.which("ffmpeg") is None else [*expected, "ffmpeg minterpolate"])
    assert all(row.ratio == pytest.approx(rows[0].value / row.value) for row in rows[1:])


def test_tiles_stay_within_their_memory() -> None:
    rows = inference_tiles.tiles(QUICK).rows
    (memory,) = (row for row in rows if row.condition)
    assert memory.reached
    (apart,) = (row for row in rows if "difference" in row.what)
    assert apart.value <= 2


def test_the_suite_holds_them_all() -> None:
    modules = {name.partition(".")[0] for name in SUITES["inference"]}
    assert modules == {"inference_streaming", "inference_methods", "inference_tiles"}
