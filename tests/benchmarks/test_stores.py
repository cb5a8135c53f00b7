"""The tables of stores have their rows, and what their notes say can be found in the numbers."""

from __future__ import annotations

import math
import os

import pytest

from lift_core.benchmarks import stores_features, stores_reading, stores_scales
from lift_core.benchmarks.table import BenchOptions, Table

QUICK = BenchOptions(quick=True)


def by_name(table: Table) -> dict[str, float]:
    assert all(math.isfinite(row.value) and row.value > 0 for row in table.rows)
    return {row.what: row.value for row in table.rows}


def test_every_kind_of_store_stands_beside_a_memory_copy() -> None:
    table = stores_reading.kinds(QUICK)
    values = by_name(table)
    assert list(values) == [
        "memory copy",
        "PNG",
        "JPEG, quality 95",
        "H.264, GOP 12",
        "raw file",
        "packed shard",
        "PNG, augmented",
        "packed shard, augmented",
        "pre-generated, augmented",
    ]
    for row in table.rows[1:]:
        assert row.beside == "memory copy"
        assert row.ratio == pytest.approx(row.value / values["memory copy"])
    notes = {row.what: row.note for row in table.rows}
    # 48x96 pixels of 3 bytes.
    assert notes["memory copy"] == notes["raw file"] == notes["packed shard"] == "14 kB a frame"


def test_scales_on_demand_stand_beside_all_at_once() -> None:
    before = dict(os.environ)
    table = stores_scales.scales(QUICK)
    assert dict(os.environ) == before
    values = by_name(table)
    aimed = [row for row in table.rows if row.wanted]
    assert [(row.what, row.wanted) for row in aimed] == [("10 scales, on demand", "≥ 70 % less")]
    assert aimed[0].reached == (values["10 scales, on demand"] <= 0.3 * values["10 scales, all at once"])
    assert aimed[0].ratio == pytest.approx(values["10 scales, all at once"] / values["10 scales, on demand"])
    # Four clips at all scales are there at once.
    whole = 4 * 3 * 3 * 128 * 224 * 4 * sum(scale**2 for scale in stores_scales.TEN_SCALES)
    assert values["10 scales, all at once"] * 1e6 > 0.9 * whole


def test_an_epoch_with_a_cache_stands_beside_one_without() -> None:
    values = by_name(stores_features.cache(QUICK))
    assert list(values) == [
        "without a cache",
        "first epoch, float32",
        "later epochs, float32",
        "first epoch, float16",
        "later epochs, float16",
        "on disk, float32",
        "on disk, float16",
    ]
    # 4x6 features of a frame of 64x96, besides a header.
    assert 1 < values["on disk, float32"] / values["on disk, float16"] < 2


def test_the_cache_serves_what_the_encoder_makes(tmp_path) -> None:
    import torch

    from lift_core.data.clip_writer import write_sequence
    from lift_core.data.procedural import ClipConfig, ProceduralClip

    clip = ProceduralClip(ClipConfig(frames=7, height=64, width=96))
    write_sequence(tmp_path / "clip", (clip.frame(index) for index in range(7)), 7)
    epoch = stores_features._Epoch(tmp_path, 7)
    assert epoch.windows == 1
    epoch.first("float32")
    epoch.first("float16")
    assert 0 < epoch.largest_error() < 1e-3
    cached = epoch._cache("float32").features(epoch._source, [2], epoch._encode)["s16"]
    frame = torch.from_numpy(epoch._source.frame(2)).permute(2, 0, 1)[None].contiguous() * torch.tensor(1 / 255)
    assert torch.allclose(cached, epoch._encode(frame)["s16"], atol=1e-5)
