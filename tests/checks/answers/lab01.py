"""Answers of students to the exercises of lab 01: right ones, and wrong ones with the reason in their docstring."""

import copy
import functools
import io
import itertools
import math
import pickle
import random
import re
from collections import ChainMap, OrderedDict, defaultdict

import numpy as np
import torch
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import Dataset

from lift_core.errors import DatasetError


class _Table(Dataset):
    """The class as the lab gives it, with the two bodies as most would write them."""

    def __init__(self, rows, read):
        self.rows, self.read = rows, read

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        picture = torch.from_numpy(self.read(row["picture"])).permute(2, 0, 1)
        return {"picture": picture, "label": row["label"], "name": row["picture"]}


class picture_table_plain(Dataset):
    """The way of the hints."""

    def __init__(self, rows, read):
        self.rows, self.read = rows, read

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        pixels = torch.from_numpy(self.read(row["picture"]))
        return {"picture": pixels.permute(2, 0, 1), "label": row["label"], "name": row["picture"]}


class picture_table_no_base:
    """Inherits from nothing; columns kept apart; an explicit bound; a contiguous copy."""

    def __init__(self, rows, read):
        self.names = [row["picture"] for row in rows]
        self.labels = [row["label"] for row in rows]
        self.reader = read

    def __len__(self):
        return len(self.names)

    def __getitem__(self, k):
        if k >= len(self):
            raise IndexError(k)
        array = np.ascontiguousarray(self.reader(self.names[k]).transpose(2, 0, 1))
        return dict(picture=torch.tensor(array), label=self.labels[k], name=self.names[k])


class picture_table_stack(_Table):
    """Stacks the three colours one by one."""

    def __getitem__(self, index):
        row = self.rows[index]
        pixels = self.read(row["picture"])
        planes = [torch.as_tensor(pixels[:, :, c].copy()) for c in range(3)]
        return {"picture": torch.stack(planes), "label": row["label"], "name": row["picture"]}


class picture_table_tuples(Dataset):
    """Keeps tuples and a length; a tuple raises the IndexError."""

    def __init__(self, rows, read):
        self.pairs = tuple((row["picture"], row["label"]) for row in rows)
        self.count = len(self.pairs)
        self.read = read

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        name, label = self.pairs[index]
        picture = torch.from_numpy(np.moveaxis(self.read(name), -1, 0).copy())
        return {"name": name, "label": label, "picture": picture}


class picture_table_ordered(_Table):
    """An OrderedDict is a dict; movedim; from a deep copy of the rows."""

    def __init__(self, rows, read):
        super().__init__(copy.deepcopy(rows), read)

    def __getitem__(self, index):
        try:
            row = self.rows[index]
        except IndexError:
            raise IndexError(f"only {len(self.rows)} pictures, asked for {index}") from None
        name = row["picture"]
        picture = torch.tensor(self.read(name), dtype=torch.uint8).movedim(2, 0)
        return OrderedDict(picture=picture, label=row["label"], name=name)


class picture_table_einsum(_Table):
    """Transposes twice, and lets frombuffer make the tensor."""

    def __getitem__(self, index):
        row = self.rows[index]
        pixels = self.read(row["picture"])
        flat = torch.frombuffer(bytearray(pixels.tobytes()), dtype=torch.uint8)
        tensor = flat.reshape(pixels.shape).transpose(0, 2).transpose(1, 2)
        return {"picture": tensor.contiguous(), "label": row["label"], "name": row["picture"]}


class picture_table_float_and_back(_Table):
    """Goes over float and comes back to uint8; numbers to 255 survive."""

    def __getitem__(self, index):
        row = dict(self.rows[index])
        pixels = self.read(row["picture"]).astype(np.float32)
        picture = torch.from_numpy(pixels).permute(2, 0, 1).round().to(torch.uint8)
        return {"label": row["label"], "picture": picture, "name": row["picture"]}


class picture_table_cached(_Table):
    """Wrong: reads a picture only the first time it is asked for."""

    def __init__(self, rows, read):
        super().__init__(rows, read)
        self.kept = {}

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = super().__getitem__(index)
        return dict(self.kept[index])


class picture_table_lru(_Table):
    """Wrong: wraps read in an lru_cache."""

    def __init__(self, rows, read):
        super().__init__(rows, functools.lru_cache(None)(read))


class picture_table_float255(_Table):
    """Wrong: the right numbers, as float32."""

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        sample["picture"] = sample["picture"].float()
        return sample


class picture_table_int64(_Table):
    """Wrong: torch.tensor(array.tolist()) gives int64."""

    def __getitem__(self, index):
        row = self.rows[index]
        picture = torch.tensor(self.read(row["picture"]).tolist()).permute(2, 0, 1)
        return {"picture": picture, "label": row["label"], "name": row["picture"]}


class picture_table_numpy(_Table):
    """Wrong: an array is no tensor."""

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        sample["picture"] = sample["picture"].numpy()
        return sample


class picture_table_clipped(_Table):
    """Wrong: past the end comes the last sample again."""

    def __getitem__(self, index):
        return super().__getitem__(min(index, len(self.rows) - 1))


class picture_table_bound_early(_Table):
    """Wrong: index >= len - 1 raises, so the last sample is lost."""

    def __getitem__(self, index):
        if index >= len(self.rows) - 1:
            raise IndexError(index)
        return super().__getitem__(index)


class picture_table_keyerror(_Table):
    """Wrong: rows in a dict by number, so the end is a KeyError."""

    def __init__(self, rows, read):
        super().__init__(dict(enumerate(rows)), read)


class picture_table_by_name(_Table):
    """Wrong: looks rows up by name, so two rows with one picture share the last label."""

    def __init__(self, rows, read):
        super().__init__(rows, read)
        self.labels = {row["picture"]: row["label"] for row in rows}

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        sample["label"] = self.labels[sample["name"]]
        return sample


def value_of_plain(text, kind, stand_in=None):
    """The way of the hints."""
    missing = text.strip().lower() in ("", "na", "nan")
    if missing:
        if stand_in is None:
            raise DatasetError("a missing value")
        return stand_in
    return kind(text)


def value_of_regex(text, kind, stand_in=None):
    """A regular expression over the whole text."""
    if re.fullmatch(r"\s*(nan?)?\s*", text, flags=re.IGNORECASE):
        if stand_in is None:
            raise DatasetError("missing", fix="give a stand-in")
        return stand_in
    return kind(text)


def value_of_split(text, kind, stand_in=None):
    """split() leaves the words; upper letters; early returns."""
    words = text.upper().split()
    if words not in ([], ["NA"], ["NAN"]):
        return kind(text)
    if stand_in is not None:
        return stand_in
    raise DatasetError("no stand-in", where=text)


def value_of_match(text, kind, stand_in=None):
    """A match statement."""
    match text.casefold().strip():
        case "" | "na" | "nan":
            if stand_in is None:
                raise DatasetError("missing value")
            return stand_in
        case _:
            return kind(text)


def value_of_subclass_error(text, kind, stand_in=None):
    """Raises a subclass of DatasetError; a set; not bare.isspace()."""

    class MissingValue(DatasetError):
        """A hole in a table."""

    bare = text.strip()
    if not bare or bare.upper() in {"NA", "NAN"}:
        if stand_in is None:
            raise MissingValue("a hole")
        return stand_in
    return kind(text)


def value_of_spelled_out(text, kind, stand_in=None):
    """Letters of every case, spelled out by product."""
    spellings = {"".join(p) for word in ("na", "nan") for p in itertools.product(*zip(word, word.upper(), strict=True))}
    bare = text.strip()
    missing = len(bare) == 0 or bare in spellings
    if not missing:
        return kind(text)
    if stand_in is None:
        raise DatasetError(what="a value is missing")
    return stand_in


def value_of_by_hand(text, kind, stand_in=None):
    """A table of ways, and a strip by hand."""
    begin, end = 0, len(text)
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    if text[begin:end].lower() in ["", "na", "nan"]:
        if stand_in is None:
            raise DatasetError("missing")
        return stand_in
    return {int: int, float: float, str: str}[kind](text)


def _value_of(text, kind, stand_in, missing, raised=DatasetError):
    if missing:
        if stand_in is None:
            raise raised("missing")
        return stand_in
    return kind(text)


def value_of_or(text, kind, stand_in=None):
    """Wrong: an int 0 stands in for every missing value without a stand-in."""
    if text.strip().lower() in ("", "na", "nan"):
        return stand_in or 0
    return kind(text)


def value_of_no_strip(text, kind, stand_in=None):
    """Wrong: blanks around NA are not taken away."""
    return _value_of(text, kind, stand_in, text.lower() in ("", "na", "nan"))


def value_of_case(text, kind, stand_in=None):
    """Wrong: small letters are not known as missing."""
    return _value_of(text, kind, stand_in, text.strip() in ("", "NA", "NaN"))


def value_of_reversed_in(text, kind, stand_in=None):
    """Wrong: asks whether the text is part of 'na nan', so 'a' and 'n' are missing."""
    return _value_of(text, kind, stand_in, text.strip().lower() in "na nan")


def value_of_re_prefix(text, kind, stand_in=None):
    """Wrong: re.match instead of fullmatch, so 'nancy' is missing."""
    return _value_of(text, kind, stand_in, not text.strip() or bool(re.match(r"\s*nan?", text, re.I)))


def value_of_strip_letters(text, kind, stand_in=None):
    """Wrong: strip('NaAn ') takes letters, so 'Anna' is missing."""
    return _value_of(text, kind, stand_in, text.strip("NnAa ") == "")


def value_of_no_blanks_inside(text, kind, stand_in=None):
    """Wrong: takes out blanks everywhere, so 'n a' is missing."""
    return _value_of(text, kind, stand_in, text.replace(" ", "").lower() in ("", "na", "nan"))


def value_of_stripped_value(text, kind, stand_in=None):
    """Wrong: a text comes back without the blanks around it."""
    text = text.strip()
    return _value_of(text, kind, stand_in, text.lower() in ("", "na", "nan"))


def value_of_kind_of_stand_in(text, kind, stand_in=None):
    """Wrong: the stand-in is put through kind, so -1 becomes '-1'."""
    if text.strip().lower() in ("", "na", "nan"):
        return kind(_value_of(text, kind, stand_in, True))
    return kind(text)


def pad_collate_zeros(samples):
    """The way of the hints: zeros, and each sequence over its row."""
    lengths = [len(s["sequence"]) for s in samples]
    first = samples[0]["sequence"]
    sequences = torch.zeros(len(samples), max(lengths), first.shape[1], dtype=first.dtype)
    for row, s in zip(sequences, samples, strict=True):
        row[: len(s["sequence"])] = s["sequence"]
    labels = torch.tensor([s["label"] for s in samples])
    return {"sequences": sequences, "lengths": torch.tensor(lengths), "labels": labels}


def pad_collate_rnn(samples):
    """pad_sequence, batch first."""
    sequences = [s["sequence"] for s in samples]
    return {
        "labels": torch.stack([torch.as_tensor(s["label"]).reshape(()) for s in samples]),
        "lengths": torch.as_tensor([q.size(0) for q in sequences]),
        "sequences": pad_sequence(sequences, batch_first=True),
    }


def pad_collate_functional(samples):
    """torch.nn.functional.pad for each, then stack."""
    longest = max(s["sequence"].shape[0] for s in samples)
    padded = [torch.nn.functional.pad(s["sequence"], (0, 0, 0, longest - s["sequence"].shape[0])) for s in samples]
    lengths = torch.tensor([s["sequence"].shape[0] for s in samples], dtype=torch.int32)
    return dict(
        sequences=torch.stack(padded), lengths=lengths, labels=torch.tensor([float(s["label"]) for s in samples])
    )


def pad_collate_packed(samples):
    """Packs, and lets pad_packed_sequence unpack with lengths."""
    packed = pack_sequence([s["sequence"] for s in samples], enforce_sorted=False)
    sequences, lengths = pad_packed_sequence(packed, batch_first=True)
    labels = torch.tensor([s["label"].item() if torch.is_tensor(s["label"]) else s["label"] for s in samples])
    return {"sequences": sequences, "lengths": lengths, "labels": labels}


def pad_collate_cat(samples):
    """Concatenates zeros behind each."""
    longest = max(map(len, (s["sequence"] for s in samples)))
    rows = []
    for s in samples:
        q = s["sequence"]
        rows.append(torch.cat([q, q.new_zeros(longest - len(q), q.shape[1])]))
    return {
        "sequences": torch.stack(rows),
        "lengths": torch.tensor([len(s["sequence"]) for s in samples]),
        "labels": torch.tensor([s["label"] for s in samples]),
    }


def pad_collate_mask(samples):
    """Scatters all steps at once through a mask made of the lengths; hands the mask out, too."""
    lengths = torch.tensor([s["sequence"].shape[0] for s in samples])
    mask = torch.arange(int(lengths.max()))[None] < lengths[:, None]
    steps = torch.cat([s["sequence"] for s in samples])
    sequences = steps.new_zeros(*mask.shape, steps.shape[1])
    sequences[mask] = steps
    labels = torch.tensor([s["label"] for s in samples])
    return {"sequences": sequences, "lengths": lengths, "labels": labels, "mask": mask}


def _numbers(samples):
    return torch.tensor([s["label"] for s in samples])


def _lengths(samples):
    return torch.tensor([len(s["sequence"]) for s in samples])


def _padded(samples):
    return pad_sequence([s["sequence"] for s in samples], batch_first=True)


def pad_collate_sorted_partly(samples):
    """Wrong: sequences and lengths are sorted, the labels are not."""
    by_length = sorted(samples, key=lambda s: -len(s["sequence"]))
    return {"sequences": _padded(by_length), "lengths": _lengths(by_length), "labels": _numbers(samples)}


def pad_collate_fixed(samples):
    """Wrong: pads to 23 steps, the longest of the lab's tracks."""
    out = _padded(samples)
    out = torch.nn.functional.pad(out, (0, 0, 0, max(0, 23 - out.shape[1])))
    return {"sequences": out, "lengths": _lengths(samples), "labels": _numbers(samples)}


_longest_ever = [0]


def pad_collate_longest_so_far(samples):
    """Wrong: pads to the longest of all batches so far."""
    _longest_ever[0] = max(_longest_ever[0], *(len(s["sequence"]) for s in samples), 0)
    out = _padded(samples)
    out = torch.nn.functional.pad(out, (0, 0, 0, _longest_ever[0] - out.shape[1]))
    return {"sequences": out, "lengths": _lengths(samples), "labels": _numbers(samples)}


def pad_collate_numel(samples):
    """Wrong: the length is the number of numbers, L times F."""
    lengths = torch.tensor([s["sequence"].numel() for s in samples])
    return {"sequences": _padded(samples), "lengths": lengths, "labels": _numbers(samples)}


def pad_collate_two_features(samples):
    """Wrong: takes for granted that F is 2."""
    lengths = _lengths(samples)
    out = torch.zeros(len(samples), int(lengths.max()), 2)
    for row, s in zip(out, samples, strict=True):
        row[: len(s["sequence"])] = s["sequence"][:, :2]
    return {"sequences": out, "lengths": lengths, "labels": _numbers(samples)}


def pad_collate_label_int(samples):
    """Labels as whole numbers, whatever they came as."""
    labels = torch.tensor([int(s["label"]) for s in samples])
    return {"sequences": _padded(samples), "lengths": _lengths(samples), "labels": labels}


def pad_collate_label_item(samples):
    """Wrong: .item() fails where the label is a plain number."""
    labels = torch.tensor([s["label"].item() for s in samples])
    return {"sequences": _padded(samples), "lengths": _lengths(samples), "labels": labels}


def pad_collate_label_stack(samples):
    """Wrong: torch.stack fails where the label is a plain number."""
    labels = torch.stack([s["label"] for s in samples])
    return {"sequences": _padded(samples), "lengths": _lengths(samples), "labels": labels}


def pad_collate_list(samples):
    """Wrong: a list of padded sequences, not one tensor."""
    return {"sequences": list(_padded(samples)), "lengths": _lengths(samples), "labels": _numbers(samples)}


def pad_collate_lists(samples):
    """Wrong: lengths and labels are lists."""
    return {
        "sequences": _padded(samples),
        "lengths": [len(s["sequence"]) for s in samples],
        "labels": [s["label"] for s in samples],
    }


def masked_mean_where(values, mask):
    """where, sum, clamp."""
    return torch.where(mask, values, torch.zeros_like(values)).sum() / mask.sum().clamp(min=1)


def masked_mean_pick(values, mask):
    """Picks the real ones; 0 when there are none."""
    real = values[mask]
    return real.mean() if len(real) else values.new_zeros(())


def masked_mean_fill(values, mask):
    """masked_fill, and max for the count."""
    return values.masked_fill(~mask, 0).sum() / max(int(mask.sum()), 1)


def masked_mean_epsilon(values, mask):
    """A tiny number in the denominator, which vanishes beside 1."""
    return values[mask].sum() / (mask.sum() + 1e-12)


def masked_mean_select(values, mask):
    """masked_select, and `or 1`."""
    chosen = torch.masked_select(values, mask)
    return chosen.sum() / (chosen.numel() or 1)


def masked_mean_dot(values, mask):
    """A dot product with weights."""
    weights = mask.flatten().to(values.dtype)
    clean = values.flatten().masked_fill(weights == 0, 0)
    return (clean @ weights) / weights.sum().clamp_min(1)


def masked_mean_loop(values, mask):
    """A loop over all entries."""
    total, count = torch.zeros((), dtype=values.dtype), 0
    for value, real in zip(values.reshape(-1), mask.reshape(-1), strict=True):
        if real:
            total, count = total + value, count + 1
    return total / count if count else total


def masked_mean_rows(values, mask):
    """Wrong: the mean of the rows' means, so short rows weigh more."""
    filled = values.masked_fill(~mask, 0)
    return (filled.sum(-1) / mask.sum(-1).clamp(min=1)).mean()


def masked_mean_eps_large(values, mask):
    """Wrong: an epsilon of 0.01 shifts every mean."""
    return values.masked_fill(~mask, 0).sum() / (mask.sum() + 1e-2)


def masked_mean_nonzero_count(values, mask):
    """Wrong: counts the values that are not 0; a real value may be 0."""
    filled = values.masked_fill(~mask, 0)
    return filled.sum() / (filled != 0).sum().clamp(min=1)


def masked_mean_no_mask_sum(values, mask):
    """Wrong: the sum has the padding in it."""
    return values.sum() / mask.sum().clamp(min=1)


def masked_mean_2d_only(values, mask):
    """Wrong: sums over dim 1, so a vector fails."""
    return values.masked_fill(~mask, 0).sum(dim=1).sum() / mask.sum(dim=1).sum().clamp(min=1)


def masked_mean_clamped_result(values, mask):
    """Wrong: raises the mean, not the count, to at least 1."""
    real = values[mask]
    return real.mean().clamp(min=1) if len(real) else values.new_zeros(())


def masked_mean_clamp_both(values, mask):
    """Wrong: a count of 1 is raised to 2."""
    return values.masked_fill(~mask, 0).sum() / mask.sum().clamp(min=2)


def masked_mean_absolute(values, mask):
    """Wrong: the mean of the sizes, without signs."""
    return values[mask].abs().mean() if mask.any() else values.new_zeros(())


def masked_mean_product(values, mask):
    """Wrong: NaN times 0 is NaN."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def collate_captioned_pad(samples, vocabulary):
    """The way of the hints."""
    captions = [s["caption"] or "" for s in samples]
    words = [torch.tensor([vocabulary.get(w, 1) for w in c.lower().split()], dtype=torch.int64) for c in captions]
    return {
        "pictures": torch.stack([s["picture"] for s in samples]),
        "words": pad_sequence(words, batch_first=True),
        "lengths": torch.tensor([len(w) for w in words]),
        "captions": captions,
    }


def collate_captioned_lists(samples, vocabulary):
    """Lists filled up with zeros, one tensor at the end."""
    captions, numbers = [], []
    for s in samples:
        text = "" if s["caption"] is None else s["caption"]
        captions.append(text)
        numbers.append([vocabulary[w] if w in vocabulary else 1 for w in text.lower().split()])
    longest = max(len(n) for n in numbers)
    words = torch.tensor([n + [0] * (longest - len(n)) for n in numbers], dtype=torch.long)
    pictures = torch.cat([s["picture"].unsqueeze(0) for s in samples])
    lengths = torch.tensor([len(n) for n in numbers])
    return dict(pictures=pictures, words=words, lengths=lengths, captions=captions)


def collate_captioned_zeros(samples, vocabulary):
    """A tensor of zeros, filled number by number."""
    texts = [s["caption"] if s["caption"] is not None else "" for s in samples]
    split = [t.lower().split() for t in texts]
    lengths = torch.tensor([len(ws) for ws in split], dtype=torch.int32)
    words = torch.zeros(len(samples), int(lengths.max()), dtype=torch.int64)
    for i, ws in enumerate(split):
        for j, w in enumerate(ws):
            words[i, j] = vocabulary.get(w, 1)
    pictures = torch.empty(len(samples), *samples[0]["picture"].shape, dtype=samples[0]["picture"].dtype)
    for i, s in enumerate(samples):
        pictures[i] = s["picture"]
    return {"captions": texts, "lengths": lengths, "words": words, "pictures": pictures}


def collate_captioned_zip(samples, vocabulary):
    """zip_longest for the columns."""
    texts = [s.get("caption") or "" for s in samples]
    numbers = [[ChainMap(vocabulary).get(w, 1) for w in t.split()] for t in map(str.lower, texts)]
    columns = list(itertools.zip_longest(*numbers, fillvalue=0))
    words = torch.tensor(columns, dtype=torch.int64).T.contiguous()
    lengths = torch.LongTensor(list(map(len, numbers)))
    return {
        "pictures": torch.stack([s["picture"] for s in samples]),
        "words": words,
        "lengths": lengths,
        "captions": texts,
    }


def collate_captioned_numpy(samples, vocabulary):
    """numpy for the words, and a defaultdict for the vocabulary (a copy)."""
    known = defaultdict(lambda: 1, vocabulary)
    texts = [s["caption"] if s["caption"] else "" for s in samples]
    split = [[w.lower() for w in t.split()] for t in texts]
    lengths = np.array([len(ws) for ws in split])
    words = np.zeros((len(split), lengths.max()), np.int64)
    for row, ws in zip(words, split, strict=True):
        row[: len(ws)] = [known[w] for w in ws]
    pictures = torch.from_numpy(np.stack([s["picture"].numpy() for s in samples]))
    return {
        "pictures": pictures,
        "words": torch.from_numpy(words),
        "lengths": torch.from_numpy(lengths),
        "captions": texts,
    }


def collate_captioned_functional(samples, vocabulary):
    """Pads each row with functional.pad; IntTensors become int64 at the end."""
    texts = ["" if s["caption"] is None else s["caption"] for s in samples]
    rows = [torch.IntTensor([vocabulary.get(w, 1) for w in t.lower().split()]) for t in texts]
    longest = max(map(len, rows))
    words = torch.stack([torch.nn.functional.pad(r, (0, longest - len(r))) for r in rows]).long()
    pictures = torch.stack([s["picture"] for s in samples], dim=0)
    return {"pictures": pictures, "words": words, "lengths": torch.tensor([r.numel() for r in rows]), "captions": texts}


def _captioned(samples, vocabulary, split=None, number=None):
    """A right batch, to be spoiled."""
    batch = collate_captioned_pad(samples, vocabulary)
    if split or number:
        split = split or (lambda text: text.lower().split())
        number = number or (lambda word: vocabulary.get(word, 1))
        rows = [torch.tensor([number(w) for w in split(c)], dtype=torch.int64) for c in batch["captions"]]
        batch["words"] = pad_sequence(rows, batch_first=True)
        batch["lengths"] = torch.tensor([len(r) for r in rows])
    return batch


def collate_captioned_dropped_words(samples, vocabulary):
    """Wrong: words and lengths have no row for a missing caption, pictures do."""
    batch = _captioned(samples, vocabulary)
    keep = batch["lengths"] > 0
    batch["words"], batch["lengths"] = batch["words"][keep], batch["lengths"][keep]
    return batch


def collate_captioned_none_text(samples, vocabulary):
    """Wrong: str(None) is the word none."""
    return _captioned([{**s, "caption": str(s["caption"])} for s in samples], vocabulary)


def collate_captioned_none_back(samples, vocabulary):
    """Wrong: None stays in captions."""
    batch = _captioned(samples, vocabulary)
    batch["captions"] = [s["caption"] for s in samples]
    return batch


def collate_captioned_none_length(samples, vocabulary):
    """Wrong: a missing caption has a length of 1, over a row of zeros."""
    batch = _captioned(samples, vocabulary)
    batch["lengths"] = batch["lengths"].clamp(min=1)
    return batch


def collate_captioned_unknown_fails(samples, vocabulary):
    """Wrong: an unknown word is a KeyError."""
    return _captioned(samples, vocabulary, number=vocabulary.__getitem__)


def collate_captioned_unknown_learned(samples, vocabulary):
    """Wrong: unknown words enter the vocabulary with a number of their own."""
    return _captioned(samples, vocabulary, number=lambda w: vocabulary.setdefault(w, len(vocabulary) + 2))


def collate_captioned_lengths_known(samples, vocabulary):
    """Wrong: the length counts known words only."""
    batch = _captioned(samples, vocabulary)
    batch["lengths"] = (batch["words"] > 1).sum(1)
    return batch


def collate_captioned_punctuation(samples, vocabulary):
    """Wrong: takes full stops and commas off, so 'red.' is a known word."""
    return _captioned(samples, vocabulary, split=lambda t: re.findall(r"\w+", t.lower()))


def collate_captioned_pictures_list(samples, vocabulary):
    """Wrong: pictures is a list."""
    batch = _captioned(samples, vocabulary)
    batch["pictures"] = [s["picture"] for s in samples]
    return batch


def collate_captioned_captions_tuple(samples, vocabulary):
    """The captions in a tuple."""
    batch = _captioned(samples, vocabulary)
    batch["captions"] = tuple(batch["captions"])
    return batch


class SuspectCache(Dataset):
    """The lab's own class: reads each sample once. It has a bug."""

    def __init__(self, data, transform):
        self.data, self.transform, self.kept = data, transform, {}

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.transform(self.data[index])
        return self.kept[index]


class mended_cache_deepcopy(SuspectCache):
    """The way of the hints."""

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.data[index]
        return self.transform(copy.deepcopy(self.kept[index]))


class mended_cache_clone(SuspectCache):
    """A new dict with clones of the tensors."""

    def __getitem__(self, index):
        try:
            kept = self.kept[index]
        except KeyError:
            kept = self.kept[index] = self.data[index]
        fresh = {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in kept.items()}
        return self.transform(fresh)


class mended_cache_pickle(SuspectCache):
    """Keeps pickled bytes."""

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = pickle.dumps(self.data[index])
        return self.transform(pickle.loads(self.kept[index]))


class mended_cache_both(SuspectCache):
    """Copies on the way in and on the way out."""

    def __getitem__(self, index):
        if self.kept.get(index) is None:
            self.kept[index] = copy.deepcopy(self.data[index])
        sample = copy.deepcopy(self.kept[index])
        return self.transform(sample)


class mended_cache_saved(SuspectCache):
    """torch.save into memory."""

    def __getitem__(self, index):
        if index not in self.kept:
            buffer = io.BytesIO()
            torch.save(self.data[index], buffer)
            self.kept[index] = buffer.getvalue()
        return self.transform(torch.load(io.BytesIO(self.kept[index])))


class mended_cache_items(SuspectCache):
    """Keeps a tuple of items; tensors are copied by torch.empty_like and copy_."""

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = tuple(self.data[index].items())
        sample = {}
        for key, value in self.kept[index]:
            sample[key] = torch.empty_like(value).copy_(value) if torch.is_tensor(value) else copy.copy(value)
        return self.transform(sample)


class mended_cache_lru(SuspectCache):
    """An lru_cache without a bound, of its own for each cache."""

    def __init__(self, data, transform):
        super().__init__(data, transform)
        self.fetch = functools.lru_cache(maxsize=None)(lambda index: data[index])

    def __getitem__(self, index):
        return self.transform(copy.deepcopy(self.fetch(index)))


class mended_cache_picture_only(SuspectCache):
    """Wrong: clones the entry picture, and no other tensor."""

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.data[index]
        sample = dict(self.kept[index])
        if "picture" in sample:
            sample["picture"] = sample["picture"].clone()
        return self.transform(sample)


class mended_cache_first_raw(SuspectCache):
    """Wrong: the first time the sample comes without the transform."""

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.data[index]
            return copy.deepcopy(self.kept[index])
        return self.transform(copy.deepcopy(self.kept[index]))


class mended_cache_twice(SuspectCache):
    """Wrong: calls the transform twice."""

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.data[index]
        self.transform(copy.deepcopy(self.kept[index]))
        return self.transform(copy.deepcopy(self.kept[index]))


class mended_cache_fills_with_transform(SuspectCache):
    """Wrong: the first request calls the transform twice, by calling the old __getitem__."""

    def __getitem__(self, index):
        if index not in self.kept:
            super().__getitem__(index)
            self.kept[index] = copy.deepcopy(self.data[index])
        return self.transform(copy.deepcopy(self.kept[index]))


class mended_cache_shared(SuspectCache):
    """Wrong: all caches share one dict, an attribute of the class."""

    everything = {}

    def __getitem__(self, index):
        if index not in self.everything:
            self.everything[index] = self.data[index]
        return self.transform(copy.deepcopy(self.everything[index]))


class mended_cache_last_only(SuspectCache):
    """Wrong: keeps the last sample only."""

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept = {index: self.data[index]}
        return self.transform(copy.deepcopy(self.kept[index]))


class mended_cache_list(SuspectCache):
    """Wrong: appends to a list, and takes number index from it: right only in order."""

    def __init__(self, data, transform):
        super().__init__(data, transform)
        self.kept = []

    def __getitem__(self, index):
        if index >= len(self.kept):
            self.kept.append(self.data[index])
        return self.transform(copy.deepcopy(self.kept[min(index, len(self.kept) - 1)]))


class mended_cache_pops(SuspectCache):
    """Wrong: hands out what is kept and forgets it, so data is asked every second time."""

    def __getitem__(self, index):
        if index in self.kept:
            return self.transform(self.kept.pop(index))
        self.kept[index] = self.data[index]
        return self.transform(copy.deepcopy(self.kept[index]))


def crop_corner_torch(size, crop, training):
    """The way of the hints, as plain ints."""
    room = size[0] - crop[0], size[1] - crop[1]
    if training:
        return int(torch.randint(room[0] + 1, ())), int(torch.randint(room[1] + 1, ()))
    return room[0] // 2, room[1] // 2


def crop_corner_random(size, crop, training):
    """random.randint, both ends included."""
    top, left = (random.randint(0, s - c) if training else (s - c) // 2 for s, c in zip(size, crop, strict=True))
    return top, left


def crop_corner_numpy(size, crop, training):
    """numpy's generator, both draws at once; a bit shift for the half."""
    rooms = np.subtract(size, crop)
    if training:
        places = np.random.default_rng().integers(0, rooms, endpoint=True)
        return int(places[0]), int(places[1])
    return int(rooms[0]) >> 1, int(rooms[1]) >> 1


def crop_corner_rand(size, crop, training):
    """floor of a random share of the places; divmod."""
    room = size[0] - crop[0], size[1] - crop[1]
    if training:
        return tuple(int(torch.rand(()).item() * (r + 1)) for r in room)
    return divmod(room[0], 2)[0], divmod(room[1], 2)[0]


def crop_corner_place(size, crop, training):
    """One number for all places, split up by divmod."""
    rows, columns = size[0] - crop[0] + 1, size[1] - crop[1] + 1
    if training:
        return divmod(random.randrange(rows * columns), columns)
    return (rows - 1) // 2, (columns - 1) // 2


def crop_corner_choice(size, crop, training):
    """random.choice of a range; math.floor."""
    height, width = size
    rows, columns = range(height - crop[0] + 1), range(width - crop[1] + 1)
    if training:
        return random.choice(rows), random.choice(columns)
    return math.floor((len(rows) - 1) / 2), math.floor((len(columns) - 1) / 2)


def crop_corner_system(size, crop, training):
    """The operating system's random numbers, which no seed moves."""
    draw = random.SystemRandom().randrange
    room = [a - b for a, b in zip(size, crop, strict=True)]
    return tuple(draw(r + 1) if training else r // 2 for r in room)


def _room(size, crop):
    return size[0] - crop[0], size[1] - crop[1]


def _draw(count):
    return int(torch.randint(count, ()))


def crop_corner_outside(size, crop, training):
    """Wrong: one place too many, the crop hangs over."""
    h, w = _room(size, crop)
    if training:
        return _draw(h + 2), _draw(w + 2)
    return h // 2, w // 2


def crop_corner_anywhere(size, crop, training):
    """Wrong: draws a place in the whole picture."""
    h, w = _room(size, crop)
    if training:
        return _draw(size[0]), _draw(size[1])
    return h // 2, w // 2


def crop_corner_middle_swapped(size, crop, training):
    """Wrong: only the middle is (left, top)."""
    return crop_corner_torch(size, crop, training)[:: 1 if training else -1]


def crop_corner_round(size, crop, training):
    """Wrong: round() goes to the even number, so 3 / 2 becomes 2."""
    h, w = _room(size, crop)
    return crop_corner_torch(size, crop, True) if training else (round(h / 2), round(w / 2))


def crop_corner_halves(size, crop, training):
    """Wrong: half of each by itself, size // 2 - crop // 2, is one too many for an even size and an odd crop."""
    if training:
        return crop_corner_torch(size, crop, True)
    return size[0] // 2 - crop[0] // 2, size[1] // 2 - crop[1] // 2


def crop_corner_float(size, crop, training):
    """Wrong: / gives a float."""
    h, w = _room(size, crop)
    return crop_corner_torch(size, crop, True) if training else (h / 2, w / 2)


def crop_corner_float_draw(size, crop, training):
    """Wrong: a float is drawn."""
    h, w = _room(size, crop)
    return (random.uniform(0, h), random.uniform(0, w)) if training else (h // 2, w // 2)


def crop_corner_jitter(size, crop, training):
    """Wrong: the middle and one step around it, not every place."""
    h, w = _room(size, crop)
    if training:
        return min(h, max(0, h // 2 + _draw(3) - 1)), min(w, max(0, w // 2 + _draw(3) - 1))
    return h // 2, w // 2


def normalised_axes(pictures, train):
    """The way of the hints."""
    known = pictures[train]
    mean = known.mean((0, 2, 3)).reshape(3, 1, 1)
    deviation = known.std((0, 2, 3)).reshape(3, 1, 1)
    return (pictures - mean) / deviation


def normalised_population(pictures, train):
    """The deviation over N, not over N - 1."""
    known = pictures[train]
    mean = known.mean(dim=(0, 2, 3), keepdim=True)
    deviation = (known - mean).square().mean(dim=(0, 2, 3), keepdim=True).sqrt()
    return (pictures - mean) / deviation


def normalised_loop(pictures, train):
    """A loop over the channels, into a copy."""
    result = pictures.clone()
    for c in range(3):
        values = pictures[train, c]
        result[:, c] = (pictures[:, c] - values.mean()) / values.std()
    return result


def normalised_flat(pictures, train):
    """Channels first, flattened; std_mean."""
    flat = torch.stack([pictures[k] for k in train], dim=1).flatten(1)
    deviation, mean = torch.std_mean(flat, dim=1)
    return (pictures - mean[:, None, None]) / deviation[:, None, None]


def normalised_numpy(pictures, train):
    """numpy, in double precision."""
    array = pictures.numpy().astype(np.float64)
    known = array[np.asarray(train)]
    mean, deviation = known.mean(axis=(0, 2, 3), keepdims=True), known.std(axis=(0, 2, 3), keepdims=True)
    return torch.from_numpy((array - mean) / deviation).to(pictures.dtype)


def normalised_sums(pictures, train):
    """Running sums in double precision, picture by picture; mean of squares less the squared mean."""
    total, squares, count = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64), 0
    for k in train:
        values = pictures[k].double().flatten(1)
        total, squares, count = total + values.sum(1), squares + values.square().sum(1), count + values.shape[1]
    mean = total / count
    deviation = (squares / count - mean.square()).sqrt()
    return ((pictures - mean.reshape(3, 1, 1)) / deviation.reshape(3, 1, 1)).to(pictures.dtype)


def normalised_batch_norm(pictures, train):
    """torch's batch_norm with the statistics given; eps 0."""
    deviation, mean = torch.std_mean(pictures[train], dim=(0, 2, 3))
    return torch.nn.functional.batch_norm(pictures, mean, deviation.square(), eps=0.0)


def _scaled(pictures, mean, deviation):
    return (pictures - mean) / deviation


def normalised_leaky_deviation(pictures, train):
    """Wrong: the mean of training, the deviation of all."""
    return _scaled(pictures, pictures[train].mean((0, 2, 3), keepdim=True), pictures.std((0, 2, 3), keepdim=True))


def normalised_leaky_mean(pictures, train):
    """Wrong: the deviation of training, the mean of all."""
    return _scaled(pictures, pictures.mean((0, 2, 3), keepdim=True), pictures[train].std((0, 2, 3), keepdim=True))


def normalised_one_deviation(pictures, train):
    """Wrong: a mean for each channel, one deviation for all."""
    return _scaled(pictures, pictures[train].mean((0, 2, 3), keepdim=True), pictures[train].std())


def normalised_per_pixel(pictures, train):
    """Wrong: a mean for each place, over the pictures only."""
    return _scaled(pictures, pictures[train].mean(0), pictures[train].std(0))


def normalised_deviation_of_means(pictures, train):
    """Wrong: the deviation of the pictures' means."""
    known = pictures[train]
    return _scaled(pictures, known.mean((0, 2, 3), keepdim=True), known.mean((2, 3)).std(0).reshape(3, 1, 1))


def normalised_others_raw(pictures, train):
    """Wrong: leaves the validation pictures as they are."""
    result = pictures.clone()
    result[train] = normalised_axes(pictures, train)[train]
    return result


def normalised_no_reshape(pictures, train):
    """Wrong: [3] is not [3, 1, 1]: fails, or takes columns for channels."""
    return _scaled(pictures, pictures[train].mean((0, 2, 3)), pictures[train].std((0, 2, 3)))


def my_collate_isinstance(samples):
    """The way of the hints."""
    first = samples[0]
    if isinstance(first, torch.Tensor):
        return torch.stack(samples)
    if isinstance(first, str):
        return list(samples)
    if isinstance(first, dict):
        return {key: my_collate_isinstance([s[key] for s in samples]) for key in first}
    if isinstance(first, tuple):
        return [my_collate_isinstance(list(entries)) for entries in zip(*samples, strict=True)]
    return torch.tensor(samples)


def my_collate_match(samples):
    """match, places by number, numbers as float64 or int64."""
    match samples[0]:
        case torch.Tensor():
            return torch.cat([s[None] for s in samples])
        case int() | float():
            return torch.from_numpy(np.array(samples))
        case str():
            return [s for s in samples]
        case dict() as first:
            return dict((k, my_collate_match([s[k] for s in samples])) for k in first.keys())
        case tuple() as first:
            return [my_collate_match([s[k] for s in samples]) for k in range(len(first))]
        case other:
            raise TypeError(type(other))


def my_collate_tries(samples):
    """Asks what the first sample can, instead of what it is."""
    first = samples[0]
    if hasattr(first, "keys"):
        columns = {}
        for sample in samples:
            for key, value in sample.items():
                columns.setdefault(key, []).append(value)
        return {key: my_collate_tries(values) for key, values in columns.items()}
    if hasattr(first, "lower"):
        return list(samples)
    if hasattr(first, "count") and not torch.is_tensor(first):
        return list(map(my_collate_tries, zip(*samples, strict=True)))
    return torch.stack([torch.as_tensor(s) for s in samples])


def my_collate_table(samples):
    """A table of rules; decimal numbers in double precision."""
    rules = [
        (torch.is_tensor, lambda many: torch.stack(tuple(many), 0)),
        (lambda s: isinstance(s, str), list),
        (lambda s: isinstance(s, dict), lambda many: {k: my_collate_table([m[k] for m in many]) for k in many[0]}),
        (lambda s: isinstance(s, tuple), lambda many: [my_collate_table(c) for c in zip(*many, strict=True)]),
        (lambda s: isinstance(s, float), lambda many: torch.tensor(many, dtype=torch.float64)),
        (lambda s: isinstance(s, int), torch.tensor),
    ]
    return next(rule(samples) for fits, rule in rules if fits(samples[0]))


def my_collate_paths(samples):
    """Goes by types of all samples; a tuple is turned into a dict of places and back."""
    kinds = {type(s) for s in samples}
    if kinds <= {int, float, bool}:
        return torch.tensor(list(samples), dtype=torch.float64 if float in kinds else torch.int64)
    if kinds == {str}:
        return [*samples]
    if kinds == {tuple}:
        return list(my_collate_paths([dict(enumerate(s)) for s in samples]).values())
    if all(issubclass(k, dict) for k in kinds):
        return {key: my_collate_paths([s[key] for s in samples]) for key in list(samples[0])}
    return torch.stack(list(samples))


def _collate(samples, again, **rules):
    """The right rules; a wrong one can be put in the place of each."""
    first = samples[0]
    if isinstance(first, torch.Tensor):
        return rules.get("tensor", lambda s: torch.stack(list(s)))(samples)
    if isinstance(first, str):
        return rules.get("text", list)(samples)
    if isinstance(first, dict):
        return rules.get("dict", lambda s: {k: again([x[k] for x in s]) for k in s[0]})(samples)
    if isinstance(first, tuple):
        return rules.get("tuple", lambda s: [again(list(c)) for c in zip(*s, strict=True)])(samples)
    return rules.get("number", lambda s: torch.tensor(list(s)))(samples)


def my_collate_last_axis(samples):
    """Wrong: the new axis is the last."""
    return _collate(samples, my_collate_last_axis, tensor=lambda s: torch.stack(list(s), dim=-1))


def my_collate_tensor_list(samples):
    """Wrong: tensors stay a list."""
    return _collate(samples, my_collate_tensor_list, tensor=list)


def my_collate_tensor_float(samples):
    """Wrong: every tensor becomes float."""
    return _collate(samples, my_collate_tensor_float, tensor=lambda s: torch.stack(list(s)).float())


def my_collate_number_column(samples):
    """Wrong: numbers become [B, 1]."""
    return _collate(samples, my_collate_number_column, number=lambda s: torch.tensor([[x] for x in s]))


def my_collate_half(samples):
    """Wrong: decimal numbers in half precision."""
    return _collate(
        samples,
        my_collate_half,
        number=lambda s: torch.tensor(s, dtype=torch.float16 if isinstance(s[0], float) else None),
    )


def my_collate_text_set(samples):
    """Wrong: equal texts come once."""
    return _collate(samples, my_collate_text_set, text=lambda s: list(dict.fromkeys(s)))


def my_collate_dict_values(samples):
    """Wrong: pairs values by their place, so a dict in another order is mixed up."""
    return _collate(
        samples,
        my_collate_dict_values,
        dict=lambda s: {
            k: my_collate_dict_values(list(c)) for k, c in zip(s[0], zip(*(x.values() for x in s)), strict=True)
        },
    )


def my_collate_tuple_tuple(samples):
    """Tuples of batches, as tuples."""
    return _collate(
        samples,
        my_collate_tuple_tuple,
        tuple=lambda s: tuple(my_collate_tuple_tuple(list(c)) for c in zip(*s, strict=True)),
    )


def my_collate_tuple_pairs(samples):
    """Wrong: takes every tuple for a pair."""
    return _collate(
        samples, my_collate_tuple_pairs, tuple=lambda s: [my_collate_tuple_pairs([x[k] for x in s]) for k in (0, 1)]
    )


def my_collate_drops_texts(samples):
    """Wrong: leaves out what is a text in a dict."""
    return _collate(
        samples,
        my_collate_drops_texts,
        dict=lambda s: {k: my_collate_drops_texts([x[k] for x in s]) for k in s[0] if not isinstance(s[0][k], str)},
    )


class hybrid_cache_hint(Dataset):
    """The way of hint 3."""

    def __init__(self, length, read, decode, budget):
        self.length, self.read, self.decode, self.budget = length, read, decode, budget
        self.pictures, self.files, self.left = {}, {}, budget

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index in self.pictures:
            return self.pictures[index].clone()
        new = index not in self.files
        encoded = self.read(index) if new else self.files[index]
        picture = self.decode(encoded)
        if new and picture.nbytes <= self.left:
            self.pictures[index] = picture
            self.left -= picture.nbytes
        elif new:
            self.files[index] = encoded
        return picture.clone()


class hybrid_cache_one_dict(Dataset):
    """One dict of (is decoded, value)."""

    def __init__(self, length, read, decode, budget):
        self.length, self.read, self.decode, self.budget = length, read, decode, budget
        self.state, self.used = {}, 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index not in self.state:
            encoded = self.read(index)
            picture = self.decode(encoded).clone()
            fits = self.used + picture.nbytes <= self.budget
            if fits:
                self.used += picture.nbytes
            self.state[index] = (True, picture) if fits else (False, encoded)
            return picture.clone()
        ready, value = self.state[index]
        return (value if ready else self.decode(value)).clone()


class hybrid_cache_lists(Dataset):
    """Two lists of None; the room is added up anew each time."""

    def __init__(self, length, read, decode, budget):
        self.length, self.read, self.decode, self.budget = length, read, decode, budget
        self.decoded, self.encoded = [None] * length, [None] * length

    def __len__(self):
        return self.length

    def __getitem__(self, k):
        if self.decoded[k] is not None:
            return copy.deepcopy(self.decoded[k])
        if self.encoded[k] is None:
            self.encoded[k] = self.read(k)
        picture = self.decode(self.encoded[k]).clone()
        if sum(p.nbytes for p in self.decoded if p is not None) + picture.nbytes <= self.budget:
            self.decoded[k], self.encoded[k] = picture.clone(), None
        return picture


class hybrid_cache_functions(Dataset):
    """One function for each sample kept, made when it is first asked for."""

    def __init__(self, length, read, decode, budget):
        self.length, self.read, self.decode, self.budget = length, read, decode, budget
        self.ways, self.left = {}, budget

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        way = self.ways.get(index)
        if way is not None:
            return way()
        encoded = self.read(index)
        picture = self.decode(encoded).clone()
        size = picture.element_size() * picture.numel()
        if size > self.left:
            self.ways[index] = functools.partial(self._again, encoded)
            return picture
        self.left -= size
        self.ways[index] = picture.clone
        return picture.clone()

    def _again(self, encoded):
        return self.decode(encoded).clone()


class hybrid_cache_bytes(Dataset):
    """Keeps decoded pictures as numpy copies."""

    def __init__(self, length, read, decode, budget):
        self.length, self.read, self.decode, self.budget = length, read, decode, budget
        self.arrays, self.files, self.total = {}, {}, 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index in self.arrays:
            return torch.tensor(self.arrays[index])
        if index in self.files:
            return torch.clone(self.decode(self.files[index]))
        file = self.read(index)
        picture = self.decode(file)
        array = picture.numpy().copy()
        if self.total + array.nbytes > self.budget:
            self.files[index] = file
        else:
            self.arrays[index] = array
            self.total += array.nbytes
        return torch.from_numpy(array.copy())


class hybrid_cache_bounds(hybrid_cache_hint):
    """Checks the bounds, too: an IndexError outside, before anything is read."""

    def __getitem__(self, index):
        if not 0 <= index < self.length:
            raise IndexError(index)
        return super().__getitem__(index)


class hybrid_cache_tried(Dataset):
    """try and except, a numpy row of sizes; one copy on every way out."""

    def __init__(self, length, read, decode, budget):
        self.length, self.read, self.decode, self.budget = length, read, decode, budget
        self.kept, self.raw = {}, {}
        self.sizes = np.zeros(length, np.int64)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        try:
            picture = self.kept[index]
        except KeyError:
            if index in self.raw:
                picture = self.decode(self.raw[index])
            else:
                self.raw[index] = self.read(index)
                picture = self.decode(self.raw[index])
                if self.sizes.sum() + picture.nbytes <= self.budget:
                    self.sizes[index] = picture.nbytes
                    self.kept[index] = picture.clone()
                    del self.raw[index]
        return torch.empty_like(picture).copy_(picture)


class _Hybrid(Dataset):
    """A right cache with parts to spoil."""

    def __init__(self, length, read, decode, budget):
        self.length, self.read, self.decode, self.budget = length, read, decode, budget
        self.pictures, self.files, self.left = {}, {}, budget

    def __len__(self):
        return self.length

    def size(self, picture, encoded):
        return picture.nbytes

    def fits(self, size):
        return size <= self.left

    def keep(self, index, picture, encoded):
        self.pictures[index] = picture.clone()

    def keep_file(self, index, encoded):
        self.files[index] = encoded

    def out(self, picture):
        return picture.clone()

    def __getitem__(self, index):
        if index in self.pictures:
            return self.out(self.pictures[index])
        if index in self.files:
            return self.decode(self.files[index]).clone()
        encoded = self.read(index)
        picture = self.decode(encoded).clone()
        size = self.size(picture, encoded)
        if self.fits(size):
            self.left -= size
            self.keep(index, picture, encoded)
        else:
            self.keep_file(index, encoded)
        return picture


class hybrid_cache_each(_Hybrid):
    """Wrong: compares each picture with the whole budget."""

    def fits(self, size):
        return size <= self.budget


class hybrid_cache_no_decoded(_Hybrid):
    """Wrong: keeps nothing decoded."""

    def fits(self, size):
        return False


class hybrid_cache_files_counted(_Hybrid):
    """Wrong: kept files use up the budget, too."""

    def keep_file(self, index, encoded):
        super().keep_file(index, encoded)
        self.left -= encoded.nbytes


class hybrid_cache_no_clone(_Hybrid):
    """Wrong: hands out what is kept."""

    def out(self, picture):
        return picture


class hybrid_cache_first_not_cloned(_Hybrid):
    """Wrong: the first time the kept picture itself is handed out."""

    def keep(self, index, picture, encoded):
        self.pictures[index] = picture


class hybrid_cache_last_file(_Hybrid):
    """Wrong: an attribute still holds what was read last."""

    def keep(self, index, picture, encoded):
        super().keep(index, picture, encoded)
        self.last = encoded


class hybrid_cache_one_file(_Hybrid):
    """Wrong: keeps only the file that was read last."""

    def keep_file(self, index, encoded):
        self.files = {index: encoded}


class hybrid_cache_lru(_Hybrid):
    """Wrong: throws out the least recently used pictures to make room, and reads them again."""

    def fits(self, size):
        while self.pictures and size > self.left:
            oldest = next(iter(self.pictures))
            self.left += self.pictures.pop(oldest).nbytes
        return size <= self.left


class hybrid_cache_swaps(_Hybrid):
    """Wrong: throws out kept pictures but keeps their files, so they are decoded again."""

    def __init__(self, length, read, decode, budget):
        super().__init__(length, read, decode, budget)
        self.origins = {}

    def fits(self, size):
        while self.pictures and size > self.left:
            oldest = next(iter(self.pictures))
            self.left += self.pictures.pop(oldest).nbytes
            self.files[oldest] = self.origins[oldest]
        return size <= self.left

    def keep(self, index, picture, encoded):
        super().keep(index, picture, encoded)
        self.origins[index] = encoded


RIGHT = {
    "01.1": [
        picture_table_plain,
        picture_table_no_base,
        picture_table_stack,
        picture_table_tuples,
        picture_table_ordered,
        picture_table_einsum,
        picture_table_float_and_back,
    ],
    "01.2": [
        value_of_plain,
        value_of_regex,
        value_of_split,
        value_of_match,
        value_of_subclass_error,
        value_of_spelled_out,
        value_of_by_hand,
    ],
    "01.3": [
        pad_collate_zeros,
        pad_collate_rnn,
        pad_collate_functional,
        pad_collate_packed,
        pad_collate_cat,
        pad_collate_mask,
        pad_collate_label_int,
    ],
    "01.4": [
        masked_mean_where,
        masked_mean_pick,
        masked_mean_fill,
        masked_mean_epsilon,
        masked_mean_select,
        masked_mean_dot,
        masked_mean_loop,
    ],
    "01.5": [
        collate_captioned_pad,
        collate_captioned_lists,
        collate_captioned_zeros,
        collate_captioned_zip,
        collate_captioned_numpy,
        collate_captioned_functional,
        collate_captioned_captions_tuple,
    ],
    "01.6": [
        mended_cache_deepcopy,
        mended_cache_clone,
        mended_cache_pickle,
        mended_cache_both,
        mended_cache_saved,
        mended_cache_items,
        mended_cache_lru,
    ],
    "01.7": [
        crop_corner_torch,
        crop_corner_random,
        crop_corner_numpy,
        crop_corner_rand,
        crop_corner_place,
        crop_corner_choice,
        crop_corner_system,
    ],
    "01.8": [
        normalised_axes,
        normalised_population,
        normalised_loop,
        normalised_flat,
        normalised_numpy,
        normalised_sums,
        normalised_batch_norm,
    ],
    "01.9": [
        my_collate_isinstance,
        my_collate_match,
        my_collate_tries,
        my_collate_table,
        my_collate_paths,
        my_collate_tuple_tuple,
    ],
    "01.10": [
        hybrid_cache_hint,
        hybrid_cache_one_dict,
        hybrid_cache_lists,
        hybrid_cache_functions,
        hybrid_cache_bytes,
        hybrid_cache_bounds,
        hybrid_cache_tried,
    ],
}
WRONG = {
    "01.1": [
        picture_table_by_name,
        picture_table_cached,
        picture_table_lru,
        picture_table_float255,
        picture_table_int64,
        picture_table_numpy,
        picture_table_clipped,
        picture_table_bound_early,
        picture_table_keyerror,
    ],
    "01.2": [
        value_of_reversed_in,
        value_of_re_prefix,
        value_of_strip_letters,
        value_of_no_blanks_inside,
        value_of_stripped_value,
        value_of_kind_of_stand_in,
        value_of_or,
        value_of_no_strip,
        value_of_case,
    ],
    "01.3": [
        pad_collate_list,
        pad_collate_lists,
        pad_collate_sorted_partly,
        pad_collate_fixed,
        pad_collate_longest_so_far,
        pad_collate_numel,
        pad_collate_two_features,
        pad_collate_label_item,
        pad_collate_label_stack,
    ],
    "01.4": [
        masked_mean_nonzero_count,
        masked_mean_clamped_result,
        masked_mean_clamp_both,
        masked_mean_absolute,
        masked_mean_product,
        masked_mean_rows,
        masked_mean_eps_large,
        masked_mean_no_mask_sum,
        masked_mean_2d_only,
    ],
    "01.5": [
        collate_captioned_unknown_learned,
        collate_captioned_lengths_known,
        collate_captioned_punctuation,
        collate_captioned_pictures_list,
        collate_captioned_dropped_words,
        collate_captioned_none_text,
        collate_captioned_none_back,
        collate_captioned_none_length,
        collate_captioned_unknown_fails,
    ],
    "01.6": [
        mended_cache_picture_only,
        mended_cache_shared,
        mended_cache_first_raw,
        mended_cache_last_only,
        mended_cache_twice,
        mended_cache_fills_with_transform,
        mended_cache_list,
        mended_cache_pops,
    ],
    "01.7": [
        crop_corner_halves,
        crop_corner_float,
        crop_corner_outside,
        crop_corner_middle_swapped,
        crop_corner_round,
        crop_corner_float_draw,
        crop_corner_jitter,
        crop_corner_anywhere,
    ],
    "01.8": [
        normalised_leaky_deviation,
        normalised_others_raw,
        normalised_no_reshape,
        normalised_leaky_mean,
        normalised_one_deviation,
        normalised_per_pixel,
        normalised_deviation_of_means,
    ],
    "01.9": [
        my_collate_tensor_float,
        my_collate_half,
        my_collate_text_set,
        my_collate_dict_values,
        my_collate_tuple_pairs,
        my_collate_drops_texts,
        my_collate_last_axis,
        my_collate_tensor_list,
        my_collate_number_column,
    ],
    "01.10": [
        hybrid_cache_files_counted,
        hybrid_cache_first_not_cloned,
        hybrid_cache_each,
        hybrid_cache_no_decoded,
        hybrid_cache_no_clone,
        hybrid_cache_last_file,
        hybrid_cache_one_file,
        hybrid_cache_lru,
        hybrid_cache_swaps,
    ],
}
