"""A resumed epoch goes on as torch's own stateful loader does, and also where that one cannot: on other workers."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from torchdata.stateful_dataloader import StatefulDataLoader

from lift_core.data.loaders import Loader, create_dataloaders
from lift_core.data.sample import collate
from lift_core.data.tuner import LoaderSettings
from tests.data.clip_trees import write_vimeo
from tests.data.loader_trees import CONFIG, digests

USED = 2


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=4, clips=1, frames=8)


def loader(tree: Path, workers: int) -> Loader:
    settings = LoaderSettings(num_workers=workers, persistent_workers=False)
    return create_dataloaders(tree, CONFIG, settings=settings).train


def oracle(ours: Loader, workers: int) -> StatefulDataLoader:
    """torch's loader over the same samples in the same order."""
    return StatefulDataLoader(
        ours.dataset,
        batch_size=CONFIG.batch_size,
        sampler=list(ours.sampler),
        num_workers=workers,
        drop_last=True,
        collate_fn=collate,
    )


@pytest.mark.parametrize(("workers", "later"), [(0, 0), (0, 2), (2, 0), (2, 1)])
def test_a_resumed_epoch_goes_on_as_torchs_stateful_loader_does(tree: Path, workers: int, later: int) -> None:
    ours = loader(tree, workers)
    begun = oracle(ours, workers)
    whole = digests(list(islice(begun, USED)))
    resumed = oracle(ours, workers)
    resumed.load_state_dict(begun.state_dict())
    expected = list(digests(list(resumed)).items())
    assert expected

    assert digests(list(islice(ours, USED))) == whole
    again = loader(tree, later)
    again.sampler.load_state(ours.sampler.state_after(USED).as_dict())
    assert list(digests(list(again)).items()) == expected
