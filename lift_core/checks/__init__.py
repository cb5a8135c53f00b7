"""What labs call to judge a student's code: exercises, their known mistakes, and one file of them per lab."""

from lift_core.checks.exercise import Exercise
from lift_core.checks.fresh import fresh
from lift_core.checks.mine import mine_or_reference
from lift_core.checks.spy_source import SpySource

__all__ = ["Exercise", "SpySource", "fresh", "mine_or_reference"]
