"""Lab 04, lazy frames: its exercises with their references and known mistakes, and its questions."""

from lift_core.checks.lab04.bad_files import load_frame
from lift_core.checks.lab04.data_set import lazy_frames
from lift_core.checks.lab04.questions import CHOICES
from lift_core.checks.lab04.reading import read_window, to_float
from lift_core.checks.lab04.windows import clamp, legal_anchors, relative_times, within_shot

__all__ = [
    "CHOICES",
    "clamp",
    "lazy_frames",
    "legal_anchors",
    "load_frame",
    "read_window",
    "relative_times",
    "to_float",
    "within_shot",
]
