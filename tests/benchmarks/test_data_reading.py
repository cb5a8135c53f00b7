"""The tables of reading have their rows, and a naive sample is what ours is."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lift_core.benchmarks import data_reading
from lift_core.benchmarks.table import BenchOptions
from lift_core.data.frame_sequences import FrameSequenceDataset
from lift_core.data.window import FrameWindow
from tests.data.clip_trees import write_clip

QUICK = BenchOptions(quick=True)


@pytest.mark.parametrize("bench", [data_reading.image_kinds, data_reading.image_kinds_sharp])
def test_every_kind_of_file_has_its_row(bench) -> None:
    rows = bench(QUICK).rows
    assert [row.what for row in rows][2:] == ["PNG", "PNG", "JPEG, quality 95", "H.264, GOP 12", "raw"]
    assert all(math.isfinite(row.value) and row.value > 0 for row in rows)
    assert [row.wanted for row in rows if row.wanted] == (
        ["≥ 0.9", "≥ 1.5", "≥ 6", "≥ 12"] if bench is data_reading.image_kinds else []
    )


def test_decoders_stand_beside_each_other() -> None:
    pytest.importorskip("simplejpeg")
    opencv, simplejpeg = data_reading.jpeg_decoders(QUICK).rows
    assert simplejpeg.ratio == pytest.approx(opencv.value / simplejpeg.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks and tells private memory")
def test_a_list_of_paths_grows_and_the_table_does_not() -> None:
    listed, packed = data_reading.path_table(QUICK).rows
    assert listed.value > 1 > packed.value
    assert packed.holds


def test_the_naive_way_reads_the_same_frames(tmp_path: Path) -> None:
    paths = sorted(write_clip(tmp_path / "c", 3).iterdir())
    sample = FrameSequenceDataset(tmp_path, FrameWindow.consecutive(3), split="all")[0]
    seen = {
        bytes((data_reading.naive_sample(paths, np.random.default_rng(seed)) * 255).byte().numpy())
        for seed in range(30)
    }
    clip = torch.stack([sample["frames"][0], sample["gt"], sample["frames"][1]])
    assert bytes((clip * 255).round().byte().numpy()) in seen
    assert len(seen) == 8
