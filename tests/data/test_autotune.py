"""Tests of autotune: what it measures, chooses, remembers and says; speeds are made up but for one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from lift_core.data import autotune as module
from lift_core.data.autotune import Trial, autotune, measure
from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.limits import Limits
from lift_core.data.loaders import create_dataloaders
from lift_core.data.tuner import LoaderSettings
from lift_core.errors import ConfigError, LoaderError
from tests.data.clip_trees import write_vimeo
from tests.data.loader_trees import CONFIG

BASE = LoaderSettings(start_method="fork")
Speed = Callable[[LoaderSettings], float]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=4, clips=1, frames=8)


@pytest.fixture(scope="module")
def dataset(tree: Path) -> ClipDataset:
    return create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train.dataset


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path))
    # The settings that are tried depend on the machine: here on this one.
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    memory = SimpleNamespace(available=64 * 10**9)
    monkeypatch.setattr("lift_core.data.tuner.psutil", SimpleNamespace(virtual_memory=lambda: memory))
    monkeypatch.setattr("lift_core.data.tuner.free_shared_memory", lambda: 64 * 10**9)
    monkeypatch.setattr(Limits, "now", classmethod(lambda cls: cls(64 * 10**9, 1024)))
    return tmp_path


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[LoaderSettings]:
    return []


def pretend(monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings], speed: Speed) -> None:
    def fake(data: ClipDataset, batch_size: int, settings: LoaderSettings, step: object, seconds: float) -> Trial:
        measured.append(settings)
        return Trial(settings, speed(settings), seconds)

    monkeypatch.setattr(module, "measure", fake)


def tune(dataset: ClipDataset, **more: object) -> module.Tuning:
    return autotune(dataset, 3, base=BASE, tell=lambda text: None, **more)  # type: ignore[arg-type]


def test_numbers_of_workers_come_first_then_their_neighbours(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    def speed(s: LoaderSettings) -> float:
        return 100 * min(s.num_workers, 2) + 10 * s.prefetch_factor + s.slots

    pretend(monkeypatch, measured, speed)
    tuning = tune(dataset)
    assert [s.num_workers for s in measured[:4]] == [0, 1, 2, 4]
    assert {s.num_workers for s in measured[4:]} == {2}
    assert len(measured) == 8
    assert tuning.settings == replace(BASE, num_workers=2, prefetch_factor=4)
    assert max(speed(s) for s in measured) <= speed(tuning.settings) * 1.03


def test_without_gain_this_process_reads_and_the_note_says_so(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    pretend(monkeypatch, measured, lambda s: 100 + s.num_workers / 2)
    tuning = tune(dataset)
    assert tuning.settings.num_workers == 0
    assert "No number of workers beat" in tuning.note


def test_the_choice_is_never_slower_than_this_process(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    pretend(monkeypatch, measured, lambda s: 100 if s.num_workers == 0 else 90 + s.num_workers)
    assert tune(dataset).settings.num_workers == 0


def test_the_answer_is_remembered_for_the_same_question_only(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    pretend(monkeypatch, measured, lambda s: 1 + s.num_workers)
    first = tune(dataset)
    count = len(measured)
    again = tune(dataset)
    assert len(measured) == count
    assert (again.settings, again.trials, again.remembered) == (first.settings, first.trials, True)
    assert "refresh=True" in again.note
    tune(dataset, step=0.5)
    assert len(measured) == 2 * count
    tune(dataset, refresh=True)
    assert len(measured) == 3 * count


@pytest.mark.parametrize("other", [{"prefetch_factor": 4}, {"slots": False}, {"kept": 5}, {"timeout": 9.0}])
def test_another_base_is_another_question(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings], other: dict[str, float]
) -> None:
    pretend(monkeypatch, measured, lambda s: 1 + s.num_workers)
    tune(dataset)
    base = replace(BASE, **other)  # type: ignore[arg-type]
    assert not autotune(dataset, 3, base=base, tell=lambda text: None).remembered
    assert autotune(dataset, 3, base=base, tell=lambda text: None).remembered


def test_what_the_trials_set_anyway_is_no_part_of_the_question(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    pretend(monkeypatch, measured, lambda s: 1 + s.num_workers)
    tune(dataset)
    base = replace(BASE, num_workers=3, persistent_workers=False)
    assert autotune(dataset, 3, base=base, tell=lambda text: None).remembered


def test_a_function_is_remembered_by_its_given_name_only(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings], cache: Path
) -> None:
    pretend(monkeypatch, measured, lambda s: 1 + s.num_workers)
    for _ in range(2):
        assert not tune(dataset, step=lambda batch: None).remembered
    assert not (cache / "autotune").exists()
    assert not tune(dataset, step=lambda batch: None, step_name="small").remembered
    assert tune(dataset, step=lambda batch: None, step_name="small").remembered
    assert not tune(dataset, step=lambda batch: None, step_name="large").remembered
    assert not tune(dataset, step=0.0).remembered
    assert not tune(dataset, step=lambda batch: None, step_name="0.0").remembered


def test_the_same_relative_path_elsewhere_is_other_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    pretend(monkeypatch, measured, lambda s: 1 + s.num_workers)
    found = []
    for place in ("here", "there"):
        write_vimeo(tmp_path / place / "clips", categories=4, clips=1, frames=8)
        monkeypatch.chdir(tmp_path / place)
        found.append(create_dataloaders("clips", CONFIG, settings=LoaderSettings()).train.dataset)
        assert not tune(found[-1]).remembered
    assert list(found[0].clips.paths) == list(found[1].clips.paths), "as they were given"


@pytest.mark.parametrize("content", ['{"settings": 3}', "[" * 100_000])
def test_a_damaged_memory_is_measured_anew(
    content: str, dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings], cache: Path
) -> None:
    pretend(monkeypatch, measured, lambda s: 1.0)
    tune(dataset)
    for file in (cache / "autotune").iterdir():
        file.write_text(content)
    assert not tune(dataset).remembered


def test_what_the_machine_cannot_carry_is_not_measured(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    pretend(monkeypatch, measured, lambda s: 1.0 + s.num_workers)
    monkeypatch.setattr(Limits, "now", classmethod(lambda cls: cls(int(CONFIG.batch_bytes * 4.5), 1024)))
    tune(dataset)
    assert [s.num_workers for s in measured if s.num_workers > 1] == []
    monkeypatch.setattr(Limits, "now", classmethod(lambda cls: cls(None, 0)))
    measured.clear()
    assert tune(dataset, refresh=True).settings.num_workers == 0
    assert {s.num_workers for s in measured} == {0}


def test_time_that_runs_out_is_told_and_this_process_is_always_measured(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    pretend(monkeypatch, measured, lambda s: 1.0)
    tuning = tune(dataset, seconds=1e-9)
    assert [s.num_workers for s in measured] == [0]
    assert "Time ran out" in tuning.note


def test_the_table_marks_the_choice(
    dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch, measured: list[LoaderSettings]
) -> None:
    pretend(monkeypatch, measured, lambda s: 5.0 * (1 + s.num_workers))
    told: list[str] = []
    autotune(dataset, 3, base=BASE, tell=told.append)
    (text,) = told
    marked = [line for line in text.splitlines() if "<- chosen" in line]
    assert len(marked) == 1
    assert marked[0].split()[0] == "4"
    assert "5.00 times as fast" in text


def test_dead_workers_count_as_no_speed(dataset: ClipDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(loader: object) -> None:
        raise LoaderError("a worker process died")

    monkeypatch.setattr(module, "_endless", dying)
    assert measure(dataset, 3, replace(BASE, num_workers=1), 0.0, 0.1).samples_per_second == 0


@pytest.mark.parametrize("arguments", [{"seconds": 0.0}, {"batch_size": 19}, {"batch_size": 0}])
def test_what_cannot_be_measured_is_refused(dataset: ClipDataset, arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        autotune(dataset, **({"batch_size": 3} | arguments))  # type: ignore[arg-type]


def test_a_real_run_measures_and_auto_asks_for_it(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []

    def step(batch: object) -> None:
        steps.append(batch)

    dataset = create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train.dataset
    tuning = autotune(dataset, 3, seconds=0.4, base=BASE, step=step, tell=lambda text: None)
    assert steps
    assert all(trial.samples_per_second > 0 for trial in tuning.trials)
    asked = []

    def answer(data: ClipDataset, batch_size: int) -> module.Tuning:
        asked.append((len(data), batch_size))
        return tuning

    monkeypatch.setattr("lift_core.data.loaders.autotune", answer)
    loaders = create_dataloaders(tree, CONFIG, settings="auto")
    assert asked == [(18, 3)]
    assert loaders.train.settings == tuning.settings
