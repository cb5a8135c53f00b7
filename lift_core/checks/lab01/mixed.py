"""Lab 01: the exercise on a batch of pictures and texts, some of which are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.lab01.tensors import no_tensor

Sample = Mapping[str, Any]
Vocabulary = Mapping[str, int]


def _numbers(caption: str | None, vocabulary: Vocabulary, unknown: int = 1) -> list[int]:
    return [vocabulary.get(word, unknown) for word in (caption or "").lower().split()]


def _batch(samples: Sequence[Sample], numbers: Sequence[Sequence[int]]) -> dict[str, Any]:
    lengths = [len(row) for row in numbers]
    words = torch.zeros(len(samples), max(lengths), dtype=torch.int64)
    for row, known in zip(words, numbers, strict=True):
        row[: len(known)] = torch.tensor(known, dtype=torch.int64)
    return {
        "pictures": torch.stack([sample["picture"] for sample in samples]),
        "words": words,
        "lengths": torch.tensor(lengths),
        "captions": [sample["caption"] or "" for sample in samples],
    }


def _collate_captioned(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    return _batch(samples, [_numbers(sample["caption"], vocabulary) for sample in samples])


def _captioned(*captions: str | None) -> list[dict[str, Any]]:
    generator = torch.Generator().manual_seed(len(captions))
    return [
        {"picture": torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8, generator=generator), "caption": caption}
        for caption in captions
    ]


_TENSORS = (
    "returns a dict of three tensors, pictures [B, 3, H, W], words and lengths, and captions, with the samples in the"
    " order given"
)
_WORDS_DTYPE = "words is of dtype torch.int64, which an embedding needs"


def _probe(label: str, *captions: str | None) -> Probe:
    vocabulary = {"a": 2, "red": 3, "circle": 4, "large": 5, "square": 6, "none": 7}
    return Probe(label, (_captioned(*captions), vocabulary))


collate_captioned = Exercise(
    "01.5",
    "collate_captioned",
    _collate_captioned,
    lambda: [
        _probe("three captions", "a red circle", "a large red square", "circle"),
        _probe("a caption with capital letters", "A Red circle", "SQUARE"),
        _probe("words that the vocabulary lacks", "a purple circle", "a red. zebra"),
        _probe("the middle one without a caption", "a circle", None, "a red square"),
        _probe("the first one without a caption", None, "a large circle"),
        _probe("one sample alone", "a circle"),
        _probe("seven words", "a a a red red red circle", "red"),
    ],
    contract=(
        _TENSORS,
        "words is [B, Lmax], the numbers of each caption's words, split at blanks and in small letters;"
        " 1 stands for a word that the vocabulary lacks, 0 after the last word; Lmax is the most words of a caption in"
        " this batch",
        _WORDS_DTYPE,
        "lengths [B] holds the numbers of words; a sample whose caption is None stays in the batch, and has 0 words",
        "captions holds the B texts, unchanged, the empty text for None",
    ),
)


@collate_captioned.prop(_TENSORS)
def _holds_tensors(call: Call) -> str | None:
    return no_tensor(call, "pictures", "words", "lengths")


@collate_captioned.prop(_WORDS_DTYPE)
def _words_are_whole(call: Call) -> str | None:
    words = call.output.get("words") if isinstance(call.output, Mapping) else None
    if not isinstance(words, Tensor) or words.dtype == torch.int64:
        return None
    return f"the dtype is {str(words.dtype).removeprefix('torch.')}"


@collate_captioned.mistake("samples without a caption are left out", "The picture is still good. Keep the sample.")
def _left_out(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    return _collate_captioned([sample for sample in samples if sample["caption"] is not None], vocabulary)


@collate_captioned.mistake(
    "only the caption is left out", "From there on every picture has its neighbour's caption. Keep a row of zeros."
)
def _shifted(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    captioned = _left_out(samples, vocabulary)
    return {**captioned, "pictures": _collate_captioned(samples, vocabulary)["pictures"]}


@collate_captioned.mistake("an unknown word is numbered like padding", "0 says that nothing is there. Unknown is 1.")
def _unknown_as_padding(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    return _batch(samples, [_numbers(sample["caption"], vocabulary, unknown=0) for sample in samples])


@collate_captioned.mistake("unknown words are left out", "A word that is not in the vocabulary is a word: number 1.")
def _unknown_left_out(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    numbers = [_numbers(sample["caption"], vocabulary) for sample in samples]
    return _batch(samples, [[number for number in row if number != 1] for row in numbers])


@collate_captioned.mistake("capital letters are left as they are", "The vocabulary has small letters only: lower().")
def _capitals(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    split = [(sample["caption"] or "").split() for sample in samples]
    return _batch(samples, [[vocabulary.get(word, 1) for word in words] for words in split])


@collate_captioned.mistake("None became the word none", "str(None) is a text of four letters. Use the empty text.")
def _none_as_text(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    named = [{**sample, "caption": str(sample["caption"])} for sample in samples]
    return {**_collate_captioned(named, vocabulary), "captions": _collate_captioned(samples, vocabulary)["captions"]}


@collate_captioned.mistake(
    "an empty caption makes decimal numbers",
    "torch.tensor([]) is float32, and pad_sequence goes by the first. Give dtype=torch.int64.",
)
def _decimal_words(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    rows = [torch.tensor(_numbers(sample["caption"], vocabulary)) for sample in samples]
    return {**_collate_captioned(samples, vocabulary), "words": pad_sequence(rows, batch_first=True)}


@collate_captioned.mistake("the letters are counted", "lengths counts words: split first.")
def _letters_counted(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    lengths = torch.tensor([len(sample["caption"] or "") for sample in samples])
    return {**_collate_captioned(samples, vocabulary), "lengths": lengths}


@collate_captioned.mistake(
    "the captions are changed", "Keep the text as it was written; only words is in small letters."
)
def _captions_lowered(samples: Sequence[Sample], vocabulary: Vocabulary) -> dict[str, Any]:
    batch = _collate_captioned(samples, vocabulary)
    return {**batch, "captions": [caption.lower() for caption in batch["captions"]]}
