"""ResumableSampler: a seeded permutation per epoch, sharded over ranks, whose state is (epoch, cursor)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from lift_core.data.sample import SampleKey
from lift_core.errors import CheckpointError, ConfigError


@dataclass(frozen=True)
class SamplerState:
    """Where a training stands in its stream of samples.

    Attributes:
        epoch: the epoch being read. cursor: samples of its permutation consumed by all ranks together.
        seed, length, shuffle: what the permutation was made from; a state fits only the same.
    """

    epoch: int
    cursor: int
    seed: int
    length: int
    shuffle: bool

    def as_dict(self) -> dict[str, int | bool]:
        """Plain numbers for a checkpoint."""
        return asdict(self)


class ResumableSampler(Sampler[SampleKey]):
    """Yields SampleKey(epoch, index) of one rank.

    The ranks deal the epoch's permutation out like cards: with W ranks and batches of B, step k consumes the
    permutation's items kBW to (k+1)BW. How far training has come is therefore one number, the cursor, which does
    not depend on the number of workers or ranks, nor on how far the loader has read ahead.

    The uneven end: with ``drop_last`` the items that do not fill a batch on every rank are left out of this epoch
    (the next one permutes anew); without it every item is served once and some ranks get one fewer.

    Args:
        length: number of samples of the data set.
        batch_size: samples per step and rank, to translate batches into the cursor.
        seed: of the permutations.
        shuffle: False keeps the data set's order.
        rank, world_size: this process and how many there are.
        drop_last: see above.

    Raises:
        ConfigError: a rank or a batch size that cannot be.
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = True,
    ) -> None:
        if length < 0 or batch_size < 1 or not 0 <= rank < world_size:
            raise ConfigError(
                f"a sampler of {length} samples, batch size {batch_size}, rank {rank} of {world_size} cannot be",
                fix="Choose a batch size of at least 1 and a rank below the world size.",
            )
        self._start = SamplerState(epoch=0, cursor=0, seed=seed, length=length, shuffle=shuffle)
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size
        self.drop_last = drop_last

    @property
    def epoch(self) -> int:
        """The epoch that the next iteration serves."""
        return self._start.epoch

    @property
    def step_size(self) -> int:
        """Samples that one step consumes on all ranks together."""
        return self.batch_size * self.world_size

    def set_epoch(self, epoch: int) -> None:
        """Serve ``epoch`` from its beginning in the next iteration."""
        self._start = replace(self._start, epoch=epoch, cursor=0)

    def state_after(self, batches: int) -> SamplerState:
        """The state once training has consumed ``batches`` batches of the iteration that started here.

        Training counts the batches it has used: the loader has read further ahead. Where no batch is left, the
        state is the beginning of the next epoch.
        """
        cursor = self._start.cursor + batches * self.step_size
        remaining = self._start.length - cursor
        exhausted = remaining < self.step_size if self.drop_last else remaining <= 0
        if exhausted:
            return replace(self._start, epoch=self.epoch + 1, cursor=0)
        return replace(self._start, cursor=cursor)

    def load_state(self, state: SamplerState | dict[str, int | bool]) -> None:
        """Go on from a state, with any number of workers or ranks and any batch size.

        Raises:
            CheckpointError: a state of another seed, data set length or order.
        """
        if isinstance(state, dict):
            state = _parse(state)
        ours = (self._start.seed, self._start.length, self._start.shuffle)
        theirs = (state.seed, state.length, state.shuffle)
        if ours != theirs:
            raise CheckpointError(
                f"the loader position was saved for (seed, samples, shuffle) = {theirs}, but this run has {ours}",
                fix="Resume with the same data, window and seed, or start a new run.",
            )
        self._start = state

    def permutation(self, epoch: int) -> NDArray[np.int64]:
        """The order of all samples in ``epoch``, the same on every rank."""
        if not self._start.shuffle:
            return np.arange(self._start.length, dtype=np.int64)
        draw = np.random.default_rng([self._start.seed, epoch])
        return draw.permutation(self._start.length).astype(np.int64, copy=False)

    def __iter__(self) -> Iterator[SampleKey]:
        epoch, cursor = self._start.epoch, self._start.cursor
        order = self.permutation(epoch)[cursor:]
        if self.drop_last:
            order = order[: len(order) // self.step_size * self.step_size]
        for index in order[self.rank :: self.world_size]:
            yield SampleKey(epoch, int(index))

    def __len__(self) -> int:
        remaining = max(self._start.length - self._start.cursor, 0)
        if self.drop_last:
            return remaining // self.step_size * self.batch_size
        return len(range(self.rank, remaining, self.world_size))


def _parse(state: dict[str, int | bool]) -> SamplerState:
    try:
        return SamplerState(
            epoch=int(state["epoch"]),
            cursor=int(state["cursor"]),
            seed=int(state["seed"]),
            length=int(state["length"]),
            shuffle=bool(state["shuffle"]),
        )
    except KeyError as error:
        raise CheckpointError(f"a loader position lacks {error}", fix="Use a checkpoint of this version.") from None
