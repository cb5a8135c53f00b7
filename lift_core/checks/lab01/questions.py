"""Lab 01: the questions to choose from."""

from __future__ import annotations

from lift_core.checks.choice import Choice

CHOICES = (
    Choice(
        id="01.A",
        question="A data set has only `__len__` and `__getitem__`. What ends the loop `for sample in data`?",
        options={
            "a": "The length: Python asks for it first.",
            "b": "The first sample that is None.",
            "c": "The first IndexError that __getitem__ raises.",
        },
        right="c",
        why={
            "a": "Python never asks for the length here; without the error the loop runs on behind the end.",
            "b": "None is a sample like any other.",
            "c": "Python counts 0, 1, 2, … and stops at the error: a data set that wraps round never ends.",
        },
    ),
    Choice(
        id="01.B",
        question="An entry of each sample is a Python float. default_collate makes a tensor of them. Of which dtype?",
        options={
            "a": "float32, torch's usual kind.",
            "b": "float64, the kind of a Python float.",
            "c": "None: floats stay a list.",
        },
        right="b",
        why={
            "a": "torch.tensor(0.5) is float32, but the collate asks for what Python has: 64 bits.",
            "b": "A float32 model then stops with an error about Double. Make a float32 tensor in the data set.",
            "c": "Only texts stay a list; numbers become a tensor.",
        },
    ),
    Choice(
        id="01.C",
        question="You wrap a data set of 100 random crops in a cache. What does epoch 2 show the model?",
        options={
            "a": "The crops of epoch 1 once more.",
            "b": "New crops: the transform is random.",
            "c": "An error: random samples cannot be kept.",
        },
        right="a",
        why={
            "a": "The first draw is what was kept. Training goes on, and nothing says that the augmentation is gone.",
            "b": "The transform is not run again: the cache answers before it.",
            "c": "A cache does not know what is random in what it keeps.",
        },
    ),
    Choice(
        id="01.D",
        question="The table lacks the size of a fifth of the pictures. Which training is honest?",
        options={
            "a": "0 stands in, and every sample enters the loss.",
            "b": "The pictures without a size are thrown away.",
            "c": "0 stands in, and a mask keeps it out of the loss.",
        },
        right="c",
        why={
            "a": "The model learns that a fifth of the shapes have no size.",
            "b": "They have other truths, such as the kind, which are thrown away with them.",
            "c": "The batch keeps its shape, each task learns from what there is, and 0 is never taken for a truth.",
        },
    ),
)
