"""Lab 03, sampling and augmentation: its exercises with their references and known mistakes, and its questions."""

from lift_core.checks.lab03.clips import augment_clip
from lift_core.checks.lab03.folds import fold_entries
from lift_core.checks.lab03.mixing import mixup
from lift_core.checks.lab03.questions import CHOICES
from lift_core.checks.lab03.sampling import balanced_batches, recall_per_class, sample_weights
from lift_core.checks.lab03.seeds import generator_of, jittered_clips
from lift_core.checks.lab03.streams import even_keys

__all__ = [
    "CHOICES",
    "augment_clip",
    "balanced_batches",
    "even_keys",
    "fold_entries",
    "generator_of",
    "jittered_clips",
    "mixup",
    "recall_per_class",
    "sample_weights",
]
