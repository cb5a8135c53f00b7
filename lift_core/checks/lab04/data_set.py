"""Lab 04: the exercise on a lazy data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.isolation import Raised
from lift_core.checks.lab04.reading import read_window_lazily, reads_differ
from lift_core.checks.spy_source import SpySource
from lift_core.checks.wording import with_article
from lift_core.data.source import Crop, FrameSource
from lift_core.data.window import FrameWindow


class _LazyFrames:
    """Samples of several clips; frames are read when a sample is asked for."""

    def __init__(self, sources: Sequence[FrameSource], window: FrameWindow, crop: Crop) -> None:
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self) -> int:
        return sum(len(anchors) for anchors in self.anchors)

    def locate(self, index: int) -> tuple[FrameSource, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(anchors[index])
            index -= len(anchors)
        raise AssertionError

    def __getitem__(self, index: int) -> dict[str, Any]:
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        pictures = self.read(source, [*shown.indices, shown.target])
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }

    def read(self, source: FrameSource, indices: Sequence[Any]) -> Tensor:
        return read_window_lazily(source, indices, self.crop)


def _use_data_set(
    candidate: Callable[..., Any], sources: Sequence[SpySource], window: FrameWindow, crop: Crop, asked: Sequence[int]
) -> dict[str, Any]:
    data = candidate(sources, window, crop)
    outcome: dict[str, Any] = {"length": len(data), "samples": []}
    for index in asked:
        for source in sources:
            source.turn_page()
        outcome["samples"].append(data[index])
    return outcome


def _clips_to_serve() -> list[Probe]:
    def clips(*lengths: int) -> list[SpySource]:
        return [SpySource(length, seed=length, name=f"clip{number}") for number, length in enumerate(lengths)]

    crop, window = Crop(2, 5, 7, 11), FrameWindow.uniform(6, 2)
    return [
        Probe("two clips, every kind of place", (clips(17, 15), window, crop, (0, 6, 14, 15, 27))),
        Probe("three clips, the middle one too short", (clips(13, 2, 12), window, crop, (10, 11, 20))),
        Probe("whole windows only", (clips(14, 13), FrameWindow.uniform(6, 2, "require"), crop, (0, 3, 4, 6))),
        Probe("stride 3", (clips(14, 9), FrameWindow.uniform(4, 3), crop, (0, 5, 11, 16))),
        Probe("an index of len(data)", (clips(17, 15), window, crop, (28,))),
    ]


_NOTHING_YET = "making the data set, and asking for its length, reads no frame (len(source) is allowed)"
_OWN_FRAMES = "a sample reads the frames of its window and the hidden one, each once, and nothing else"
_DTYPES = "frames and gt are torch.uint8, times is torch.float32 and valid torch.bool"

lazy_frames = Exercise(
    "04.6",
    "LazyFrames",
    _LazyFrames,
    _clips_to_serve,
    contract=(
        "data[k] is the sample of anchor number k, counted through all anchors of the first clip, then of the second,"
        " and so on; a sample is a dict with the entries of the table",
        _NOTHING_YET,
        _OWN_FRAMES,
        _DTYPES,
        "an index of len(data) or more raises an IndexError",
    ),
    drive=_use_data_set,
)


@lazy_frames.prop(_NOTHING_YET)
def _reads_nothing_at_first(call: Call) -> str | None:
    read = sum(len(source.pages[0]) for source in call.args[0])
    return f"{read} frames were read before a sample was asked for" if read else None


@lazy_frames.prop(_OWN_FRAMES)
def _reads_its_own_frames(call: Call) -> str | None:
    sources, window, crop, asked = call.probe.args
    plan = _LazyFrames(sources, window, crop)
    for page, index in enumerate(asked, start=1):
        if index >= len(plan):
            continue
        source, anchor = plan.locate(index)
        shown = window.at(anchor, len(source))
        for number, (mine, spied) in enumerate(zip(sources, call.args[0], strict=True)):
            wanted = [*shown.indices, shown.target] if mine is source else []
            complaint = reads_differ(spied.pages[page], wanted)
            if complaint is not None:
                return f"sample {index}, clip {number}: {complaint}"
    return None


@lazy_frames.prop(_DTYPES)
def _dtypes_are_right(call: Call) -> str | None:
    samples = [] if isinstance(call.outcome, Raised) else call.output["samples"]
    wanted = {"frames": torch.uint8, "gt": torch.uint8, "times": torch.float32, "valid": torch.bool}
    for sample in samples:
        for name, dtype in wanted.items():
            if not isinstance(sample[name], Tensor):
                return f"{name} is no tensor but {with_article(type(sample[name]).__name__)}"
            if sample[name].dtype != dtype:
                return f"the dtype of {name} is {str(sample[name].dtype).removeprefix('torch.')}"
    return None


@lazy_frames.mistake("everything is read at the start", "Keep the clips, not their frames. Read in __getitem__.")
class _Eager(_LazyFrames):
    def __init__(self, sources: Sequence[FrameSource], window: FrameWindow, crop: Crop) -> None:
        super().__init__(sources, window, crop)
        self.clips = {id(source): read_window_lazily(source, range(len(source)), crop) for source in sources}

    def read(self, source: FrameSource, indices: Sequence[Any]) -> Tensor:
        return self.clips[id(source)][list(indices)]


@lazy_frames.mistake("each sample reads its whole clip", "Ask the clip for the window's frames only.")
class _WholeClip(_LazyFrames):
    def read(self, source: FrameSource, indices: Sequence[Any]) -> Tensor:
        return read_window_lazily(source, range(len(source)), self.crop)[list(indices)]


@lazy_frames.mistake("one sample per frame", "Not every frame can be the first reference: count the legal anchors.")
class _PerFrame(_LazyFrames):
    def __init__(self, sources: Sequence[FrameSource], window: FrameWindow, crop: Crop) -> None:
        super().__init__(sources, window, crop)
        self.anchors = [np.arange(len(source)) for source in sources]


@lazy_frames.mistake(
    "the first sample of a clip is counted to the clip before", "Sample number len(anchors) belongs to the next clip."
)
class _LateStep(_LazyFrames):
    def locate(self, index: int) -> tuple[FrameSource, int]:
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index <= len(anchors):
                return source, int(anchors[min(index, len(anchors) - 1)])
            index -= len(anchors)
        raise IndexError(index)


@lazy_frames.mistake("the hidden frame is the first reference", "The truth is frame `target` of the window.")
class _WrongTruth(_LazyFrames):
    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = super().__getitem__(index)
        return {**sample, "gt": sample["frames"][len(sample["frames"]) // 2 - 1]}


@lazy_frames.mistake("the truth is an average of the references", "A model trained on that learns to cross-fade.")
class _AverageAsTruth(_LazyFrames):
    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = super().__getitem__(index)
        middle = len(sample["frames"]) // 2
        return {**sample, "gt": sample["frames"][middle - 1 : middle + 1].float().mean(dim=0).to(torch.uint8)}


@lazy_frames.mistake("every frame is marked valid", "The window knows which frames are repeats: hand its flags on.")
class _AllMarkedValid(_LazyFrames):
    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = super().__getitem__(index)
        return {**sample, "valid": torch.ones_like(sample["valid"])}


@lazy_frames.mistake("the key lacks the clip or the anchor", "Two samples must never share a key: name@anchor.")
class _NumberAsKey(_LazyFrames):
    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**super().__getitem__(index), "key": str(index)}


@lazy_frames.mistake("converted to float already in the data set", "Bytes are four times smaller. Convert at the end.")
class _FloatSamples(_LazyFrames):
    def read(self, source: FrameSource, indices: Sequence[Any]) -> Tensor:
        return super().read(source, indices).float() / 255


@lazy_frames.mistake(
    "locate ends without an IndexError",
    "A function without return gives None. After the last clip, raise IndexError(...): Python's for loop ends by it.",
)
class _NothingLocated(_LazyFrames):
    def locate(self, index: int) -> Any:
        return super().locate(index) if index < len(self) else None


@lazy_frames.mistake("no IndexError after the last sample", "Python's for loop over a data set ends by that error.")
class _NoEnd(_LazyFrames):
    def locate(self, index: int) -> tuple[FrameSource, int]:
        return super().locate(index % len(self))
