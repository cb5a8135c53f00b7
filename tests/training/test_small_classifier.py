"""fit() trains for the steps asked for, on what the batches hold, and the same way again."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import one_hot
from torch.utils.data import DataLoader

from lift_core.data.labelled_scenes import LabelledScenes, ScenesConfig
from lift_core.errors import ConfigError, DatasetError, ShapeError
from lift_core.training.small_classifier import SmallClassifier, fit

SCENES = LabelledScenes(ScenesConfig(scenes=(30, 30, 30), noise=0.1, jitter=5))
NEW = LabelledScenes(ScenesConfig(scenes=(30, 30, 30), noise=0.1, jitter=5, seed=1))


def loader(seed: int = 0) -> DataLoader:
    return DataLoader(SCENES, batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(seed))


class Counting:
    """Batches that count how often they are asked for one."""

    def __init__(self, batches: int) -> None:
        self.batches, self.given = batches, 0

    def __iter__(self):
        for number in range(self.batches):
            self.given += 1
            yield SCENES.pictures[number : number + 4], SCENES.labels[number : number + 4]


def parameters(model: SmallClassifier) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in model.parameters()])


def test_it_learns_kinds_that_it_has_not_seen():
    model = fit(loader(), 3)
    assert (model.predict(NEW.pictures) == NEW.labels).float().mean() > 0.9


def test_equal_seeds_train_equal_models():
    assert torch.equal(parameters(fit(loader(2), 3, steps=20, seed=7)), parameters(fit(loader(2), 3, steps=20, seed=7)))
    assert not torch.equal(parameters(SmallClassifier(3, seed=7)), parameters(SmallClassifier(3, seed=8)))


def test_the_shared_generator_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    fit(Counting(2), 3, steps=3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("batches", "steps"), [(5, 12), (5, 5), (5, 3), (1, 4)])
def test_exactly_so_many_batches_are_used_whatever_an_epoch_holds(batches: int, steps: int):
    counted = Counting(batches)
    fit(counted, 3, steps=steps)
    assert counted.given == steps


def test_soft_labels_train_like_the_hard_ones_they_equal():
    hard = [(SCENES.pictures, SCENES.labels)]
    soft = [(SCENES.pictures, one_hot(SCENES.labels, 3).float())]
    torch.testing.assert_close(parameters(fit(soft, 3, steps=5)), parameters(fit(hard, 3, steps=5)))


def test_class_weights_draw_predictions_to_the_heavy_class():
    heavy = torch.tensor([1.0, 1.0, 30.0])
    found = [(fit(loader(), 3, steps=60, class_weights=w).predict(NEW.pictures) == 2).sum() for w in (None, heavy)]
    assert found[1] > found[0]


def test_probabilities_add_up_to_one():
    rows = SmallClassifier(4)(SCENES.pictures[:5]).shape, SmallClassifier(4).probabilities(SCENES.pictures[:5])
    assert rows[0] == (5, 4)
    torch.testing.assert_close(rows[1].sum(dim=1), torch.ones(5))


def test_batches_that_serve_once_are_refused_when_they_run_out():
    with pytest.raises(DatasetError, match="serves once"):
        fit(iter(list(Counting(2))), 3, steps=5)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"classes": 0}])
def test_no_steps_and_no_classes_are_refused(wrong: dict):
    with pytest.raises(ConfigError):
        fit(**{"batches": loader(), "classes": 3, **wrong})


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 1, 16, 16), (2, 3, 3, 16)])
def test_what_is_no_batch_of_pictures_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ShapeError):
        SmallClassifier(3)(torch.zeros(shape))


class EpochBatches:
    """A batch sampler that notes which epochs it was told."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.told.append(epoch)

    def __len__(self) -> int:
        return 2

    def __iter__(self):
        return iter([[0, 40, 80], [1, 41, 81]])


def test_a_batch_sampler_is_told_each_epoch():
    sampler = EpochBatches()
    fit(DataLoader(SCENES, batch_sampler=sampler), 3, steps=5)
    assert sampler.told == [0, 1, 2]
