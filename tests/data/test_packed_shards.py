"""Packed clips are the clips they were made of; kills lose no shard, and streams deal every clip once."""

from __future__ import annotations

import json
import pickle
import random
import shutil
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from lift_core.data import packed_shards, sharded_stream
from lift_core.data.clip_table import ClipPath
from lift_core.data.discovery import find_clips
from lift_core.data.folder_lock import folder_lock
from lift_core.data.loaders import create_dataloaders
from lift_core.data.open_dataset import all_clips
from lift_core.data.open_source import open_source
from lift_core.data.packed_clip import PackedClipSource, is_packed_folder
from lift_core.data.packed_shards import PackReport, check_shards, pack_clips
from lift_core.data.packed_stream import PackedClipStream
from lift_core.data.source import Crop, scaled
from lift_core.data.tuner import LoaderSettings
from lift_core.errors import ConfigError, DatasetError, FrameReadError, LiftError, OutputError, SourceError
from tests.data.clip_trees import write_clip, write_vimeo
from tests.data.damage import flip_bit
from tests.data.loader_trees import CONFIG, digests
from tests.data.numbered_video import write_numbered

FRAME = 24 * 32 * 3
CLIP = 8 * FRAME
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and limits of a process")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=4, clips=3, frames=8)


@pytest.fixture(scope="module")
def packed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    assert pack(tree, folder) == PackReport(4, 0, 4, 12, 12 * CLIP, ())
    return folder


@pytest.fixture
def copy(packed: Path, tmp_path: Path) -> Path:
    """Packed clips that a test may spoil."""
    return Path(shutil.copytree(packed, tmp_path / "copy"))


def pack(tree: Path, folder: Path, *, shard_bytes: int = 3 * CLIP, **options) -> PackReport:
    return pack_clips(find_clips(tree, all_clips), folder, shard_bytes=shard_bytes, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ".lock"}


def test_a_packed_clip_is_the_clip_it_was_made_of(tree: Path, packed: Path) -> None:
    plain, stored = find_clips(tree, all_clips), find_clips(packed, all_clips)
    assert [(clip.name, clip.group) for clip in stored] == [(clip.name, clip.group) for clip in plain]
    for ours, theirs in zip(stored, plain, strict=True):
        clip, original = open_source(ours.path), open_source(theirs.path)
        assert isinstance(clip, PackedClipSource)
        assert (len(clip), clip.size, clip.timestamps) == (8, (24, 32), None)
        assert np.array_equal(clip.frames(range(8)), original.frames(range(8)))
    crop, order = Crop(3, 5, 10, 12), [6, 0, 6]
    assert np.array_equal(clip.frames(order, crop=crop, size=(5, 6)), original.frames(order, crop=crop, size=(5, 6)))
    assert clip.frames([]).shape == (0, 24, 32, 3)
    assert clip.name == stored[-1].path


def test_loaders_serve_the_same_batches_from_shards(tree: Path, packed: Path) -> None:
    settings = LoaderSettings(num_workers=2, start_method="fork")
    plain, stored = (
        create_dataloaders(tree, CONFIG, settings=LoaderSettings()),
        create_dataloaders(packed, CONFIG, settings=settings),
    )
    assert digests(stored.train) == digests(plain.train)
    assert digests(stored.val) == digests(plain.val)


def test_packed_clips_stand_beside_others(tree: Path, packed: Path, tmp_path: Path) -> None:
    shutil.copytree(packed, tmp_path / "all" / "packed")
    write_clip(tmp_path / "all" / "b" / "c", 4)
    found = {clip.name: clip.group for clip in find_clips(tmp_path / "all", all_clips)}
    assert len(found) == 13
    assert found["b/c"] == "b/c"
    assert found["packed/00002/0003"] == "packed/00002"


def test_a_packed_video_keeps_its_times(tmp_path: Path) -> None:
    write_numbered(tmp_path / "a.mp4")
    pack(tmp_path / "a.mp4", tmp_path / "packed")
    video, stored = open_source(tmp_path / "a.mp4"), open_source(find_clips(tmp_path / "packed", all_clips)[0].path)
    assert np.array_equal(stored.timestamps, video.timestamps)
    assert np.array_equal(stored.frames(range(len(video))), video.frames(range(len(video))))


@pytest.mark.parametrize("way", ["argument", "environment"])
def test_frames_may_be_held_at_a_fixed_size(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "environment":
        monkeypatch.setenv("LIFT_FIXED_SIZE", "12x20")
    assert pack(tree, tmp_path, fixed_size=(12, 20) if way == "argument" else None).bytes == 12 * 8 * 12 * 20 * 3
    original = open_source(find_clips(tree, all_clips)[4].path).frame(2)
    stored = open_source(find_clips(tmp_path, all_clips)[4].path)
    assert np.array_equal(stored.frame(2), scaled(original, (12, 20)))


def test_a_source_opens_its_map_where_it_reads(packed: Path) -> None:
    source = open_source(find_clips(packed, all_clips)[5].path)
    expected = source.frames([1])
    sent = pickle.dumps(source)
    assert len(sent) < 1000
    assert np.array_equal(pickle.loads(sent).frames([1]), expected)
    source.close()
    assert np.array_equal(source.frames([1]), expected)


@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=8), limit=st.integers(1, 6))
def test_every_clip_lies_in_one_shard_and_shards_keep_their_limit(sizes: list[int], limit: int) -> None:
    with TemporaryDirectory() as text:
        root = Path(text)
        for number, frames in enumerate(sizes):
            write_clip(root / "clips" / f"{number}", frames, size=(2, 2), shade=number)
        report = pack_clips(find_clips(root / "clips", all_clips), root / "packed", shard_bytes=limit * 12)
        stored = find_clips(root / "packed", all_clips)
        assert [len(open_source(clip.path)) for clip in stored] == sizes
        assert [int(open_source(clip.path).frame(0)[0, 0, 0]) for clip in stored] == list(range(len(sizes)))
        shards = [path.stat().st_size for path in sorted((root / "packed").glob("*.pack"))]
        assert len(shards) == report.shards
        assert sum(shards) == report.bytes == 12 * sum(sizes)
        assert all(size <= max(limit, max(sizes)) * 12 for size in shards)
        # No two neighbours would have fitted one shard.
        firsts = [clip.path.rpartition("#")[0] for clip in stored]
        for place in range(1, len(sizes)):
            if firsts[place] != firsts[place - 1]:
                before = sum(size for size, shard in zip(sizes, firsts, strict=True) if shard == firsts[place - 1])
                assert before + sizes[place] > limit


def name_of(source: PackedClipSource) -> str:
    return source.name


@settings(deadline=None)
@given(shard_clips=st.integers(1, 12), workers_by_rank=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_ranks_and_workers_deal_every_clip_once(packed_by: dict[int, Path], shard_clips, workers_by_rank) -> None:
    folder = packed_by[shard_clips]
    names = [clip.path for clip in find_clips(folder, all_clips)]
    world, served = len(workers_by_rank), []
    counts = []
    for rank, workers in enumerate(workers_by_rank):
        stream = PackedClipStream(folder, name_of, rank=rank, world_size=world)
        before = len(served)
        for worker in range(max(workers, 1)):
            info = SimpleNamespace(id=worker, num_workers=workers) if workers else None
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sharded_stream, "get_worker_info", lambda info=info: info)
                served += list(stream)
        counts.append(len(served) - before)
    # In the order of the disk: each worker reads on from where the one before it ends.
    assert served == names
    assert max(counts) - min(counts) <= 1


@pytest.fixture(scope="module")
def packed_by(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The twelve clips in shards of 1 to 12 clips."""
    folders = {}
    for clips in range(1, 13):
        folders[clips] = tmp_path_factory.mktemp(f"shards{clips}")
        assert pack(tree, folders[clips], shard_bytes=clips * CLIP).shards == -(-12 // clips)
    return folders


@pytest.mark.parametrize("workers_by_rank", [(0, 0), (1, 2), (2, 2)])
def test_real_workers_deal_every_clip_once_in_each_epoch(packed: Path, workers_by_rank: tuple[int, ...]) -> None:
    loaders = [
        DataLoader(
            PackedClipStream(packed, name_of, rank=rank, world_size=2),
            batch_size=None,
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,
            persistent_workers=workers > 0,
        )
        for rank, workers in enumerate(workers_by_rank)
    ]
    expected = sorted(clip.path for clip in find_clips(packed, all_clips))
    for _ in range(2):
        assert sorted(name for loader in loaders for name in loader) == expected
    with pytest.raises(ConfigError, match="rank 2 of 2"):
        PackedClipStream(packed, name_of, rank=2, world_size=2)


def test_a_second_run_writes_nothing(tree: Path, copy: Path) -> None:
    before = {path.name: path.stat().st_ino for path in copy.glob("shard-*")}
    assert pack(tree, copy) == PackReport(4, 4, 0, 12, 12 * CLIP, ())
    assert {path.name: path.stat().st_ino for path in copy.glob("shard-*")} == before


@posix
def test_killed_at_any_instant_complete_shards_stay(tree: Path, packed: Path, tmp_path: Path) -> None:
    folder, expected = tmp_path / "packed", content(packed)
    draw, seen, kills = random.Random(5), {}, 0
    for _ in range(12):
        # Each clip takes a while, so that most runs are killed before their end on any machine.
        process = get_context("fork").Process(target=lambda: pack(tree, folder, progress=lambda *_: time.sleep(0.005)))
        process.start()
        process.join(draw.uniform(0.0, 0.05))
        process.kill()
        process.join(60)
        kills += process.exitcode == -signal.SIGKILL
        names = [path.stem for path in folder.glob("shard-*.json")]
        assert all((folder / f"{n}.pack").read_bytes() == expected[f"{n}.pack"] for n in names)
        assert seen.items() <= (seen := {n: (folder / f"{n}.pack").stat().st_ino for n in names}).items()
    assert kills > 0
    assert pack(tree, folder).kept >= len(seen)
    assert content(folder) == expected


def test_what_is_not_complete_is_written_again_and_said(tree: Path, packed: Path, copy: Path) -> None:
    (copy / "shard-00001.pack").write_bytes(b"half")
    (copy / "shard-00002.json").unlink()
    (copy / "shard-00003.json").write_text("{")
    (copy / ".shard-00003.1-1.partial.pack").write_bytes(b"half")
    report = pack(tree, copy)
    assert (report.kept, report.written) == (1, 3)
    assert len(report.repairs) == 4
    assert content(copy) == content(packed)


def test_an_index_of_lists_too_deep_is_written_again(tree: Path, packed: Path, copy: Path) -> None:
    (copy / "shard-00003.json").write_text("[" * 100_000)
    assert len(check_shards(copy)) == 1
    assert (pack(tree, copy).written, check_shards(copy)) == (1, [])
    assert content(copy) == content(packed)


@posix
@pytest.mark.parametrize("place", ["loop", "loop/packed", "file/packed"])
def test_a_place_that_cannot_be_a_folder_is_told_at_once(tree: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=f"cannot write.*{place}"):
        pack(tree, tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


@posix
def test_a_clip_that_is_a_link_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "clip").symlink_to("clip")
    with pytest.raises(SourceError):
        pack_clips([ClipPath(str(tmp_path / "clip"), "clip", "clip")], tmp_path / "packed")


def test_shards_under_each_others_names_are_written_again(tree: Path, packed: Path, copy: Path) -> None:
    for suffix in (".pack", ".json"):
        first, second = copy / f"shard-00000{suffix}", copy / f"shard-00001{suffix}"
        swapped = first.read_bytes(), second.read_bytes()
        first.write_bytes(swapped[1])
        second.write_bytes(swapped[0])
    assert pack(tree, copy).written == 2
    assert content(copy) == content(packed)


def test_long_clips_are_packed_part_by_part(
    tree: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_shards, "_PART_BYTES", 3 * FRAME)
    pack(tree, tmp_path)
    assert content(tmp_path) == content(packed)


def test_a_fingerprint_changes_with_the_shard(tree: Path, copy: Path) -> None:
    sources = [open_source(clip.path) for clip in find_clips(copy, all_clips)]
    before = [source.fingerprint for source in sources]
    assert None not in before
    assert len(set(before)) == 12
    pack(tree, copy, fresh=True)
    assert not set(before) & {source.fingerprint for source in sources}
    (copy / "shard-00000.json").unlink()
    assert sources[0].fingerprint is None


def test_an_unfinished_folder_is_no_data_set(tree: Path, copy: Path) -> None:
    (copy / "index.json").unlink()
    assert not is_packed_folder(copy)
    with pytest.raises(SourceError, match="or not all of them yet"):
        PackedClipStream(copy, name_of)


def test_a_damaged_shard_is_told(copy: Path) -> None:
    assert check_shards(copy) == []
    flip_bit(copy / "shard-00000.pack", CLIP + 5)
    second = copy / "shard-00001.pack"
    second.write_bytes(second.read_bytes()[:-1])
    (copy / "shard-00002.pack").unlink()
    problems = check_shards(copy)
    assert len(problems) == 3
    assert "00001/0002" in problems[0]
    assert "Delete that shard and run pack_clips again" in problems[0]
    assert "bytes in place of" in problems[1]
    assert "missing" in problems[2]
    sources = [open_source(clip.path) for clip in find_clips(copy, all_clips)]
    for place, told in ((3, "bytes in place of"), (6, "missing")):
        with pytest.raises(SourceError, match=told):
            sources[place].frame(0)


@pytest.mark.parametrize(
    "spoilt", ["", "{", "[3]", "null", "[" * 100_000, '{"store": "folder of packed clips", "version": 1}']
)
def test_a_damaged_list_of_shards_is_told_and_mended(tree: Path, packed: Path, copy: Path, spoilt: str) -> None:
    (copy / "index.json").write_text(spoilt)
    with pytest.raises(SourceError, match=r"list of shards is damaged.*index\.json.*Run pack_clips again"):
        find_clips(copy, all_clips)
    assert pack(tree, copy).written == 0
    assert content(copy) == content(packed)


def test_an_index_of_another_program_is_no_damage(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip", 3)
    (tmp_path / "index.json").write_text("{")
    assert [clip.name for clip in find_clips(tmp_path, all_clips)] == ["clip"]


@pytest.mark.parametrize("name", ["index.json", "shard-00001.json"])
def test_a_flipped_bit_of_an_index_is_told_or_changes_no_clip(packed: Path, copy: Path, name: str) -> None:
    def clips() -> list[tuple[str, str, bytes]]:
        found = find_clips(copy, all_clips)
        # Rows of each are enough: what an index changes is where and how many they are.
        return [(c.name, c.group, open_source(c.path).frames([0, 7])[:, ::23].tobytes()) for c in found]

    expected, draw, good, told = clips(), random.Random(2), (copy / name).read_bytes(), 0
    for place in range(0, len(good), 7):
        flip_bit(copy / name, place, draw.randrange(8))
        try:
            assert clips() == expected
        except LiftError:
            told += 1
        (copy / name).write_bytes(good)
    assert told > len(good) // 10


def test_what_is_not_there_is_told(packed: Path) -> None:
    with pytest.raises(SourceError, match="holds 3 clips"):
        len(PackedClipSource(packed / "shard-00000.pack#3"))
    with pytest.raises(SourceError, match="cannot be read"):
        len(PackedClipSource(packed / "shard-00009.pack#0"))
    with pytest.raises(ConfigError, match="no path of a packed clip"):
        PackedClipSource(packed / "shard-00000.pack")
    source = PackedClipSource(packed / "shard-00000.pack#0")
    for index in (-1, 8):
        with pytest.raises(FrameReadError, match=f"frame {index} of a clip of 8"):
            source.frame(index)


def test_other_clips_or_settings_are_refused_unless_fresh(tree: Path, copy: Path, tmp_path: Path) -> None:
    before = content(copy)
    with pytest.raises(ConfigError, match="shard_bytes is"):
        pack(tree, copy, shard_bytes=CLIP)
    with pytest.raises(ConfigError, match="fixed_size is null there"):
        pack(tree, copy, fixed_size=(8, 8))
    fewer = find_clips(tree, all_clips)[1:]
    with pytest.raises(ConfigError, match="clip 00001/0001 is there only"):
        pack_clips(fewer, copy, shard_bytes=3 * CLIP)
    assert content(copy) == before
    assert pack(tree, copy, shard_bytes=12 * CLIP, fresh=True).shards == 1
    assert sorted(path.name for path in copy.glob("shard-*")) == ["shard-00000.json", "shard-00000.pack"]
    with pytest.raises(ConfigError, match="cannot be packed"):
        pack_clips([], tmp_path / "new")


def test_the_first_clip_that_differs_is_named(tree: Path, tmp_path: Path) -> None:
    copied, folder = Path(shutil.copytree(tree, tmp_path / "clips")), tmp_path / "packed"
    pack(copied, folder)
    clips = find_clips(copied, all_clips)
    with pytest.raises(ConfigError, match="the clips come in another order"):
        pack_clips(clips[::-1], folder, shard_bytes=3 * CLIP)
    write_clip(copied / "sequences" / "00002" / "0009", 8)
    with pytest.raises(ConfigError, match="clip 00002/0009 is here only"):
        pack(copied, folder)
    (folder / "index.json").unlink()
    with pytest.raises(ConfigError, match="not packed yet"):
        pack(copied, folder)
    picture = copied / "sequences" / "00002" / "0003" / "im03.png"
    picture.write_bytes(picture.read_bytes() + b"\0")
    with pytest.raises(ConfigError, match="clip 00002/0003 has changed"):
        pack(copied, folder)


@pytest.mark.parametrize("fresh", [False, True])
def test_clips_are_never_packed_into_themselves(tree: Path, copy: Path, fresh: bool) -> None:
    before = content(copy)
    with pytest.raises(ConfigError, match="lies in the folder that is to be written"):
        pack(copy, copy, fresh=fresh)
    with pytest.raises(ConfigError, match="lies in the folder that is to be written"):
        pack(copy, copy.parent, fresh=fresh)
    assert content(copy) == before
    clip = Path(find_clips(tree, all_clips)[0].path)
    with pytest.raises(ConfigError, match="that folder in the clip"):
        pack(tree, clip / "packed", fresh=fresh)
    assert not (clip / "packed").exists()


@pytest.mark.parametrize("spoilt", ["", "{", '{"store": 3}', "\x00" * 40, "[" * 100_000])
def test_a_damaged_description_is_told_and_mended_by_fresh(tree: Path, packed: Path, copy: Path, spoilt: str) -> None:
    (copy / "store.json").write_text(spoilt)
    with pytest.raises(DatasetError, match="describes the store cannot be read"):
        pack(tree, copy)
    (copy / "notes.txt").touch()
    with pytest.raises(DatasetError, match="describes the store cannot be read"):
        pack(tree, copy, fresh=True)
    (copy / "notes.txt").unlink()
    assert pack(tree, copy, fresh=True).written == 4
    assert content(copy) == content(packed)


def test_only_the_writers_own_half_written_files_are_deleted(tree: Path, copy: Path, tmp_path: Path) -> None:
    (copy / ".notes.partial.txt").write_text("mine")
    (copy / ".shard-00003.1-1.partial.pack").write_bytes(b"half")
    pack(tree, copy)
    assert (copy / ".notes.partial.txt").read_text() == "mine"
    assert not (copy / ".shard-00003.1-1.partial.pack").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.partial.txt").write_text("years of work")
    with pytest.raises(OutputError, match="holds other files"):
        pack(tree, other)
    assert [path.name for path in other.iterdir()] == ["thesis.partial.txt"]


def test_what_cannot_be_deleted_is_named(tree: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leftover = copy / ".shard-00003.1-1.partial.pack"
    leftover.write_bytes(b"half")
    unlink = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self.name in (leftover.name, "shard-00001.pack"):
            raise PermissionError(1, "Operation not permitted", str(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OutputError, match=f"cannot delete: Operation not permitted .*{leftover.name}"):
        pack(tree, copy)
    with pytest.raises(OutputError, match=r"cannot delete: Operation not permitted .*shard-00001\.pack"):
        pack(tree, copy, fresh=True)


def test_another_version_is_refused(tree: Path, copy: Path) -> None:
    for name in ("store.json", "index.json"):
        described = json.loads((copy / name).read_text())
        (copy / name).write_text(json.dumps({**described, "version": 99}))
    with pytest.raises(ConfigError, match="version 99"):
        pack(tree, copy)
    with pytest.raises(ConfigError, match="version 99"):
        find_clips(copy, all_clips)


def test_a_second_writer_is_told(tree: Path, copy: Path) -> None:
    with folder_lock(copy), pytest.raises(OutputError, match="another process"):
        pack(tree, copy)


def test_an_unreadable_frame_leaves_the_shards_before_it(tree: Path, packed: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tree, tmp_path / "clips"))
    broken = sorted((copied / "sequences").glob("*/*"))[7] / "im05.png"
    good = broken.read_bytes()
    broken.write_bytes(good[:60])
    with pytest.raises(FrameReadError, match="im05"):
        pack(copied, tmp_path / "packed")
    assert len(list((tmp_path / "packed").glob("shard-*.pack"))) == 2
    assert not is_packed_folder(tmp_path / "packed")


def _pack_on_a_full_disk(tree: Path, folder: Path) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CLIP * 3 // 2, CLIP * 3 // 2))
    try:
        pack(tree, folder)
    except OutputError as error:
        sys.exit(7 if "cannot write" in str(error) else 8)


@posix
def test_a_full_disk_is_told_and_packing_goes_on_later(tree: Path, packed: Path, tmp_path: Path) -> None:
    process = get_context("fork").Process(target=_pack_on_a_full_disk, args=(tree, tmp_path / "packed"))
    process.start()
    process.join(60)
    assert process.exitcode == 7
    assert sorted(path.name for path in (tmp_path / "packed").iterdir()) == ["store.json"]
    pack(tree, tmp_path / "packed")
    assert content(tmp_path / "packed") == content(packed)
