"""Splits by clip group: train, validation and test, or k folds, such that neighbours never straddle a border."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lift_core.errors import ConfigError

Part = Literal["train", "val", "test", "all"]


@dataclass(frozen=True)
class Split:
    """Indices of clips, each sorted, together a partition: ``train``, ``val``, ``test``."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]

    def part(self, name: Part) -> NDArray[np.int64]:
        """The indices of one part; "all" joins the three, sorted."""
        if name == "all":
            return np.sort(np.concatenate([self.train, self.val, self.test]))
        if name not in ("train", "val", "test"):
            raise ConfigError(f"unknown split {name!r}", fix="Choose train, val, test or all.")
        return {"train": self.train, "val": self.val, "test": self.test}[name]


@dataclass(frozen=True)
class SplitConfig:
    """How clips are divided.

    Attributes:
        fractions: of train, validation and test groups; they sum to 1 and may be 0.0. Used unless ``folds`` is set.
        seed: another seed, another division; it belongs to the data set, not to a training run.
        folds: number of folds, or None. With folds, ``fold`` is validation and the rest training; test is empty.
        fold: which fold is validation, from 0.

    Raises:
        ConfigError: fractions that are negative or do not sum to 1, or a fold that does not exist.
    """

    fractions: tuple[float, float, float] = (0.95, 0.05, 0.0)
    seed: int = 0
    folds: int | None = None
    fold: int = 0

    def __post_init__(self) -> None:
        if min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ConfigError(
                f"split fractions {self.fractions} are negative or do not sum to 1", fix="Choose e.g. 0.95, 0.05, 0.0."
            )
        if self.folds is not None and not (self.folds >= 2 and 0 <= self.fold < self.folds):
            raise ConfigError(
                f"fold {self.fold} of {self.folds} does not exist", fix="Choose at least 2 folds, and count from 0."
            )

    def assign(self, groups: Sequence[str]) -> Split:
        """Divide clips, given the group of each."""
        if self.folds is not None:
            return k_fold_by_group(groups, self.folds, self.fold, seed=self.seed)
        return split_by_group(groups, self.fractions, seed=self.seed)


def split_by_group(
    groups: Sequence[str], fractions: tuple[float, float, float] = (0.95, 0.05, 0.0), *, seed: int = 0
) -> Split:
    """Divide clips into train, validation and test; a group goes to one part as a whole.

    Groups are ranked by a hash of (seed, name), so the order of clips is without influence and a new group moves
    few others. The last groups are test, those before them validation, each part its share of the *groups*,
    rounded; a part with a share above 0 gets at least one group while training keeps one.

    Args:
        groups: the group of each clip.
        fractions: shares of train, validation and test; 0.0 is allowed.
        seed: another seed, another division.
    """
    ranked = _ranked(groups, seed)
    spare = max(len(ranked) - 1, 0) if fractions[0] > 0 else len(ranked)
    counts = []
    for share in fractions[1:]:
        wanted = max(round(share * len(ranked)), 1) if share > 0 else 0
        counts.append(min(wanted, spare))
        spare -= counts[-1]
    if fractions[0] == 0:
        counts[0 if fractions[1] > 0 else 1] += spare
    val_count, test_count = counts
    train_end = len(ranked) - val_count - test_count
    return Split(
        train=_members(groups, ranked[:train_end]),
        val=_members(groups, ranked[train_end : train_end + val_count]),
        test=_members(groups, ranked[train_end + val_count :]),
    )


def k_fold_by_group(groups: Sequence[str], folds: int, fold: int, *, seed: int = 0) -> Split:
    """Fold ``fold`` of ``folds`` as validation, the rest as training; every group is validation exactly once.

    Raises:
        ConfigError: fewer groups than folds.
    """
    ranked = _ranked(groups, seed)
    if len(ranked) < folds:
        raise ConfigError(
            f"{len(ranked)} clip groups cannot be divided into {folds} folds", fix="Choose fewer folds or more clips."
        )
    held_out = ranked[fold::folds]
    rest = [g for g in ranked if g not in set(held_out)]
    return Split(_members(groups, rest), _members(groups, held_out), np.empty(0, dtype=np.int64))


def _ranked(groups: Sequence[str], seed: int) -> list[str]:
    def rank(group: str) -> bytes:
        return hashlib.blake2b(f"{seed}\0{group}".encode("utf-8", "surrogateescape"), digest_size=16).digest()

    return sorted(set(groups), key=rank)


def _members(groups: Sequence[str], chosen: Sequence[str]) -> NDArray[np.int64]:
    wanted = set(chosen)
    return np.array([i for i, group in enumerate(groups) if group in wanted], dtype=np.int64)
