"""`lift interpolate`: new frames in a video, in a folder of images, or between two images."""

from __future__ import annotations

import argparse
from pathlib import Path

from lift_core.errors import ConfigError

HELP = "make frames between the frames of a video, of a folder of images, or between two images"

_EXAMPLES = """\
what is made depends on what is named:
  lift interpolate in.mp4 out.mp4               a video of twice the frame rate, its audio kept
  lift interpolate in.mp4 out.mp4 --factor 4    of four times the frame rate
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
    parser.add_argument("--factor", type=int, metavar="K", help="new frame rate over old (default: 2)")
    parser.add_argument("--time", type=float, metavar="T", help="between two images (default: 0.5)")
    add_method_arguments(parser)
    parser.add_argument("--crf", type=int, help="quality of the video, 0 (lossless) to 51 (default: 18)")
    parser.add_argument("--force", action="store_true", help="replace the output where it exists")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")


def add_method_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses the method: --method, --checkpoint, --context, --device."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--method", default="lift_tiny", help="lift_tiny (default), blend (cross-fade) or dis (DIS optical flow)"
    )
    chosen.add_argument("--checkpoint", metavar="PATH", help="your own weights: a .safetensors file or a run's folder")
    parser.add_argument("--context", type=int, metavar="T", help="frames that the model looks at (default: its own)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, …")


def run(args: argparse.Namespace) -> int:
    """Interpolate and print what was written."""
    from lift_core.inference.interpolator import Interpolator

    if len(args.paths) not in (2, 3):
        raise ConfigError(f"{len(args.paths)} paths were given.", fix="Name IN OUT, or two images and OUT.")
    interpolator = Interpolator(args.checkpoint or args.method, device=args.device, context=args.context)
    source, *others, output = args.paths
    factor = 2 if args.factor is None else args.factor
    if others:
        _refuse(args, "two images", "factor", "crf")
        moment = 0.5 if args.time is None else args.time
        made = interpolator.images(source, others[0], output, moment, force=args.force)
    elif Path(source).is_dir():
        _refuse(args, "a folder of images", "time", "crf")
        made = interpolator.folder(source, output, factor, force=args.force, progress=not args.quiet)
    else:
        _refuse(args, "a video", "time")
        crf = 18 if args.crf is None else args.crf
        made = interpolator.video(source, output, factor, crf=crf, force=args.force, progress=not args.quiet)
    cuts = f", {made.cuts} scene cuts held" if made.cuts else ""
    print(f"{made.path}: {made.frames_in} frames in, {made.frames_out} out{cuts}")
    return 0


def _refuse(args: argparse.Namespace, kind: str, *options: str) -> None:
    """Refuse options that mean nothing for what was named, instead of ignoring them."""
    given = [f"--{option}" for option in options if getattr(args, option) is not None]
    if given:
        raise ConfigError(f"{', '.join(given)} means nothing for {kind}.", fix="Leave it out; see --help.")
