"""Lab 04: the questions."""

from __future__ import annotations

from lift_core.checks.choice import Choice

CHOICES = (
    Choice(
        "04.A",
        "At a clip's start the window repeats frame 0. Why is it not enough to repeat it and say nothing?",
        {
            "a": "Repeated frames would use more memory.",
            "b": "The model would take standing still for a fact about the scene.",
            "c": "Repeated frames would be read from the disk again.",
        },
        "b",
        {
            "a": "A repeated position costs the same as any other; the tensor has T positions either way.",
            "b": "Three equal frames look like a scene that stood still, then moved. The flag tells the model to look"
            " away.",
            "c": "A careful reader reads a repeated frame once and copies it, as you do in exercise 04.4.",
        },
    ),
    Choice(
        "04.B",
        "You keep `frame[:4, :4]` of a frame and drop every other name for the frame. What stays in memory?",
        {"a": "48 bytes.", "b": "The whole frame.", "c": "Nothing until it is read again."},
        "b",
        {
            "a": "That would be so for frame[:4, :4].copy(). A slice alone is a view.",
            "b": "The slice is a view: it points into the frame's memory and keeps all of it.",
            "c": "A slice of an array is not read again from anywhere: it points into the frame's memory.",
        },
    ),
)
