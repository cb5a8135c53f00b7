"""pregenerate: writes the augmented samples of several epochs to one folder for all folds; goes on after a kill."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from pathlib import Path
from typing import Any

import torch

from lift_core.data.appended_rows import RowWriter, read_rows, write_rows
from lift_core.data.checked_tensors import read_tensors, write_tensors
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions, Windows
from lift_core.data.clip_table import ClipPath
from lift_core.data.folder_lock import folder_lock
from lift_core.data.sample import SampleKey
from lift_core.data.store_folder import claim
from lift_core.data.store_writing import Progress, Repairs, differing_clips, no_progress, require_apart
from lift_core.data.variant_store import (
    CLIP_COLUMNS,
    CLIPS_FILE,
    KIND,
    ROW_COLUMNS,
    ROWS_FILE,
    StoredClip,
    clips_digest,
    parse_row,
    sample_file,
    settings_of,
    stored_clips,
)
from lift_core.errors import ConfigError, DatasetError, LiftError, OutputError

MOST_VARIANTS = 1000

_Place = tuple[int, int]
"""A sample's number and a variant."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PregenerationReport:
    """What `pregenerate` did.

    Attributes:
        total: variants of samples that the store should hold. kept: those that it held. written: those made now.
        failed: what could not be read, a sentence each; only with ``on_error="skip"``.
        repairs: what was mended, a sentence each.
    """

    total: int
    kept: int
    written: int
    failed: tuple[str, ...]
    repairs: tuple[str, ...]


def pregenerate(
    clips: Sequence[ClipPath],
    window: Windows,
    options: DatasetOptions,
    folder: str | Path,
    *,
    variants: int,
    fresh: bool = False,
    check: bool = False,
    progress: Progress | None = None,
) -> PregenerationReport:
    """Write ``variants`` augmented variants of every sample of every clip; PregeneratedDataset reads them.

    Variant k of a sample is what ClipDataset gives in epoch k, bit by bit, so one folder serves all folds. Samples are
    written one at a time, each a file that appears when it is complete, followed by a row in ``samples.csv``. A run
    that was killed goes on where it was: what is complete is kept. More variants may be asked for later. Of what is
    kept only the sizes are looked at, unless ``check`` is set.

    Args:
        clips, window, options: as for ClipDataset; ``split``, ``split_config`` and ``dtype`` have no influence. With
            ``on_error="skip"`` what cannot be read is left out, and told.
        folder: new, empty, or a store of the same settings and clips.
        variants: how many of each sample, at most 1,000.
        fresh: delete a store that is there, whatever its settings, and begin anew.
        check: read every sample that is kept, those beyond ``variants`` too, compare its checksum, and make anew what
            is damaged; ``repairs`` tells how many.
        progress: called with (done, total) at the start and after each sample that is made or checked.

    Raises:
        ConfigError: fewer than one variant or more than 1,000, a store made with other settings or from other clips, or
            a folder that holds a clip or lies in one.
        OutputError: another process writes the store, the disk is full, or the folder holds something else. What was
            written before stays, and a later run goes on from there.
        DatasetError: a damaged ``store.json``; ``fresh`` mends it. See ClipDataset for others.
        SourceError, FrameReadError, WindowError: see ClipDataset.
    """
    if not 1 <= variants <= MOST_VARIANTS:
        raise ConfigError(f"{variants} variants of each sample", fix=f"Ask for 1 to {MOST_VARIANTS}.")
    folder = Path(folder)
    require_apart(folder, (clip.path for clip in clips))
    dataset = ClipDataset(clips, window, replace(options, split="all", dtype=torch.uint8))
    # A sample that cannot be read has no variants; another one must not be stored under its name.
    dataset.options = replace(dataset.options, on_error="raise")
    with folder_lock(folder):
        described = stored_clips(clips, dataset)
        settings = {**settings_of(dataset.windows, dataset.options), "clips": clips_digest(described)}
        claim(folder, KIND, settings, fresh=fresh, explain={"clips": lambda: _what_differs(folder, described)})
        write_rows(folder / CLIPS_FILE, CLIP_COLUMNS, (clip.row() for clip in described))
        writer = _Writer(dataset, folder, settings, variants, progress or no_progress)
        return writer.run(skip=options.on_error == "skip", check=check)


class _Writer:
    """Writes what a store lacks; its lock is held."""

    def __init__(
        self, dataset: ClipDataset, folder: Path, settings: dict[str, Any], variants: int, progress: Progress
    ) -> None:
        self._dataset = dataset
        self._folder = folder
        self._settings = settings
        self._variants = variants
        self._progress = progress
        self._repairs = Repairs(folder)

    def run(self, *, skip: bool, check: bool) -> PregenerationReport:
        done = self._recover()
        # What is found to be damaged is made anew, also where fewer variants are asked for than are there.
        beyond = sorted(place for place in done if place[1] >= self._variants) if check else []
        total = len(self._dataset) * self._variants + len(beyond)
        if check:
            done = self._whole(done, total)
        kept, adopted, written, failed = sum(check or variant < self._variants for _, variant in done), 0, 0, []
        wanted = chain(product(range(len(self._dataset)), range(self._variants)), beyond)
        missing = (place for place in wanted if place not in done)
        self._progress(kept, total)
        with RowWriter(self._folder / ROWS_FILE) as rows:
            for number, (sample, variant) in enumerate(missing, start=kept + 1):
                try:
                    new = self._complete(sample, variant, rows)
                    written, adopted = written + new, adopted + (not new)
                except LiftError as error:
                    if not skip or isinstance(error, OutputError | ConfigError):
                        raise
                    failed.append(f"{self._dataset.key(sample)}, variant {variant}: {error}")
                    _log.warning("left out: %s", failed[-1])
                self._progress(number, total)
        if adopted:
            self._repairs.tell(f"{adopted} complete samples had no row in {ROWS_FILE}; their rows were added")
        return PregenerationReport(total, kept + adopted, written, tuple(failed), tuple(self._repairs.told))

    def _recover(self) -> dict[_Place, list[str]]:
        """The rows of variants that are complete; those that are cut off or have lost their file are taken out."""
        path = self._folder / ROWS_FILE
        rows, bad = read_rows(path, ROW_COLUMNS)
        kept: dict[_Place, list[str]] = {}
        for fields in rows:
            place = self._place(fields)
            if place is not None:
                kept.setdefault(place, fields)
        if bad:
            self._repairs.tell(f"{bad} rows of {ROWS_FILE} were cut off or damaged and were taken out")
        if len(kept) < len(rows):
            self._repairs.tell(f"{len(rows) - len(kept)} rows of {ROWS_FILE} had no such file and were taken out")
        if bad or len(kept) < len(rows) or not path.exists():
            write_rows(path, ROW_COLUMNS, kept.values())
        return kept

    def _whole(self, rows: dict[_Place, list[str]], total: int) -> dict[_Place, list[str]]:
        """The rows whose files hold what was written; the others are taken out."""
        whole: dict[_Place, list[str]] = {}
        for place, fields in rows.items():
            self._progress(len(whole), total)
            key, variant = self._dataset.key(place[0]), place[1]
            if _shape_of_stored(self._folder / sample_file(key, variant), self._facts(key, variant)) is not None:
                whole[place] = fields
        if damaged := len(rows) - len(whole):
            write_rows(self._folder / ROWS_FILE, ROW_COLUMNS, whole.values())
            self._repairs.tell(f"{damaged} samples were damaged and are made anew")
        return whole

    def _facts(self, key: str, variant: int) -> dict[str, Any]:
        return {"key": key, "variant": variant, "clips": self._settings["clips"]}

    def _place(self, fields: list[str]) -> _Place | None:
        row = parse_row(fields)
        if row is None or row.variant < 0 or not 0 <= row.sample < len(self._dataset):
            return None
        if row.key != self._dataset.key(row.sample):
            return None
        try:
            size = (self._folder / sample_file(row.key, row.variant)).stat().st_size
        except OSError:
            return None
        return (row.sample, row.variant) if size == row.size else None

    def _complete(self, sample: int, variant: int, rows: RowWriter) -> bool:
        """Store a variant and its row; False where the file was there already, from a run killed before the row."""
        key = self._dataset.key(sample)
        facts = self._facts(key, variant)
        path = self._folder / sample_file(key, variant)
        shape = _shape_of_stored(path, facts)
        new = shape is None
        if shape is None:
            made = self._dataset.read(SampleKey(variant, sample))
            tensors = {name: made[name] for name in ("frames", "gt", "times", "valid")}
            write_tensors(path, tensors, {**facts, "timestep": made["timestep"]})
            shape = _shape(made["frames"], made["valid"], made["timestep"])
        place = path.relative_to(self._folder).as_posix()
        rows.append([sample, variant, key, place, *shape, path.stat().st_size])
        return new


def _what_differs(folder: Path, described: Sequence[StoredClip]) -> str:
    """What tells the clips from those that the store was made of."""
    there = {row[0]: row[1:] for row in read_rows(folder / CLIPS_FILE, CLIP_COLUMNS)[0]}
    here = {row[0]: row[1:] for row in (clip.row() for clip in described)}
    return differing_clips(_without_path(there), _without_path(here))


def _without_path(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """A clip may lie elsewhere than it did."""
    place = CLIP_COLUMNS.index("path") - 1
    return {name: [*row[:place], *row[place + 1 :]] for name, row in rows.items()}


def _shape_of_stored(path: Path, facts: dict[str, Any]) -> tuple[int, int, int, float, int] | None:
    """What a row says of a file that is there and whole; None where there is none."""
    try:
        tensors, found = read_tensors(path)
        timestep = float(found.pop("timestep"))
    except (FileNotFoundError, DatasetError, KeyError):
        return None
    if found != facts:
        return None
    return _shape(tensors["frames"], tensors["valid"], timestep)


def _shape(frames: torch.Tensor, valid: torch.Tensor, timestep: float) -> tuple[int, int, int, float, int]:
    context, _, height, width = frames.shape
    return context, height, width, timestep, int(valid.sum())
