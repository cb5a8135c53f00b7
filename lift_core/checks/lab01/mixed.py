"""Lab 01: the exercise on a batch of pictures and texts, some of which are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.isolation import Returned
from lift_core.checks.wording import with_article

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


_VOCABULARY = {"a": 2, "red": 3, "circle": 4, "large": 5, "square": 6, "none": 7}
_WORDS_DTYPE = "words is of dtype torch.int64, which an embedding needs"

collate_captioned = Exercise(
    "01.5",
    "collate_captioned",
    _collate_captioned,
    lambda: [
        Probe("three captions", (_captioned("a red circle", "a large red square", "circle"), _VOCABULARY)),
        Probe("a caption with capital letters", (_captioned("A Red circle", "SQUARE"), _VOCABULARY)),
        Probe("a word that the vocabulary lacks", (_captioned("a purple circle", "a red zebra"), _VOCABULARY)),
        Probe("the middle one without a caption", (_captioned("a circle", None, "a red square"), _VOCABULARY)),
        Probe("the first one without a caption", (_captioned(None, "a large circle"), _VOCABULARY)),
        Probe("one sample alone", (_captioned("a circle"), _VOCABULARY)),
        Probe("seven words", (_captioned("a a a red red red circle", "red"), _VOCABULARY)),
    ],
    contract=(
        "returns a dict with the entries pictures, words, lengths and captions, with the samples in the order given;"
        " pictures is a tensor [B, 3, H, W]",
        "words is a tensor [B, Lmax] with the numbers of each caption's words, split at blanks and in small letters;"
        " 1 stands for a word that the vocabulary lacks, 0 after the last word; Lmax is the most words of a caption in"
        " this batch",
        _WORDS_DTYPE,
        "lengths holds the B numbers of words; a sample whose caption is None stays in the batch, and has 0 words",
        "captions is a list of the B texts, unchanged, the empty text for None",
    ),
)


@collate_captioned.prop(_WORDS_DTYPE)
def _words_are_whole(call: Call) -> str | None:
    batch = call.output
    if not isinstance(call.outcome, Returned) or not isinstance(batch, Mapping) or "words" not in batch:
        return None
    words = batch["words"]
    if not isinstance(words, Tensor):
        return f"words is no tensor but {with_article(type(words).__name__)}"
    return None if words.dtype == torch.int64 else f"the dtype is {str(words.dtype).removeprefix('torch.')}"


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
