"""Tests of ResumableSampler: what every rank sees together, and what an interruption changes: nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lift_core.data.sample import SampleKey
from lift_core.data.sampler import ResumableSampler
from lift_core.errors import CheckpointError, ConfigError


def stream(sampler: ResumableSampler) -> list[int]:
    return [key.index for key in sampler]


@given(
    length=st.integers(0, 60),
    batch=st.integers(1, 5),
    world=st.integers(1, 4),
    drop=st.booleans(),
    epoch=st.integers(0, 3),
)
def test_ranks_share_an_epoch_without_overlap_or_loss(
    length: int, batch: int, world: int, drop: bool, epoch: int
) -> None:
    samplers = [ResumableSampler(length, batch, seed=3, rank=r, world_size=world, drop_last=drop) for r in range(world)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    shards = [stream(s) for s in samplers]
    assert [len(s) for s in shards] == [len(s) for s in samplers]
    served = [i for shard in shards for i in shard]
    assert len(served) == len(set(served))
    if drop:
        assert len({len(s) for s in shards}) == 1
        assert len(served) == length // (batch * world) * batch * world
    else:
        assert sorted(served) == list(range(length))


@given(length=st.integers(1, 80), used=st.integers(0, 8), worlds=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_a_run_resumed_on_another_number_of_ranks_goes_on_with_the_same_stream(
    length: int, used: int, worlds: tuple[int, int]
) -> None:
    batch = 2
    before, after = worlds
    used = min(used, length // (batch * before))
    first = [ResumableSampler(length, batch, seed=1, rank=r, world_size=before) for r in range(before)]
    consumed = [i for s in first for i in stream(s)[: used * batch]]
    state = first[0].state_after(used)
    assert all(s.state_after(used) == state for s in first)
    second = [ResumableSampler(length, batch, seed=1, rank=r, world_size=after, drop_last=False) for r in range(after)]
    for sampler in second:
        sampler.load_state(state.as_dict())
    if state.epoch == 0:
        rest = [i for s in second for i in stream(s)]
        assert sorted(consumed + rest) == list(range(length))
    else:
        assert state.cursor == 0
        assert second[0].epoch == 1


def test_resuming_does_not_depend_on_how_far_the_loader_read_ahead() -> None:
    whole = stream(ResumableSampler(20, 3, seed=2))
    resumed = ResumableSampler(20, 3, seed=2)
    resumed.load_state(ResumableSampler(20, 3, seed=2).state_after(2))
    assert len(resumed) == len(whole) - 6
    assert stream(resumed) == whole[6:]
    again = ResumableSampler(20, 3, seed=2)
    again.load_state(resumed.state_after(3))
    assert stream(again) == whole[15:]


def test_an_exhausted_epoch_leads_to_the_next() -> None:
    sampler = ResumableSampler(10, 3, seed=2)
    sampler.load_state(sampler.state_after(3))
    assert (sampler.epoch, sampler.state_after(0).cursor) == (1, 0)
    assert next(iter(sampler)).epoch == 1


def test_epochs_differ_and_repeat() -> None:
    sampler = ResumableSampler(50, 5, seed=1)
    orders = []
    for epoch in (0, 1, 0):
        sampler.set_epoch(epoch)
        orders.append(stream(sampler))
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
    assert stream(ResumableSampler(50, 5, seed=2)) != orders[0]


def test_without_shuffling_the_order_is_the_data_sets() -> None:
    assert list(ResumableSampler(4, 2, shuffle=False)) == [SampleKey(0, i) for i in range(4)]


@pytest.mark.parametrize("change", [{"seed": 9}, {"length": 21}, {"shuffle": False}])
def test_a_state_of_other_data_is_refused(change: dict[str, int]) -> None:
    state = ResumableSampler(20, 3, seed=2).state_after(1).as_dict() | change
    with pytest.raises(CheckpointError, match="loader position"):
        ResumableSampler(20, 3, seed=2).load_state(state)


def test_an_incomplete_state_is_refused() -> None:
    with pytest.raises(CheckpointError, match="lacks"):
        ResumableSampler(20, 3).load_state({"epoch": 1})


@pytest.mark.parametrize("arguments", [{"batch_size": 0}, {"rank": 2, "world_size": 2}, {"length": -1}])
def test_impossible_samplers_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ResumableSampler(**({"length": 5, "batch_size": 1} | arguments))
