"""The checks of lab 01, data sets: right answers pass, known mistakes are named, other wrong answers do not pass."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, default_collate

from lift_core.checks.proof import Proof, proofs
from lift_core.course.catalogue import exercises
from lift_core.errors import DatasetError

# --- 01.1 ---


class AsTuple(Dataset):
    """Keeps the table as columns and takes the length from one of them."""

    def __init__(self, rows, read):
        self.names, self.labels = [r["picture"] for r in rows], [r["label"] for r in rows]
        self.read = read

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        if index >= len(self.names):
            raise IndexError(f"no sample {index}")
        pixels = torch.tensor(self.read(self.names[index]))
        return {
            "picture": torch.einsum("hwc->chw", pixels),
            "label": torch.tensor(self.labels[index]),
            "name": self.names[index],
        }


class WithNumpy(Dataset):
    def __init__(self, rows, read):
        self.rows, self.read = list(rows), read

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        pixels = np.ascontiguousarray(np.moveaxis(self.read(row["picture"]), -1, 0))
        return dict(row, name=row["picture"], picture=torch.from_numpy(pixels))


class Curried:
    """No Dataset at all: the contract is two methods. Further entries do no harm."""

    def __init__(self, rows, read):
        self.make = [lambda row=row: torch.from_numpy(read(row["picture"]).transpose(2, 0, 1)) for row in rows]
        self.rows = rows

    def __len__(self):
        return len(self.make)

    def __getitem__(self, index):
        return {
            "picture": self.make[index](),
            "label": self.rows[index]["label"],
            "name": self.rows[index]["picture"],
            "index": index,
        }


class NoName(WithNumpy):
    def __getitem__(self, index):
        sample = super().__getitem__(index)
        del sample["name"]
        return sample


class FlippedChannels(WithNumpy):
    def __getitem__(self, index):
        sample = super().__getitem__(index)
        return {**sample, "picture": sample["picture"].flip(0)}


# --- 01.2 ---


def value_by_cases(text, kind, stand_in):
    bare = text.strip()
    if bare == "" or bare.upper() in {"NA", "NAN"}:
        if stand_in is not None:
            return stand_in
        raise DatasetError(f"missing: {text!r}")
    return kind(text)


def value_with_numpy(text, kind, stand_in):
    if text.strip().casefold() in ["", "na", "nan"]:
        if stand_in is None:
            raise DatasetError("nothing there", fix="give a stand-in")
        return stand_in
    return {int: lambda t: np.int64(int(t)), float: lambda t: np.float64(t), str: str}[kind](text)


def value_after_trying(text, kind, stand_in):
    value = kind(text) if text.strip().lower() not in ("", "na") else math.nan
    if (isinstance(value, float) and math.isnan(value)) or str(value).strip().lower() == "nan":
        if stand_in is None:
            raise DatasetError("nothing there")
        return stand_in
    return value


def value_that_raises_key_errors(text, kind, stand_in):
    if text.strip().lower() in ("", "na", "nan"):
        return {None: None}[stand_in]
    return kind(text)


def value_stripped(text, kind, stand_in):
    return value_by_cases(text, kind, stand_in)[::-1] if kind is str else value_by_cases(text, kind, stand_in)


# --- 01.3 ---


def pad_with_torch(samples):
    sequences = [s["sequence"] for s in samples]
    return {
        "sequences": pad_sequence(sequences, batch_first=True),
        "lengths": [len(s) for s in sequences],
        "labels": [s["label"] for s in samples],
    }


def pad_with_numpy(samples):
    longest = max(s["sequence"].shape[0] for s in samples)
    rows = [np.pad(s["sequence"].numpy(), ((0, longest - len(s["sequence"])), (0, 0))) for s in samples]
    return {
        "sequences": torch.from_numpy(np.stack(rows)),
        "lengths": torch.tensor([s["sequence"].size(0) for s in samples], dtype=torch.int32),
        "labels": torch.tensor([float(s["label"]) for s in samples]),
        "mask": "extra",
    }


def pad_by_catenation(samples):
    rows, lengths = [], []
    longest = max(len(s["sequence"]) for s in samples)
    for s in samples:
        missing = torch.zeros(longest - len(s["sequence"]), s["sequence"].shape[1])
        rows.append(torch.cat([s["sequence"], missing]))
        lengths.append(len(s["sequence"]))
    return {"labels": [s["label"] for s in samples], "lengths": np.array(lengths), "sequences": torch.stack(rows)}


def pad_with_ones(samples):
    return {**pad_with_torch(samples), "sequences": pad_sequence([s["sequence"] for s in samples], True, 1.0)}


def pad_without_labels(samples):
    batch = pad_with_torch(samples)
    del batch["labels"]
    return batch


# --- 01.4 ---


def mean_by_choosing(values, mask):
    return values[mask].mean() if mask.any() else torch.tensor(0.0)


def mean_by_loop(values, mask):
    real = [v for v, there in zip(values.flatten().tolist(), mask.flatten().tolist(), strict=True) if there]
    return sum(real) / len(real) if real else 0.0


def mean_by_where(values, mask):
    total = torch.where(mask, values, 0.0).sum()
    return total / max(int(mask.sum()), 1)


def mean_of_real_columns(values, mask):
    return values[..., mask.all(0) if mask.ndim > 1 else mask].mean()


# --- 01.5 ---


def caption_numbers(caption, vocabulary):
    return [vocabulary.get(w, 1) for w in caption.lower().split()] if caption is not None else []


def captioned_with_pad_sequence(samples, vocabulary):
    rows = [torch.tensor(caption_numbers(s["caption"], vocabulary), dtype=torch.long) for s in samples]
    return {
        "pictures": torch.stack([s["picture"] for s in samples]),
        "words": pad_sequence(rows, batch_first=True, padding_value=0),
        "lengths": torch.tensor([len(r) for r in rows]),
        "captions": ["" if s["caption"] is None else s["caption"] for s in samples],
    }


def captioned_with_lists(samples, vocabulary):
    texts = [s["caption"] or "" for s in samples]
    rows = [caption_numbers(t, vocabulary) for t in texts]
    longest = max(map(len, rows))
    return {
        "captions": tuple(texts),
        "lengths": [len(r) for r in rows],
        "words": torch.tensor([r + [0] * (longest - len(r)) for r in rows]),
        "pictures": default_collate([s["picture"] for s in samples]),
    }


def captioned_with_numpy(samples, vocabulary):
    rows = [caption_numbers(s["caption"], vocabulary) for s in samples]
    words = np.array(list(itertools.zip_longest(*rows, fillvalue=0)), dtype=np.int64).T
    return {
        "words": torch.from_numpy(words.copy()),
        "lengths": np.array([len(r) for r in rows]),
        "captions": [s["caption"] if s["caption"] else "" for s in samples],
        "pictures": torch.cat([s["picture"][None] for s in samples]),
    }


def captioned_backwards(samples, vocabulary):
    return captioned_with_lists(samples[::-1], vocabulary)


def captioned_flat(samples, vocabulary):
    batch = captioned_with_lists(samples, vocabulary)
    return {**batch, "pictures": batch["pictures"].flatten(1)}


# --- 01.6 ---


class ClonedOut(Dataset):
    def __init__(self, data, transform):
        self.data, self.transform, self.kept = data, transform, [None] * len(data)

    def __len__(self):
        return len(self.kept)

    def __getitem__(self, index):
        if self.kept[index] is None:
            self.kept[index] = self.data[index]
        sample = self.kept[index]
        return self.transform({**sample, "picture": sample["picture"].clone()})


class Pickled:
    def __init__(self, data, transform):
        self.data, self.transform, self.kept = data, transform, {}

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = pickle.dumps(self.data[index])
        return self.transform(pickle.loads(self.kept[index]))


class CopiedIn:
    """The copy is what is kept at first, and made again on each way out."""

    def __init__(self, data, transform):
        self.data, self.transform, self.kept = data, transform, {}

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        if index not in self.kept:
            fresh = self.data[index]
            self.kept[index] = copy.deepcopy(fresh)
            return self.transform(fresh)
        return self.transform({k: v.clone() if torch.is_tensor(v) else v for k, v in self.kept[index].items()})


class Untransformed(Pickled):
    def __getitem__(self, index):
        self.kept.setdefault(index, self.data[index])
        return self.kept[index]


class KeptPictureOnly(Pickled):
    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.data[index]["picture"]
        return self.transform({"picture": self.kept[index].clone(), "label": 0})


# --- 01.7 ---


def corner_with_random(size, crop, training):
    (height, width), (h, w) = size, crop
    if training:
        return random.randint(0, height - h), random.randint(0, width - w)
    return (height - h) // 2, (width - w) // 2


def corner_with_numpy(size, crop, training):
    room = np.array(size) - np.array(crop)
    return tuple(np.random.default_rng().integers(0, room + 1)) if training else tuple(room // 2)


def corner_as_tensor(size, crop, training):
    room = torch.tensor(size) - torch.tensor(crop)
    return ((room + 1) * torch.rand(2)).long() if training else room // 2


def corner_at_the_end(size, crop, training):
    return corner_with_random(size, crop, True) if training else (size[0] - crop[0], size[1] - crop[1])


def corner_of_one_room(size, crop, training):
    room = min(size[0] - crop[0], size[1] - crop[1])
    return corner_with_random((room, room), (0, 0), training)


# --- 01.8 ---


def normalised_with_numpy(pictures, train):
    known = pictures.numpy()[np.array(train)].transpose(1, 0, 2, 3).reshape(3, -1)
    return (pictures - known.mean(1)[:, None, None]) / known.std(1)[:, None, None]


def normalised_by_channel(pictures, train):
    out = torch.empty_like(pictures)
    for channel in range(3):
        known = torch.stack([pictures[i][channel] for i in train])
        out[:, channel] = (pictures[:, channel] - known.mean()) / known.std()
    return out


def normalised_by_sums(pictures, train):
    count = len(train) * pictures[0, 0].numel()
    total = sum(pictures[i].double().sum((1, 2)) for i in train)
    squares = sum((pictures[i].double() ** 2).sum((1, 2)) for i in train)
    mean = total / count
    deviation = (squares / count - mean**2).sqrt()
    return (pictures - mean[:, None, None]) / deviation[:, None, None]


def normalised_to_range(pictures, train):
    known = pictures[train]
    low, high = known.amin((0, 2, 3), True), known.amax((0, 2, 3), True)
    return (pictures - low) / (high - low)


def normalised_by_validation(pictures, train):
    others = [i for i in range(len(pictures)) if i not in train]
    return normalised_with_numpy(pictures, others)


# --- 01.9 ---


def collate_by_cases(samples):
    first = samples[0]
    if isinstance(first, dict):
        return {key: collate_by_cases([s[key] for s in samples]) for key in first}
    if isinstance(first, tuple):
        return tuple(collate_by_cases([s[i] for s in samples]) for i in range(len(first)))
    if torch.is_tensor(first):
        return torch.cat([s.unsqueeze(0) for s in samples])
    return samples if isinstance(first, str) else torch.tensor(samples)


def collate_by_torch(samples):
    return default_collate(samples)


def collate_by_numpy(samples):
    first = samples[0]
    if isinstance(first, str):
        return tuple(samples)
    if isinstance(first, dict):
        return dict(zip(first, map(collate_by_numpy, zip(*(s.values() for s in samples), strict=True)), strict=True))
    if isinstance(first, tuple):
        return [collate_by_numpy(column) for column in zip(*samples, strict=True)]
    return torch.from_numpy(np.stack([np.asarray(s) for s in samples]))


def collate_first_only(samples):
    return {k: samples[0][k] for k in samples[0]} if isinstance(samples[0], dict) else default_collate(samples)


def collate_to_text(samples):
    return " ".join(samples) if isinstance(samples[0], str) else default_collate(samples)


# --- 01.10 ---


class OneDict:
    def __init__(self, length, read, decode, budget):
        self.length, self.read, self.decode, self.budget = length, read, decode, budget
        self.kept = {}

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        kept = self.kept.get(index)
        if torch.is_tensor(kept):
            return kept.clone()
        encoded = self.read(index) if kept is None else kept
        picture = self.decode(encoded)
        if kept is None:
            used = sum(k.nbytes for k in self.kept.values() if torch.is_tensor(k))
            self.kept[index] = picture.clone() if used + picture.nbytes <= self.budget else encoded
        return picture


class BytesKept(OneDict):
    """Keeps copies: of what was decoded as an array, of what was read as bytes."""

    def __getitem__(self, index):
        kept = self.kept.get(index)
        if isinstance(kept, np.ndarray):
            return torch.from_numpy(kept.copy())
        encoded = self.read(index) if kept is None else np.frombuffer(kept, np.uint8)
        picture = self.decode(encoded)
        if kept is None:
            fits = picture.nbytes <= self.budget
            self.budget -= picture.nbytes * fits
            self.kept[index] = picture.numpy().copy() if fits else encoded.tobytes()
        return picture


class Lists:
    def __init__(self, length, read, decode, budget):
        self.pictures, self.encoded = [None] * length, [None] * length
        self.read, self.decode, self.budget = read, decode, budget

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        if self.pictures[index] is None:
            if self.encoded[index] is None:
                self.encoded[index] = self.read(index)
            picture = self.decode(self.encoded[index])
            if sum(p.nbytes for p in self.pictures if p is not None) + picture.nbytes > self.budget:
                return picture
            self.pictures[index], self.encoded[index] = picture, None
        return self.pictures[index].clone()


class NothingKept(Lists):
    def __getitem__(self, index):
        return self.decode(self.read(index))


class AlwaysEncoded(Lists):
    def __getitem__(self, index):
        if self.encoded[index] is None:
            self.encoded[index] = self.read(index)
        return self.decode(self.encoded[index])


RIGHT: dict[str, list[Any]] = {
    "01.1": [AsTuple, WithNumpy, Curried],
    "01.2": [value_by_cases, value_with_numpy, value_after_trying],
    "01.3": [pad_with_torch, pad_with_numpy, pad_by_catenation],
    "01.4": [mean_by_choosing, mean_by_loop, mean_by_where],
    "01.5": [captioned_with_pad_sequence, captioned_with_lists, captioned_with_numpy],
    "01.6": [ClonedOut, Pickled, CopiedIn],
    "01.7": [corner_with_random, corner_with_numpy, corner_as_tensor],
    "01.8": [normalised_with_numpy, normalised_by_channel, normalised_by_sums],
    "01.9": [collate_by_cases, collate_by_torch, collate_by_numpy],
    "01.10": [OneDict, BytesKept, Lists],
}
WRONG: dict[str, list[Any]] = {
    "01.1": [NoName, FlippedChannels, nn.Identity],
    "01.2": [value_that_raises_key_errors, value_stripped],
    "01.3": [pad_with_ones, pad_without_labels],
    "01.4": [mean_of_real_columns],
    "01.5": [captioned_backwards, captioned_flat],
    "01.6": [Untransformed, KeptPictureOnly],
    "01.7": [corner_at_the_end, corner_of_one_room],
    "01.8": [normalised_to_range, normalised_by_validation],
    "01.9": [collate_first_only, collate_to_text],
    "01.10": [NothingKept, AlwaysEncoded],
}
PROOFS = [
    proof for exercise in exercises(1) for proof in proofs(exercise, right=RIGHT[exercise.id], wrong=WRONG[exercise.id])
]


@pytest.mark.filterwarnings("ignore")  # Students' code warns as it likes.
@pytest.mark.parametrize("proof", PROOFS, ids=str)
def test_check(proof: Proof):
    proof()
