"""The LIFT model: one file per stage, and lift.py, which composes them."""
