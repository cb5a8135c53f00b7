"""Lab 04: the exercises on which frames make a window: times, clamping, anchors, shots."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from lift_core.checks.exercise import Exercise, Probe

# --- 04.1 relative times ---


def _relative_times(indices: Sequence[int], references: tuple[int, int]) -> list[float]:
    middle, gap = sum(references) / 2, references[1] - references[0]
    return [(index - middle) / gap for index in indices]


relative_times = Exercise(
    "04.1",
    "relative_times",
    _relative_times,
    lambda: [
        Probe("frames 2 to 12 with references 6 and 8", ([2, 4, 6, 8, 10, 12], (6, 8))),
        Probe("a window at a clip's start", ([0, 0, 0, 1, 2, 3], (0, 1))),
        Probe("a window of stride 2 at a clip's start", ([0, 0, 0, 2, 4, 6], (0, 2))),
        Probe("references 4 frames apart", ([1, 5, 9, 13], (5, 9))),
    ],
    contract=(
        "returns one number for each frame: how far it lies after the middle of the two references, negative if before,"
        " in units of their gap",
    ),
    kind="faded",
)


@relative_times.mistake("counted from the first reference", "Time 0 is the middle between the two references.")
def _from_the_first(indices: Sequence[int], references: tuple[int, int]) -> list[float]:
    return [(index - references[0]) / (references[1] - references[0]) for index in indices]


@relative_times.mistake("counted in frames", "The unit is the gap between the references: divide by it.")
def _in_frames(indices: Sequence[int], references: tuple[int, int]) -> list[float]:
    return [index - sum(references) / 2 for index in indices]


@relative_times.mistake("the sign is turned round", "A frame before the middle has a negative time.")
def _backwards(indices: Sequence[int], references: tuple[int, int]) -> list[float]:
    return [-time for time in _relative_times(indices, references)]


@relative_times.mistake("halved, not taken from the middle", "The middle of a and b is (a + b) / 2.")
def _half_a_gap_off(indices: Sequence[int], references: tuple[int, int]) -> list[float]:
    gap = references[1] - references[0]
    return [(index - gap / 2) / gap for index in indices]


# --- 04.2 clamp ---


def _clamp(wanted: Sequence[int], length: int) -> tuple[list[int], list[bool]]:
    indices = [min(max(index, 0), length - 1) for index in wanted]
    return indices, [index == asked for index, asked in zip(indices, wanted, strict=True)]


def _clamp_by_name(candidate: Callable[..., Any], wanted: Sequence[int], length: int) -> Any:
    answer = candidate(wanted, length)
    if answer is None:
        return None
    is_pair = isinstance(answer, tuple | list) and len(answer) == 2
    return dict(zip(("the frames to show", "valid"), answer if is_pair else (answer, None), strict=True))


clamp = Exercise(
    "04.2",
    "clamp",
    _clamp,
    lambda: [
        Probe("a window in the middle", ([2, 4, 6, 8, 10, 12], 17)),
        Probe("a window at the start", ([-4, -2, 0, 2, 4, 6], 17)),
        Probe("a window at the end", ([10, 12, 14, 16, 18, 20], 17)),
        Probe("a clip shorter than the window", ([-3, -1, 1, 3, 5, 7], 4)),
        Probe("a window that begins 20 frames before a clip of 3", ([-20, -1, 0, 1, 2, 3], 3)),
    ],
    contract=(
        "returns two lists with one entry for each wanted frame: the frames to show, and True or False for valid",
        "a frame that the clip does not have is replaced, before the start by frame 0, after the end by the last frame;"
        " it is not valid",
        "a frame that the clip has stays as it is and is valid, frame 0 and the last frame too",
    ),
    drive=_clamp_by_name,
)


@clamp.mistake("counted from the wrong end", "In Python -2 means the last but one. Here it lies before the clip.")
def _wrapped(wanted: Sequence[int], length: int) -> tuple[list[int], list[bool]]:
    return [index % length for index in wanted], [0 <= index < length for index in wanted]


@clamp.mistake("one frame too far", "A clip of 17 frames ends with frame 16.")
def _too_far(wanted: Sequence[int], length: int) -> tuple[list[int], list[bool]]:
    indices = [min(max(index, 0), length) for index in wanted]
    return indices, [index == asked for index, asked in zip(indices, wanted, strict=True)]


@clamp.mistake("all frames are valid", "A repeated border frame is a copy: the model must be told to ignore it.")
def _all_valid(wanted: Sequence[int], length: int) -> tuple[list[int], list[bool]]:
    return _clamp(wanted, length)[0], [True] * len(wanted)


@clamp.mistake("valid and not valid are exchanged", "True means that the frame is real.")
def _exchanged(wanted: Sequence[int], length: int) -> tuple[list[int], list[bool]]:
    indices, valid = _clamp(wanted, length)
    return indices, [not flag for flag in valid]


@clamp.mistake(
    "the border frame itself is not valid",
    "Frame 0 and the last frame are real where the window asks for them. Compare with the frame asked for.",
)
def _border_refused(wanted: Sequence[int], length: int) -> tuple[list[int], list[bool]]:
    indices = _clamp(wanted, length)[0]
    return indices, [0 < index < length - 1 for index in indices]


@clamp.mistake("frames outside are left out", "A window always has T positions: repeat the border frame instead.")
def _left_out(wanted: Sequence[int], length: int) -> tuple[list[int], list[bool]]:
    inside = [index for index in wanted if 0 <= index < length]
    return inside, [True] * len(inside)


@clamp.mistake("mirrored at the border", "Repeat the border frame; do not walk back into the clip.")
def _mirrored(wanted: Sequence[int], length: int) -> tuple[list[int], list[bool]]:
    period = max(2 * (length - 1), 1)
    folded = [min(index % period, period - index % period) for index in wanted]
    return folded, [0 <= index < length for index in wanted]


# --- 04.3 legal anchors ---


def _legal_anchors(length: int, offsets: Sequence[int], edge: str) -> range:
    if edge == "require":
        return range(-offsets[0], length - offsets[-1])
    return range(length - offsets[len(offsets) // 2])


_SIX = (-4, -2, 0, 2, 4, 6)
_FOUR = (-3, 0, 3, 6)
_NEIGHBOURS = (-2, -1, 0, 2, 3, 4)

legal_anchors = Exercise(
    "04.3",
    "legal_anchors",
    _legal_anchors,
    lambda: [
        Probe("a clip of 17 frames, edge clamp", (17, _SIX, "clamp")),
        Probe("a clip of 17 frames, edge require", (17, _SIX, "require")),
        Probe("a clip of 10 frames at stride 3, edge clamp", (10, _FOUR, "clamp")),
        Probe("a clip of 10 frames at stride 3, edge require", (10, _FOUR, "require")),
        Probe("a clip of 11 frames that one whole window fits, edge require", (11, _SIX, "require")),
        Probe("a clip of 10 frames that no whole window fits, edge require", (10, _SIX, "require")),
        Probe("a clip of 2 frames, too short for the references, edge clamp", (2, _SIX, "clamp")),
        Probe("a clip of 2 frames at stride 3, edge clamp", (2, _FOUR, "clamp")),
        Probe("a clip of 12 frames and neighbouring frames, edge clamp", (12, _NEIGHBOURS, "clamp")),
        Probe("a clip of 12 frames and neighbouring frames, edge require", (12, _NEIGHBOURS, "require")),
    ],
    contract=(
        "returns the numbers of all frames that can be the first reference, in order, as a range or a list; none for a"
        " clip that is too short",
        'with edge "clamp" both references are frames of the clip, which has the frames 0 to length - 1',
        'with edge "require" every frame of the window is a frame of the clip',
    ),
    kind="faded",
)


@legal_anchors.mistake("one anchor too many", "The last frame of a clip is length - 1, and range leaves out its end.")
def _one_too_many(length: int, offsets: Sequence[int], edge: str) -> range:
    return range(_legal_anchors(length, offsets, edge).start, _legal_anchors(length, offsets, edge).stop + 1)


@legal_anchors.mistake("one anchor too few", "range leaves out its end already: do not subtract one more.")
def _one_too_few(length: int, offsets: Sequence[int], edge: str) -> range:
    return range(_legal_anchors(length, offsets, edge).start, _legal_anchors(length, offsets, edge).stop - 1)


@legal_anchors.mistake("the edge is ignored", 'With "require" the far frames of the window must exist too.')
def _edge_ignored(length: int, offsets: Sequence[int], edge: str) -> range:
    return _legal_anchors(length, offsets, "clamp")


@legal_anchors.mistake("the second reference is forgotten", "It lies offsets[T // 2] frames after the first.")
def _second_forgotten(length: int, offsets: Sequence[int], edge: str) -> range:
    return _legal_anchors(length, offsets, edge) if edge == "require" else range(length)


@legal_anchors.mistake(
    "the window's left half is forgotten", "The first frame lies offsets[0] from the anchor: before it."
)
def _left_forgotten(length: int, offsets: Sequence[int], edge: str) -> range:
    return range(_legal_anchors(length, offsets, edge).stop)


@legal_anchors.mistake("the references are at the window's ends", "They are the two frames in its middle.")
def _ends_taken(length: int, offsets: Sequence[int], edge: str) -> range:
    return _legal_anchors(length, offsets, "require")


# --- 04.8 frames beyond a cut ---


def _within_shot(indices: Sequence[int], valid: Sequence[bool], cuts: Sequence[int], anchor: int) -> list[bool]:
    shot = bisect_right(cuts, anchor)
    return [flag and bisect_right(cuts, index) == shot for index, flag in zip(indices, valid, strict=True)]


within_shot = Exercise(
    "04.8",
    "within_shot",
    _within_shot,
    lambda: [
        Probe("a cut before frame 9", ([2, 4, 6, 8, 10, 12], [True] * 6, [9], 6)),
        Probe("a cut at a frame of the window", ([2, 4, 6, 8, 10, 12], [True] * 6, [10], 6)),
        Probe("a cut at the first reference", ([2, 4, 6, 8, 10, 12], [True] * 6, [6], 6)),
        Probe("cuts on both sides", ([2, 4, 6, 8, 10, 12], [True] * 6, [3, 12], 6)),
        Probe("a clamped window", ([0, 0, 0, 2, 4, 6], [False, False, True, True, True, True], [5], 0)),
        Probe("two cuts on one side", ([0, 4, 8, 12], [True] * 4, [1, 3, 20], 4)),
        Probe("a clip without cuts", ([0, 1, 2, 3], [False, True, True, True], [], 1)),
    ],
    contract=(
        "returns True or False for each frame of the window",
        "a frame that belongs to another shot than frame anchor is not valid; with cuts = [9], frame 8 is the last of"
        " the first shot and frame 9 the first of the second",
        "a frame that was not valid before stays so",
    ),
    kind="optional",
)


@within_shot.mistake("the frame at the cut is counted to the old shot", "Frame 9 begins the new shot of a cut at 9.")
def _late_cut(indices: Sequence[int], valid: Sequence[bool], cuts: Sequence[int], anchor: int) -> list[bool]:
    shot = bisect_left(cuts, anchor)
    return [flag and bisect_left(cuts, index) == shot for index, flag in zip(indices, valid, strict=True)]


@within_shot.mistake("only what comes after a cut is dropped", "A frame before an earlier cut is of another shot too.")
def _only_later(indices: Sequence[int], valid: Sequence[bool], cuts: Sequence[int], anchor: int) -> list[bool]:
    shot = bisect_right(cuts, anchor)
    return [flag and bisect_right(cuts, index) <= shot for index, flag in zip(indices, valid, strict=True)]


@within_shot.mistake("the clamped frames became valid again", "Combine the new flags with the old ones.")
def _forgot_clamped(indices: Sequence[int], valid: Sequence[bool], cuts: Sequence[int], anchor: int) -> list[bool]:
    return _within_shot(indices, [True] * len(valid), cuts, anchor)


@within_shot.mistake("only the first cut is looked at", "A clip may have several cuts.")
def _first_cut_only(indices: Sequence[int], valid: Sequence[bool], cuts: Sequence[int], anchor: int) -> list[bool]:
    return _within_shot(indices, valid, cuts[:1], anchor)
