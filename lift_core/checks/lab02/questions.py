"""Lab 02: the questions."""

from __future__ import annotations

from lift_core.checks.choice import Choice

_BOTTLENECKS = {
    "a": "Each sample is waited for, and too few workers wait.",
    "b": "The cores: more processes want to compute than there are cores.",
    "c": "Workers are started again and again.",
    "d": "The training step itself.",
}

CHOICES = (
    Choice(
        "02.A",
        "Why is every epoch shuffled anew, and not once for all?",
        {
            "a": "So that the samples of one batch are not always the same ones.",
            "b": "So that every sample is used; one order would leave some out.",
            "c": "Because reading in a random order is faster.",
        },
        "a",
        {
            "a": "With one order, the same samples would always share a batch, and the same batch would always be the"
            " last before validation.",
            "b": "An epoch serves every sample once in any order.",
            "c": "For a disk it is slower. Shuffling serves the training, not the loader.",
        },
    ),
    Choice(
        "02.B",
        "A Dataset class is defined in a notebook cell, workers are spawned. What is sent to a worker?",
        {
            "a": "The class's code, and the object's attributes.",
            "b": "A copy of the notebook's whole memory.",
            "c": "The object's attributes, and the names under which its class can be imported.",
        },
        "c",
        {
            "a": "pickle never sends code of classes or functions, only names.",
            "b": "That is what fork does, on Linux. spawn starts a Python that knows nothing.",
            "c": "The worker imports the class by its name. From a notebook's __main__ it cannot.",
        },
    ),
    Choice(
        "02.C",
        "The pipeline 'far disk': what is its bottleneck?",
        _BOTTLENECKS,
        "a",
        {
            "a": "The one worker loads without a pause, and nearly all of that is waiting, which needs no core.",
            "b": "One worker that mostly waits leaves both cores free.",
            "c": "It starts once, at the very beginning.",
            "d": "The training waits for most of the time. A slow step would hide the loading, not show it.",
        },
    ),
    Choice(
        "02.D",
        "The pipeline 'large frames': what is its bottleneck?",
        _BOTTLENECKS,
        "b",
        {
            "a": "A sample waits 1 ms and computes 20 ms. More workers would share the same two cores.",
            "b": "Both workers compute without a pause, each on a core, and it is not enough.",
            "c": "They start once, at the very beginning.",
            "d": "It waits for data at regular intervals, so the step is the faster one.",
        },
    ),
    Choice(
        "02.E",
        "The pipeline 'short epochs': what is its bottleneck?",
        _BOTTLENECKS,
        "c",
        {
            "a": "Within an epoch the training hardly waits.",
            "b": "The workers have pauses within each epoch: the cores are not full.",
            "c": "After each epoch new workers start, and the training waits for them.",
            "d": "Between epochs it waits, and the workers do nothing but start.",
        },
    ),
    Choice(
        "02.F",
        "With held=1, a batch is kept in a variable while the next one is taken. What is in it then?",
        {
            "a": "What was in it before: a variable keeps its value.",
            "b": "The next batch: both lie in the same memory.",
            "c": "Nothing: its memory was given back.",
        },
        "b",
        {
            "a": "The variable names a piece of memory. What stands in it may be written over.",
            "b": "One piece of memory is written again and again. That saves time, and is the trap.",
            "c": "Python frees no memory that a variable still names.",
        },
    ),
)
