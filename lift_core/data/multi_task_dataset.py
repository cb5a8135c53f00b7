"""MultiTaskDataset: one input with the truths of several tasks, some of which a sample may lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset

from lift_core.errors import DatasetError, ShapeError

Target = Tensor | float | int


class MultiTaskSample(TypedDict):
    """One input ``[*input]``; for each task a target ``[*target]``, zeros where it is missing, and whether it is there.

    torch's default_collate makes ``[B, *input]``, ``[B, *target]`` and bool ``[B]`` of them.
    """

    input: Tensor
    targets: dict[str, Tensor]
    present: dict[str, Tensor]


class MultiTaskDataset(Dataset[MultiTaskSample]):
    """N inputs with the targets of several tasks; None where a sample has no truth for a task.

    A batch keeps its shape whatever is missing, and a task's loss is averaged over the samples that have a truth:
    ``(loss * present).sum() / present.sum().clamp(min=1)``.

    Args:
        inputs: N tensors of one shape, or one tensor ``[N, *input]``.
        targets: for each task N tensors of one shape and dtype, or numbers, or None where there is no truth.

    Raises:
        DatasetError: no task, another number of targets than of inputs, or a task without any truth.
        ShapeError: a target whose shape or dtype is not that of the task's first.
    """

    def __init__(self, inputs: Sequence[Tensor] | Tensor, targets: Mapping[str, Sequence[Target | None]]) -> None:
        if not targets:
            raise DatasetError("there is no task", fix="Give the targets of at least one.")
        self._inputs = inputs
        self._targets = {task: _stacked(task, truths, len(inputs)) for task, truths in targets.items()}

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self._targets)

    def __len__(self) -> int:
        return len(self._inputs)

    def __getitem__(self, index: int) -> MultiTaskSample:
        return MultiTaskSample(
            input=self._inputs[index],
            targets={task: values[index] for task, (values, _) in self._targets.items()},
            present={task: present[index] for task, (_, present) in self._targets.items()},
        )


def _stacked(task: str, truths: Sequence[Target | None], count: int) -> tuple[Tensor, Tensor]:
    """A task's targets ``[N, *target]`` with zeros where there is none, and bool ``[N]``: where there is one."""
    if len(truths) != count:
        raise DatasetError(
            f"{len(truths)} targets for {count} inputs", where=task, fix="Give None where there is none."
        )
    tensors = [None if truth is None else torch.as_tensor(truth) for truth in truths]
    known = [tensor for tensor in tensors if tensor is not None]
    if not known:
        raise DatasetError("no sample has a truth for this task", where=task, fix="Leave the task out.")
    first = known[0]
    for tensor in known:
        if tensor.shape != first.shape or tensor.dtype != first.dtype:
            raise ShapeError(
                f"a target is {tensor.dtype} {list(tensor.shape)}, but the first is {first.dtype} {list(first.shape)}",
                where=task,
                fix="The targets of a task have one shape and dtype.",
            )
    values = torch.stack([torch.zeros_like(first) if tensor is None else tensor for tensor in tensors])
    return values, torch.tensor([tensor is not None for tensor in tensors])
