"""The cache serves what the encoder made, never another's, within its bounds, whatever is killed or damaged."""

from __future__ import annotations

import json
import logging
import os
import pickle
import random
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lift_core.data import checked_tensors
from lift_core.data import feature_cache as module
from lift_core.data.checked_tensors import read_tensors
from lift_core.data.feature_cache import FeatureCache
from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.raw_clip import RawClipSource, write_raw_clip
from lift_core.data.source import Crop, FrameSource
from lift_core.errors import ConfigError, DatasetError, FrameReadError, OutputError, ShapeError
from tests.data.clip_trees import ArraySource, coordinate_clip, write_clip

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and limits of a process")
# Of one entry of Encoder for 24x32 pixels in float32: 3 values a pixel and 3 for one point.
ENTRY = (24 * 32 * 3 + 3) * 4


class Encoder:
    """Two features of each frame; counts what it is asked for."""

    def __init__(self, factor: float = 1 / 3) -> None:
        self.factor = factor
        self.asked: list[int] = []

    def __call__(self, frames: Tensor) -> dict[str, Tensor]:
        self.asked.append(len(frames))
        return {"fine": frames * self.factor, "point": frames[:, :, 5, 6] * self.factor}


@pytest.fixture
def clip(tmp_path: Path) -> ImageFolderSource:
    return ImageFolderSource(write_clip(tmp_path / "clip", 8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def expected(source: FrameSource, indices, factor: float = 1 / 3, **where) -> dict[str, Tensor]:
    frames = torch.from_numpy(source.frames(indices, **where)).permute(0, 3, 1, 2).float() * (1 / 255)
    return {"fine": frames * factor, "point": frames[:, :, 5, 6] * factor}


def assert_equal(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name].dtype == theirs[name].dtype
        assert torch.equal(ours[name], theirs[name])


def entries(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def test_it_serves_what_the_encoder_made_and_asks_once_for_each_frame(clip: FrameSource, folder: Path) -> None:
    encoder, cache = Encoder(), FeatureCache(folder, "w", dtype=torch.float32)
    assert_equal(cache.features(clip, [3, 1, 3], encoder), expected(clip, [3, 1, 3]))
    assert_equal(cache.features(clip, [1, 4, 3, 0], encoder), expected(clip, [1, 4, 3, 0]))
    assert encoder.asked == [2, 2]
    assert (cache.hits, cache.misses, cache.damaged) == (2, 4, 0)
    assert cache.features(clip, [], encoder) == {}


def test_a_frame_that_is_found_is_not_read(clip: ImageFolderSource, folder: Path) -> None:
    cache = FeatureCache(folder, "w")
    first = cache.features(clip, [2], Encoder())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageFolderSource, "frames", lambda *_, **__: pytest.fail("read"))
        assert_equal(cache.features(clip, [2], Encoder()), first)


@pytest.mark.parametrize("asked", [torch.float16, torch.float32])
@pytest.mark.parametrize("stored", [torch.float16, torch.float32])
def test_the_first_answer_has_the_bits_of_later_ones_in_the_dtype_asked_for(
    clip: FrameSource, folder: Path, stored: torch.dtype, asked: torch.dtype
) -> None:
    caches = [FeatureCache(folder, "w", dtype=stored) for _ in range(2)]
    first, later = (cache.features(clip, [5], Encoder(), dtype=asked) for cache in caches)
    assert_equal(first, later)
    assert_equal(first, {name: each.to(stored).to(asked) for name, each in expected(clip, [5]).items()})
    assert caches[1].hits == 1


def test_half_precision_takes_half_the_room(clip: FrameSource, folder: Path) -> None:
    sizes = []
    for dtype in (torch.float16, torch.float32):
        FeatureCache(folder / str(dtype), "w", dtype=dtype).features(clip, [0], Encoder())
        sizes.append(entries(folder / str(dtype))[0].stat().st_size)
    assert sizes[1] - sizes[0] == ENTRY // 2


def test_features_too_large_for_half_precision_are_refused(clip: FrameSource, folder: Path) -> None:
    with pytest.raises(ShapeError, match="beyond float16"):
        FeatureCache(folder, "w").features(clip, [0], Encoder(1e7))
    assert not entries(folder)
    infinite = FeatureCache(folder, "w").features(clip, [0], Encoder(float("inf")))
    assert infinite["point"].isinf().any()


def test_whatever_decides_the_features_has_an_entry_of_its_own(tmp_path: Path, folder: Path) -> None:
    write_raw_clip(tmp_path / "a.npy", coordinate_clip(4, 24, 32), 4)
    write_raw_clip(tmp_path / "b.npy", 255 - coordinate_clip(4, 24, 32), 4)
    first, other = RawClipSource(tmp_path / "a.npy"), RawClipSource(tmp_path / "b.npy")
    asks = [
        ("w", torch.float32, first, 1, {}),
        ("another encoder", torch.float32, first, 1, {}),
        ("w", torch.float16, first, 1, {}),
        ("w", torch.float32, other, 1, {}),
        ("w", torch.float32, first, 2, {}),
        ("w", torch.float32, first, 1, {"crop": Crop(0, 0, 12, 12)}),
        ("w", torch.float32, first, 1, {"crop": Crop(2, 0, 12, 12)}),
        ("w", torch.float32, first, 1, {"size": (12, 12)}),
    ]
    for round_ in range(2):
        for number, (weights, dtype, source, index, where) in enumerate(asks):
            cache, factor = FeatureCache(folder, weights, dtype=dtype), (number + 1) / 100
            found = cache.features(source, [index], Encoder(factor), **where)
            wanted = expected(source, [index], factor, **where)
            assert_equal(found, {name: each.to(dtype).float() for name, each in wanted.items()})
            assert (cache.hits, cache.misses) == ((0, 1) if round_ == 0 else (1, 0))
    assert len(entries(folder)) == len(asks)


def test_a_clip_that_changed_is_computed_anew(tmp_path: Path, folder: Path) -> None:
    path, cache = tmp_path / "a.npy", FeatureCache(folder, "w")
    for shade in (0, 9):
        write_raw_clip(path, coordinate_clip(4, 24, 32) + np.uint8(shade), 4)
        found = cache.features(RawClipSource(path), [0], Encoder(1.0))
        assert found["fine"][0, 0, 0, 0] == pytest.approx(shade / 255, abs=1e-4)


def test_a_clip_without_a_fingerprint_is_known_by_its_pixels(folder: Path) -> None:
    cache, pixels = FeatureCache(folder, "w"), coordinate_clip(4, 24, 32)
    first = cache.features(Sized(pixels), [0, 3], Encoder())
    assert_equal(cache.features(Sized(pixels.copy()), [0, 3], Encoder()), first)
    assert cache.hits == 2
    cache.features(Sized(pixels + np.uint8(1)), [0], Encoder())
    assert cache.misses == 3


class Sized(ArraySource):
    """An ArraySource whose frames are never scaled."""

    def frames(self, indices, *, crop=None, size=None):
        return super().frames(indices, crop=crop)


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    spoilt = {
        "cut": whole[:-7],
        "empty": b"",
        "bit": whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:],
        "text": b"hello",
    }
    path.write_bytes(spoilt[how])


@pytest.mark.parametrize("how", ["cut", "empty", "bit", "text"])
def test_a_damaged_entry_is_told_and_computed_anew(
    clip: FrameSource, folder: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    cache.features(clip, [2], Encoder())
    damage(entries(folder)[0], how)
    assert_equal(cache.features(clip, [2], Encoder()), expected(clip, [2]))
    assert (cache.damaged, cache.misses, cache.hits) == (1, 2, 0)
    assert "features are computed anew" in caplog.text
    assert_equal(cache.features(clip, [2], Encoder()), expected(clip, [2]))
    assert (cache.damaged, cache.hits) == (1, 1)


def test_an_entry_under_anothers_name_is_not_served(clip: FrameSource, folder: Path) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    cache.features(clip, [2], Encoder())
    first = entries(folder)[0]
    cache.features(clip, [3], Encoder())
    second = next(path for path in entries(folder) if path != first)
    second.write_bytes(first.read_bytes())
    assert_equal(cache.features(clip, [3], Encoder()), expected(clip, [3]))
    assert cache.damaged == 1


class OtherNames(Encoder):
    def __call__(self, frames: Tensor) -> dict[str, Tensor]:
        return {"coarse": super().__call__(frames)["fine"]}


class OtherShapes(Encoder):
    def __call__(self, frames: Tensor) -> dict[str, Tensor]:
        return {name: each[:, 1:] for name, each in super().__call__(frames).items()}


@pytest.mark.parametrize("earlier", [OtherNames(), OtherShapes()], ids=["names", "shapes"])
@pytest.mark.parametrize("all_there", [False, True])
def test_entries_of_other_names_or_shapes_are_computed_anew_and_replaced(
    clip: FrameSource, folder: Path, earlier: Encoder, all_there: bool, caplog: pytest.LogCaptureFixture
) -> None:
    # Another encoder under the same fingerprint: code that changed without a trace in its weights.
    FeatureCache(folder, "w", dtype=torch.float32).features(clip, [1, 2], earlier)
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    if all_there:
        cache.features(clip, [3], Encoder())
    before = cache.misses
    assert_equal(cache.features(clip, [1, 2, 3], Encoder()), expected(clip, [1, 2, 3]))
    assert (cache.hits, cache.misses - before) == (0, 3)
    assert cache.damaged == (3 if all_there else 2)
    assert "differ in names or shapes" in caplog.text
    asked = Encoder()
    assert_equal(cache.features(clip, [1, 2, 3], asked), expected(clip, [1, 2, 3]))
    assert asked.asked == []


def test_an_entry_of_another_dtype_is_computed_anew(clip: FrameSource, folder: Path) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    cache.features(clip, [2], Encoder())
    path = entries(folder)[0]
    tensors, facts = read_tensors(path)
    module.write_tensors(path, {name: each.half() for name, each in tensors.items()}, facts)
    assert_equal(cache.features(clip, [2], Encoder()), expected(clip, [2]))
    assert (cache.damaged, cache.misses) == (1, 2)
    assert read_tensors(path)[0]["fine"].dtype == torch.float32


def test_frames_that_are_found_wait_for_no_lock(
    clip: FrameSource, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    cache.features(clip, [0], Encoder())
    monkeypatch.setattr(module, "folder_lock", lambda *_, **__: pytest.fail("locked"))
    assert_equal(cache.features(clip, [0], Encoder()), expected(clip, [0]))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in entries(folder))


def test_the_least_recently_used_make_room(clip: FrameSource, folder: Path) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32, max_bytes=5 * (ENTRY + 4600))
    for index in range(4):
        cache.features(clip, [index], Encoder())
        time.sleep(0.02)
    cache.features(clip, [0], Encoder())
    for index in range(4, 7):
        time.sleep(0.02)
        cache.features(clip, [index], Encoder())
        assert size_of(folder) <= cache.max_bytes
    before = cache.hits
    cache.features(clip, [0, 6], Encoder())
    assert cache.hits == before + 2
    cache.features(clip, [1], Encoder())
    assert cache.hits == before + 2


def test_an_entry_larger_than_the_cache_is_served_and_not_kept(clip: FrameSource, folder: Path) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32, max_bytes=ENTRY)
    assert_equal(cache.features(clip, [0], Encoder()), expected(clip, [0]))
    assert not entries(folder)


@pytest.mark.parametrize(("room", "left"), [(4, 4), (3, 3), (1, 1), (0.5, 0)])
def test_a_smaller_bound_holds_once_a_fuller_folder_is_opened(
    clip: FrameSource, folder: Path, caplog: pytest.LogCaptureFixture, room: float, left: int
) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    for index in range(4):
        cache.features(clip, [index], Encoder())
        time.sleep(0.02)
    one = size_of(folder) // 4
    smaller = FeatureCache(folder, "w", dtype=torch.float32, max_bytes=int(room * (one + 1)))
    assert len(entries(folder)) == left
    assert int((folder / ".total").read_text()) == size_of(folder) <= smaller.max_bytes
    assert ("bytes of entries were deleted" in caplog.text) == (left < 4)
    assert_equal(smaller.features(clip, range(4), Encoder()), expected(clip, range(4)))
    assert smaller.hits == left
    assert size_of(folder) <= smaller.max_bytes


def test_a_description_of_lists_too_deep_is_told(folder: Path) -> None:
    FeatureCache(folder, "w")
    (folder / "store.json").write_text("[" * 100_000)
    with pytest.raises(DatasetError, match="describes the store cannot be read"):
        FeatureCache(folder, "w")


def test_a_lost_count_of_bytes_is_made_anew(clip: FrameSource, folder: Path) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32, max_bytes=4 * (ENTRY + 4600))
    for index, noted in enumerate(["", "rubbish", None, "999999999", None]):
        total = folder / ".total"
        if noted is None:
            total.unlink(missing_ok=True)
        else:
            total.write_text(noted)
        cache.features(clip, [index], Encoder())
        assert size_of(folder) <= cache.max_bytes
        assert int(total.read_text()) == size_of(folder)


def test_writes_that_fail_are_not_counted(
    clip: FrameSource, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    cache.features(clip, [0], Encoder())
    with monkeypatch.context() as patch:
        patch.setattr(checked_tensors, "atomic_file", refused)
        for index in (1, 2, 1):
            assert_equal(cache.features(clip, [index], Encoder()), expected(clip, [index]))
    assert int((folder / ".total").read_text()) == size_of(folder)
    assert len(entries(folder)) == 1
    assert caplog.text.count("features are not kept") == 1


def refused(path: Path) -> None:
    raise OutputError("cannot write: No space left on device", where=path)


@pytest.mark.parametrize("noted", ["0", "-5000000", "999999999", "rubbish"])
def test_a_wrong_count_of_bytes_is_mended_when_the_cache_is_opened(clip: FrameSource, folder: Path, noted: str) -> None:
    room = 4 * (ENTRY + 4600)
    FeatureCache(folder, "w", dtype=torch.float32, max_bytes=room).features(clip, range(4), Encoder())
    (folder / ".total").write_text(noted)
    cache = FeatureCache(folder, "w", dtype=torch.float32, max_bytes=room)
    assert int((folder / ".total").read_text()) == size_of(folder)
    assert len(entries(folder)) == 4
    cache.features(clip, range(4, 8), Encoder())
    assert size_of(folder) <= room


class Features(Dataset[Tensor]):
    def __init__(self, clip: FrameSource, cache: FeatureCache) -> None:
        self.clip = clip
        self.cache = cache

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> Tensor:
        return self.cache.features(self.clip, [index * 5 % 8], Encoder())["fine"][0]


@pytest.mark.parametrize("room", [3, 1000])
def test_workers_share_a_cache_and_its_bound(clip: FrameSource, folder: Path, room: int) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32, max_bytes=room * (ENTRY + 4600))
    loader = DataLoader(Features(clip, cache), batch_size=None, num_workers=2, multiprocessing_context="fork")
    for index, served in enumerate(loader):
        assert torch.equal(served, expected(clip, [index * 5 % 8])["fine"][0])
    assert cache.hits + cache.misses == 40
    assert cache.damaged == 0
    assert size_of(folder) <= cache.max_bytes
    if room == 1000:
        assert len(entries(folder)) == 8
        assert cache.hits > 0


def test_a_pickled_cache_serves_on(clip: FrameSource, folder: Path) -> None:
    cache = FeatureCache(folder, "w")
    first = cache.features(clip, [1], Encoder())
    assert_equal(pickle.loads(pickle.dumps(cache)).features(clip, [1], Encoder()), first)


def _fill(folder: Path, clip: FrameSource) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    for index in range(8):
        cache.features(clip, [index], Encoder())
        time.sleep(0.002)


@posix
def test_killed_at_any_instant_no_half_entry_is_served(clip: FrameSource, folder: Path) -> None:
    draw, kills = random.Random(1), 0
    for _ in range(10):
        process = get_context("fork").Process(target=_fill, args=(folder, clip))
        process.start()
        process.join(draw.uniform(0.0, 0.04))
        process.kill()
        process.join(60)
        kills += process.exitcode == -signal.SIGKILL
    assert kills > 0
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    assert not list(folder.rglob("*.partial*"))
    assert_equal(cache.features(clip, range(8), Encoder()), expected(clip, range(8)))
    assert cache.damaged == 0


@posix
def test_what_a_killed_writer_left_half_written_is_deleted_and_told(
    clip: FrameSource, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def die(path: Path, tensors, facts) -> None:
        path.parent.mkdir(parents=True)
        (path.parent / f".{path.stem}.1-1.partial.safetensors").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write_tensors", die)
        process = get_context("fork").Process(target=_fill, args=(folder, clip))
        process.start()
        process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert len(list(folder.rglob("*.partial*"))) == 1
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    assert not list(folder.rglob("*.partial*"))
    assert "1 half-written entries" in caplog.text
    assert_equal(cache.features(clip, [0], Encoder()), expected(clip, [0]))
    # The dead writer had counted what it did not write; the count is made good when the cache is opened.
    assert int((folder / ".total").read_text()) == size_of(folder)


@posix
def test_processes_that_write_at_once_lose_nothing(clip: FrameSource, folder: Path) -> None:
    processes = [get_context("fork").Process(target=_fill, args=(folder, clip)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    assert_equal(cache.features(clip, range(8), Encoder()), expected(clip, range(8)))
    assert (cache.hits, cache.misses) == (8, 0)
    assert int((folder / ".total").read_text()) == size_of(folder)


def test_a_lock_that_is_never_free_costs_the_entry_and_not_the_features(
    clip: FrameSource, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    monkeypatch.setattr(module, "_PATIENCE_S", 0.01)
    with module.folder_lock(folder):
        for index in range(2):
            assert_equal(cache.features(clip, [index], Encoder()), expected(clip, [index]))
    assert not entries(folder)
    assert caplog.text.count("another process") == 1


def _compute_on_a_full_disk(folder: Path, clip: FrameSource) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ENTRY // 2, ENTRY // 2))
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logging.getLogger("lift_core").addHandler(handler)
    found = FeatureCache(folder, "w", dtype=torch.float32).features(clip, [0, 1], Encoder())
    assert_equal(found, expected(clip, [0, 1]))
    sys.exit(7 if len(told) == 1 and "cannot write" in told[0] else 8)


@posix
def test_a_full_disk_is_told_and_the_features_are_served(clip: FrameSource, folder: Path) -> None:
    process = get_context("fork").Process(target=_compute_on_a_full_disk, args=(folder, clip))
    process.start()
    process.join(60)
    assert process.exitcode == 7
    assert not [path for path in folder.rglob("*") if path.suffix == ".safetensors"]
    cache = FeatureCache(folder, "w", dtype=torch.float32)
    cache.features(clip, [0, 1], Encoder())
    assert len(entries(folder)) == 2


def test_a_cache_of_another_version_or_a_folder_of_others_is_refused(tmp_path: Path, folder: Path) -> None:
    FeatureCache(folder, "w")
    described = json.loads((folder / "store.json").read_text())
    (folder / "store.json").write_text(json.dumps({**described, "version": 2}))
    with pytest.raises(ConfigError, match="version 2, and this lift_core reads version 1"):
        FeatureCache(folder, "w")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds other files"):
        FeatureCache(tmp_path / "mine", "w")


def test_what_cannot_be_is_refused(clip: FrameSource, folder: Path) -> None:
    for options in ({"dtype": torch.float64}, {"max_bytes": 0}):
        with pytest.raises(ConfigError, match="a cache of"):
            FeatureCache(folder, "w", **options)
    cache = FeatureCache(folder, "w")
    with pytest.raises(ShapeError, match="for 2 frames"):
        cache.features(clip, [0, 1], lambda frames: {"one": frames[:1]})
    with pytest.raises(FrameReadError):
        cache.features(clip, [8], Encoder())
