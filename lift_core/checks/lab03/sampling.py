"""Lab 03: the exercises on recall, sampling weights and balanced batches."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lift_core.checks.compare import as_numbers
from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.lab03.elsewhere import in_another_process
from lift_core.checks.lab03.order import same_turns, uneven_class
from lift_core.checks.noted import Noted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawn = tuple["Figure", str] | None
_SHOWN = 8

# --- 03.1 recall per class ---


def _recall_per_class(predicted: Tensor, truth: Tensor, classes: int) -> list[float]:
    return [(predicted[truth == number] == number).float().mean().item() for number in range(classes)]


def _predictions() -> list[Probe]:
    def probe(label: str, predicted: Sequence[int], truth: Sequence[int], classes: int) -> Probe:
        return Probe(label, (torch.tensor(predicted), torch.tensor(truth), classes))

    return [
        probe("three classes", [0, 0, 1, 0, 2, 1, 0], [0, 0, 1, 1, 2, 2, 2], 3),
        probe("a class that is never predicted", [0, 0, 0, 0, 1], [0, 0, 0, 1, 2], 3),
        probe("four classes, of which one has no sample", [3, 1, 1, 0, 3, 3], [3, 3, 1, 0, 0, 3], 4),
        probe("five classes, the first and the last without samples", [1, 2, 3, 3, 0, 3], [1, 1, 2, 3, 3, 3], 5),
        probe("two classes, mostly wrong", [1, 1, 1, 0, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0, 1, 1, 1], 2),
    ]


recall_per_class = Exercise(
    "03.1",
    "recall_per_class",
    _recall_per_class,
    _predictions,
    contract=(
        "returns a list with one number for each class from 0 to classes - 1: of the samples that truly are of this"
        " class, the share that was predicted as it",
        'a class of which there is no sample gets float("nan")',
    ),
    kind="faded",
)


@recall_per_class.mistake(
    "precision instead of recall",
    "You divide by the number of samples *predicted* as the class. Recall divides by those that truly are of it.",
)
def _precision(predicted: Tensor, truth: Tensor, classes: int) -> list[float]:
    return [(truth[predicted == number] == number).float().mean().item() for number in range(classes)]


@recall_per_class.mistake(
    "divided by all samples", "That is a class's share of the accuracy. Divide by the samples of the class itself."
)
def _share_of_all(predicted: Tensor, truth: Tensor, classes: int) -> list[float]:
    return [((predicted == number) & (truth == number)).float().mean().item() for number in range(classes)]


@recall_per_class.mistake(
    "the accuracy within a class counted over both kinds of answers",
    "You count how often the question 'is it this class?' is answered rightly. That also counts all samples of other"
    " classes. Look only at the samples whose truth is the class.",
)
def _one_against_rest(predicted: Tensor, truth: Tensor, classes: int) -> list[float]:
    return [((predicted == number) == (truth == number)).float().mean().item() for number in range(classes)]


@recall_per_class.mistake("one accuracy for all", "Look at the classes one by one.")
def _accuracy(predicted: Tensor, truth: Tensor, classes: int) -> list[float]:
    return [(predicted == truth).float().mean().item()] * classes


@recall_per_class.mistake(
    "0 for a class without samples",
    "0 says that every sample was missed. Where there is none, nothing can be said: nan.",
)
def _zero_for_none(predicted: Tensor, truth: Tensor, classes: int) -> list[float]:
    return [0.0 if np.isnan(value) else value for value in _recall_per_class(predicted, truth, classes)]


@recall_per_class.mistake("classes without samples are left out", "There is one number for each class, always.")
def _left_out(predicted: Tensor, truth: Tensor, classes: int) -> list[float]:
    return [value for value in _recall_per_class(predicted, truth, classes) if not np.isnan(value)]


# --- 03.2 sampling weights ---


def _sample_weights(labels: Tensor) -> Tensor:
    return 1 / torch.bincount(labels)[labels]


def _shares(candidate: Callable[[Tensor], Any], labels: Tensor) -> Any:
    """The weights as shares of their sum: their scale is the student's to choose."""
    weights = as_numbers(candidate(labels))
    if weights is None or weights.ndim != 1:
        return weights
    total = weights.astype(np.float64).sum()
    with np.errstate(invalid="ignore"):
        return {"the weights, divided by their sum": weights / total if total > 0 else weights}


_EQUAL_SUMS = "the weights of a class add up to the same sum for every class that has samples"
_EQUAL_WITHIN = "samples of one class have equal weights"

sample_weights = Exercise(
    "03.2",
    "sample_weights",
    _sample_weights,
    lambda: [
        Probe("seven samples of three classes", (torch.tensor([0, 1, 0, 0, 2, 0, 1]),)),
        Probe("eleven samples of two classes", (torch.tensor([1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1]),)),
        Probe("labels 1, 2 and 4, none of classes 0 and 3", (torch.tensor([2, 1, 2, 4, 2, 4, 2]),)),
        Probe("classes that are equally frequent", (torch.tensor([0, 2, 1, 1, 0, 2]),)),
    ],
    contract=(
        "returns one weight for each sample, in the order of labels: positive numbers of any scale",
        _EQUAL_SUMS,
        _EQUAL_WITHIN,
    ),
    kind="faded",
    atol=1e-5,
    drive=_shares,
    picture=lambda call: _draw_shares(call),
)


def _draw_shares(call: Call) -> Drawn:
    from lift_core.viz.counterexample import counterexample

    wanted = _shares(_sample_weights, *call.probe.args)
    yours, expected = (next(iter(found.values())) for found in (call.output, wanted))
    return counterexample(call.probe.args[0], yours, expected, atol=1e-5)


def _weights_of(call: Call) -> Any:
    labels = call.probe.args[0]
    weights = next(iter(call.output.values())) if isinstance(call.output, dict) else None
    return weights if weights is not None and len(weights) == len(labels) else None


@sample_weights.prop(_EQUAL_WITHIN)
def _equal_within(call: Call) -> str | None:
    weights, labels = _weights_of(call), call.probe.args[0]
    if weights is None:
        return None
    uneven = [number for number in labels.unique().tolist() if np.ptp(weights[(labels == number).numpy()]) > 1e-5]
    return f"the weights within class {uneven[0]} differ" if uneven else None


@sample_weights.prop(_EQUAL_SUMS)
def _equal_sums(call: Call) -> str | None:
    weights, labels = _weights_of(call), call.probe.args[0]
    if weights is None:
        return None
    sums = {number: weights[(labels == number).numpy()].sum() for number in labels.unique().tolist()}
    if np.ptp(list(sums.values())) <= 1e-5:
        return None
    return "the sums are " + ", ".join(f"{value:.3g} for class {number}" for number, value in sums.items())


@sample_weights.mistake(
    "one weight per class", "The sampler wants a weight for every sample: look each sample's class up in your list."
)
def _per_class(labels: Tensor) -> Tensor:
    return 1 / torch.bincount(labels)


@sample_weights.mistake("frequent classes are drawn more often still", "The rarer a class, the larger its weight.")
def _proportional(labels: Tensor) -> Tensor:
    return torch.bincount(labels)[labels].float()


@sample_weights.mistake(
    "one minus the share",
    "1 - share makes rare samples a little likelier, and the frequent class still leads. Divide by the count.",
)
def _one_minus_share(labels: Tensor) -> Tensor:
    return 1 - torch.bincount(labels)[labels] / len(labels)


@sample_weights.mistake("all weights are equal", "That is the uniform sampler.")
def _uniform(labels: Tensor) -> Tensor:
    return torch.ones(len(labels))


@sample_weights.mistake(
    "divided by the square root of the count", "That is half of the way: the classes' sums are not equal yet."
)
def _root(labels: Tensor) -> Tensor:
    return torch.bincount(labels)[labels] ** -0.5


@sample_weights.mistake("divided by the label", "The label is a name. What counts is how often it occurs.")
def _by_label(labels: Tensor) -> Tensor:
    return 1 / (labels + 1)


# --- 03.3 balanced batches ---


class _BalancedBatches:
    """Lists of indices, each with ``per_class`` samples of every class."""

    def __init__(self, labels: Tensor, per_class: int, seed: int = 0) -> None:
        self.labels, self.per_class, self.seed, self.epoch = labels, per_class, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def members(self) -> list[list[int]]:
        return [torch.nonzero(self.labels == number).flatten().tolist() for number in self.labels.unique()]

    def __len__(self) -> int:
        return max(map(len, self.members())) // self.per_class

    def generator(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.epoch])

    def stream(self, draw: np.random.Generator, members: list[int]) -> Iterator[int]:
        while True:
            yield from draw.permutation(members).tolist()

    def __iter__(self) -> Iterator[list[int]]:
        draw = self.generator()
        streams = [self.stream(draw, members) for members in self.members()]
        for _ in range(len(self)):
            yield [next(stream) for stream in streams for _ in range(self.per_class)]


def _use_sampler(candidate: Callable[..., Any], labels: Tensor, per_class: int) -> dict[str, Any]:
    def batches(seed: int, epoch: int, maker: Callable[..., Any] = candidate) -> list[list[int]]:
        sampler = maker(labels, per_class, seed)
        sampler.set_epoch(epoch)
        return _drawn(sampler)

    sampler = candidate(labels, per_class, 5)
    sampler.set_epoch(3)
    drawn, again = _drawn(sampler), _drawn(sampler, others_draw=True)
    early = uneven_class(drawn, labels.tolist())
    return {
        "len(batches)": len(sampler),
        "lists": len(drawn),
        "samples of each class in each list": [_per_label(batch, labels) for batch in drawn],
        "comes again too early": early,
        "times each sample came": Noted(_times(drawn[: early[1] + 1] if early else drawn, labels)),
        "iterated again": drawn == again,
        "made again": drawn == batches(5, 3),
        "in another process": drawn == batches(5, 3, in_another_process(candidate)),
        "another seed": not same_turns(drawn, batches(6, 3), labels.tolist()),
        "another epoch": not same_turns(drawn, batches(5, 4), labels.tolist()),
        "seed and epoch exchanged": not same_turns(drawn, batches(3, 5), labels.tolist()),
    }


def _drawn(sampler: Any, *, others_draw: bool = False) -> list[list[int]]:
    """All lists of a sampler, looked at once the last one has come; others may draw random numbers meanwhile."""
    most, lists = 1000, []
    for batch in islice(sampler, most):
        lists.append(batch)
        if others_draw:
            random.random(), np.random.random(), torch.rand(1)
    if len(lists) == most:
        raise RuntimeError(f"the batches do not end after {most}")
    return [[int(index) for index in batch] for batch in lists]


def _times(lists: list[list[int]], labels: Tensor) -> dict[int, list[int]]:
    """How often each sample of a class came, by class."""
    came = Counter(chain.from_iterable(lists))
    members = {name: torch.nonzero(labels == name).flatten().tolist() for name in labels.unique().tolist()}
    return {name: [came[index] for index in indices] for name, indices in members.items()}


def _per_label(batch: list[int], labels: Tensor) -> list[int]:
    found = Counter(int(labels[index]) for index in batch)
    return [found[number] for number in labels.unique().tolist()]


def _uneven_labels() -> list[Probe]:
    def labels(*counts: int) -> Tensor:
        draw = torch.Generator().manual_seed(sum(counts))
        ordered = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
        return ordered[torch.randperm(len(ordered), generator=draw)]

    return [
        Probe("classes of 23, 9 and 4 samples, two of each in a batch", (labels(23, 9, 4), 2)),
        Probe("classes of 17 and 3 samples, four of each in a batch", (labels(17, 3), 4)),
        Probe("classes of 5, 0, 12 and 13 samples, three of each in a batch", (labels(5, 0, 12, 13), 3)),
    ]


_LENGTH = (
    "len(batches) is the number of samples of the largest class, divided by per_class and rounded down; iterating gives"
    " as many lists of indices"
)
_EACH_CLASS = "each list holds exactly per_class samples of every class that occurs in labels"
_NOT_TOO_EARLY = (
    "after each list the samples of a class have come equally often, give or take one: rare ones take turns, and those"
    " of the largest class come at most once"
)
_BY_SEED = (
    "the samples of every class are shuffled by seed and epoch alone: iterating again gives the same lists, in every"
    " process and whatever others draw; another seed or another epoch gives others, and seed 2 in epoch 1 is not seed 1"
    " in epoch 2"
)

balanced_batches = Exercise(
    "03.3",
    "BalancedBatches",
    _BalancedBatches,
    _uneven_labels,
    contract=(_LENGTH, _EACH_CLASS, _NOT_TOO_EARLY, _BY_SEED),
    drive=_use_sampler,
    picture=lambda call: _draw_batches(call),
)


def _draw_batches(call: Call) -> Drawn:
    """How many of each class the first lists hold, or how often each sample came, whichever is wrong."""
    from lift_core.viz.text_table import text_table

    labels, per_class = call.probe.args
    classes = [f"class {name}" for name in labels.unique().tolist()]
    lists = call.output["samples of each class in each list"][:_SHOWN]
    wrong = {(row, column) for row, found in enumerate(lists) for column, n in enumerate(found) if n != per_class}
    if wrong:
        rows = {f"list {number}": [str(n) for n in found] for number, found in enumerate(lists)}
        return text_table(rows, classes, wrong, title=f"Samples of each class in a list; {per_class} are wanted")
    early = call.output["comes again too early"]
    if early is None:
        return None
    times = list(call.output["times each sample came"].value.values())
    wrong = {(row, k) for row, found in enumerate(times) for k, n in enumerate(found) if n > min(found) + 1}
    rows = {name: [str(n) for n in found] for name, found in zip(classes, times, strict=True)}
    columns = [str(number) for number in range(max(map(len, times)))]
    return text_table(rows, columns, wrong, title=f"How often each sample of a class has come after list {early[1]}")


@balanced_batches.prop(_LENGTH)
def _as_long_as_the_largest(call: Call) -> str | None:
    labels, per_class = call.probe.args
    wanted = int(torch.bincount(labels).max()) // per_class
    said, came = call.output["len(batches)"], call.output["lists"]
    return None if said == came == wanted else f"{wanted} lists are wanted; len says {said}, and {came} came"


@balanced_batches.prop(_EACH_CLASS)
def _balanced(call: Call) -> str | None:
    for number, found in enumerate(call.output["samples of each class in each list"]):
        if set(found) != {call.probe.args[1]}:
            return f"list {number} holds {found} samples of the classes"
    return None


@balanced_batches.prop(_NOT_TOO_EARLY)
def _not_too_early(call: Call) -> str | None:
    early = call.output["comes again too early"]
    return (
        None
        if early is None
        else f"after list {early[1]} a sample of class {early[0]} has come two times more than another"
    )


@balanced_batches.prop(_BY_SEED)
def _by_seed_alone(call: Call) -> str | None:
    if not (call.output["iterated again"] and call.output["made again"]):
        return "with the same seed and epoch other lists come the second time"
    if not call.output["in another process"]:
        return "another process would give other lists: there, hash() of a text differs"
    for change in ("another seed", "another epoch"):
        if not call.output[change]:
            return f"with {change} the samples of a class come in the same order"
    if not call.output["seed and epoch exchanged"]:
        return "with seed 5 in epoch 3 the samples of a class come as with seed 3 in epoch 5"
    return None


@balanced_batches.mistake(
    "the rarest class ends the epoch", "Most samples of the large classes are never seen. Let the rare ones repeat."
)
class _Shortest(_BalancedBatches):
    def __len__(self) -> int:
        return min(map(len, self.members())) // self.per_class


@balanced_batches.mistake(
    "drawn with replacement",
    "Some samples come three times before others come at all. Shuffle the class's samples, and shuffle them again only"
    " when all have come.",
)
class _WithReplacement(_BalancedBatches):
    def stream(self, draw: np.random.Generator, members: list[int]) -> Iterator[int]:
        while True:
            yield int(draw.choice(members))


@balanced_batches.mistake(
    "shuffled anew for each batch",
    "Each batch begins with a new permutation, so a sample can come again in the next batch. Keep the place within the"
    " permutation from one batch to the next.",
)
class _AnewEachBatch(_BalancedBatches):
    def __iter__(self) -> Iterator[list[int]]:
        draw = self.generator()
        for _ in range(len(self)):
            streams = [self.stream(draw, members) for members in self.members()]
            yield [next(stream) for stream in streams for _ in range(self.per_class)]


@balanced_batches.mistake("the epoch is ignored", "Every epoch would show the same batches. Seed with both numbers.")
class _EpochIgnored(_BalancedBatches):
    def generator(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


@balanced_batches.mistake("the seed is ignored", "Two trainings with different seeds would see the same batches.")
class _SeedIgnored(_BalancedBatches):
    def generator(self) -> np.random.Generator:
        return np.random.default_rng(self.epoch)


@balanced_batches.mistake(
    "seed and epoch are added", "Seed 5 in epoch 3 and seed 3 in epoch 5 are one: seed with the list [seed, epoch]."
)
class _Added(_BalancedBatches):
    def generator(self) -> np.random.Generator:
        return np.random.default_rng(self.seed + self.epoch)


@balanced_batches.mistake(
    "iterating again gives other lists",
    "Something goes on from one iteration to the next: a generator, a half-dealt stack, or a shared generator, from"
    " which others draw too. Make it anew in __iter__.",
)
class _GoesOn(_BalancedBatches):
    def __init__(self, labels: Tensor, per_class: int, seed: int = 0) -> None:
        super().__init__(labels, per_class, seed)
        self.kept = np.random.default_rng(seed)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.kept = np.random.default_rng([self.seed, epoch])

    def generator(self) -> np.random.Generator:
        return self.kept


@balanced_batches.mistake(
    "shuffled, not balanced", "That is an ordinary shuffle: a batch holds what chance brings. Draw class by class."
)
class _OnlyShuffled(_BalancedBatches):
    def __iter__(self) -> Iterator[list[int]]:
        order = self.generator().permutation(len(self.labels)).tolist()
        size = self.per_class * len(self.members())
        for number in range(len(self)):
            yield [order[i % len(order)] for i in range(number * size, (number + 1) * size)]


@balanced_batches.mistake(
    "indices one by one", "A batch sampler yields lists: all indices of a batch together, then those of the next."
)
class _OneByOne(_BalancedBatches):
    def __iter__(self) -> Iterator[Any]:
        for batch in super().__iter__():
            yield from batch


@balanced_batches.mistake("nothing is shuffled", "In every epoch a class begins in the order of the data set.")
class _InOrder(_BalancedBatches):
    def stream(self, draw: np.random.Generator, members: list[int]) -> Iterator[int]:
        while True:
            yield from members


@balanced_batches.mistake("the last incomplete batch is kept", "Round down: the largest class would have to repeat.")
class _RoundedUp(_BalancedBatches):
    def __len__(self) -> int:
        return -(-max(map(len, self.members())) // self.per_class)
