"""Lab 04: the questions."""

from __future__ import annotations

from lift_core.checks.choice import Choice

CHOICES = (
    Choice(
        "04.A",
        "At a clip's start the window repeats frame 0. Why is it not enough to repeat it and say nothing?",
        {
            "a": "Repeated frames would use more memory than others.",
            "b": "Repeated frames would be read from the disk again.",
            "c": "The model could not tell them from a scene that stands still.",
            "d": "The hidden frame could not be found any more.",
        },
        "c",
        {
            "a": "A repeated position costs the same as any other; the tensor has T positions either way.",
            "b": "A careful reader reads a repeated frame once and copies it, as you do in exercise 04.4.",
            "c": "Three equal frames look like a scene that stood still, then moved. The flag tells the model to look"
            " away.",
            "d": "It lies between the references, and those are real frames at every place.",
        },
    ),
    Choice(
        "04.B",
        "You keep `frame[:4, :4]` of a frame and drop every other name for the frame. What stays in memory?",
        {
            "a": "The whole frame.",
            "b": "The 48 bytes of the slice.",
            "c": "The four rows that the slice touches: 4 x width x 3 bytes.",
        },
        "a",
        {
            "a": "The slice is a view: it points into the frame's memory and keeps all of it.",
            "b": "That would be so for frame[:4, :4].copy(). A slice alone is a view.",
            "c": "An array's memory is one piece. It is kept or let go as a whole.",
        },
    ),
)
