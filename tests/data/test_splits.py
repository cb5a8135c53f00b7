"""Tests of splits: whole groups, honest shares, and independence of order and company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lift_core.data.splits import SplitConfig, k_fold_by_group, split_by_group
from lift_core.errors import ConfigError

GROUPS = [f"g{i // 3}" for i in range(300)]


@given(
    groups=st.lists(st.integers(0, 20).map(str), max_size=60),
    shares=st.sampled_from([(0.95, 0.05, 0.0), (1.0, 0.0, 0.0), (0.5, 0.25, 0.25), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]),
    seed=st.integers(0, 5),
)
def test_a_split_is_a_partition_into_whole_groups(
    groups: list[str], shares: tuple[float, float, float], seed: int
) -> None:
    split = split_by_group(groups, shares, seed=seed)
    parts = [split.train, split.val, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    members = [{groups[i] for i in part} for part in parts]
    assert sum(map(len, members)) == len(set(groups))
    for share, part in zip(shares, parts, strict=True):
        if share == 0:
            assert len(part) == 0


def test_shares_are_shares_of_the_groups() -> None:
    split = split_by_group(GROUPS, (0.8, 0.15, 0.05))
    assert (len(split.train), len(split.val), len(split.test)) == (240, 45, 15)


def test_a_small_share_of_few_groups_still_gets_one() -> None:
    split = split_by_group(["a", "b", "c"], (0.95, 0.05, 0.0))
    assert (len(split.train), len(split.val)) == (2, 1)


def test_a_single_group_is_for_training() -> None:
    split = split_by_group(["a", "a"], (0.9, 0.05, 0.05))
    assert (len(split.train), len(split.val), len(split.test)) == (2, 0, 0)


def test_the_order_of_clips_has_no_influence() -> None:
    shuffled = [GROUPS[i] for i in np.random.default_rng(0).permutation(len(GROUPS))]
    chosen = [{g[i] for i in split_by_group(g, seed=4).val} for g in (GROUPS, shuffled)]
    assert chosen[0] == chosen[1]


def test_another_seed_divides_differently() -> None:
    assert split_by_group(GROUPS, seed=0).val.tolist() != split_by_group(GROUPS, seed=1).val.tolist()


def test_every_group_is_validation_in_exactly_one_fold() -> None:
    folds = [k_fold_by_group(GROUPS, 5, fold, seed=2) for fold in range(5)]
    assert sorted(np.concatenate([f.val for f in folds]).tolist()) == list(range(300))
    for fold in folds:
        assert not {GROUPS[i] for i in fold.train} & {GROUPS[i] for i in fold.val}
        assert len(fold.train) + len(fold.val) == 300


def test_a_config_chooses_between_shares_and_folds() -> None:
    assert len(SplitConfig(folds=4, fold=1).assign(GROUPS).val) == 75
    assert len(SplitConfig((0.9, 0.1, 0.0)).assign(GROUPS).val) == 30
    everything = SplitConfig((0.4, 0.3, 0.3)).assign(GROUPS).part("all")
    assert everything.tolist() == list(range(300))


@pytest.mark.parametrize(
    "arguments",
    [{"fractions": (0.9, 0.2, 0.0)}, {"fractions": (1.1, -0.1, 0.0)}, {"folds": 1}, {"folds": 3, "fold": 3}],
)
def test_impossible_splits_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        SplitConfig(**arguments)  # type: ignore[arg-type]


def test_more_folds_than_groups_and_unknown_parts_are_refused() -> None:
    with pytest.raises(ConfigError, match="folds"):
        k_fold_by_group(["a", "b"], 3, 0)
    with pytest.raises(ConfigError, match="unknown split"):
        split_by_group(GROUPS).part("training")  # type: ignore[arg-type]


def test_by_default_95_of_100_groups_train_5_validate_and_none_test() -> None:
    split = SplitConfig().assign([f"g{i}" for i in range(100)])
    assert (len(split.train), len(split.val), len(split.test)) == (95, 5, 0)


@pytest.mark.parametrize(
    ("fractions", "counts"),
    [((1.0, 0.0, 0.0), (100, 0, 0)), ((0.0, 1.0, 0.0), (0, 100, 0)), ((0.0, 0.0, 1.0), (0, 0, 100))],
)
def test_a_share_of_zero_gets_nothing_and_one_gets_all(
    fractions: tuple[float, float, float], counts: tuple[int, int, int]
) -> None:
    split = SplitConfig(fractions).assign([f"g{i}" for i in range(100)])
    assert (len(split.train), len(split.val), len(split.test)) == counts
