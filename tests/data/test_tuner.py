"""Tests of recommend_settings: the rule, its limits, and that two cores do not mean zero workers."""

from __future__ import annotations

import pytest

from lift_core.data.tuner import LoaderSettings, processes_here, recommend_settings, usable_cores
from lift_core.errors import ConfigError

GB = 10**9


def workers(cores: int, memory: int = 64 * GB, accelerator: bool = False, **more: int) -> int:
    return recommend_settings(cores, memory, accelerator, **({"shared_memory_bytes": 64 * GB} | more)).num_workers


@pytest.mark.parametrize("accelerator", [True, False])
@pytest.mark.parametrize("cores", [1, 2, 3, 4, 8, 64])
def test_enough_memory_always_means_at_least_one_worker(cores: int, accelerator: bool) -> None:
    assert workers(cores, accelerator=accelerator) >= 1


def test_with_an_accelerator_all_cores_but_one_read() -> None:
    assert [workers(c, accelerator=True) for c in (1, 2, 4, 8, 64)] == [2, 2, 3, 7, 16]


def test_without_one_most_cores_compute() -> None:
    assert [workers(c) for c in (1, 2, 4, 8, 64)] == [1, 1, 1, 2, 16]


def test_processes_share_the_cores() -> None:
    assert workers(32, accelerator=True, processes=4) == 7


def test_little_memory_means_fewer_workers_and_in_the_end_none() -> None:
    assert workers(16, memory=4 * GB, accelerator=True) == 3
    assert workers(16, memory=1 * GB, accelerator=True) == 0
    assert workers(16, accelerator=True, batch_bytes=GB) < workers(16, accelerator=True)


def test_little_shared_memory_means_fewer_workers() -> None:
    assert workers(16, accelerator=True, batch_bytes=4_000_000, shared_memory_bytes=64_000_000) == 4


def test_memory_is_pinned_for_an_accelerator_only() -> None:
    assert recommend_settings(4, 64 * GB, True).pin_memory
    assert not recommend_settings(4, 64 * GB, False).pin_memory


def test_a_stuck_worker_is_given_up_unless_one_chooses_to_wait() -> None:
    assert recommend_settings(4, 64 * GB, False).timeout == 600
    assert LoaderSettings().timeout == 0


@pytest.mark.parametrize(("told", "processes"), [("2", 2), ("1", 1), (None, 8), ("", 8), ("0", 8), ("many", 8)])
def test_processes_of_this_machine_are_all_unless_told(
    monkeypatch: pytest.MonkeyPatch, told: str | None, processes: int
) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if told is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", told)
    assert processes_here(8) == processes


def test_this_machine_gets_settings() -> None:
    assert usable_cores() >= 1
    assert recommend_settings().prefetch_factor >= 1


@pytest.mark.parametrize("arguments", [{"num_workers": -1}, {"prefetch_factor": 0}])
def test_impossible_settings_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        LoaderSettings(**arguments)
