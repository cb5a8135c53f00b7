"""PregeneratedDataset: samples as they were written by `pregenerate`, in place of reading and augmenting clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lift_core.data.appended_rows import read_rows
from lift_core.data.checked_tensors import read_tensors
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions, Windows, check_windows
from lift_core.data.clip_table import ClipPath, ClipTable, OnError
from lift_core.data.sample import Room, Sample, as_sample, own_room
from lift_core.data.splits import Part, SplitConfig
from lift_core.data.store_folder import differing
from lift_core.data.variant_store import (
    KIND,
    ROW_COLUMNS,
    ROWS_FILE,
    StoredClip,
    options_of,
    parse_row,
    read_store,
    sample_file,
    settings_of,
)
from lift_core.errors import ConfigError, DatasetError, LiftError

_MEND = (
    "Run pregenerate again with check=True, or pregenerate_augmentations.py with --check, with the same settings:"
    " it reads every sample and makes anew what is damaged."
)


class PregeneratedDataset(ClipDataset):
    """Samples of a store: what ClipDataset gives in epoch k is variant k; epochs beyond the last begin again at 0.

    The clips themselves are not needed. Folds and splits are divided by group among all clips that the store was made
    of, so all of them share one store, and no group straddles a border.

    Args:
        folder: the store.
        split, split_config, dtype: see DatasetOptions.
        variants: use only so many of the stored ones; by default all.
        on_error: "raise", or "skip": a sample that is missing or damaged is counted, logged and replaced by the next.

    Raises:
        DatasetError: no store, one without samples, or one that lacks some, with ``on_error="raise"``.
        ConfigError: a store of another version, or more variants than it holds.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        split: Part = "train",
        split_config: SplitConfig | None = None,
        variants: int | None = None,
        dtype: torch.dtype = torch.float32,
        on_error: OnError = "raise",
    ) -> None:
        self.folder = Path(folder)
        settings, clips = read_store(self.folder)
        windows, stored = options_of(settings)
        options = replace(
            stored, split=split, split_config=split_config or SplitConfig(), dtype=dtype, on_error=on_error
        )
        self._stored = {clip.name: clip for clip in clips}
        super().__init__([ClipPath(clip.path, clip.name, clip.group) for clip in clips], windows, options)
        del self._stored
        self.variants = self._complete_variants(clips, variants)

    def check_made_from(self, clips: Sequence[ClipPath], window: Windows, options: DatasetOptions) -> None:
        """Raise ConfigError unless the store was made with these settings from clips of these names and groups.

        Whether the content of a clip has changed since is not looked at: `pregenerate` does.
        """
        differences = differing(settings_of(self.windows, self.options), settings_of(check_windows(window), options))
        names = {(clip.name, clip.group) for clip in clips}
        stored = {(clip.name, clip.group) for clip in read_store(self.folder)[1]}
        if names != stored:
            name, group = min(names ^ stored)
            differences.append(f"clip {name} of group {group} is {'there' if (name, group) in stored else 'here'} only")
        if differences:
            raise ConfigError(
                f"the {KIND.name} was made with other settings: {'; '.join(differences)}",
                where=self.folder,
                fix="Use the settings that it was made with, or make another one.",
            )

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """T, height and width of the first stored sample; without a crop, others may differ."""
        if len(self) == 0:
            return super().sample_shape
        context, _, height, width = self._read(self.key(0), 0)[0]["frames"].shape
        return context, height, width

    def _probe(self, clips: Sequence[ClipPath]) -> tuple[ClipTable, list[LiftError]]:
        """What the store says of the clips; of those that could not be read there are no samples."""
        kept = [clip for clip in clips if self._stored[clip.name].frames]
        known = [self._stored[clip.name] for clip in kept]
        return ClipTable(kept, [clip.frames for clip in known], [clip.cuts for clip in known]), []

    def _too_short(self, name: str, length: int) -> None:
        """A clip without samples is none of the store's errors."""

    def _load(self, epoch: int, index: int, room: Room | None) -> Sample:
        key, variant = self.key(index), epoch % self.variants
        tensors, timestep = self._read(key, variant)
        context, _, height, width = tensors["frames"].shape
        frames, gt = (room or own_room)(context, height, width)
        return as_sample(
            frames.copy_(tensors["frames"]),
            gt.copy_(tensors["gt"]),
            timestep=timestep,
            times=tensors["times"].clone(),
            valid=tensors["valid"].clone(),
            key=key,
            dtype=self.options.dtype,
        )

    def _read(self, key: str, variant: int) -> tuple[dict[str, torch.Tensor], float]:
        path = self.folder / sample_file(key, variant)
        try:
            tensors, facts = read_tensors(path)
        except FileNotFoundError:
            raise DatasetError(
                f"variant {variant} of a sample is missing from the store",
                where=f"{key}: {path}",
                fix="Run pregenerate again with the same settings: it writes what is missing.",
            ) from None
        except DatasetError as error:
            raise DatasetError(error.what, where=path, fix=_MEND) from error
        if (facts.get("key"), facts.get("variant")) != (key, variant):
            raise DatasetError("the file holds another sample", where=path, fix=_MEND)
        return tensors, float(facts["timestep"])

    def _complete_variants(self, clips: Sequence[StoredClip], wanted: int | None) -> int:
        """How many variants each sample has; raises where some samples have fewer than others."""
        rows, _ = read_rows(self.folder / ROWS_FILE, ROW_COLUMNS)
        places = np.array([(r.sample, r.variant) for fields in rows if (r := parse_row(fields))], np.int64)
        if len(places) == 0:
            raise DatasetError("the store holds no samples", where=self.folder, fix="Run pregenerate.")
        stored = int(places[:, 1].max()) + 1
        if wanted is not None and not 1 <= wanted <= stored:
            raise ConfigError(f"{wanted} variants of a store that holds {stored}", where=self.folder)
        variants = wanted or stored
        found = np.unique(places[places[:, 1] < variants], axis=0)
        missing = self._all_samples(clips) * variants - len(found)
        if missing and self.options.on_error == "raise":
            raise DatasetError(
                f"the store lacks {missing} of the {len(found) + missing} variants of its samples",
                where=self.folder,
                fix="Run pregenerate again with the same settings: it writes what is missing. Or choose fewer"
                " variants, or on_error='skip'.",
            )
        return variants

    def _all_samples(self, clips: Sequence[StoredClip]) -> int:
        sampling = self.options.sampling
        counts: NDArray[np.int64] = np.array(
            [sampling.samples(len(sampling.positions(self.windows, c.frames, c.cuts))) for c in clips if c.frames],
            np.int64,
        )
        return int(counts.sum())
