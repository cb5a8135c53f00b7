"""Lab 04: the exercises on reading a window lazily and turning its bytes into floats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.spy_source import SpySource
from lift_core.data.source import Crop, FrameSource

# --- 04.4 read a window ---


def read_window_lazily(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    window = torch.empty((len(indices), 3, crop.height, crop.width), dtype=torch.uint8)
    for index in dict.fromkeys(indices):
        part = torch.from_numpy(crop.apply(source.frame(index)).copy()).permute(2, 0, 1)
        for position in (place for place, asked in enumerate(indices) if asked == index):
            window[position] = part
    return window


_ONCE = "reads each different frame of indices exactly once, and no other frame; indices need not be sorted"
_FEW_ALIVE = (
    "at no moment are more than two whole frames in memory: the one just read, and the one before it, which Python may"
    " still hold under its old name"
)
_BYTES = "the tensor's dtype is torch.uint8"

read_window = Exercise(
    "04.4",
    "read_window",
    read_window_lazily,
    lambda: [
        Probe("a window in the middle", (SpySource(17, seed=1), [2, 4, 6, 8, 10, 12], Crop(2, 5, 7, 11))),
        Probe("a window at the start", (SpySource(17, seed=2), [0, 0, 0, 2, 4, 6], Crop(0, 0, 6, 9))),
        Probe("a window at the end", (SpySource(17, (17, 12), seed=3), [10, 12, 14, 16, 16, 16], Crop(4, 1, 13, 11))),
        Probe("frames that run backwards", (SpySource(9, seed=4), [7, 5, 3, 1], Crop(0, 0, 13, 29))),
        Probe("a frame that comes again later", (SpySource(9, seed=5), [5, 2, 5, 8], Crop(3, 0, 8, 29))),
    ],
    contract=(
        "returns a tensor [T, 3, crop.height, crop.width]: the crop of each frame, in the order of indices",
        _BYTES,
        _ONCE,
        _FEW_ALIVE,
    ),
)


@read_window.prop(_BYTES)
def _is_uint8(call: Call) -> str | None:
    dtype = call.output.dtype
    return None if dtype == torch.uint8 else f"the dtype is {str(dtype).removeprefix('torch.')}"


@read_window.prop(_ONCE)
def _reads_once(call: Call) -> str | None:
    source, indices = call.args[:2]
    return reads_differ(source.reads, indices)


def reads_differ(reads: Sequence[int], asked: Sequence[int]) -> str | None:
    if sorted(reads) == sorted(set(asked)):
        return None
    if not asked:
        return f"frames {list(reads)} were read, and none of this clip is needed"
    return f"frames {sorted(set(asked))} were asked for, frames {list(reads)} were read"


@read_window.prop(_FEW_ALIVE)
def _few_frames_alive(call: Call) -> str | None:
    peak = call.args[0].peak
    return None if peak <= 2 else f"{peak} whole frames were in memory at once"


@read_window.mistake(
    "all whole frames are in memory at once",
    "Either all are read first and cropped afterwards, or each crop is a view, which keeps its frame. Copy the crop"
    " before you read the next frame. And read a repeated frame once.",
)
def _crop_at_the_end(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    frames = np.stack([source.frame(index) for index in indices])
    part = frames[:, crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    return torch.from_numpy(part.copy()).permute(0, 3, 1, 2)


@read_window.mistake(
    "a slice keeps its whole frame alive",
    "A numpy slice is a view of the frame it was cut from, which stays in memory with it. Copy the part.",
)
def _views(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    parts = {index: crop.apply(source.frame(index)) for index in dict.fromkeys(indices)}
    return torch.from_numpy(np.stack([parts[index] for index in indices])).permute(0, 3, 1, 2)


@read_window.mistake(
    "np.ascontiguousarray copied nothing",
    "It returns the slice itself where that happens to lie in one piece, as with a crop of full width. copy() copies.",
)
def _perhaps_copied(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    parts = {index: np.ascontiguousarray(crop.apply(source.frame(index))) for index in dict.fromkeys(indices)}
    return torch.from_numpy(np.stack([parts[index] for index in indices])).permute(0, 3, 1, 2)


@read_window.mistake("repeated frames are read again", "Read each different frame once and fill all its positions.")
def _again_and_again(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    window = torch.empty((len(indices), 3, crop.height, crop.width), dtype=torch.uint8)
    for position, index in enumerate(indices):
        window[position] = torch.from_numpy(crop.apply(source.frame(index)).copy()).permute(2, 0, 1)
    return window


@read_window.mistake("the colour axis is still the last", "A tensor has the channels first: permute the axes.")
def _channels_last(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    return read_window_lazily(source, indices, crop).permute(0, 2, 3, 1)


@read_window.mistake(
    "reshape instead of permute",
    "reshape keeps the order of the numbers and only cuts them up anew: the colours are mixed up. Use permute.",
)
def _reshaped(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    window = read_window_lazily(source, indices, crop)
    return window.permute(0, 2, 3, 1).reshape(window.shape)


@read_window.mistake("converted to float already", "Bytes are four times smaller. Convert on the device, at the end.")
def _floats(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    return read_window_lazily(source, indices, crop).float() / 255


@read_window.mistake("the frames are sorted", "Fill the positions in the order in which they are asked for.")
def _sorted_frames(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    return read_window_lazily(source, sorted(indices), crop)


@read_window.mistake("repeated frames are left out", "The tensor has a picture for each of the T positions.")
def _only_different_frames(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    return read_window_lazily(source, list(dict.fromkeys(indices)), crop)


@read_window.mistake("the crop is not applied", "Keep the rows and columns of the crop only.")
def _whole_frames(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    return read_window_lazily(source, indices, Crop(0, 0, *source.size))


@read_window.mistake(
    "the crop's top and left are ignored", "The crop's first row is crop.top, its first column crop.left."
)
def _from_the_corner(source: FrameSource, indices: Sequence[int], crop: Crop) -> Tensor:
    return read_window_lazily(source, indices, Crop(0, 0, crop.height, crop.width))


# --- 04.5 bytes to floats ---


def _to_float(batch: Tensor, out: Tensor) -> Tensor:
    return out.copy_(batch).mul_(1 / 255)


def _convert(candidate: Callable[[Tensor, Tensor], Tensor], batch: Tensor, out: Tensor) -> dict[str, Any] | None:
    memory = out.data_ptr()
    returned = candidate(batch, out)
    if returned is None:
        return None
    same = (out.data_ptr(), returned.data_ptr() if isinstance(returned, Tensor) else None) == (memory, memory)
    return {"returned": returned, "out": out, "the memory is that of out": same}


def _bytes_and_buffers() -> list[Probe]:
    draw = torch.Generator().manual_seed(0)
    batches = {
        "a batch of two windows": ((2, 3, 3, 5, 7), 256, 7.0),
        "one frame": ((1, 3, 13, 29), 256, 7.0),
        "a dark frame": ((1, 3, 8, 9), 90, 7.0),
        "a buffer that holds NaN": ((2, 3, 4, 6), 256, float("nan")),
    }
    return [
        Probe(label, (torch.randint(0, top, shape, generator=draw, dtype=torch.uint8), torch.full(shape, before)))
        for label, (shape, top, before) in batches.items()
    ]


_SAME_MEMORY = "the result is written into the memory of out, whatever was there before, and out is what is returned"
_BATCH_KEPT = "the batch itself is not changed"

to_float = Exercise(
    "04.5",
    "to_float",
    _to_float,
    _bytes_and_buffers,
    contract=("returns the batch as float32: every number divided by 255", _SAME_MEMORY, _BATCH_KEPT),
    kind="faded",
    atol=1e-5,
    drive=_convert,
)


@to_float.prop(_SAME_MEMORY)
def _is_the_buffer(call: Call) -> str | None:
    if torch.equal(call.output["out"].nan_to_num(), call.probe.args[1].nan_to_num()):
        return "nothing was written into out"
    return None if call.output["the memory is that of out"] else "the result does not lie in the memory of out"


@to_float.prop(_BATCH_KEPT)
def _batch_is_kept(call: Call) -> str | None:
    return None if torch.equal(call.args[0], call.probe.args[0]) else "the batch has other values than before"


@to_float.mistake("a new tensor each time", "Write into out: its memory is there already, and warm.")
def _new_tensor(batch: Tensor, out: Tensor) -> Tensor:
    return batch.float() / 255


@to_float.mistake("divided by 256", "The largest byte is 255, and it becomes 1.")
def _by_256(batch: Tensor, out: Tensor) -> Tensor:
    return out.copy_(batch).div_(256)


@to_float.mistake("not divided", "Bytes go up to 255, models expect 0 to 1.")
def _undivided(batch: Tensor, out: Tensor) -> Tensor:
    return out.copy_(batch)


@to_float.mistake("divided as bytes", "Whole numbers have no decimals: copy to floats first, then divide.")
def _divided_as_bytes(batch: Tensor, out: Tensor) -> Tensor:
    return out.copy_(batch // 255)


@to_float.mistake("multiplied by 255", "255 becomes 1, so divide.")
def _multiplied(batch: Tensor, out: Tensor) -> Tensor:
    return out.copy_(batch).mul_(255)
