"""Lab 03: the questions."""

from __future__ import annotations

from lift_core.checks.choice import Choice

CHOICES = (
    Choice(
        "03.A",
        "You draw with weights, so that every class comes equally often, and you also weight the loss by 1 / count."
        " What does the training see?",
        {
            "a": "A balanced problem; two corrections are safer than one.",
            "b": "The rare classes as if they were the frequent ones.",
            "c": "The same as with one of the two: nothing is left to correct.",
        },
        "b",
        {
            "a": "Each correction balances on its own. Two of them overshoot: the corrections multiply.",
            "b": "Drawing has made the classes equal already. The loss weights then push the rare ones above the others"
            " by the same factor again.",
            "c": "The loss does not know how samples were drawn: its weights act on top.",
        },
    ),
    Choice(
        "03.B",
        "A model is to tell whether a clip plays forwards or backwards. Which augmentation is a false claim?",
        {
            "a": "Mirroring all frames left to right.",
            "b": "Making all frames a little darker.",
            "c": "Playing the clip backwards and keeping the label.",
            "d": "Cropping all frames at the same place.",
        },
        "c",
        {
            "a": "In a mirror a clip still plays in the same direction of time: the claim is true.",
            "b": "Brightness says nothing about the direction of time: the claim is true.",
            "c": "It turns one class into the other. With the label changed as well it would be a good augmentation.",
            "d": "A part of a clip plays in the same direction as the whole: the claim is true.",
        },
    ),
    Choice(
        "03.C",
        "Two workers, each with its copy of a data set that keeps a generator. Why does a seed in worker_init_fn, made"
        " from the worker's number, not make trainings repeatable?",
        {
            "a": "It does; that is what it is for.",
            "b": "Which worker reads a sample depends on how many workers there are.",
            "c": "Workers may not draw random numbers.",
        },
        "b",
        {
            "a": "It removes the duplicates. But with four workers instead of two, each sample gets other numbers.",
            "b": "The numbers belong to the worker and to its place in the queue, not to the sample. Only"
            " (seed, epoch, key) belongs to the sample.",
            "c": "They may, and torch even seeds its own generators in them.",
        },
    ),
)
