"""Lab 01: the exercises on caches: the bug hunt, and the homework's cache that never reads a file twice."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.isolation import Returned
from lift_core.checks.wording import counted

Sample = dict[str, Any]
Encoded = NDArray[np.uint8]

# --- 01.6 the bug hunt ---


class _SpyData:
    """Samples that are made anew at each request, and a book of the requests; another start, other samples."""

    def __init__(self, length: int, start: int = 8) -> None:
        self._length, self._start = length, start
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self._length:
            raise IndexError(index)
        self.asked.append(index)
        picture = torch.arange(6.0).reshape(1, 2, 3) + 10 * index + self._start
        return {"picture": picture, "place": torch.tensor([index, 2.0]), "label": index % 3}


class _Halving:
    """A transform that changes the sample it is given, another way at each call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, sample: Sample) -> Sample:
        self.calls += 1
        sample["picture"].mul_(0.5).add_(self.calls)
        sample["place"].neg_()
        sample["label"] += 10
        return sample


class _Rolling(_Halving):
    """A transform that leaves what it is given alone and makes a new sample."""

    def __call__(self, sample: Sample) -> Sample:
        self.calls += 1
        return {**sample, "picture": sample["picture"].roll(self.calls, dims=-1)}


class _MendedCache:
    """Keeps each sample as it was read, and varies a copy of it at each request."""

    def __init__(self, data: Any, transform: Callable[[Sample], Sample]) -> None:
        self.data, self.transform = data, transform
        self.kept: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.data)

    def read(self, index: int) -> Sample:
        if index not in self.kept:
            self.kept[index] = self.data[index]
        return self.kept[index]

    def __getitem__(self, index: int) -> Sample:
        return self.transform(copy.deepcopy(self.read(index)))


def _use_cache(candidate: Callable[..., Any], data: _SpyData, transform: _Halving, asked: Sequence[int]) -> Any:
    cache = candidate(data, transform)
    # A copy of each answer: a cache that hands out what it keeps would change the ones before.
    samples = [copy.deepcopy(cache[index]) for index in asked]
    other = candidate(_SpyData(len(data), start=3), type(transform)())
    return {"length": len(cache), "samples": samples, "of another data set": other[asked[0]]}


_READ_ONCE = "data[k] is asked for at most once for each k, and only when cache[k] is"
_CALLED = "each time that cache[k] is asked for, transform is called once"

mended_cache = Exercise(
    "01.6",
    "MendedCache",
    _MendedCache,
    lambda: [
        Probe("a transform that changes what it is given, sample 1 asked for three times", (*_probe(1, 1, 1),)),
        Probe("the same, two samples in turn", (*_probe(0, 2, 0, 2, 0),)),
        Probe("the same, each sample once", (*_probe(2, 0, 1),)),
        Probe("a transform that makes a new sample", (_SpyData(3), _Rolling(), (1, 1, 0, 1))),
    ],
    contract=(
        "cache[k] is what transform makes of a sample equal to data[k], whatever transform did to the samples that it"
        " was given before; len(cache) is len(data)",
        _READ_ONCE,
        _CALLED,
    ),
    drive=_use_cache,
)


def _probe(*asked: int) -> tuple[_SpyData, _Halving, tuple[int, ...]]:
    return _SpyData(3), _Halving(), asked


@mended_cache.prop(_READ_ONCE)
def _asks_once(call: Call) -> str | None:
    data, _, wanted = call.args
    twice = next((index for index in data.asked if data.asked.count(index) > 1), None)
    if twice is not None:
        return f"data[{twice}] was asked for {data.asked.count(twice)} times"
    unasked = [index for index in data.asked if index not in wanted]
    return f"data[{unasked[0]}] was asked for, and cache[{unasked[0]}] never was" if unasked else None


@mended_cache.prop(_CALLED)
def _transforms_each_time(call: Call) -> str | None:
    _, transform, wanted = call.args
    if not isinstance(call.outcome, Returned) or transform.calls == len(wanted):
        return None
    return f"{counted(len(wanted), 'sample')} asked for, transform called {counted(transform.calls, 'time')}"


@mended_cache.mistake(
    "the sample is kept after the transform",
    "What was drawn the first time is what every epoch gets. Keep what data gives, and transform it on the way out.",
)
class _KeptAfter(_MendedCache):
    def __getitem__(self, index: int) -> Sample:
        if index not in self.kept:
            self.kept[index] = self.transform(self.data[index])
        return self.kept[index]


@mended_cache.mistake(
    "the kept sample itself is handed to the transform",
    "A transform may change what it is given: every epoch then changes the picture of the epoch before. Hand out a"
    " copy: copy.deepcopy.",
)
class _NotCopied(_MendedCache):
    def __getitem__(self, index: int) -> Sample:
        return self.transform(self.read(index))


@mended_cache.mistake(
    "the copy is shallow",
    "dict(sample) and copy.copy make a new dict that holds the same tensor. Copy the tensor too: copy.deepcopy.",
)
class _Shallow(_MendedCache):
    def __getitem__(self, index: int) -> Sample:
        return self.transform(dict(self.read(index)))


@mended_cache.mistake(
    "the first time is not copied", "The sample just read is the one that is kept. Copy it at the first request too."
)
class _FirstNotCopied(_MendedCache):
    def __getitem__(self, index: int) -> Sample:
        if index not in self.kept:
            self.kept[index] = self.data[index]
            return self.transform(self.kept[index])
        return self.transform(copy.deepcopy(self.kept[index]))


@mended_cache.mistake("nothing is kept", "Then every epoch reads every file again. Ask data only for what is not kept.")
class _NothingKept(_MendedCache):
    def __getitem__(self, index: int) -> Sample:
        return self.transform(self.data[index])


@mended_cache.mistake("everything is read at the start", "Read a sample when it is first asked for.")
class _AllAtOnce(_MendedCache):
    def __init__(self, data: Any, transform: Callable[[Sample], Sample]) -> None:
        super().__init__(data, transform)
        self.kept = {index: data[index] for index in range(len(data))}


@mended_cache.mistake("transformed twice", "Transform on the way out only, not when it is kept as well.")
class _Twice(_MendedCache):
    def __getitem__(self, index: int) -> Sample:
        if index not in self.kept:
            self.kept[index] = self.transform(self.data[index])
        return self.transform(copy.deepcopy(self.kept[index]))


@mended_cache.mistake("one place for all samples", "Keep each sample under its own index.")
class _OnePlace(_MendedCache):
    def __getitem__(self, index: int) -> Sample:
        if not self.kept:
            self.kept[0] = self.data[index]
        return self.transform(copy.deepcopy(self.kept[0]))


# --- 01.10 the homework: a cache of decoded and of encoded pictures ---


class _SpyFiles:
    """Encoded pictures of different sizes, with a book of reads, of decodings and of what is still in memory."""

    def __init__(self, *sides: int) -> None:
        self._sides = sides
        self.reads: list[int] = []
        self.decoded: list[int] = []
        self.still_encoded: set[int] = set()
        self._encoded: list[tuple[int, weakref.ref[Encoded]]] = []

    def __len__(self) -> int:
        return len(self._sides)

    def read(self, index: int) -> Encoded:
        self.reads.append(index)
        encoded = np.array([index, self._sides[index], 7], np.uint8)
        self._encoded.append((index, weakref.ref(encoded)))
        return encoded

    def decode(self, encoded: Encoded) -> Tensor:
        index, side, start = (int(number) for number in encoded)
        self.decoded.append(index)
        return (torch.arange(3 * side * side) + start + index).to(torch.uint8).reshape(3, side, side)

    def look(self) -> None:
        """Note of which pictures what was read is still in memory."""
        gc.collect(0)
        self.still_encoded = {index for index, encoded in self._encoded if encoded() is not None}


class _HybridCache:
    """Decoded pictures while they fit; the encoded bytes of the others."""

    def __init__(
        self, length: int, read: Callable[[int], Encoded], decode: Callable[[Encoded], Tensor], budget: int
    ) -> None:
        self.length, self.read, self.decode, self.left = length, read, decode, budget
        self.pictures: dict[int, Tensor] = {}
        self.encoded: dict[int, Encoded] = {}

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Tensor:
        if index in self.pictures:
            return self.pictures[index].clone()
        encoded = self.encoded[index] if index in self.encoded else self.read(index)
        picture = self.decode(encoded)
        self.keep(index, encoded, picture)
        return picture.clone()

    def fits(self, picture: Tensor) -> bool:
        return picture.nbytes <= self.left

    def keep(self, index: int, encoded: Encoded, picture: Tensor) -> None:
        if index not in self.encoded and self.fits(picture):
            self.pictures[index] = picture
            self.left -= picture.nbytes
        else:
            self.encoded[index] = encoded


def _use_hybrid(candidate: Callable[..., Any], files: _SpyFiles, budget: int, asked: Sequence[int]) -> Any:
    cache = candidate(len(files), files.read, files.decode, budget)
    samples = []
    for index in asked:
        # What a consumer does to its picture is its own affair.
        for picture in (cache[index], cache[index]):
            samples.append(picture.clone())
            picture.fill_(0)
    files.look()
    return {"length": len(cache), "pictures": samples}


def _kept_decoded(files: _SpyFiles, budget: int, asked: Sequence[int]) -> set[int]:
    reference = _HybridCache(len(files), files.read, files.decode, budget)
    for index in asked:
        reference[index]
    return set(reference.pictures)


_READ_AT_MOST_ONCE = "read(k) is called at most once for each k, and only when cache[k] is asked for"
_DECODED = (
    "when picture k is first decoded it is kept decoded if its nbytes and those of all that are kept decoded are"
    " together at most budget, and then it is never decoded again"
)
_OTHERS = "every other picture that was asked for is decoded each time, from what read returned, which is kept"
_LET_GO = "of a picture that is kept decoded, what read returned is let go"
_SMALL = 3 * 9 * 9

hybrid_cache = Exercise(
    "01.10",
    "HybridCache",
    _HybridCache,
    lambda: [
        Probe("room for two of four pictures", (_SpyFiles(9, 9, 9, 9), 2 * _SMALL, (0, 1, 2, 3, 2, 0))),
        Probe("one byte too few for two of three", (_SpyFiles(9, 9, 9), 2 * _SMALL - 1, (2, 1, 0))),
        Probe("a large picture that does not fit, then a small one that does", (_SpyFiles(5, 9, 4), 123, (0, 1, 2, 1))),
        Probe("room for all", (_SpyFiles(4, 5, 6), 10_000, (2, 1, 0, 1, 2))),
        Probe("a budget of 0", (_SpyFiles(4, 5), 0, (1, 0, 1))),
        Probe("a picture that is never asked for", (_SpyFiles(4, 5, 6), 130, (0, 2))),
    ],
    contract=(
        "cache[k] is decode(read(k)), in memory of its own: changing it changes nothing that comes later; len(cache) is"
        " length",
        _READ_AT_MOST_ONCE,
        _DECODED,
        _OTHERS,
        _LET_GO,
    ),
    kind="optional",
    drive=_use_hybrid,
)


@hybrid_cache.prop(_READ_AT_MOST_ONCE)
def _reads_once(call: Call) -> str | None:
    files, _, asked = call.args
    twice = next((index for index in files.reads if files.reads.count(index) > 1), None)
    if twice is not None:
        return f"picture {twice} was read {files.reads.count(twice)} times"
    early = [index for index in files.reads if index not in asked]
    return f"picture {early[0]} was read, and never asked for" if early else None


@hybrid_cache.prop(_DECODED)
def _decodes_the_kept_once(call: Call) -> str | None:
    return _decoded_otherwise(call, kept=True) if isinstance(call.outcome, Returned) else None


@hybrid_cache.prop(_OTHERS)
def _decodes_the_others_each_time(call: Call) -> str | None:
    return _decoded_otherwise(call, kept=False) if isinstance(call.outcome, Returned) else None


def _decoded_otherwise(call: Call, *, kept: bool) -> str | None:
    files, _, asked = call.args
    belongs = _kept_decoded(*call.probe.args)
    for index in sorted(set(asked)):
        # Each is asked for twice in a row.
        wanted = 1 if kept else 2 * list(asked).count(index)
        if (index in belongs) is kept and files.decoded.count(index) != wanted:
            return f"picture {index} was decoded {counted(files.decoded.count(index), 'time')}, not {wanted}"
    return None


@hybrid_cache.prop(_LET_GO)
def _lets_go(call: Call) -> str | None:
    both = sorted(_kept_decoded(*call.probe.args) & call.args[0].still_encoded)
    return f"picture {both[0]} is kept decoded, and what was read is still in memory too" if both else None


class _KeepingAll(_HybridCache):
    """Keeps what was read of every picture."""

    def __init__(
        self, length: int, read: Callable[[int], Encoded], decode: Callable[[Encoded], Tensor], budget: int
    ) -> None:
        super().__init__(length, self.read_once, decode, budget)
        self.files = read
        self.all: dict[int, Encoded] = {}

    def read_once(self, index: int) -> Encoded:
        if index not in self.all:
            self.all[index] = self.files(index)
        return self.all[index]


@hybrid_cache.mistake("what was read is kept of all", "A picture that is kept decoded needs it no more.")
class _BothKept(_KeepingAll):
    pass


@hybrid_cache.mistake(
    "the oldest makes room",
    "What is kept decoded stays. In passes over all samples the one thrown out is always the one needed next.",
)
class _Evicting(_KeepingAll):
    def keep(self, index: int, encoded: Encoded, picture: Tensor) -> None:
        while self.pictures and not self.fits(picture):
            self.left += self.pictures.pop(next(iter(self.pictures))).nbytes
        if self.fits(picture):
            self.pictures[index] = picture
            self.left -= picture.nbytes


@hybrid_cache.mistake("nothing is kept of what does not fit", "Keep what read returned: the file is not read again.")
class _ReadAgain(_HybridCache):
    def keep(self, index: int, encoded: Encoded, picture: Tensor) -> None:
        super().keep(index, encoded, picture)
        self.encoded.clear()


@hybrid_cache.mistake("all pictures are taken to be as large as the first", "Pictures differ in size: add up nbytes.")
class _InPictures(_HybridCache):
    count: int | None = None

    def fits(self, picture: Tensor) -> bool:
        if self.count is None:
            self.count = self.left // picture.nbytes
        return len(self.pictures) < self.count


@hybrid_cache.mistake("the budget is overstepped by the last one", "Ask whether it still fits before you keep it.")
class _Overstepped(_HybridCache):
    def fits(self, picture: Tensor) -> bool:
        return self.left > 0


@hybrid_cache.mistake("a picture that fits exactly is refused", "At most budget: its last byte may be used.")
class _ExactRefused(_HybridCache):
    def fits(self, picture: Tensor) -> bool:
        return picture.nbytes < self.left


@hybrid_cache.mistake(
    "the kept picture itself is handed out", "Whoever changes it changes the cache. Hand out a clone."
)
class _HandedOut(_HybridCache):
    def __getitem__(self, index: int) -> Tensor:
        picture = super().__getitem__(index)
        return self.pictures.get(index, picture)


@hybrid_cache.mistake("after the first that does not fit nothing is kept", "A smaller picture may still fit later.")
class _FullAtOnce(_HybridCache):
    def fits(self, picture: Tensor) -> bool:
        if not super().fits(picture):
            self.left = 0
        return super().fits(picture)


@hybrid_cache.mistake("everything is kept decoded", "The budget is what decoded pictures may take.")
class _Unbounded(_HybridCache):
    def fits(self, picture: Tensor) -> bool:
        return True
