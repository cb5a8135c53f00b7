"""Tests of create_dataloaders: the same bytes whatever the workers, order or interruptions, and clear refusals."""

from __future__ import annotations

import gc
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from torch.utils.data import DataLoader

from lift_core.data import loader as loader_module
from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.loaders import Loader, create_dataloaders
from lift_core.data.sample import Batch, Room, Sample, SampleKey, to_device
from lift_core.data.splits import SplitConfig
from lift_core.data.tuner import LoaderSettings
from lift_core.errors import ConfigError, DatasetError, LoaderError
from tests.data.clip_trees import write_clip, write_vimeo
from tests.data.loader_trees import CONFIG, digests

NO_WORKERS = LoaderSettings()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=4, clips=1, frames=8)


def epoch(loader: Loader, number: int) -> list[Batch]:
    loader.sampler.set_epoch(number)
    return list(loader)


def test_batches_are_bytes_of_the_crop_and_training_drops_the_rest(tree: Path) -> None:
    loaders = create_dataloaders(tree, CONFIG, settings=NO_WORKERS)
    assert len(loaders.train.dataset) == 18
    batches = list(loaders.train)
    assert len(batches) == len(loaders.train) == 6
    assert batches[0]["frames"].shape == (3, 4, 3, 16, 16)
    assert batches[0]["frames"].dtype == torch.uint8
    assert loaders.test is None
    uneven = create_dataloaders(tree, replace(CONFIG, batch_size=4), settings=NO_WORKERS)
    assert len(list(uneven.train)) == len(uneven.train) == 4


def test_a_batch_takes_as_many_bytes_as_announced(tree: Path) -> None:
    batch = next(iter(create_dataloaders(tree, CONFIG, settings=NO_WORKERS).train))
    assert batch["frames"].nbytes + batch["gt"].nbytes == CONFIG.batch_bytes
    assert replace(CONFIG, crop=None).batch_bytes == 0


def test_validation_serves_whole_frames_in_order_every_time(tree: Path) -> None:
    loaders = create_dataloaders(tree, CONFIG, settings=NO_WORKERS)
    assert loaders.val is not None
    batches = list(loaders.val)
    assert [b["frames"].shape for b in batches] == [(1, 4, 3, 24, 32)] * 4
    assert digests(batches) == digests(epoch(loaders.val, 5))
    cropped = create_dataloaders(tree, replace(CONFIG, val_crop=(8, 12)), settings=NO_WORKERS)
    assert cropped.val is not None
    assert next(iter(cropped.val))["frames"].shape == (3, 4, 3, 8, 12)


def test_another_epoch_shows_other_samples(tree: Path) -> None:
    train = create_dataloaders(tree, CONFIG, settings=NO_WORKERS).train
    assert digests(epoch(train, 0)) != digests(epoch(train, 1))


def test_order_and_batch_size_change_no_byte_of_a_sample(tree: Path) -> None:
    shuffled = create_dataloaders(tree, CONFIG, settings=NO_WORKERS).train
    batches = epoch(shuffled, 2)
    single = {}
    for index in range(len(shuffled.dataset)):
        sample = shuffled.dataset[SampleKey(2, index)]
        single[sample["key"]] = sample["frames"]
    for batch in batches:
        for i, key in enumerate(batch["key"]):
            assert torch.equal(batch["frames"][i], single[key])


def test_a_resumed_epoch_is_as_long_as_what_is_left(tree: Path) -> None:
    train = create_dataloaders(tree, CONFIG, settings=NO_WORKERS).train
    train.sampler.set_epoch(3)
    train.sampler.load_state(train.sampler.state_after(2))
    assert len(train) == len(list(train)) == 4


@pytest.mark.parametrize("workers", [0, 1])
def test_reading_draws_nothing_from_torchs_generator(tree: Path, workers: int) -> None:
    loader = create_dataloaders(tree, CONFIG, settings=LoaderSettings(num_workers=workers)).train
    before = torch.get_rng_state()
    list(loader)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_loaders_run_beside_each_other(tree: Path) -> None:
    settings = LoaderSettings(num_workers=1, start_method="fork")
    first, second = (create_dataloaders(tree, CONFIG, settings=settings).train for _ in range(2))
    alone = digests(create_dataloaders(tree, CONFIG, settings=NO_WORKERS).train)
    # The second loader's workers are forked while the first one's run, and hold a copy of them.
    pairs = list(zip(first, second, strict=True))
    assert digests(a for a, _ in pairs) == digests(b for _, b in pairs) == alone
    del second
    assert digests(epoch(first, 0)) == alone


@pytest.mark.parametrize("settings", [NO_WORKERS, LoaderSettings(num_workers=1, start_method="fork")])
def test_an_older_iteration_is_refused_and_the_newer_one_loses_nothing(tree: Path, settings: LoaderSettings) -> None:
    loader = create_dataloaders(tree, CONFIG, settings=settings).train
    alone = digests(create_dataloaders(tree, CONFIG, settings=NO_WORKERS).train)
    older, newer = iter(loader), iter(loader)
    next(older)
    served = [next(newer)]
    with pytest.raises(ConfigError, match="another iteration of this loader has begun"):
        next(older)
    served.extend(newer)
    assert digests(served) == alone
    assert digests(loader) == alone


def test_two_ranks_read_every_sample_between_them(tree: Path) -> None:
    ranks = [create_dataloaders(tree, CONFIG, settings=NO_WORKERS, rank=r, world_size=2).train for r in (0, 1)]
    keys = [[key for batch in loader for key in batch["key"]] for loader in ranks]
    assert len(keys[0]) == len(keys[1]) == 9
    assert len(set(keys[0] + keys[1])) == 18


@pytest.mark.parametrize(("local", "processes"), [(None, 2), ("4", 4)])
def test_the_rule_knows_the_batch_and_the_processes_of_this_machine(
    tree: Path, monkeypatch: pytest.MonkeyPatch, local: str | None, processes: int
) -> None:
    asked = []

    def rule(**arguments: int) -> LoaderSettings:
        asked.append(arguments)
        return NO_WORKERS

    monkeypatch.setattr("lift_core.data.loaders.recommend_settings", rule)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if local is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", local)
    create_dataloaders(tree, CONFIG, world_size=2)
    assert asked == [{"batch_bytes": CONFIG.batch_bytes, "processes": processes}]


def test_several_processes_do_not_measure_against_each_other(tree: Path) -> None:
    with pytest.raises(ConfigError, match="2 processes"):
        create_dataloaders(tree, CONFIG, settings="auto", world_size=2)


def test_workers_of_validation_end_with_it(tree: Path) -> None:
    loaders = create_dataloaders(tree, CONFIG, settings=LoaderSettings(num_workers=1, start_method="fork"))
    assert loaders.val is not None
    next(iter(loaders.train))
    assert len(worker_processes()) == 1
    served = iter(loaders.val)
    next(served)
    assert len(worker_processes()) == 2
    assert len(list(served)) == 3
    assert len(worker_processes()) == 1


def test_a_validation_root_leaves_the_data_root_to_training(tree: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "held_out", 6)
    loaders = create_dataloaders(tree, CONFIG, val_root=tmp_path, settings=NO_WORKERS)
    assert len(loaders.train.dataset) == 24
    assert loaders.val is not None
    assert list(loaders.val.dataset.clips.names) == ["held_out"]


def test_a_batch_reaches_the_device_as_floats(tree: Path) -> None:
    batch = next(iter(create_dataloaders(tree, CONFIG, settings=LoaderSettings(num_workers=1)).train))
    ready = to_device(batch, "cpu")
    assert ready["frames"].dtype == torch.float32
    assert 0 <= float(ready["frames"].min()) <= float(ready["frames"].max()) <= 1
    assert torch.equal(ready["ref_frames"], ready["frames"][:, 1:3])


def test_skips_in_workers_are_counted_here(tmp_path: Path) -> None:
    write_vimeo(tmp_path, categories=2, clips=1, frames=8)
    for picture in (tmp_path / "sequences" / "00001" / "0001").iterdir():
        picture.write_bytes(b"")
    config = replace(CONFIG, on_error="skip", split_config=SplitConfig((1.0, 0.0, 0.0)))
    loader = create_dataloaders(tmp_path, config, settings=LoaderSettings(num_workers=2)).train
    batches = list(loader)
    assert len(batches) == 4
    assert loader.dataset.skipped > 0
    assert all(key.startswith("00002") for batch in batches for key in batch["key"])


def test_an_error_in_a_worker_keeps_its_words(tmp_path: Path) -> None:
    write_clip(tmp_path / "c", 8)
    (tmp_path / "c" / "im04.png").write_bytes(b"")
    loader = create_dataloaders(tmp_path, CONFIG, settings=LoaderSettings(num_workers=1)).train
    with pytest.raises(Exception, match=r"im04\.png"):
        list(loader)


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("batches_before", [0, 2])
def test_a_killed_worker_is_told_and_ends_the_epoch(
    tree: Path, monkeypatch: pytest.MonkeyPatch, batches_before: int
) -> None:
    loader = create_dataloaders(tree, CONFIG, settings=LoaderSettings(num_workers=1, start_method="fork")).train
    fatal = list(loader.sampler)[batches_before * CONFIG.batch_size]
    read = ClipDataset.read

    def killed(dataset: ClipDataset, key: SampleKey, room: Room | None = None) -> Sample:
        if key == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(dataset, key, room)

    monkeypatch.setattr(ClipDataset, "read", killed)
    with pytest.raises(LoaderError, match=r"worker process died.*fewer workers"):
        list(loader)


@pytest.mark.parametrize(
    "error", [EOFError(), ConnectionResetError(), RuntimeError("DataLoader worker (pid(s) 7) exited unexpectedly")]
)
def test_every_way_in_which_a_dead_worker_shows_counts(
    tree: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def orphaned(reader: DataLoader[Sample]) -> None:
        raise error

    loader = create_dataloaders(tree, CONFIG, settings=LoaderSettings(num_workers=1)).train
    monkeypatch.setattr(DataLoader, "__iter__", orphaned)
    with pytest.raises(LoaderError, match=type(error).__name__):
        list(loader)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held back here")
def test_a_signal_to_end_that_meets_a_worker_while_it_starts_costs_nothing(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = os.getpid()

    def met(threads: int) -> None:
        assert os.getpid() != here
        os.kill(os.getpid(), signal.SIGTERM)

    # The first thing that a worker does to settle.
    monkeypatch.setattr(loader_module.cv2, "setNumThreads", met)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    loaders = create_dataloaders(tree, CONFIG, settings=LoaderSettings(num_workers=2, start_method="fork"))
    assert len(list(loaders.train)) == 6
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="workers end at once here")
def test_a_worker_ends_some_time_after_a_signal_to_end(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader_module, "_GRACE_S", 1)
    settings = LoaderSettings(num_workers=1, start_method="fork", persistent_workers=True)
    loader = create_dataloaders(tree, CONFIG, settings=settings).train
    before = {child.pid for child in psutil.Process().children()}
    next(iter(loader))
    (worker,) = (child for child in psutil.Process().children() if child.pid not in before)
    began = time.monotonic()
    worker.terminate()
    # torch tells of it wherever this process happens to be.
    with pytest.raises(RuntimeError, match="killed by signal: Alarm clock"):
        time.sleep(30)
    assert time.monotonic() - began > 0.9


@pytest.mark.parametrize("workers", [0, 1])
def test_a_fault_of_the_program_is_left_as_it_is(tree: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    settings = LoaderSettings(num_workers=workers, start_method="fork")
    loader = create_dataloaders(tree, CONFIG, settings=settings).train

    def broken(*arguments: object) -> None:
        raise EOFError("a fault in the program")

    monkeypatch.setattr(ClipDataset, "read", broken)
    with pytest.raises(EOFError, match="a fault in the program"):
        list(loader)


def test_fewer_samples_than_a_step_are_refused(tree: Path) -> None:
    with pytest.raises(DatasetError, match="one step needs 38"):
        create_dataloaders(tree, replace(CONFIG, batch_size=19), settings=NO_WORKERS, world_size=2)


def test_frames_smaller_than_the_crop_are_refused(tree: Path) -> None:
    with pytest.raises(DatasetError, match="smaller than the crop"):
        list(create_dataloaders(tree, replace(CONFIG, crop=(64, 64)), settings=NO_WORKERS).train)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_a_sample_arrives_as_it_was_raised(tree: Path, workers: int) -> None:
    loaders = create_dataloaders(tree, replace(CONFIG, crop=(400, 400)), settings=LoaderSettings(num_workers=workers))
    with pytest.raises(DatasetError, match="smaller than the crop of 400x400") as caught:
        next(iter(loaders.train))
    assert "Traceback" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("slots", [True, False])
def test_a_killed_worker_leaves_no_shared_memory_and_no_process(
    tree: Path, monkeypatch: pytest.MonkeyPatch, slots: bool
) -> None:
    gc.collect()
    files, mapped = shared_files(), shared_mappings()
    settings = LoaderSettings(num_workers=2, start_method="fork", slots=slots)
    loader = create_dataloaders(tree, CONFIG, settings=settings).train
    fatal = list(loader.sampler)[4 * CONFIG.batch_size]
    read = ClipDataset.read

    def killed(dataset: ClipDataset, key: SampleKey, room: Room | None = None) -> Sample:
        if key == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(dataset, key, room)

    monkeypatch.setattr(ClipDataset, "read", killed)
    with pytest.raises(LoaderError, match="worker process died"):
        list(loader)
    monkeypatch.undo()
    assert len(list(loader)) == 6, "the next epoch gets new workers"
    assert shared_mappings() > mapped
    del loader
    # The error's traceback, a cycle of references, may still hold the loader.
    gc.collect()
    assert shared_files() <= files
    assert shared_mappings() == mapped
    assert worker_processes() == []


def shared_files() -> set[Path]:
    """The files of shared memory that torch made for this process or its workers; others' are none of our business."""
    own = {os.getpid(), *(child.pid for child in psutil.Process().children())}
    return {path for pid in own for path in Path("/dev/shm").glob(f"torch_{pid}_*")}


def worker_processes() -> list[psutil.Process]:
    """This process's living children, but for the helpers that multiprocessing keeps until its end."""
    helpers = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
    children = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in children if not any(name in " ".join(child.cmdline()) for name in helpers)]


def shared_mappings() -> int:
    """Bytes of torch's shared memory that this process maps."""
    return sum(m.size for m in psutil.Process().memory_maps(grouped=False) if m.path.startswith("/dev/shm/torch_"))


def test_a_worker_that_hangs_is_told_by_name(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # How long DataLoader waits for a worker to end before it ends it.
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.1)
    # The clock also runs while a busy machine forks the workers.
    settings = LoaderSettings(num_workers=2, start_method="fork", timeout=3.0)
    loader = create_dataloaders(tree, CONFIG, settings=settings).train
    stuck = list(loader.sampler)[3 * CONFIG.batch_size]
    read = ClipDataset.read

    def hanging(dataset: ClipDataset, key: SampleKey, room: Room | None = None) -> Sample:
        if key == stuck:
            time.sleep(60)
        return read(dataset, key, room)

    monkeypatch.setattr(ClipDataset, "read", hanging)
    served = []
    with pytest.raises(LoaderError, match=r"nothing for 3 seconds") as caught:
        served.extend(loader)
    assert len(served) == 3
    assert "worker 1 of 2" in str(caught.value.where)
    assert loader.dataset.key(stuck.index) in str(caught.value.where)
    assert worker_processes() == []
