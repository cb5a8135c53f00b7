"""Lab 02, loaders: its exercises with their references and known mistakes, its pipelines, and its questions."""

from lift_core.checks.lab02.batching import epoch_batches
from lift_core.checks.lab02.diagnosis import PIPELINES, mend
from lift_core.checks.lab02.prefetching import read_ahead
from lift_core.checks.lab02.questions import CHOICES
from lift_core.checks.lab02.shuffling import shuffled
from lift_core.checks.lab02.speed import batches_per_second
from lift_core.checks.lab02.streams import stream

__all__ = [
    "CHOICES",
    "PIPELINES",
    "batches_per_second",
    "epoch_batches",
    "mend",
    "read_ahead",
    "shuffled",
    "stream",
]
