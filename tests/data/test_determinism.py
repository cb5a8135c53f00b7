"""Test of the whole matrix: workers, start methods, order, resume and slots change no byte of any sample."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import pytest
import torch

from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.loaders import DataConfig, Loader, Loaders, create_dataloaders
from lift_core.data.sample import Room, Sample, SampleKey
from lift_core.data.sampler import ResumableSampler
from lift_core.data.sampling import Sampling
from lift_core.data.tuner import LoaderSettings
from tests.data.clip_trees import write_vimeo
from tests.data.loader_trees import CONFIG, digests

EPOCH = 2
PLAIN = LoaderSettings()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=4, clips=1, frames=8)


def loader(tree: Path, settings: LoaderSettings, *, shuffle: bool = True, config: DataConfig = CONFIG) -> Loader:
    train = create_dataloaders(tree, config, settings=settings).train
    sampler = ResumableSampler(len(train.dataset), config.batch_size, seed=config.seed, shuffle=shuffle)
    return Loader(train.dataset, sampler, settings)


def stream(served: Loader, *, resumed_with: Loader | None = None) -> dict[str, str]:
    """An epoch's samples in order; with ``resumed_with``, two batches of one loader and the rest of another."""
    served.sampler.set_epoch(EPOCH)
    if resumed_with is None:
        return digests(served)
    batches = iter(served)
    found = digests([next(batches), next(batches)])
    resumed_with.sampler.load_state(served.sampler.state_after(2).as_dict())
    return found | digests(resumed_with)


@pytest.fixture(scope="module")
def expected(tree: Path) -> dict[bool, dict[str, str]]:
    """By shuffle: an epoch read in this process from beginning to end."""
    return {shuffle: stream(loader(tree, PLAIN, shuffle=shuffle)) for shuffle in (True, False)}


FORKED = [LoaderSettings()] + [
    LoaderSettings(num_workers=workers, slots=slots, start_method="fork")
    for workers, slots in product((1, 3), (True, False))
]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("resumed", [True, False])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("settings", FORKED, ids=lambda s: f"{s.num_workers}-{'slots' if s.slots else 'stacked'}")
def test_the_same_samples_whatever_reads_them(
    tree: Path, expected: dict[bool, dict[str, str]], settings: LoaderSettings, shuffle: bool, resumed: bool
) -> None:
    other = loader(tree, replace(settings, num_workers=(settings.num_workers + 2) % 4), shuffle=shuffle)
    found = stream(loader(tree, settings, shuffle=shuffle), resumed_with=other if resumed else None)
    assert list(found.items()) == list(expected[shuffle].items())


@pytest.mark.parametrize("start_method", ["spawn", "forkserver"])
def test_the_same_samples_whatever_way_workers_start(
    tree: Path, expected: dict[bool, dict[str, str]], start_method: str
) -> None:
    settings = LoaderSettings(num_workers=1, start_method=start_method)  # type: ignore[arg-type]
    served = loader(tree, settings)
    found = stream(served)
    assert list(found.items()) == list(expected[True].items())
    stacked = loader(tree, replace(settings, slots=False))
    assert list(stream(stacked).items()) == list(expected[True].items())


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("resumed", [False, True], ids=["unshuffled", "resumed"])
def test_the_same_samples_from_three_spawned_workers(
    tree: Path, expected: dict[bool, dict[str, str]], resumed: bool
) -> None:
    spawned = loader(tree, LoaderSettings(num_workers=3, start_method="spawn"), shuffle=resumed)
    found = stream(loader(tree, PLAIN), resumed_with=spawned) if resumed else stream(spawned)
    assert list(found.items()) == list(expected[resumed].items())


def test_a_worker_computes_in_one_thread(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = ClipDataset.read

    def counting(dataset: ClipDataset, key: SampleKey, room: Room | None = None) -> Sample:
        return Sample({**read(dataset, key, room), "key": f"{cv2.getNumThreads()} {torch.get_num_threads()}"})

    monkeypatch.setattr(ClipDataset, "read", counting)
    threads = cv2.getNumThreads(), torch.get_num_threads()
    try:
        cv2.setNumThreads(2)
        torch.set_num_threads(2)
        (here,) = {key for batch in loader(tree, PLAIN) for key in batch["key"]}
        forked = loader(tree, LoaderSettings(num_workers=1, start_method="fork"))
        (there,) = {key for batch in forked for key in batch["key"]}
    finally:
        cv2.setNumThreads(threads[0])
        torch.set_num_threads(threads[1])
    assert here == "2 2"
    assert there in ("0 1", "1 1")


def test_order_changes_no_sample(expected: dict[bool, dict[str, str]]) -> None:
    assert list(expected[True]) != list(expected[False])
    assert expected[True] == expected[False]


def test_seed_and_epoch_do(tree: Path, expected: dict[bool, dict[str, str]]) -> None:
    other_seed = stream(loader(tree, PLAIN, config=replace(CONFIG, seed=12)))
    served = loader(tree, PLAIN)
    served.sampler.set_epoch(EPOCH + 1)
    for other in (other_seed, digests(served)):
        common = set(other) & set(expected[True])
        assert common
        assert all(other[key] != expected[True][key] for key in common)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_random_places_are_the_same_on_workers_that_outlive_the_epoch(tree: Path) -> None:
    config = replace(CONFIG, sampling=Sampling("random", 4))

    def epochs(settings: LoaderSettings) -> list[dict[str, str]]:
        loaders: Loaders = create_dataloaders(tree, config, settings=settings)
        found = []
        for number in (0, 1, 0):
            loaders.train.sampler.set_epoch(number)
            found.append(digests(loaders.train))
        return found

    read_here = epochs(PLAIN)
    assert read_here[0] == read_here[2] != read_here[1]
    assert epochs(LoaderSettings(num_workers=3, start_method="fork", prefetch_factor=1)) == read_here
