"""Interpolation of images: a folder of numbered ones, or two."""

from __future__ import annotations

import os
from itertools import islice, takewhile
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lift_core.atomic import atomic_file, replace_folder
from lift_core.data.clip_writer import write_image
from lift_core.data.image_decoding import decode_rgb
from lift_core.data.image_folder import ImageFolderSource
from lift_core.errors import ConfigError, FrameReadError, OutputError
from lift_core.inference.clip_stream import ClipStream, Made
from lift_core.inference.frames import to_image
from lift_core.inference.methods import Method
from lift_core.inference.moments import check_factor, steps
from lift_core.inference.output_checks import check_output_file, check_output_folder, frame_name
from lift_core.inference.source_checks import check_images, check_length
from lift_core.inference.streaming import StreamFrame, pairs
from lift_core.inference.unfinished import Plain, unfinished
from lift_core.inference.video_writer import CONTAINERS

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")

_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def interpolate_folder(
    method: Method, source: Path, output: Path, *, factor: int, force: bool, restart: bool, progress: bool
) -> Made:
    """See `Interpolator.folder`."""
    check_factor(factor)
    if output.suffix.lower() in CONTAINERS:
        raise OutputError(
            "a folder of images becomes a folder of images, not a video",
            where=output,
            fix="Name a folder; ffmpeg -framerate 60 -i FOLDER/%06d.png VIDEO.mp4 makes a video of it.",
        )
    check_output_folder(source, output, force)
    clip = ImageFolderSource(source)
    check_length(clip)
    notes = check_images(map(clip.path_of, range(len(clip))))
    count = (len(clip) - 1) * factor + 1
    plan: dict[str, Plain] = {"images": clip.fingerprint, "factor": factor, "method": method.fingerprint}
    # Where the output is a link, the folder that it names is replaced, which may lie on another disk.
    with unfinished(output.resolve(), plan, restart=restart) as work:
        images = [work.parts / frame_name(number) for number in range(count)]
        done = sum(1 for _ in takewhile(_is_whole, images))
        first_pair = min(done // factor, len(clip) - 2)
        stream = ClipStream(clip, method.context, first_pair, work.note_cut)
        frames = stream.interpolated(method, islice(steps(factor), done, None))
        with progress_bar(done, count, progress) as bar:
            for image, frame in zip(images[done:], frames, strict=True):
                with atomic_file(image) as partial:
                    write_image(partial, to_image(frame))
                bar.update()
        # What has come to lie there in the meantime is not lost either.
        check_output_folder(source, output, force)
        replace_folder(work.parts, output)
        return Made(output, len(clip), count, work.cuts, notes)


def interpolate_images(method: Method, first: Path, second: Path, output: Path, *, t: float, force: bool) -> Made:
    """See `Interpolator.images`."""
    if not 0 < t < 1:
        raise ConfigError(f"time {t} does not lie between the images.", fix="Choose a time between 0 and 1.")
    check_output_file(first, output, force, IMAGE_SUFFIXES)
    check_output_file(second, output, force, IMAGE_SUFFIXES)
    notes = check_images([first, second])
    stream = [StreamFrame(_read_image(first)), StreamFrame(_read_image(second))]
    image = to_image(next(pairs(method, stream)).at(t))
    with atomic_file(output) as partial:
        write_image(partial, image)
    return Made(output, 2, 1, 0, notes)


def progress_bar(done: int, total: int, shown: bool) -> tqdm[NoReturn]:
    """A bar that shows how many of ``total`` frames are done, the rate and the time left."""
    return tqdm(initial=done, total=total, unit="frame", disable=not shown, dynamic_ncols=True)


def _is_whole(image: Path) -> bool:
    """Whether a PNG file is there and complete to its end."""
    try:
        with image.open("rb") as file:
            file.seek(-len(_PNG_END), os.SEEK_END)
            return file.read() == _PNG_END
    except OSError:
        return False


def _read_image(path: Path) -> NDArray[np.uint8]:
    try:
        return decode_rgb(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FrameReadError(
            f"the image cannot be read: {error}", where=path, fix="Give a complete PNG or JPEG file."
        ) from error
