"""What tests of loaders share: a small configuration, and digests of what every sample looks like."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.loaders import DataConfig
from lift_core.data.sample import Batch
from lift_core.data.splits import SplitConfig
from lift_core.data.window import FrameWindow

CONFIG = DataConfig(
    window=FrameWindow.uniform(4, 2),
    batch_size=3,
    crop=(16, 16),
    augmentation=AugmentationConfig(rotation=0.5, pan=1.0, colour=0.5),
    split_config=SplitConfig((0.75, 0.25, 0.0)),
    seed=11,
)


def digests(batches: Iterable[Batch]) -> dict[str, str]:
    """What every sample looks like, by key, in the order in which they came."""
    found = {}
    for batch in batches:
        for i, key in enumerate(batch["key"]):
            digest = hashlib.sha256(batch["frames"][i].numpy().tobytes() + batch["gt"][i].numpy().tobytes())
            for name in ("times", "valid", "timestep"):
                digest.update(batch[name][i].numpy().tobytes())  # type: ignore[literal-required]
            found[key] = digest.hexdigest()
    return found
