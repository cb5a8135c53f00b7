"""Figures that show frames, flows and comparisons."""
