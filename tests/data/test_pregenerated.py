"""Pre-generated variants are what epochs give, bit by bit, in all folds; kills and full disks lose nothing."""

from __future__ import annotations

import csv
import json
import os
import pickle
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from lift_core.data import pregenerated as module
from lift_core.data.appended_rows import read_rows
from lift_core.data.autotune import autotune
from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.discovery import find_clips
from lift_core.data.folder_lock import folder_lock
from lift_core.data.loaders import create_dataloaders
from lift_core.data.open_dataset import all_clips
from lift_core.data.pregenerated import PregenerationReport, pregenerate
from lift_core.data.pregenerated_dataset import PregeneratedDataset
from lift_core.data.raw_clip import write_raw_clip
from lift_core.data.sample import SampleKey
from lift_core.data.sampling import Sampling
from lift_core.data.splits import SplitConfig
from lift_core.data.tuner import LoaderSettings
from lift_core.data.variant_store import ROW_COLUMNS, ROWS_FILE, sample_file
from lift_core.errors import ConfigError, DatasetError, LiftError, OutputError
from tests.data.clip_trees import write_clip, write_vimeo
from tests.data.damage import flip_bit
from tests.data.loader_trees import CONFIG, digests

CLIPS, VARIANTS = 6, 3
TOTAL = CLIPS * 4 * VARIANTS
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and limits of a process")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=3, clips=2, frames=6)


@pytest.fixture(scope="module")
def whole(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    assert make(tree, folder) == PregenerationReport(TOTAL, 0, TOTAL, (), ())
    return folder


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A complete store that a test may spoil."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def make(tree: Path, folder: Path, *, variants: int = VARIANTS, config=CONFIG, **options) -> PregenerationReport:
    clips = find_clips(tree, all_clips)
    return pregenerate(clips, config.window, config.options("train"), folder, variants=variants, **options)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a store by name; rows in order of samples, for a repaired file may list them otherwise."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    files.pop(".lock")
    files[ROWS_FILE] = b"\n".join(sorted(files[ROWS_FILE].splitlines()))
    return files


def assert_equal(ours, theirs) -> None:
    assert ours.keys() == theirs.keys()
    assert (ours["key"], ours["timestep"]) == (theirs["key"], theirs["timestep"])
    for name in ("frames", "ref_frames", "gt", "times", "valid"):
        assert ours[name].dtype == theirs[name].dtype
        assert torch.equal(ours[name], theirs[name])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_variant_k_is_epoch_k_bit_by_bit(tree: Path, whole: Path, dtype: torch.dtype) -> None:
    options = replace(CONFIG.options("train"), split="all", dtype=dtype)
    plain = ClipDataset(find_clips(tree, all_clips), CONFIG.window, options)
    stored = PregeneratedDataset(whole, split="all", dtype=dtype)
    assert len(stored) == len(plain) == TOTAL // VARIANTS
    for epoch in range(VARIANTS):
        for index in range(len(plain)):
            assert_equal(stored[SampleKey(epoch, index)], plain[SampleKey(epoch, index)])
    assert not torch.equal(plain[SampleKey(0, 0)]["frames"], plain[SampleKey(1, 0)]["frames"])
    assert_equal(stored[SampleKey(VARIANTS + 1, 5)], stored[SampleKey(1, 5)])


def test_places_drawn_anew_in_each_epoch_are_those_of_the_epoch(tree: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, sampling=Sampling("random", count=2))
    make(tree, tmp_path, config=config)
    options = replace(config.options("train"), split="all")
    plain = ClipDataset(find_clips(tree, all_clips), config.window, options)
    stored = PregeneratedDataset(tmp_path, split="all", dtype=torch.uint8)
    for key in (SampleKey(epoch, index) for epoch in range(VARIANTS) for index in range(len(plain))):
        assert_equal(stored[key], plain[key])


def test_all_folds_read_one_store_and_none_sees_a_group_of_its_validation(tree: Path, whole: Path) -> None:
    clips = find_clips(tree, all_clips)
    for fold in range(3):
        split = SplitConfig(folds=3, fold=fold)
        for part in ("train", "val"):
            options = replace(CONFIG.options("train"), split=part, split_config=split)
            plain = ClipDataset(clips, CONFIG.window, options)
            stored = PregeneratedDataset(whole, split=part, split_config=split)
            assert [stored.key(i) for i in range(len(stored))] == [plain.key(i) for i in range(len(plain))]
            assert len(plain) > 0


@pytest.mark.parametrize("settings", [LoaderSettings(), LoaderSettings(num_workers=2, start_method="fork")])
def test_loaders_serve_the_same_batches_from_a_store(tree: Path, whole: Path, settings: LoaderSettings) -> None:
    plain = create_dataloaders(tree, CONFIG, settings=LoaderSettings())
    stored = create_dataloaders(tree, CONFIG, settings=settings, pregenerated=whole)
    for epoch in range(2):
        plain.train.sampler.set_epoch(epoch)
        stored.train.sampler.set_epoch(epoch)
        expected = digests(plain.train)
        assert digests(stored.train) == expected
        assert len(expected) > 0
    assert isinstance(stored.train.dataset, PregeneratedDataset)
    assert not isinstance(stored.val.dataset, PregeneratedDataset)


def test_what_autotune_found_for_clips_is_not_taken_for_a_store(tree: Path, whole: Path) -> None:
    plain = create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train.dataset
    stored = create_dataloaders(tree, CONFIG, settings=LoaderSettings(), pregenerated=whole).train.dataset
    found = [autotune(dataset, 3, seconds=0.05, tell=str).remembered for dataset in (plain, plain, stored, stored)]
    assert found == [False, True, False, True]


def test_the_data_set_survives_pickling_and_needs_no_clips(tree: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tree, tmp_path / "clips"))
    make(copied, tmp_path / "store")
    expected = PregeneratedDataset(tmp_path / "store")[3]
    shutil.rmtree(copied)
    assert_equal(pickle.loads(pickle.dumps(PregeneratedDataset(tmp_path / "store")))[3], expected)


def test_a_second_run_writes_nothing_and_more_variants_are_added(tree: Path, store: Path) -> None:
    before = content(store)
    assert make(tree, store) == PregenerationReport(TOTAL, TOTAL, 0, (), ())
    assert content(store) == before
    more = make(tree, store, variants=VARIANTS + 1)
    assert (more.kept, more.written) == (TOTAL, CLIPS * 4)
    assert PregeneratedDataset(store).variants == VARIANTS + 1


def test_rows_say_what_lies_in_the_files(whole: Path) -> None:
    with (whole / ROWS_FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == TOTAL
    stored = PregeneratedDataset(whole, split="all")
    for row in rows:
        sample = stored[SampleKey(int(row["variant"]), int(row["sample"]))]
        assert row["key"] == sample["key"]
        assert float(row["timestep"]) == sample["timestep"]
        assert int(row["valid_frames"]) == int(sample["valid"].sum())
        assert (int(row["context"]), int(row["height"]), int(row["width"])) == (4, 16, 16)
        assert (whole / row["file"]).stat().st_size == int(row["bytes"])


def in_child(run: Callable[[], object]):
    """Start ``run`` in a forked process, which ends without a trace but for exit code 1 where it raised."""
    process = get_context("fork").Process(target=run)
    process.start()
    return process


@posix
def test_killed_at_any_instant_it_goes_on_without_redoing_or_losing(tree: Path, whole: Path, tmp_path: Path) -> None:
    folder, expected = tmp_path / "store", content(whole)
    draw, seen, kills = random.Random(3), {}, 0
    for _ in range(12):
        # Each sample takes a while, so that a run is killed before its end on any machine.
        process = in_child(lambda: make(tree, folder, progress=lambda done, total: time.sleep(0.002)))
        process.join(draw.uniform(0.0, 0.08))
        process.kill()
        process.join(60)
        kills += process.exitcode == -signal.SIGKILL
        files = {row[3]: folder / row[3] for row in read_rows(folder / ROWS_FILE, ROW_COLUMNS)[0]}
        assert all(path.read_bytes() == expected[name] for name, path in files.items())
        # What an earlier run had completed is still the same file.
        assert seen.items() <= (seen := {name: path.stat().st_ino for name, path in files.items()}).items()
    assert kills > 0
    assert make(tree, folder).kept >= len(seen)
    assert content(folder) == expected


@posix
@pytest.mark.parametrize("moment", ["before the row", "within the row", "within the file"])
def test_killed_at_the_worst_moments_nothing_complete_is_made_again(
    tree: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    folder = tmp_path / "store"
    append, write, calls = module.RowWriter.append, module.write_tensors, iter(range(1000))

    def dying_append(self, row) -> None:
        if next(calls) == 20:
            if moment == "within the row":
                os.write(self._file.fileno(), b"20,0,a key that en")
            os.kill(os.getpid(), signal.SIGKILL)
        append(self, row)

    def dying_write(path, tensors, facts) -> None:
        if next(calls) == 20:
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / f".{path.stem}.1-1.partial.safetensors").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, tensors, facts)

    with monkeypatch.context() as patch:
        if moment == "within the file":
            patch.setattr(module, "write_tensors", dying_write)
        else:
            patch.setattr(module.RowWriter, "append", dying_append)
        process = in_child(lambda: make(tree, folder))
        process.join(60)
    assert process.exitcode == -signal.SIGKILL
    report = make(tree, folder)
    complete = 20 if moment == "within the file" else 21
    assert (report.kept, report.written) == (complete, TOTAL - complete)
    told = {"before the row": "had no row", "within the row": "cut off", "within the file": "half-written"}
    assert any(told[moment] in repair for repair in report.repairs)
    assert content(folder) == content(whole)


@pytest.mark.parametrize("cut", [1, 7, 30, 60])
def test_a_table_cut_in_mid_row_is_mended_and_said(
    tree: Path, whole: Path, store: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    rows = store / ROWS_FILE
    rows.write_bytes(rows.read_bytes()[:-cut])
    with pytest.raises(DatasetError, match=f"lacks 1 of the {TOTAL}"):
        PregeneratedDataset(store)
    report = make(tree, store)
    assert (report.kept, report.written) == (TOTAL, 0)
    assert "1 rows of samples.csv were cut off" in report.repairs[0]
    assert "cut off" in caplog.text
    assert content(store) == content(whole)


def test_damaged_rows_and_files_are_made_again(tree: Path, whole: Path, store: Path) -> None:
    rows = (store / ROWS_FILE).read_text().splitlines(keepends=True)
    gone, short, changed = ((store / line.split(",")[3]) for line in rows[1:4])
    gone.unlink()
    short.write_bytes(short.read_bytes()[:-1])
    rows[3] = rows[3].replace(",", ";")
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    (store / ROWS_FILE).write_text("".join(rows) + "\0" * 40)
    report = make(tree, store)
    assert (report.kept, report.written) == (TOTAL - 3, 3)
    assert len(report.repairs) == 2
    assert content(store) == content(whole)


def test_a_file_of_another_sample_is_not_taken_for_this_one(tree: Path, whole: Path, store: Path) -> None:
    first, second = (store / line.split(",")[3] for line in (store / ROWS_FILE).read_text().splitlines()[1:3])
    first.write_bytes(second.read_bytes())
    (store / ROWS_FILE).unlink()
    report = make(tree, store)
    assert (report.kept, report.written) == (TOTAL - 1, 1)
    assert content(store) == content(whole)


def test_a_second_writer_is_told_and_changes_nothing(tree: Path, store: Path) -> None:
    before = content(store)
    with folder_lock(store), pytest.raises(OutputError, match=f"another process \\({os.getpid()}\\)"):
        make(tree, store, fresh=True)
    assert content(store) == before


@posix
def test_two_processes_that_start_at_once_make_one_whole_store(tree: Path, whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"

    def race() -> None:
        try:
            make(tree, folder)
        except OutputError as error:
            sys.exit(7 if "another process" in str(error) else 8)

    processes = [in_child(race) for _ in range(3)]
    for process in processes:
        process.join(60)
    assert {process.exitcode for process in processes} <= {0, 7}
    make(tree, folder)
    assert content(folder) == content(whole)


@posix
def test_the_lock_of_a_killed_writer_is_free(tree: Path, store: Path) -> None:
    def hold() -> None:
        with folder_lock(store):
            time.sleep(60)

    process = in_child(hold)
    deadline = time.monotonic() + 30
    while (store / ".lock").read_text() != str(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(OutputError, match=str(process.pid)):
        make(tree, store)
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    assert make(tree, store).kept == TOTAL


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 12}, "seed is 11 there and 12 here"),
        ({"crop": (16, 20)}, r"augmentation.crop is \[16, 16\] there and \[16, 20\] here"),
        ({"augmentation": None}, "augmentation.pan is 1.0 there and 0.0 here"),
        ({"sampling": Sampling("even", count=2)}, "sampling.mode"),
        ({"window": CONFIG.window.consecutive(5)}, "windows is"),
    ],
)
def test_a_store_of_other_settings_is_refused_by_writer_and_loaders(
    tree: Path, store: Path, change: dict, told: str
) -> None:
    before, config = content(store), replace(CONFIG, **change)
    with pytest.raises(ConfigError, match=told):
        make(tree, store, config=config)
    with pytest.raises(ConfigError, match=told):
        create_dataloaders(tree, config, settings=LoaderSettings(), pregenerated=store)
    assert content(store) == before


def test_a_fresh_store_takes_the_place_of_an_old_one(tree: Path, store: Path) -> None:
    config = replace(CONFIG, seed=12)
    report = make(tree, store, config=config, fresh=True)
    assert (report.kept, report.written) == (0, TOTAL)
    assert len(list((store / "samples").rglob("*.safetensors"))) == TOTAL
    create_dataloaders(tree, config, settings=LoaderSettings(), pregenerated=store)


def test_a_clip_that_changed_or_came_is_told(tree: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tree, tmp_path / "clips"))
    make(copied, tmp_path / "store", variants=1)
    picture = next(copied.rglob("im03.png"))
    picture.write_bytes(picture.read_bytes() + b"\0")
    changed = picture.parent.relative_to(copied / "sequences").as_posix()
    with pytest.raises(ConfigError, match=f"clip {changed} has changed"):
        make(copied, tmp_path / "store", variants=1)
    write_clip(copied / "sequences" / "00009" / "0001", 6)
    with pytest.raises(ConfigError, match="clip 00009/0001 of group 00009 is here only"):
        create_dataloaders(copied, CONFIG, settings=LoaderSettings(), pregenerated=tmp_path / "store")
    shutil.rmtree(picture.parent)
    with pytest.raises(ConfigError, match=f"clip {changed} is there only"):
        make(copied, tmp_path / "store", variants=1)


def test_a_store_is_not_made_where_its_clips_lie(tree: Path, tmp_path: Path) -> None:
    clips = Path(shutil.copytree(tree, tmp_path / "store" / "samples"))
    before = sorted(clips.rglob("*"))
    for fresh in (False, True):
        with pytest.raises(ConfigError, match="lies in the folder that is to be written"):
            make(clips, tmp_path / "store", fresh=fresh)
    assert sorted(clips.rglob("*")) == before


def test_a_folder_of_other_things_is_left_alone(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "samples").mkdir()
    for fresh in (False, True):
        with pytest.raises(OutputError, match="holds other files"):
            make(tree, tmp_path, fresh=fresh)
    (tmp_path / "thesis.txt").rename(tmp_path / "store.json")
    with pytest.raises(DatasetError, match="cannot be read"):
        make(tree, tmp_path, fresh=True)
    (tmp_path / "store.json").write_text('{"store": "cache of features", "version": 1, "settings": {}}')
    with pytest.raises(OutputError, match="another kind"):
        make(tree, tmp_path, fresh=True)
    assert (tmp_path / "samples").is_dir()
    with pytest.raises(DatasetError, match="there is no store"):
        PregeneratedDataset(tmp_path)


def test_a_store_of_another_version_is_refused(tree: Path, store: Path) -> None:
    described = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**described, "version": 99}))
    for use in (lambda: make(tree, store), lambda: PregeneratedDataset(store)):
        with pytest.raises(ConfigError, match="version 99"):
            use()


def _write_on_a_full_disk(tree: Path, folder: Path, limit: int) -> None:
    """Exit code 7 says that the error was as it should be."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        make(tree, folder)
    except OutputError as error:
        sys.exit(7 if "cannot write" in str(error) else 8)


# Smaller than a sample; and room for samples but not for all rows.
@posix
@pytest.mark.parametrize("limit", [3_500, 5_000])
def test_a_full_disk_is_told_and_the_store_goes_on_later(tree: Path, whole: Path, tmp_path: Path, limit: int) -> None:
    process = in_child(lambda: _write_on_a_full_disk(tree, tmp_path / "store", limit))
    process.join(60)
    assert process.exitcode == 7
    assert not list((tmp_path / "store").rglob("*.partial*"))
    assert read_rows(tmp_path / "store" / ROWS_FILE, ROW_COLUMNS)[1] == 0
    report = make(tree, tmp_path / "store")
    assert report.total == TOTAL
    assert (report.kept > 0) == (limit == 5_000)
    assert content(tmp_path / "store") == content(whole)


def test_a_missing_sample_is_named_or_replaced_and_counted(store: Path) -> None:
    stored = PregeneratedDataset(store, split="all", dtype=torch.uint8)
    (store / sample_file(stored.key(2), 1)).unlink()
    half = store / sample_file(stored.key(3), 1)
    half.write_bytes(half.read_bytes()[:100])
    with pytest.raises(DatasetError, match="variant 1 of a sample is missing"):
        stored[SampleKey(1, 2)]
    with pytest.raises(DatasetError, match="damaged"):
        stored[SampleKey(1, 3)]
    assert stored[SampleKey(0, 2)]["key"] == stored.key(2)
    tolerant = PregeneratedDataset(store, split="all", dtype=torch.uint8, on_error="skip")
    assert_equal(tolerant[SampleKey(1, 2)], stored[SampleKey(1, 4)])
    assert tolerant.skipped == 2


@pytest.mark.parametrize(("place", "bit"), [(-1, 0), (-2000, 7), (-700, 3)])
def test_a_flipped_bit_of_a_sample_is_told_and_mended_as_the_message_says(
    tree: Path, whole: Path, store: Path, place: int, bit: int
) -> None:
    stored = PregeneratedDataset(store, split="all", dtype=torch.uint8)
    path = store / sample_file(stored.key(2), 1)
    flip_bit(path, place, bit)
    with pytest.raises(DatasetError, match=f"damaged.*{path.name}.*check=True.*--check"):
        stored[SampleKey(1, 2)]
    report = make(tree, store, check=True)
    assert (report.kept, report.written) == (TOTAL - 1, 1)
    assert report.repairs == ("1 samples were damaged and are made anew",)
    assert content(store) == content(whole)


def test_a_check_mends_all_that_is_damaged_and_without_it_only_sizes_are_looked_at(
    tree: Path, whole: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [store / row[3] for row in read_rows(store / ROWS_FILE, ROW_COLUMNS)[0]]
    for path in files[5:9]:
        flip_bit(path, -1)
    files[20].write_bytes(files[21].read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(module, "read_tensors", lambda _: pytest.fail("read"))
        assert make(tree, store) == PregenerationReport(TOTAL, TOTAL, 0, (), ())
    seen: list[tuple[int, int]] = []
    report = make(tree, store, check=True, progress=lambda done, total: seen.append((done, total)))
    assert report == PregenerationReport(TOTAL, TOTAL - 5, 5, (), ("5 samples were damaged and are made anew",))
    assert content(store) == content(whole)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1], len(seen)) == ((0, TOTAL), (TOTAL, TOTAL), TOTAL + 1 + 5)
    assert make(tree, store, check=True) == PregenerationReport(TOTAL, TOTAL, 0, (), ())


def test_a_check_mends_variants_beyond_those_asked_for(tree: Path, whole: Path, store: Path) -> None:
    path = store / sample_file(PregeneratedDataset(store, split="all").key(2), VARIANTS - 1)
    flip_bit(path, -1)
    report = make(tree, store, variants=1, check=True)
    assert (report.total, report.kept, report.written) == (TOTAL, TOTAL - 1, 1)
    assert content(store) == content(whole)


@posix
def test_a_check_that_is_killed_loses_nothing(tree: Path, whole: Path, store: Path) -> None:
    files = [store / row[3] for row in read_rows(store / ROWS_FILE, ROW_COLUMNS)[0]]
    flip_bit(files[5], -1)

    def dying(done: int, total: int) -> None:
        # The check has ended, and the sample is not made yet.
        if done == TOTAL - 1 and len(read_rows(store / ROWS_FILE, ROW_COLUMNS)[0]) == TOTAL - 1:
            os.kill(os.getpid(), signal.SIGKILL)

    process = in_child(lambda: make(tree, store, check=True, progress=dying))
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    report = make(tree, store)
    assert (report.kept, report.written) == (TOTAL - 1, 1)
    assert content(store) == content(whole)


def test_a_flipped_bit_anywhere_is_told_or_changes_no_sample(whole: Path, tmp_path: Path) -> None:
    def samples(folder: Path) -> list[tuple[str, float, bytes]]:
        stored = PregeneratedDataset(folder, split="all", dtype=torch.uint8)
        read = [stored[SampleKey(0, index)] for index in range(2)]
        return [(s["key"], s["timestep"], s["frames"].numpy().tobytes() + s["times"].numpy().tobytes()) for s in read]

    expected, draw, told = samples(whole), random.Random(5), 0
    read_first = sample_file(PregeneratedDataset(whole, split="all").key(0), 0)
    names = ["store.json", "clips.csv", ROWS_FILE, read_first]
    folder = Path(shutil.copytree(whole, tmp_path / "spoilt"))
    for name in names:
        good = (whole / name).read_bytes()
        places = [draw.randrange(len(good)) for _ in range(30)]
        for place in places:
            flip_bit(folder / name, place, draw.randrange(8))
            try:
                assert samples(folder) == expected
            except LiftError:
                told += 1
            (folder / name).write_bytes(good)
    assert told > 60


@pytest.mark.parametrize("spoilt", ["", "clip,group", None])
def test_a_damaged_list_of_clips_is_told_and_made_anew(
    tree: Path, whole: Path, store: Path, spoilt: str | None
) -> None:
    path = store / "clips.csv"
    path.unlink() if spoilt is None else path.write_text(spoilt)
    with pytest.raises(DatasetError, match=r"the list of clips is damaged.*clips\.csv.*Run pregenerate again"):
        PregeneratedDataset(store)
    assert make(tree, store).written == 0
    assert content(store) == content(whole)


def test_what_cannot_be_read_is_left_out_and_folds_stay_as_they_are(tree: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tree, tmp_path / "clips"))
    clips = sorted((copied / "sequences").glob("*/*"))
    cv2.imwrite(str(clips[0] / "im03.png"), torch.zeros(4, 4, 3).numpy())
    for picture in clips[2].iterdir():
        picture.write_bytes(b"no picture")
    write_clip(copied / "sequences" / "00007" / "0001", 2)
    cut_off = copied / "sequences" / "00008" / "0001.npy"
    write_raw_clip(cut_off, np.zeros((8, 24, 32, 3), np.uint8), 8)
    cut_off.write_bytes(cut_off.read_bytes()[:-1])
    config = replace(CONFIG, on_error="skip")
    report = make(copied, tmp_path / "store", config=config, variants=1)
    assert report.failed
    assert report.written + len(report.failed) == report.total
    assert all("variant 0" in failed for failed in report.failed)
    for seed in range(4):
        split = SplitConfig((0.5, 0.5, 0.0), seed=seed)
        plain = ClipDataset(
            find_clips(copied, all_clips), CONFIG.window, replace(config.options("train"), split_config=split)
        )
        stored = PregeneratedDataset(tmp_path / "store", split_config=split, on_error="skip")
        assert [stored.key(i) for i in range(len(stored))] == [plain.key(i) for i in range(len(plain))]


def test_no_variants_and_too_many_are_refused(tree: Path, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 variants"):
        make(tree, tmp_path, variants=0)
    with pytest.raises(ConfigError, match=r"50000000 variants.*Ask for 1 to 1000"):
        make(tree, tmp_path, variants=50_000_000)
    assert not list(tmp_path.iterdir())
    for variants in (0, VARIANTS + 1):
        with pytest.raises(ConfigError, match=f"{variants} variants of a store that holds 3"):
            PregeneratedDataset(whole, variants=variants)
    assert PregeneratedDataset(whole, variants=2).variants == 2
