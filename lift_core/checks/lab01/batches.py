"""Lab 01: the exercises on making a batch of samples: padding, the mean over what is real, the default collate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.lab01.tensors import no_tensor
from lift_core.checks.wording import shown

Sample = Mapping[str, Any]

# --- 01.3 pad_collate ---


def _lengths(samples: Sequence[Sample]) -> list[int]:
    return [len(sample["sequence"]) for sample in samples]


def _labels(samples: Sequence[Sample]) -> Tensor:
    return torch.tensor([sample["label"] for sample in samples])


def _padded_to(samples: Sequence[Sample], longest: int) -> Tensor:
    first = samples[0]["sequence"]
    batch = first.new_zeros(len(samples), longest, *first.shape[1:])
    for row, sample in zip(batch, samples, strict=True):
        sequence = sample["sequence"][:longest]
        row[: len(sequence)] = sequence
    return batch


def _pad_collate(samples: Sequence[Sample]) -> dict[str, Any]:
    lengths = _lengths(samples)
    return {
        "sequences": _padded_to(samples, max(lengths)),
        "lengths": torch.tensor(lengths),
        "labels": _labels(samples),
    }


def _walks(*lengths: int, features: int = 2, seed: int = 0) -> list[dict[str, Any]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        {"sequence": torch.randn(length, features, generator=generator), "label": (3 * place + seed) % 5}
        for place, length in enumerate(lengths)
    ]


def _labelled_by_tensors() -> list[dict[str, Any]]:
    return [{**sample, "label": torch.tensor(sample["label"])} for sample in _walks(3, 3, seed=4)]


def _standing_still() -> list[dict[str, Any]]:
    """Sequences with steps of zeros: what is real cannot be told from padding by looking at it."""
    samples = _walks(3, 5, 4, seed=3)
    samples[0]["sequence"][2] = 0
    samples[1]["sequence"][1] = 0
    return samples


_TENSORS = "returns a dict of three tensors, sequences, lengths and labels, with the samples in the order given"

pad_collate = Exercise(
    "01.3",
    "pad_collate",
    _pad_collate,
    lambda: [
        Probe("sequences of 3, 5 and 2 steps of 2 numbers", (_walks(3, 5, 2),)),
        Probe("sequences of 4, 1, 4 and 7 steps of 3 numbers", (_walks(4, 1, 4, 7, features=3, seed=1),)),
        Probe("one sequence alone", (_walks(4, seed=2),)),
        Probe("sequences with steps of zeros", (_standing_still(),)),
        Probe("sequences of one length, with labels that are tensors", (_labelled_by_tensors(),)),
    ],
    contract=(
        _TENSORS,
        "sequences is [B, Lmax, F]; Lmax is the longest length of this batch, and after a sequence's last step stand"
        " zeros",
        "lengths [B] holds the numbers of steps before padding, labels [B] the labels",
    ),
)


@pad_collate.prop(_TENSORS)
def _holds_tensors(call: Call) -> str | None:
    return no_tensor(call, "sequences", "lengths", "labels")


@pad_collate.mistake("cut to the shortest", "Nothing may be lost: pad to the longest of the batch.")
def _cut(samples: Sequence[Sample]) -> dict[str, Any]:
    shortest = min(_lengths(samples))
    return {
        "sequences": _padded_to(samples, shortest),
        "lengths": torch.full((len(samples),), shortest),
        "labels": _labels(samples),
    }


@pad_collate.mistake(
    "the lengths are those after padding", "After padding all are equally long. Note the lengths before."
)
def _lengths_after(samples: Sequence[Sample]) -> dict[str, Any]:
    batch = _pad_collate(samples)
    return {**batch, "lengths": torch.full((len(samples),), batch["sequences"].shape[1])}


@pad_collate.mistake(
    "the lengths are counted from the zeros",
    "A real step may be zeros: something stands still. Only the sample itself knows its length.",
)
def _counted_from_zeros(samples: Sequence[Sample]) -> dict[str, Any]:
    batch = _pad_collate(samples)
    return {**batch, "lengths": (batch["sequences"] != 0).any(dim=2).sum(dim=1)}


@pad_collate.mistake("time comes first", "pad_sequence makes [Lmax, B, F] unless it is told batch_first=True.")
def _time_first(samples: Sequence[Sample]) -> dict[str, Any]:
    batch = _pad_collate(samples)
    return {**batch, "sequences": batch["sequences"].transpose(0, 1)}


@pad_collate.mistake("padded in front", "The zeros stand after the last step, so that step t stays at place t.")
def _padded_in_front(samples: Sequence[Sample]) -> dict[str, Any]:
    batch = _pad_collate(samples)
    turned = [{**sample, "sequence": sample["sequence"].flip(0)} for sample in samples]
    return {**batch, "sequences": _pad_collate(turned)["sequences"].flip(1)}


@pad_collate.mistake("the last step is repeated", "Pad with zeros. That a step is not real is said by the length.")
def _last_repeated(samples: Sequence[Sample]) -> dict[str, Any]:
    batch = _pad_collate(samples)
    for row, length in zip(batch["sequences"], _lengths(samples), strict=True):
        row[length:] = row[length - 1]
    return batch


@pad_collate.mistake("sorted by length", "Keep the order: whoever asked for samples 8, 3, 5 expects them so.")
def _sorted(samples: Sequence[Sample]) -> dict[str, Any]:
    return _pad_collate(sorted(samples, key=lambda sample: -len(sample["sequence"])))


@pad_collate.mistake("only the sequences are sorted", "Then a sequence has another one's label and length.")
def _sorted_apart(samples: Sequence[Sample]) -> dict[str, Any]:
    return {**_pad_collate(samples), "sequences": _sorted(samples)["sequences"]}


@pad_collate.mistake("padded to a fixed length", "Pad to the longest of this batch, however long others are.")
def _fixed_length(samples: Sequence[Sample]) -> dict[str, Any]:
    return {**_pad_collate(samples), "sequences": _padded_to(samples, 10)}


@pad_collate.mistake("one step too many", "Lmax is the longest length itself.")
def _one_too_long(samples: Sequence[Sample]) -> dict[str, Any]:
    return {**_pad_collate(samples), "sequences": _padded_to(samples, max(_lengths(samples)) + 1)}


# --- 01.4 masked_mean ---


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    return values[mask].sum() / mask.sum().clamp(min=1)


def _errors(rows: int, columns: int, lengths: Sequence[int], behind: float = 0.0) -> tuple[Tensor, Tensor]:
    values = torch.randn(rows, columns, generator=torch.Generator().manual_seed(rows * columns)) - 0.5
    values[0, 0] = 0
    mask = torch.arange(columns) < torch.tensor(lengths)[:, None]
    return torch.where(mask, values, torch.tensor(behind)), mask


masked_mean = Exercise(
    "01.4",
    "masked_mean",
    _masked_mean,
    lambda: [
        Probe("three sequences of 5, 2 and 4 steps", _errors(3, 5, (5, 2, 4))),
        Probe("sequences of 1 and 6 steps", _errors(2, 6, (1, 6))),
        Probe("large numbers in the padding", _errors(3, 4, (2, 4, 1), behind=100.0)),
        Probe("a row without a real entry", _errors(3, 4, (0, 3, 4))),
        Probe("nothing left out", _errors(2, 3, (3, 3))),
        Probe("a flat list of which 2 of 5 are there", (torch.arange(1.0, 6.0), torch.tensor([0, 1, 0, 0, 1]).bool())),
        Probe("one real entry of three", (torch.tensor([4.0, 2.0, 3.0]), torch.tensor([0, 1, 0]).bool())),
        Probe("nothing there at all", _errors(2, 3, (0, 0))),
        Probe("NaN in the padding", _errors(3, 4, (4, 1, 2), behind=float("nan"))),
    ],
    contract=(
        "returns the mean of all the values where mask is True, every value with the same weight",
        "the numbers where mask is False have no influence, not even NaN",
        "if mask is True nowhere, returns 0",
    ),
    kind="faded",
)


@masked_mean.mistake(
    "multiplied by the mask", "NaN times 0 is NaN. Do not multiply, choose: values[mask], or torch.where with the mask."
)
def _multiplied(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1)


@masked_mean.mistake("the mean over everything", "Divide by the number of entries that are real: the sum of the mask.")
def _plain_mean(values: Tensor, mask: Tensor) -> Tensor:
    return values.mean()


@masked_mean.mistake("divided by the number of all entries", "The padding is out of the sum, but still in the count.")
def _divided_by_all(values: Tensor, mask: Tensor) -> Tensor:
    return values[mask].sum() / values.numel()


@masked_mean.mistake(
    "the mean of each row's mean", "A sequence of 1 step would weigh as much as one of 6. Sum everything, then divide."
)
def _mean_of_means(values: Tensor, mask: Tensor) -> Tensor:
    rows = values.masked_fill(~mask, 0).sum(-1) / mask.sum(-1).clamp(min=1)
    return rows[mask.any(-1)].mean() if mask.any() else values.new_zeros(())


@masked_mean.mistake("divided by the number of rows", "Divide by the number of real entries, not of sequences.")
def _divided_by_rows(values: Tensor, mask: Tensor) -> Tensor:
    return values[mask].sum() / len(values)


@masked_mean.mistake("0 divided by 0", "That is NaN, and one NaN in a loss ruins every weight. Divide by at least 1.")
def _not_a_number(values: Tensor, mask: Tensor) -> Tensor:
    return values[mask].sum() / mask.sum()


@masked_mean.mistake("multiplied by the mask, and 0 divided by 0", "NaN times 0 is NaN, and 0 / 0 is NaN too.")
def _multiplied_and_divided(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum()


@masked_mean.mistake("the sum, not the mean", "Divide by how many there are.")
def _only_summed(values: Tensor, mask: Tensor) -> Tensor:
    return values[mask].sum()


@masked_mean.mistake("the mask is turned round", "True is real.")
def _turned_round(values: Tensor, mask: Tensor) -> Tensor:
    return _masked_mean(values, ~mask)


@masked_mean.mistake(
    "one is added to the count", "A small number below the line is not the same as `at least 1`: use clamp(min=1)."
)
def _one_added(values: Tensor, mask: Tensor) -> Tensor:
    return values[mask].sum() / (mask.sum() + 1)


# --- 01.9 the default collate by hand ---

Collate = Callable[[Sequence[Any]], Any]


def _collate_with(parts: Sequence[Any], inner: Collate, number: Callable[[Sequence[Any]], Any] = torch.tensor) -> Any:
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.stack(list(parts))
    if isinstance(first, int | float):
        return number(list(parts))
    if isinstance(first, dict):
        return {key: inner([part[key] for part in parts]) for key in first}
    if isinstance(first, tuple):
        return [inner(column) for column in zip(*parts, strict=True)]
    return list(parts)


def _my_collate(samples: Sequence[Any]) -> Any:
    return _collate_with(samples, _my_collate)


def _collate_by_name(candidate: Collate, samples: Sequence[Any]) -> Any:
    """What was returned, with the kind of each part said: a list of numbers is no tensor."""
    return _with_kinds(candidate(samples))


def _with_kinds(batch: Any) -> Any:
    if isinstance(batch, Mapping):
        return {key: _with_kinds(value) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        return [_with_kinds(value) for value in batch]
    if isinstance(batch, Tensor):
        return {"a tensor of decimal numbers" if batch.is_floating_point() else "a tensor of whole numbers": batch}
    return batch if batch is None else shown(batch)


def _tensors(count: int, *shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(sum(shape) + count)
    return [torch.rand(*shape, generator=generator) for _ in range(count)]


def _nested(pictures: Sequence[Tensor]) -> list[dict[str, Any]]:
    return [
        {"picture": picture, "truth": {"kind": place, "place": (place + 0.5, f"row {place}")}}
        for place, picture in enumerate(pictures)
    ]


my_collate = Exercise(
    "01.9",
    "my_collate",
    _my_collate,
    lambda: [
        Probe("three tensors [2, 5]", (_tensors(3, 2, 5),)),
        Probe("four whole numbers", ([4, 0, 2, 7],)),
        Probe("three decimal numbers", ([0.5, 100.3, 1.0],)),
        Probe("three texts", (["red", "a green one", "red"],)),
        Probe("two dicts with their keys in another order", ([{"a": 1, "b": "x"}, {"b": "y", "a": 2}],)),
        Probe(
            "two tuples of a tensor, a text and a number", (list(zip(_tensors(2, 2, 2), "xy", (3, 5), strict=True)),)
        ),
        Probe("two tensors of whole numbers", ([torch.tensor([3, 1]), torch.tensor([4, 1])],)),
        Probe("two dicts that hold a dict that holds a tuple", (_nested(_tensors(2, 3, 1)),)),
        Probe("one sample alone", ([{"a": _tensors(1, 4)[0], "b": (1, "x")}],)),
    ],
    contract=(
        "tensors, which all have one shape, are stacked along a new first axis; whole numbers become a tensor [B] of"
        " whole numbers, decimal ones of decimal numbers; texts stay texts, in a list or tuple",
        "dicts become a dict with the same keys; each value is the batch of the samples' values, by the same rules",
        "tuples become a list or tuple: its first entry is the batch of the first entries, and so on, by the same"
        " rules",
    ),
    kind="optional",
    drive=_collate_by_name,
)


@my_collate.mistake("deeper levels are not done", "A dict may hold a dict: call the function itself for it.")
def _one_level(samples: Sequence[Any]) -> Any:
    return _collate_with(samples, lambda parts: _collate_with(parts, list))


@my_collate.mistake("numbers stay a list", "A loss wants a tensor: torch.tensor takes a list of numbers.")
def _numbers_listed(samples: Sequence[Any]) -> Any:
    return _collate_with(samples, _numbers_listed, number=list)


@my_collate.mistake("tuples stay as they are", "Samples are rows, a batch has columns: zip(*samples) turns it.")
def _tuples_kept(samples: Sequence[Any]) -> Any:
    return list(samples) if isinstance(samples[0], tuple) else _collate_with(samples, _tuples_kept)


@my_collate.mistake("joined along the first axis", "torch.cat makes [B * n, ...]. torch.stack makes the new axis.")
def _joined(samples: Sequence[Any]) -> Any:
    return torch.cat(list(samples)) if isinstance(samples[0], Tensor) else _collate_with(samples, _joined)


@my_collate.mistake("decimal numbers are cut off", "Do not ask for whole numbers: leave the dtype to torch.tensor.")
def _whole_numbers(samples: Sequence[Any]) -> Any:
    return _collate_with(samples, _whole_numbers, number=lambda parts: torch.tensor(parts, dtype=torch.int64))
