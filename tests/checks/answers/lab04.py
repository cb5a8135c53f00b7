"""Answers of students to the exercises of lab 04: right ones, and wrong ones with the reason in their docstring."""

import collections
import functools
import itertools
import math
from bisect import bisect, bisect_left, bisect_right

import cv2
import numpy as np
import torch
from PIL import Image, ImageFile
from torch.utils.data import ConcatDataset, Dataset

from lift_core.errors import FrameReadError


def relative_times_comprehension(indices, references):
    """The middle, the gap, a list."""
    first, second = references
    middle = (first + second) / 2
    return [(index - middle) / (second - first) for index in indices]


def relative_times_numpy(indices, references):
    """An array of all times at once."""
    first, second = references
    return (np.asarray(indices) - (first + second) / 2) / (second - first)


def relative_times_from_first(indices, references):
    """Gaps from the first reference, half a gap less."""
    first, second = references
    times = []
    for k in range(len(indices)):
        times.append((indices[k] - first) / (second - first) - 0.5)
    return times


def relative_times_two_distances(indices, references):
    """The mean of the distances to both references, as a tuple."""
    first, second = references
    return tuple(((i - first) + (i - second)) / 2 / (second - first) for i in indices)


def relative_times_torch(indices, references):
    """A tensor of doubles."""
    first, second = references
    numbers = torch.tensor([float(index) for index in indices], dtype=torch.float64)
    return numbers.sub(0.5 * (first + second)).div(second - first)


def relative_times_from_first_reference(indices, references):
    """Wrong: counted from the first reference, which lies at 0 instead of -0.5."""
    first, second = references
    return [(index - first) / (second - first) for index in indices]


def relative_times_whole_middle(indices, references):
    """Wrong: // loses the half when the gap is odd."""
    first, second = references
    middle = (first + second) // 2
    return [(index - middle) / (second - first) for index in indices]


def relative_times_gap_of_two(indices, references):
    """Wrong: the gap is always taken as two frames."""
    first, second = references
    middle = (first + second) / 2
    return [(index - middle) / 2 for index in indices]


def relative_times_middle_of_window(indices, references):
    """Wrong: the mean of all frames is not the references' middle when frames are repeated at an end."""
    first, second = references
    middle = sum(indices) / len(indices)
    return [(index - middle) / (second - first) for index in indices]


def relative_times_gap_of_neighbours(indices, references):
    """Wrong: the distance of the first two frames shown is not the gap; it is 0 where frame 0 is repeated."""
    first, second = references
    middle = (first + second) / 2
    gap = (indices[1] - indices[0]) or 1
    return [(index - middle) / gap for index in indices]


def relative_times_by_position(indices, references):
    """Wrong: from the position in the window, not from the frame that is shown there."""
    count = len(indices)
    return [position - (count - 1) / 2 for position in range(count)]


def relative_times_in_half_gaps(indices, references):
    """Wrong: counted in half gaps, the references lie at -1 and +1."""
    first, second = references
    middle = (first + second) / 2
    return [(index - middle) / ((second - first) / 2) for index in indices]


def relative_times_between_minus_and_plus_half(indices, references):
    """Wrong: interp does not go beyond the references, everything outside is -0.5 or 0.5."""
    return list(np.interp(indices, references, [-0.5, 0.5]))


def clamp_min_max(wanted, length):
    """max, then min, then compare."""
    shown = [min(max(number, 0), length - 1) for number in wanted]
    valid = [a == b for a, b in zip(shown, wanted, strict=True)]
    return shown, valid


def clamp_by_sorting(wanted, length):
    """The middle one of 0, the number and the last frame."""
    shown = [sorted([0, number, length - 1])[1] for number in wanted]
    return shown, [shown[k] == wanted[k] for k in range(len(wanted))]


def clamp_if_elif(wanted, length):
    """Three cases, two lists that grow."""
    frames = []
    flags = []
    for number in wanted:
        if number < 0:
            frames.append(0)
            flags.append(False)
        elif number >= length:
            frames.append(length - 1)
            flags.append(False)
        else:
            frames.append(number)
            flags.append(True)
    return frames, flags


def clamp_numpy(wanted, length):
    """np.clip, and back to lists."""
    numbers = np.array(list(wanted), dtype=int)
    shown = np.clip(numbers, 0, length - 1)
    return shown.tolist(), (shown == numbers).tolist()


def clamp_torch(wanted, length):
    """torch.clamp, and back to lists, as a list of two lists."""
    numbers = torch.tensor([int(number) for number in wanted], dtype=torch.int64)
    shown = numbers.clamp(min=0, max=length - 1)
    return [shown.tolist(), numbers.eq(shown).tolist()]


def clamp_to_length(wanted, length):
    """Wrong: off by one, the last frame is length - 1."""
    shown = [min(max(number, 0), length) for number in wanted]
    return shown, [a == b for a, b in zip(shown, wanted)]


def clamp_first_frame_not_valid(wanted, length):
    """Wrong: frame 0 is marked not valid even where it was asked for."""
    shown = [min(max(number, 0), length - 1) for number in wanted]
    return shown, [0 < number < length for number in wanted]


def clamp_start_only(wanted, length):
    """Wrong: leaves the end of the clip alone."""
    shown = [max(number, 0) for number in wanted]
    return shown, [a == b for a, b in zip(shown, wanted)]


def clamp_from_the_end(wanted, length):
    """Wrong: a negative number counts from the end, as in Python's lists."""
    frames = list(range(length))
    shown = [frames[number] if -length <= number < length else frames[-1] for number in wanted]
    return shown, [0 <= number < length for number in wanted]


def clamp_around(wanted, length):
    """Wrong: goes round to the other end."""
    shown = [number % length for number in wanted]
    return shown, [a == b for a, b in zip(shown, wanted)]


def clamp_mirror(wanted, length):
    """Wrong: mirrors at the ends instead of repeating the border frame."""
    shown = [abs(number) for number in wanted]
    shown = [number if number < length else 2 * (length - 1) - number for number in shown]
    return shown, [a == b for a, b in zip(shown, wanted)]


def clamp_same_list(wanted, length):
    """Wrong: changes the wanted list itself and then compares it with itself, so all are valid."""
    shown = wanted
    for position in range(len(wanted)):
        shown[position] = min(max(wanted[position], 0), length - 1)
    return shown, [a == b for a, b in zip(shown, wanted)]


def clamp_pairs_not_taken_apart(wanted, length):
    """Wrong: one list of pairs instead of two lists."""
    return [(min(max(number, 0), length - 1), 0 <= number < length) for number in wanted]


def legal_anchors_ranges(length, offsets, edge):
    """Two ranges."""
    gap = offsets[len(offsets) // 2]
    if edge == "require":
        return range(-offsets[0], length - offsets[-1])
    return range(length - gap)


def legal_anchors_tries_all(length, offsets, edge):
    """Tries each frame of the clip."""
    middle = len(offsets) // 2
    needed = list(offsets) if edge == "require" else [offsets[middle - 1], offsets[middle]]
    return [a for a in range(length) if all(0 <= a + offset < length for offset in needed)]


def legal_anchors_sets(length, offsets, edge):
    """Sets of frames, sorted at the end."""
    frames = set(range(length))
    legal = set(frames)
    used = offsets if edge == "require" else [0, offsets[len(offsets) // 2]]
    for offset in used:
        legal &= {frame - offset for frame in frames}
    return sorted(legal)


def legal_anchors_numpy(length, offsets, edge):
    """An array of all frames and a mask."""
    frames = np.arange(length)
    second = frames + offsets[len(offsets) // 2]
    mask = second <= length - 1
    if edge == "require":
        mask = mask & (frames + offsets[0] >= 0) & (frames + offsets[-1] <= length - 1)
    return frames[mask]


def legal_anchors_slice_of_all(length, offsets, edge):
    """Cuts a slice out of the list of all frames."""
    everything = list(range(length))
    gap = offsets[len(offsets) // 2]
    start, stop = 0, length - gap
    if edge == "require":
        start = abs(offsets[0])
        stop = length - offsets[-1]
    if stop <= start:
        return []
    return everything[start:stop]


def legal_anchors_one_too_few(length, offsets, edge):
    """Wrong: off by one, the last place is missing."""
    gap = offsets[len(offsets) // 2]
    if edge == "require":
        return range(-offsets[0], length - offsets[-1] - 1)
    return range(length - gap - 1)


def legal_anchors_clamp_every_frame(length, offsets, edge):
    """Wrong: with clamp every frame, also those whose second reference is behind the clip."""
    if edge == "require":
        return range(-offsets[0], length - offsets[-1])
    return range(length)


def legal_anchors_negative_ones(length, offsets, edge):
    """Wrong: require begins with negative frames."""
    gap = offsets[len(offsets) // 2]
    if edge == "require":
        return range(offsets[0], length - offsets[-1])
    return range(length - gap)


def legal_anchors_edge_ignored(length, offsets, edge):
    """Wrong: require is treated as clamp."""
    gap = offsets[len(offsets) // 2]
    return range(length - gap)


def legal_anchors_gap_of_two(length, offsets, edge):
    """Wrong: the gap is always taken as two frames."""
    if edge == "require":
        return range(-offsets[0], length - offsets[-1])
    return range(length - 2)


def legal_anchors_symmetric(length, offsets, edge):
    """Wrong: keeps as far from the end as from the start, but there are a reference and a gap more behind."""
    gap = offsets[len(offsets) // 2]
    if edge == "require":
        return range(-offsets[0], length + offsets[0])
    return range(length - gap)


def legal_anchors_negative_length(length, offsets, edge):
    """Wrong: a slice with a negative end serves clips that are too short; np.arange hides it elsewhere."""
    gap = offsets[len(offsets) // 2]
    everything = np.arange(length)
    if edge == "require":
        return everything[-offsets[0] : length - offsets[-1]]
    return everything[: length - gap]


def legal_anchors_raises_when_short(length, offsets, edge):
    """Wrong: raises an error for a clip that is too short instead of returning none."""
    gap = offsets[len(offsets) // 2]
    start, stop = (-offsets[0], length - offsets[-1]) if edge == "require" else (0, length - gap)
    if stop <= start:
        raise ValueError("the clip is too short")
    return range(start, stop)


def read_window_into_empty(source, indices, crop):
    """Room for all crops, each different frame read once and written to its positions."""
    result = torch.empty((len(indices), 3, crop.height, crop.width), dtype=torch.uint8)
    for number in set(indices):
        piece = torch.from_numpy(crop.apply(source.frame(number))).permute(2, 0, 1)
        for position, index in enumerate(indices):
            if index == number:
                result[position] = piece
    return result


def read_window_dictionary_of_copies(source, indices, crop):
    """Copies of the crops in a dictionary."""
    crops = {}
    for index in indices:
        if index not in crops:
            frame = source.frame(index)
            crops[index] = frame[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width].copy()
            del frame
    return torch.stack([torch.from_numpy(crops[index]).permute(2, 0, 1) for index in indices])


def read_window_cached_function(source, indices, crop):
    """functools.cache remembers the crops of this call."""

    @functools.cache
    def piece(index):
        return np.array(crop.apply(source.frame(index)).transpose(2, 0, 1), copy=True, order="C")

    return torch.from_numpy(np.stack([piece(index) for index in indices]))


def read_window_unique_with_inverse(source, indices, crop):
    """np.unique says which positions show which frame."""
    different, where = np.unique(np.asarray(indices), return_inverse=True)
    pieces = np.zeros((len(different), crop.height, crop.width, 3), np.uint8)
    for k, number in enumerate(different):
        pieces[k] = crop.apply(source.frame(int(number)))
    return torch.from_numpy(pieces[where.reshape(-1)]).movedim(-1, 1)


def read_window_positions_of_each(source, indices, crop):
    """A list of positions for each frame, read backwards."""
    places = collections.defaultdict(list)
    for position, index in enumerate(indices):
        places[index].append(position)
    result = torch.zeros(len(indices), 3, crop.height, crop.width).byte()
    for index in sorted(places, reverse=True):
        small = crop.apply(source.frame(index))
        for c in range(3):
            result[places[index], c] = torch.tensor(small[:, :, c])
        small = None
    return result


def read_window_slices_kept(source, indices, crop):
    """Wrong: slices keep all whole frames in memory until they are stacked."""
    views = {}
    for index in indices:
        if index not in views:
            views[index] = crop.apply(source.frame(index))
    return torch.from_numpy(np.stack([views[index] for index in indices])).permute(0, 3, 1, 2).contiguous()


def read_window_reads_repeats(source, indices, crop):
    """Wrong: reads a repeated frame again."""
    result = torch.empty(len(indices), 3, crop.height, crop.width, dtype=torch.uint8)
    for position, index in enumerate(indices):
        result[position] = torch.from_numpy(crop.apply(source.frame(index))).permute(2, 0, 1)
    return result


def read_window_only_neighbours_compared(source, indices, crop):
    """Wrong: notices a repeat only if it follows at once; 5, 2, 5 reads frame 5 twice."""
    result = torch.empty(len(indices), 3, crop.height, crop.width, dtype=torch.uint8)
    for position, index in enumerate(indices):
        if position > 0 and index == indices[position - 1]:
            result[position] = result[position - 1]
        else:
            result[position] = torch.from_numpy(crop.apply(source.frame(index))).permute(2, 0, 1)
    return result


def read_window_sorted(source, indices, crop):
    """Wrong: in the order of time instead of the order of indices."""
    result = torch.empty(len(indices), 3, crop.height, crop.width, dtype=torch.uint8)
    last = None
    for position, index in enumerate(sorted(indices)):
        if index == last:
            result[position] = result[position - 1]
        else:
            result[position] = torch.from_numpy(crop.apply(source.frame(index))).permute(2, 0, 1)
        last = index
    return result


def read_window_colours_last(source, indices, crop):
    """Wrong: [T, height, width, 3]."""
    result = torch.empty(len(indices), crop.height, crop.width, 3, dtype=torch.uint8)
    for index in set(indices):
        piece = torch.from_numpy(crop.apply(source.frame(index)))
        for position in range(len(indices)):
            if indices[position] == index:
                result[position] = piece
    return result


def read_window_slice_to_height(source, indices, crop):
    """Wrong: rows from top to height instead of top + height; right only in the corner."""
    crops = {}
    for index in indices:
        if index not in crops:
            frame = source.frame(index)
            crops[index] = frame[crop.top : crop.height, crop.left : crop.width].copy()
    return torch.stack([torch.from_numpy(crops[index]).permute(2, 0, 1) for index in indices])


def read_window_not_cropped(source, indices, crop):
    """Wrong: whole frames, shrunk to the size of the crop."""
    pieces = {}
    for index in indices:
        if index not in pieces:
            pieces[index] = cv2.resize(source.frame(index), (crop.width, crop.height))
    return torch.stack([torch.from_numpy(pieces[index]).permute(2, 0, 1) for index in indices])


def read_window_three_at_a_time(source, indices, crop):
    """Wrong: reads ahead, three whole frames are in memory."""
    numbers = list(dict.fromkeys(indices))
    crops = {}
    for start in range(0, len(numbers), 3):
        group = numbers[start : start + 3]
        frames = [source.frame(number) for number in group]
        for number, frame in zip(group, frames, strict=True):
            crops[number] = crop.apply(frame).copy()
        del frames, frame
    return torch.stack([torch.from_numpy(crops[index]).permute(2, 0, 1) for index in indices])


def to_float_copy_then_scale(batch, out):
    """copy_ and div_."""
    return out.copy_(batch).div_(255)


def to_float_torch_div(batch, out):
    """torch.div with out."""
    return torch.div(batch, 255, out=out)


def to_float_slice_assignment(batch, out):
    """Assignment into the buffer, then an augmented division."""
    out[...] = batch
    out /= 255.0
    return out


def to_float_numpy_views(batch, out):
    """numpy divides into the memory of the buffer."""
    np.divide(batch.numpy(), np.float32(255), out=out.numpy(), dtype=np.float32)
    return out


def to_float_sample_by_sample(batch, out):
    """A loop over the first axis."""
    for position in range(len(batch)):
        out[position].copy_(batch[position])
        out[position].mul_(1 / 255)
    return out


def to_float_new_tensor(batch, out):
    """Wrong: a new tensor, out is not touched."""
    return batch.float().div_(255)


def to_float_returns_nothing(batch, out):
    """Wrong: return is missing."""
    out.copy_(batch)
    out.div_(255)


def to_float_bytes_divided_in_place(batch, out):
    """Wrong: div_ on bytes raises, a byte cannot hold the result."""
    batch.div_(255)
    return out.copy_(batch)


def to_float_new_memory_behind_out(batch, out):
    """Wrong: out gets other memory, nothing is written into the buffer that was kept."""
    out.data = batch.float().div_(255)
    return out


def to_float_set(batch, out):
    """Wrong: set_ exchanges the memory behind out."""
    return out.set_(batch.float().div_(255))


def to_float_cleared_by_product(batch, out):
    """Wrong: 0 times nan is nan, so old memory shines through now and then."""
    return out.mul_(0).add_(batch, alpha=1 / 255)


def to_float_first_sample_only(batch, out):
    """Wrong: writes the first sample only, into all places."""
    out[:] = batch[0]
    return out.div_(255)


def to_float_own_maximum(batch, out):
    """Wrong: divides by the batch's brightest value."""
    out.copy_(batch)
    return out.div_(out.max())


class LazyFramesClipByClip(Dataset):
    """Goes from clip to clip; one read for the window and the hidden frame."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self):
        return sum(len(anchors) for anchors in self.anchors)

    def locate(self, index):
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(anchors[index])
            index -= len(anchors)
        raise IndexError("no such sample")

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        read = source.frames([*shown.indices, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }


class LazyFramesFlatList(Dataset):
    """A flat list of places, made when the data set is made."""

    def __init__(self, sources, window, crop):
        self.window = window
        self.crop = crop
        self.places = []
        for source in sources:
            for anchor in window.anchors(len(source)):
                self.places.append((source, int(anchor)))

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        source, anchor = self.places[index]
        w = self.window.at(anchor, len(source))
        context = source.frames(list(w.indices), crop=self.crop)
        hidden = source.frames([w.target], crop=self.crop)[0]
        sample = {}
        sample["frames"] = torch.from_numpy(np.ascontiguousarray(context.transpose(0, 3, 1, 2)))
        sample["gt"] = torch.from_numpy(np.ascontiguousarray(hidden.transpose(2, 0, 1)))
        sample["timestep"] = float(w.timestep)
        sample["times"] = torch.tensor(list(w.times), dtype=torch.float32)
        sample["valid"] = torch.tensor(list(w.valid), dtype=torch.bool)
        sample["key"] = source.name + "@" + str(anchor)
        return sample


class LazyFramesConcat(ConcatDataset):
    """A small data set for each clip; torch puts them one after the other."""

    class OneClip(Dataset):
        def __init__(self, source, window, crop):
            self.source, self.window, self.crop = source, window, crop
            self.legal = window.anchors(len(source)).tolist()

        def __len__(self):
            return len(self.legal)

        def __getitem__(self, index):
            anchor = self.legal[index]
            at = self.window.at(anchor, len(self.source))
            arrays = self.source.frames(list(at.indices) + [at.target], crop=self.crop)
            *context, hidden = (torch.tensor(array).permute(2, 0, 1) for array in arrays)
            return dict(
                frames=torch.stack(context),
                gt=hidden,
                timestep=at.timestep,
                times=torch.tensor(at.times),
                valid=torch.tensor(at.valid),
                key=f"{self.source.name}@{anchor}",
            )

    def __init__(self, sources, window, crop):
        super().__init__([self.OneClip(source, window, crop) for source in sources])


class LazyFramesBisect(Dataset):
    """Running totals and bisect; each different frame once, put in place afterwards."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]
        self.ends = list(itertools.accumulate(len(anchors) for anchors in self.anchors))

    def __len__(self):
        return self.ends[-1] if self.ends else 0

    def locate(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        clip = bisect_right(self.ends, index)
        start = self.ends[clip - 1] if clip else 0
        return self.sources[clip], self.anchors[clip][index - start]

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        different = sorted({*shown.indices, shown.target})
        pieces = source.frames(different, crop=self.crop)
        order = [different.index(number) for number in shown.indices]
        return {
            "frames": torch.as_tensor(pieces[order]).movedim(3, 1).contiguous(),
            "gt": torch.as_tensor(pieces[different.index(shown.target)].copy()).movedim(2, 0),
            "timestep": shown.timestep,
            "times": torch.as_tensor(shown.times, dtype=torch.float32),
            "valid": torch.as_tensor(shown.valid),
            "key": "@".join([source.name, str(int(anchor))]),
        }


class LazyFramesCumsum(Dataset):
    """numpy finds the clip; the result is filled position by position."""

    def __init__(self, sources, window, crop):
        self.clips = list(sources)
        self.pattern = window
        self.rectangle = crop
        self.counts = np.array([len(window.anchors(len(clip))) for clip in self.clips], dtype=np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.counts)])

    def __len__(self):
        return int(self.counts.sum())

    def __getitem__(self, number):
        number = range(len(self))[number]
        which = int(np.searchsorted(self.starts, number, side="right")) - 1
        clip = self.clips[which]
        anchor = int(self.pattern.anchors(len(clip))[number - self.starts[which]])
        frames = self.pattern.at(anchor, len(clip))
        raw = clip.frames(list(frames.indices) + [frames.target], crop=self.rectangle)
        count = len(frames.indices)
        stack = torch.empty(count, 3, self.rectangle.height, self.rectangle.width, dtype=torch.uint8)
        for position in range(count):
            stack[position] = torch.from_numpy(raw[position]).permute(2, 0, 1)
        return {
            "key": f"{clip.name}@{anchor}",
            "frames": stack,
            "gt": torch.from_numpy(raw[count]).permute(2, 0, 1).clone(),
            "times": torch.tensor([float(time) for time in frames.times]),
            "valid": torch.tensor([bool(flag) for flag in frames.valid]),
            "timestep": frames.timestep,
        }


class LazyFramesLengthIsClips(Dataset):
    """Wrong: the length is the number of clips."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self):
        return len(self.sources)

    def locate(self, index):
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(anchors[index])
            index -= len(anchors)
        raise IndexError("no such sample")

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        read = source.frames([*shown.indices, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }


class LazyFramesEqualLengths(Dataset):
    """Wrong: takes all clips as long as the first."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self):
        return sum(len(anchors) for anchors in self.anchors)

    def locate(self, index):
        if index >= len(self):
            raise IndexError("no such sample")
        each = len(self.anchors[0])
        clip = min(index // each, len(self.sources) - 1)
        anchors = self.anchors[clip]
        return self.sources[clip], int(anchors[(index % each) % len(anchors)])

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        read = source.frames([*shown.indices, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }


class LazyFramesNumberAsAnchor(Dataset):
    """Wrong: the number in the clip is taken as the anchor; right as long as the anchors begin with 0."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self):
        return sum(len(anchors) for anchors in self.anchors)

    def locate(self, index):
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(index)
            index -= len(anchors)
        raise IndexError("no such sample")

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        read = source.frames([*shown.indices, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }


class LazyFramesLengthByReading(Dataset):
    """Wrong: counts samples by making them, so len reads frames."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self):
        count = 0
        for _ in self:
            count += 1
        return count

    def locate(self, index):
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(anchors[index])
            index -= len(anchors)
        raise IndexError("no such sample")

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        read = source.frames([*shown.indices, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }


class LazyFramesDifferentOnly(Dataset):
    """Wrong: a repeated frame appears once, so frames is shorter at the ends."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self):
        return sum(len(anchors) for anchors in self.anchors)

    def locate(self, index):
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(anchors[index])
            index -= len(anchors)
        raise IndexError("no such sample")

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        different = sorted(set(shown.indices))
        read = source.frames([*different, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }


class LazyFramesTimesAsTuples(Dataset):
    """Wrong: times and valid are tuples, not tensors."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self):
        return sum(len(anchors) for anchors in self.anchors)

    def locate(self, index):
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(anchors[index])
            index -= len(anchors)
        raise IndexError("no such sample")

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        read = source.frames([*shown.indices, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": shown.times,
            "valid": shown.valid,
            "key": f"{source.name}@{anchor}",
        }


class LazyFramesTimestepHalf(Dataset):
    """Wrong: timestep is always 0.5, which is right for stride 2 only."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(source)) for source in sources]

    def __len__(self):
        return sum(len(anchors) for anchors in self.anchors)

    def locate(self, index):
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(anchors[index])
            index -= len(anchors)
        raise IndexError("no such sample")

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        read = source.frames([*shown.indices, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": 0.5,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }


class LazyFramesOneListForAll(Dataset):
    """Wrong: the anchors of the first clip are used for all clips."""

    def __init__(self, sources, window, crop):
        self.sources, self.window, self.crop = sources, window, crop
        self.anchors = [window.anchors(len(sources[0])) for source in sources]

    def __len__(self):
        return sum(len(anchors) for anchors in self.anchors)

    def locate(self, index):
        for source, anchors in zip(self.sources, self.anchors, strict=True):
            if index < len(anchors):
                return source, int(anchors[index])
            index -= len(anchors)
        raise IndexError("no such sample")

    def __getitem__(self, index):
        source, anchor = self.locate(index)
        shown = self.window.at(anchor, len(source))
        read = source.frames([*shown.indices, shown.target], crop=self.crop)
        pictures = torch.from_numpy(read).permute(0, 3, 1, 2)
        return {
            "frames": pictures[:-1],
            "gt": pictures[-1],
            "timestep": shown.timestep,
            "times": torch.tensor(shown.times),
            "valid": torch.tensor(shown.valid),
            "key": f"{source.name}@{anchor}",
        }


def load_frame_pil(path, size):
    """PIL inside a try, the size afterwards."""
    try:
        frame = np.array(Image.open(path).convert("RGB"))
    except OSError as error:
        raise FrameReadError(f"cannot be read: {error}", where=path, fix="Copy the file again.") from error
    if frame.shape[:2] != tuple(size):
        raise FrameReadError(f"is {frame.shape[:2]}, not {tuple(size)}", where=path, fix="Resize it or leave it out.")
    return frame


def load_frame_checks_one_by_one(path, size):
    """Asks first whether the file is there, then for its size, then for its pixels."""
    height, width = size
    if not path.exists():
        raise FrameReadError("there is no such file", where=path)
    try:
        with Image.open(path) as picture:
            if picture.height != height or picture.width != width:
                raise FrameReadError("the frame has another size", where=path)
            picture.load()
            return np.asarray(picture.convert("RGB"), dtype=np.uint8).copy()
    except OSError:
        raise FrameReadError("the file is damaged", where=path) from None


def load_frame_imdecode(path, size):
    """OpenCV decodes bytes from memory and gives None when they do not suffice."""
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except FileNotFoundError:
        raise FrameReadError(f"{path} is missing") from None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise FrameReadError(f"{path} is damaged or cut off")
    if image.shape != (size[0], size[1], 3):
        raise FrameReadError(f"{path} is {image.shape[0]} x {image.shape[1]}, expected {size[0]} x {size[1]}")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def load_frame_end_marker(path, size):
    """Looks for the end marker of the file before OpenCV reads it."""
    if not path.is_file():
        raise FrameReadError("no file", where=str(path))
    data = path.read_bytes()
    jpeg = data[:2] == b"\xff\xd8" and data.rstrip(b"\x00")[-2:] == b"\xff\xd9"
    png = data[:8] == b"\x89PNG\r\n\x1a\n" and data[-8:-4] == b"IEND"
    if not jpeg and not png:
        raise FrameReadError("the end of the file is missing", where=str(path))
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FrameReadError("the file cannot be decoded", where=str(path))
    if list(bgr.shape[:2]) != list(size):
        raise FrameReadError("wrong size", where=str(path))
    return np.ascontiguousarray(bgr[:, :, ::-1])


def load_frame_parser(path, size):
    """PIL's parser is fed with the bytes; close complains if some are missing."""
    parser = ImageFile.Parser()
    try:
        with open(path, "rb") as file:
            parser.feed(file.read())
        picture = parser.close()
        frame = np.array(picture.convert("RGB"))
    except Exception as problem:
        raise FrameReadError("no whole frame in this file", where=path.name, fix=str(problem)) from problem
    if picture.size != (size[1], size[0]):
        raise FrameReadError(f"{picture.size[1]} rows and {picture.size[0]} columns", where=path.name)
    return frame


def load_frame_imread(path, size):
    """Wrong: cv2.imread fills a truncated JPEG with grey and says nothing."""
    image = cv2.imread(str(path))
    if image is None:
        raise FrameReadError("cannot be read", where=path)
    if image.shape[:2] != tuple(size):
        raise FrameReadError("wrong size", where=path)
    return image[:, :, ::-1].copy()


def load_frame_height_only(path, size):
    """Wrong: compares the height only."""
    try:
        frame = np.array(Image.open(path).convert("RGB"))
    except OSError as error:
        raise FrameReadError("cannot be read", where=path) from error
    if len(frame) != size[0]:
        raise FrameReadError("wrong size", where=path)
    return frame


def load_frame_width_only(path, size):
    """Wrong: compares the width only; a frame with one row more passes."""
    try:
        frame = np.array(Image.open(path).convert("RGB"))
    except OSError as error:
        raise FrameReadError("cannot be read", where=path) from error
    if frame.shape[1] != size[1]:
        raise FrameReadError("wrong size", where=path)
    return frame


def load_frame_both_must_differ(path, size):
    """Wrong: and instead of or; refuses only if height and width both differ."""
    try:
        frame = np.array(Image.open(path).convert("RGB"))
    except OSError as error:
        raise FrameReadError("cannot be read", where=path) from error
    if frame.shape[0] != size[0] and frame.shape[1] != size[1]:
        raise FrameReadError("wrong size", where=path)
    return frame


def load_frame_number_of_pixels(path, size):
    """Wrong: compares the number of pixels; a frame turned by 90 degrees passes."""
    try:
        frame = np.array(Image.open(path).convert("RGB"))
    except OSError as error:
        raise FrameReadError("cannot be read", where=path) from error
    if frame.shape[0] * frame.shape[1] != size[0] * size[1]:
        raise FrameReadError("wrong size", where=path)
    return frame


def load_frame_cuts_off(path, size):
    """Wrong: cuts what is too much off; the odd-sized frame passes in silence."""
    try:
        frame = np.array(Image.open(path).convert("RGB"))
    except OSError as error:
        raise FrameReadError("cannot be read", where=path) from error
    frame = frame[: size[0], : size[1]]
    if frame.shape[:2] != tuple(size):
        raise FrameReadError("wrong size", where=path)
    return frame


def load_frame_size_error_without_name(path, size):
    """Wrong: the error about the size does not name the file."""
    try:
        frame = np.array(Image.open(path).convert("RGB"))
    except OSError as error:
        raise FrameReadError("cannot be read", where=path) from error
    if frame.shape[:2] != tuple(size):
        raise FrameReadError(f"size {frame.shape[:2]} instead of {size}")
    return frame


def load_frame_grey_last_row(path, size):
    """Wrong: a last row of one colour is taken for truncation; sound dark frames are refused, small losses pass."""
    image = cv2.imread(str(path))
    if image is None:
        raise FrameReadError("cannot be read", where=path)
    if image.shape[:2] != tuple(size) or (image[-1] == image[-1, -1]).all():
        raise FrameReadError("truncated or of another size", where=path)
    return image[:, :, ::-1].copy()


def within_shot_counts_cuts(indices, valid, cuts, anchor):
    """The number of a shot is the number of cuts at or before."""

    def shot(frame):
        return sum(cut <= frame for cut in cuts)

    return [flag and shot(index) == shot(anchor) for index, flag in zip(indices, valid, strict=True)]


def within_shot_bisect(indices, valid, cuts, anchor):
    """bisect counts the cuts."""
    ordered = sorted(cuts)
    home = bisect(ordered, anchor)
    flags = []
    for position in range(len(indices)):
        if not valid[position]:
            flags.append(False)
        else:
            flags.append(bisect_right(ordered, indices[position]) == home)
    return flags


def within_shot_searchsorted(indices, valid, cuts, anchor):
    """numpy counts them; an array of flags."""
    borders = np.sort(np.array(list(cuts), dtype=np.int64))
    shots = np.searchsorted(borders, np.array(list(indices)), side="right")
    home = np.searchsorted(borders, anchor, side="right")
    return np.array(list(valid), dtype=bool) & (shots == home)


def within_shot_start_and_end(indices, valid, cuts, anchor):
    """Where the anchor's shot begins and where the next one does."""
    start = max([cut for cut in cuts if cut <= anchor], default=-math.inf)
    end = min([cut for cut in cuts if cut > anchor], default=math.inf)
    return [bool(flag) and start <= index < end for index, flag in zip(indices, valid)]


def within_shot_no_cut_between(indices, valid, cuts, anchor):
    """A frame is of another shot if some cut lies between it and the anchor."""
    result = list(valid)
    for position, index in enumerate(indices):
        low, high = min(index, anchor), max(index, anchor)
        for cut in cuts:
            if low < cut <= high:
                result[position] = False
    return result


def within_shot_bisect_left(indices, valid, cuts, anchor):
    """Wrong: the frame with a cut's number is counted to the old shot."""
    return [flag and bisect_left(cuts, i) == bisect_left(cuts, anchor) for i, flag in zip(indices, valid)]


def within_shot_later_cuts_only(indices, valid, cuts, anchor):
    """Wrong: looks behind the anchor only; a cut before it is overlooked."""
    end = min([cut for cut in cuts if cut > anchor], default=math.inf)
    return [flag and i < end for i, flag in zip(indices, valid)]


def within_shot_one_cut_assumed(indices, valid, cuts, anchor):
    """Wrong: takes the first cut only; right for clips with one cut or none."""
    if len(cuts) == 0:
        return list(valid)
    return [flag and (i >= cuts[0]) == (anchor >= cuts[0]) for i, flag in zip(indices, valid)]


def within_shot_odd_or_even(indices, valid, cuts, anchor):
    """Wrong: each cut turns a flag round, so two cuts cancel out."""
    result = []
    for i, flag in zip(indices, valid):
        same = True
        for cut in cuts:
            if (i >= cut) != (anchor >= cut):
                same = not same
        result.append(flag and same)
    return result


def within_shot_drops(indices, valid, cuts, anchor):
    """Wrong: leaves the frames of other shots out, so there are too few flags."""
    home = bisect_right(cuts, anchor)
    return [flag for i, flag in zip(indices, valid) if bisect_right(cuts, i) == home]


def within_shot_cut_frame_belongs_to_none(indices, valid, cuts, anchor):
    """Wrong: the frame with a cut's number belongs to no shot."""
    home = bisect_right(cuts, anchor)
    return [flag and i not in cuts and bisect_right(cuts, i) == home for i, flag in zip(indices, valid)]


def within_shot_strictly_between(indices, valid, cuts, anchor):
    """Wrong: low < cut < high; a frame that is itself the first of the next shot passes."""
    result = []
    for i, flag in zip(indices, valid):
        low, high = min(i, anchor), max(i, anchor)
        result.append(flag and not any(low < cut < high for cut in cuts))
    return result


def within_shot_both_borders(indices, valid, cuts, anchor):
    """Wrong: low <= cut <= high; an anchor that begins a shot is refused itself."""
    result = []
    for i, flag in zip(indices, valid):
        low, high = min(i, anchor), max(i, anchor)
        result.append(flag and not any(low <= cut <= high for cut in cuts))
    return result


RIGHT = {
    "04.1": [
        relative_times_comprehension,
        relative_times_numpy,
        relative_times_from_first,
        relative_times_two_distances,
        relative_times_torch,
    ],
    "04.2": [clamp_min_max, clamp_by_sorting, clamp_if_elif, clamp_numpy, clamp_torch],
    "04.3": [
        legal_anchors_ranges,
        legal_anchors_tries_all,
        legal_anchors_sets,
        legal_anchors_numpy,
        legal_anchors_slice_of_all,
    ],
    "04.4": [
        read_window_into_empty,
        read_window_dictionary_of_copies,
        read_window_cached_function,
        read_window_unique_with_inverse,
        read_window_positions_of_each,
    ],
    "04.5": [
        to_float_copy_then_scale,
        to_float_torch_div,
        to_float_slice_assignment,
        to_float_numpy_views,
        to_float_sample_by_sample,
    ],
    "04.6": [LazyFramesClipByClip, LazyFramesFlatList, LazyFramesConcat, LazyFramesBisect, LazyFramesCumsum],
    "04.7": [
        load_frame_pil,
        load_frame_checks_one_by_one,
        load_frame_imdecode,
        load_frame_end_marker,
        load_frame_parser,
    ],
    "04.8": [
        within_shot_counts_cuts,
        within_shot_bisect,
        within_shot_searchsorted,
        within_shot_start_and_end,
        within_shot_no_cut_between,
    ],
}


WRONG = {
    "04.1": [
        relative_times_from_first_reference,
        relative_times_whole_middle,
        relative_times_gap_of_two,
        relative_times_middle_of_window,
        relative_times_gap_of_neighbours,
        relative_times_by_position,
        relative_times_in_half_gaps,
        relative_times_between_minus_and_plus_half,
    ],
    "04.2": [
        clamp_to_length,
        clamp_first_frame_not_valid,
        clamp_start_only,
        clamp_from_the_end,
        clamp_around,
        clamp_mirror,
        clamp_same_list,
        clamp_pairs_not_taken_apart,
    ],
    "04.3": [
        legal_anchors_one_too_few,
        legal_anchors_clamp_every_frame,
        legal_anchors_negative_ones,
        legal_anchors_edge_ignored,
        legal_anchors_gap_of_two,
        legal_anchors_symmetric,
        legal_anchors_negative_length,
        legal_anchors_raises_when_short,
    ],
    "04.4": [
        read_window_slices_kept,
        read_window_reads_repeats,
        read_window_only_neighbours_compared,
        read_window_sorted,
        read_window_colours_last,
        read_window_slice_to_height,
        read_window_not_cropped,
        read_window_three_at_a_time,
    ],
    "04.5": [
        to_float_new_tensor,
        to_float_returns_nothing,
        to_float_bytes_divided_in_place,
        to_float_new_memory_behind_out,
        to_float_set,
        to_float_cleared_by_product,
        to_float_first_sample_only,
        to_float_own_maximum,
    ],
    "04.6": [
        LazyFramesLengthIsClips,
        LazyFramesEqualLengths,
        LazyFramesNumberAsAnchor,
        LazyFramesLengthByReading,
        LazyFramesDifferentOnly,
        LazyFramesTimesAsTuples,
        LazyFramesTimestepHalf,
        LazyFramesOneListForAll,
    ],
    "04.7": [
        load_frame_imread,
        load_frame_height_only,
        load_frame_width_only,
        load_frame_both_must_differ,
        load_frame_number_of_pixels,
        load_frame_cuts_off,
        load_frame_size_error_without_name,
        load_frame_grey_last_row,
    ],
    "04.8": [
        within_shot_bisect_left,
        within_shot_later_cuts_only,
        within_shot_one_cut_assumed,
        within_shot_odd_or_even,
        within_shot_drops,
        within_shot_cut_frame_belongs_to_none,
        within_shot_strictly_between,
        within_shot_both_borders,
    ],
}
