"""The layout of a store of pre-generated variants: its clips, its rows, and where a sample's pictures lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lift_core.data.appended_rows import read_rows
from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions
from lift_core.data.clip_table import ClipPath
from lift_core.data.open_source import open_source
from lift_core.data.sampling import Sampling
from lift_core.data.store_folder import StoreKind, read_settings
from lift_core.data.window import FrameWindow
from lift_core.errors import DatasetError

CLIPS_FILE, ROWS_FILE, SAMPLES_FOLDER = "clips.csv", "samples.csv", "samples"
KIND = StoreKind("store of pre-generated variants", 1, (CLIPS_FILE, ROWS_FILE, SAMPLES_FOLDER))
CLIP_COLUMNS = ("clip", "group", "path", "frames", "cuts", "fingerprint")
ROW_COLUMNS = (
    "sample",
    "variant",
    "key",
    "file",
    "context",
    "height",
    "width",
    "timestep",
    "valid_frames",
    "bytes",
)
_LARGEST_NUMBER = 2**62


@dataclass(frozen=True)
class StoredClip:
    """A clip that a store was made of.

    Attributes:
        name, group: as it was found. path: where it was.
        frames: how many it had; 0 where it could not be read.
        cuts: its scene cuts, sorted.
        fingerprint: of its content, see FrameSource; empty where it has none.
    """

    name: str
    group: str
    path: str
    frames: int
    cuts: tuple[int, ...]
    fingerprint: str

    def row(self) -> list[str]:
        """The fields of CLIP_COLUMNS."""
        cuts = " ".join(map(str, self.cuts))
        return [self.name, self.group, self.path, str(self.frames), cuts, self.fingerprint]


@dataclass(frozen=True)
class StoredRow:
    """What ``samples.csv`` says of one variant of one sample.

    Attributes:
        sample: its number among the samples of all clips. variant: the epoch that it is.
        key: its text id. size: bytes of its file.
    """

    sample: int
    variant: int
    key: str
    size: int


def stored_clips(clips: Sequence[ClipPath], dataset: ClipDataset) -> list[StoredClip]:
    """All clips that were found, those that the data set could not read included: folds are divided among all."""
    places = {name: place for place, name in enumerate(dataset.clips.names)}
    found = []
    for clip in clips:
        place = places.get(clip.name)
        if place is None:
            found.append(StoredClip(clip.name, clip.group, clip.path, 0, (), ""))
            continue
        frames, cuts = int(dataset.clips.lengths[place]), tuple(dataset.clips.cuts(place))
        fingerprint = open_source(clip.path).fingerprint or ""
        found.append(StoredClip(clip.name, clip.group, clip.path, frames, cuts, fingerprint))
    return found


def clips_digest(clips: Sequence[StoredClip]) -> str:
    """Differs once a clip is another, or its content has changed."""
    return _digest([[c.name, c.group, c.frames, c.cuts, c.fingerprint] for c in clips])


def settings_of(windows: Sequence[FrameWindow], options: DatasetOptions) -> dict[str, Any]:
    """What of windows and options decides what samples look like, as JSON holds it."""
    settings = {
        "seed": options.seed,
        "windows": [asdict(window) for window in windows],
        "sampling": asdict(options.sampling),
        "augmentation": asdict(options.augmentation or AugmentationConfig.deterministic()),
        "scene_cuts": options.scene_cuts,
    }
    return dict(json.loads(json.dumps(settings)))


def read_store(folder: Path) -> tuple[dict[str, Any], list[StoredClip]]:
    """The settings and the clips of a store.

    Raises:
        DatasetError: no store, or one whose list of clips is damaged. ConfigError: a store of another version.
    """
    settings = read_settings(folder, KIND)
    rows, bad = read_rows(folder / CLIPS_FILE, CLIP_COLUMNS)
    try:
        clips = [
            StoredClip(name, group, path, int(frames), tuple(map(int, cuts.split())), fingerprint)
            for name, group, path, frames, cuts, fingerprint in rows
        ]
    except ValueError:
        clips = []
    if bad or clips_digest(clips) != settings.get("clips"):
        raise DatasetError(
            "the list of clips is damaged or missing",
            where=folder / CLIPS_FILE,
            fix="Run pregenerate again with the same settings: it writes the list anew.",
        )
    return settings, clips


def options_of(settings: dict[str, Any]) -> tuple[tuple[FrameWindow, ...], DatasetOptions]:
    """The windows and the options that `settings_of` describes."""
    augmentation = dict(settings["augmentation"])
    augmentation["crop"] = None if augmentation["crop"] is None else tuple(augmentation["crop"])
    windows = tuple(
        FrameWindow(tuple(w["offsets"]), tuple(w["target_offsets"]), w["edge"]) for w in settings["windows"]
    )
    options = DatasetOptions(
        split="all",
        sampling=Sampling(**settings["sampling"]),
        augmentation=AugmentationConfig(**augmentation),
        seed=settings["seed"],
        scene_cuts=settings["scene_cuts"],
    )
    return windows, options


def parse_row(fields: Sequence[str]) -> StoredRow | None:
    """A row of ``samples.csv``; None where its numbers are none, or cannot be."""
    named = dict(zip(ROW_COLUMNS, fields, strict=True))
    try:
        sample, variant, size = (int(named[name]) for name in ("sample", "variant", "bytes"))
    except ValueError:
        return None
    return StoredRow(sample, variant, named["key"], size) if max(sample, variant) <= _LARGEST_NUMBER else None


def sample_file(key: str, variant: int) -> str:
    """Where a variant lies, relative to the store."""
    name = _digest([key, variant])
    return f"{SAMPLES_FOLDER}/{name[:2]}/{name}.safetensors"


def _digest(content: object) -> str:
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()
