"""What is noted for properties never makes two outputs differ, and nothing else equals it."""

from lift_core.checks.compare import first_difference
from lift_core.checks.noted import Noted


def test_noted_values_are_not_compared():
    assert first_difference({"held": Noted(3)}, {"held": Noted([4])}, 1e-4) is None


def test_what_was_not_noted_differs():
    assert first_difference({"held": Noted(3)}, {"held": 3}, 1e-4) is not None
