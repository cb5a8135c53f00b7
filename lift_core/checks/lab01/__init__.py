"""Lab 01, data sets: its exercises with their references and known mistakes, and its questions."""

from lift_core.checks.lab01.batches import masked_mean, my_collate, pad_collate
from lift_core.checks.lab01.caching import hybrid_cache, mended_cache
from lift_core.checks.lab01.mixed import collate_captioned
from lift_core.checks.lab01.preparing import crop_corner, normalised
from lift_core.checks.lab01.questions import CHOICES
from lift_core.checks.lab01.tables import value_of
from lift_core.checks.lab01.the_contract import picture_table

__all__ = [
    "CHOICES",
    "collate_captioned",
    "crop_corner",
    "hybrid_cache",
    "masked_mean",
    "mended_cache",
    "my_collate",
    "normalised",
    "pad_collate",
    "picture_table",
    "value_of",
]
