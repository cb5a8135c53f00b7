"""`lift interpolate`: new frames in a video, in a folder of images, or between two images."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lift_core.commands.method_arguments import add_method_arguments, refuse_running_options, running_options
from lift_core.errors import ConfigError

if TYPE_CHECKING:
    from lift_core.inference.clip_stream import Made
    from lift_core.inference.interpolator import Interpolator

HELP = "make frames between the frames of a video, of a folder of images, or between two images"

_EXAMPLES = """\
what is made depends on what is named:
  lift interpolate in.mp4 out.mp4               a video of twice the frame rate, its audio kept
  lift interpolate in.mp4 out.mp4 --factor 4    of four times the frame rate
  lift interpolate in.mp4 out.mp4 --fps 60      of 60 frames per second
  lift interpolate frames/ out/                 a folder of PNG files: the old frames and one between each two
  lift interpolate a.png b.png middle.png       one image between two; --time 0.25 for another moment
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="IN OUT, two videos or two folders; or IN1 IN2 OUT, three images",
    )
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument("--factor", type=int, metavar="K", help="new frame rate over old (default: 2)")
    rate.add_argument("--fps", metavar="RATE", help="frames per second of the new video, such as 60 or 60000/1001")
    parser.add_argument("--time", type=float, metavar="T", help="moment between two images, from 0 to 1 (default: 0.5)")
    add_method_arguments(parser)
    parser.add_argument("--crf", type=int, help="quality of the video, 0 (lossless) to 51 (default: 18)")
    parser.add_argument(
        "--preview",
        type=Path,
        metavar="FILE",
        help="also write a look at the result: a contact sheet (.png), or old and new side by side (.mp4)",
    )
    parser.add_argument("--force", action="store_true", help="replace the output where it exists")
    parser.add_argument(
        "--restart", action="store_true", default=None, help="throw away what an interrupted run has left"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")


def run(args: argparse.Namespace) -> int:
    """Interpolate and print what was written."""
    from lift_core.inference.image_files import IMAGE_SUFFIXES
    from lift_core.inference.interpolator import Interpolator
    from lift_core.inference.method_choice import make_method
    from lift_core.inference.methods import BaselineMethod

    if len(args.paths) not in (2, 3):
        raise ConfigError(f"{len(args.paths)} paths were given.", fix="Name IN OUT, or two images and OUT.")
    method = make_method(args.checkpoint or args.method, running_options(args, args.context))
    interpolator = Interpolator.with_method(method)
    source, *others, output = args.paths
    if isinstance(method, BaselineMethod):
        refuse_running_options(args, f"the method {method.name}, which does not learn")
    if others:
        _refuse(args, "two images", "factor", "fps", "crf", "preview", "restart")
        moment = 0.5 if args.time is None else args.time
        made = interpolator.images(source, others[0], output, moment, force=args.force)
    elif Path(output).suffix.lower() in IMAGE_SUFFIXES:
        raise ConfigError(
            "one image is made between two.", where=output, fix="Name two images and the new one, or a video."
        )
    elif Path(source).is_dir():
        made = _folder(args, interpolator, source, output)
    else:
        made = _video(args, interpolator, source, output)
    cuts = f", {made.cuts} scene cut{'s' * (made.cuts > 1)} held" if made.cuts else ""
    print("\n".join([f"{made.path}: {made.frames_in} frames in, {made.frames_out} out{cuts}", *made.notes]), flush=True)
    if args.preview is not None:
        from lift_core.inference.preview import write_preview

        write_preview(Path(source), made.path, args.preview)
        print(f"{args.preview}: a look at the result")
    return 0


def _folder(args: argparse.Namespace, interpolator: Interpolator, source: str, output: str) -> Made:
    _refuse(args, "a folder of images", "time", "fps", "crf", "preview")
    factor = 2 if args.factor is None else args.factor
    return interpolator.folder(
        source, output, factor, force=args.force, restart=bool(args.restart), progress=not args.quiet
    )


def _video(args: argparse.Namespace, interpolator: Interpolator, source: str, output: str) -> Made:
    from lift_core.inference.preview import check_preview

    _refuse(args, "a video", "time")
    if args.preview is not None:
        check_preview(args.preview, Path(source), Path(output), force=args.force)
    return interpolator.video(
        source,
        output,
        args.factor,
        fps=args.fps,
        crf=18 if args.crf is None else args.crf,
        force=args.force,
        restart=bool(args.restart),
        progress=not args.quiet,
    )


def _refuse(args: argparse.Namespace, kind: str, *options: str) -> None:
    """Refuse options that mean nothing for what was named, instead of ignoring them."""
    given = [f"--{option}" for option in options if getattr(args, option) is not None]
    if given:
        raise ConfigError(f"{', '.join(given)} means nothing for {kind}.", fix="Leave it out; see --help.")
