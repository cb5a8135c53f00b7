"""Evaluation: makes hidden frames again with several methods, compares, and reports per clip and motion magnitude."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lift_core.data.discovery import Roots, as_paths, find_clips
from lift_core.data.open_dataset import all_clips
from lift_core.data.open_source import open_source
from lift_core.data.source import FrameSource
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, DatasetError, FrameReadError, ShapeError, SourceError, WindowError
from lift_core.inference.evaluation_rows import (
    Evaluation,
    Failure,
    FrameRow,
    MotionMeans,
    Row,
    clip_row,
    mean_row,
)
from lift_core.inference.frames import Image, to_image
from lift_core.inference.hidden_frames import ClipMaterial, EvaluationConfig, HiddenFrame, Material
from lift_core.inference.methods import Method
from lift_core.inference.motion_magnitude import magnitude_class, motion_px
from lift_core.inference.source_checks import check_whole
from lift_core.metrics import psnr, ssim

if TYPE_CHECKING:
    from lift_core.inference.frame_gallery import FrameGallery

EXACT_PSNR = 100.0
"""What a frame that is reproduced to the last bit counts in a mean, in dB; its true PSNR is infinite."""

_CLIP_ERRORS = (SourceError, FrameReadError, ShapeError, DatasetError, WindowError)
"""Errors that lie in one clip; after any other the clips that follow would fail as well."""


def evaluate(
    materials: Iterable[Material],
    methods: Mapping[str, Method],
    *,
    on_frame: Callable[[FrameRow], None] = lambda _: None,
    on_row: Callable[[Row], None] = lambda _: None,
    on_failure: Callable[[Failure], None] = lambda _: None,
    gallery: FrameGallery | None = None,
) -> Evaluation:
    """Let every method make every hidden frame of every clip, and compare.

    ::

        from lift_core.inference.evaluate import clips_at, evaluate
        from lift_core.inference.method_choice import make_method

        evaluation = evaluate(clips_at("my_videos"), {name: make_method(name) for name in ("lift_tiny", "dis")})
        print(evaluation.table())

    PSNR and SSIM are those of `lift_core.metrics`, of each frame in 8 bits; a clip's value is the mean of its frames,
    the last rows are the mean of the clips. A clip that cannot be read, is a video that is cut off, or has nothing to
    compare, is left out of every mean, and the others go on.

    Seconds are those of steady work: before a method's first frame of a size is timed, it makes that frame once from
    its two neighbours alone, so that what it does only once for frames of a size is not counted.

    Args:
        materials: `clips_at`, or `evaluation_benchmarks.benchmark_clips`.
        methods: what makes the frames, by the name that the rows carry.
        on_frame, on_row, on_failure: called with what is found as soon as it is known.
        gallery: is shown every frame, and keeps the worst and the best; its method goes first.

    Raises:
        ConfigError: no clip or no method, a gallery of a method that is none of them, or too little memory for a
            method.
    """
    if gallery is not None:
        methods = _with_first(methods, gallery.method)
    rows: list[Row] = []
    means: list[list[Row]] = []
    failures: list[Failure] = []
    by_motion = MotionMeans()
    clock = _Clock()
    for material in materials if methods else ():
        clip = _ClipEvaluation(material, methods, clock, on_frame, gallery)
        for row in clip.rows():
            rows.append(row)
            on_row(row)
        if gallery is not None:
            (gallery.keep if clip.failure is None else gallery.forget)()
        if clip.failure is None:
            means.append(rows[-len(methods) :])
            by_motion.add(clip.frames)
        else:
            failures.append(clip.failure)
            on_failure(clip.failure)
    if not rows and not failures:
        raise ConfigError("an evaluation needs clips and methods.", fix="Name at least one of each.")
    columns = zip(*means, strict=True)
    return Evaluation(rows, [mean_row(column) for column in columns], by_motion.rows(), failures)


def clips_at(roots: Roots, config: EvaluationConfig | None = None) -> list[ClipMaterial]:
    """The clips under one or several places, every second frame of each to be hidden.

    Args:
        roots: videos, folders of images, or folders of either.
        config: how much of each clip is used; by default all of it.

    Raises:
        DatasetError: a place that does not exist, or holds no clip.
    """
    chosen = config or EvaluationConfig()
    for root in as_paths(roots):
        # Among several, a place without clips would be passed over.
        find_clips(root, all_clips)
    return [ClipMaterial(clip.name, _opener(clip.path), chosen) for clip in find_clips(roots, all_clips)]


class _Clock:
    """Times the frames of methods that have made a frame of the same size before."""

    def __init__(self) -> None:
        self._rehearsed: set[tuple[str, tuple[int, ...]]] = set()

    def timed(self, name: str, method: Method, hidden: HiddenFrame) -> tuple[Image, float]:
        """What the method makes of a hidden frame, and the seconds that it takes."""
        kind = (name, hidden.truth.shape)
        # Nothing is computed for a pair of equal frames.
        if hidden.pair.kind == "moving" and kind not in self._rehearsed:
            hidden.rehearse(method)
            self._rehearsed.add(kind)
        # Frames are encoded when first needed, so the seconds hold all that a new frame costs.
        started = time.perf_counter()
        made = to_image(hidden.pair.at(hidden.timestep))
        return made, time.perf_counter() - started


class _ClipEvaluation:
    """All methods on one clip."""

    def __init__(
        self,
        material: Material,
        methods: Mapping[str, Method],
        clock: _Clock,
        on_frame: Callable[[FrameRow], None],
        gallery: FrameGallery | None,
    ) -> None:
        self.frames: list[FrameRow] = []
        self.failure: Failure | None = None
        self._material, self._methods, self._clock = material, methods, clock
        self._on_frame, self._gallery = on_frame, gallery
        self._motions: dict[int, float] = {}

    def rows(self) -> Iterator[Row]:
        """One for each method; they end early where something fails."""
        for name, method in self._methods.items():
            try:
                row = self._row(name, method)
            except _CLIP_ERRORS as error:
                self.failure = Failure(self._material.name, name, error)
                return
            yield row

    def _row(self, name: str, method: Method) -> Row:
        left_out = {"cut": 0, "still": 0}
        made: list[FrameRow] = []
        for hidden in self._material.hidden(method):
            if hidden.compared:
                made.append(self._frame_row(name, method, hidden))
                self._on_frame(made[-1])
            else:
                left_out[hidden.pair.kind] += 1
        if not made:
            raise SourceError("no frame to compare: all are at cuts or between equal frames", where=self._material.name)
        self.frames += made
        return clip_row(made, cuts=left_out["cut"], still=left_out["still"])

    def _frame_row(self, name: str, method: Method, hidden: HiddenFrame) -> FrameRow:
        made, seconds = self._clock.timed(name, method, hidden)
        pixels = self._motion(hidden)
        row = FrameRow(
            method=name,
            context=min(method.context, self._material.given),
            clip=self._material.name,
            frame=hidden.number,
            timestep=hidden.timestep,
            motion_px=pixels,
            motion=magnitude_class(pixels),
            psnr=min(psnr(made, hidden.truth), EXACT_PSNR),
            ssim=ssim(made, hidden.truth),
            seconds=seconds,
        )
        if self._gallery is not None:
            self._gallery.show(row, made, hidden.truth)
        return row

    def _motion(self, hidden: HiddenFrame) -> float:
        """Measured once for each hidden frame, whatever the number of methods."""
        if hidden.number not in self._motions:
            first, second = to_image(hidden.pair.first.frame), to_image(hidden.pair.second.frame)
            self._motions[hidden.number] = motion_px(first, second)
        return self._motions[hidden.number]


def _with_first(methods: Mapping[str, Method], first: str) -> Mapping[str, Method]:
    if first not in methods:
        raise ConfigError(f"{first!r} is none of the methods.", fix=f"Choose one of {', '.join(methods)}.")
    return {first: methods[first], **methods}


def _opener(path: str) -> Callable[[], FrameSource]:
    def open_whole() -> FrameSource:
        source = open_source(path)
        if isinstance(source, VideoFileSource):
            # Its mean would pass for that of the whole clip.
            check_whole(Path(path))
        return source

    return open_whole
