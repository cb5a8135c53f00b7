"""`lift demo`: interpolates a generated clip, or your own video, and shows how close it comes to the truth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lift_core.commands.method_arguments import add_method_arguments, running_options

if TYPE_CHECKING:
    from lift_core.inference.demo import Demonstration

HELP = "interpolate a generated clip, or your own video, and write a video and a before/after figure"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--video", type=Path, metavar="PATH", help="a video of your own (default: a generated clip)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("demo_output"),
        metavar="DIR",
        help="what is written goes here: interpolated.mp4, half_rate.mp4 and before_after.png, which replace files of"
        " these names (default: demo_output)",
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="how much of your video is used (default: 2)")
    parser.add_argument("--size", type=int, default=256, help="your video's shorter side, scaled to (default: 256)")
    add_method_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the demonstration and print what it found and where the files are."""
    from lift_core.inference.demo import demonstrate_generated, demonstrate_video
    from lift_core.inference.method_choice import make_method
    from lift_core.inference.methods import BASELINES

    chosen = make_method(args.checkpoint or args.method, running_options(args, args.context))
    label = chosen.name if chosen.name in BASELINES else f"{chosen.name}, T={chosen.context}"
    methods = {label: chosen, **{name: make_method(name) for name in ("dis", "blend") if name != chosen.name}}
    if args.video is None:
        found = demonstrate_generated(methods, args.out)
    else:
        found = demonstrate_video(methods, args.video, args.out, seconds=args.seconds, shorter_side=args.size)
    print(_report(found))
    if args.video is not None:
        print(f"The whole video, full size, with sound: lift interpolate {args.video} OUT.mp4")
    return 0


def _report(found: Demonstration) -> str:
    lines = [f"{found.clip}: {found.compared} frames hidden and made again", "mean PSNR, higher is better:"]
    lines += [f"  {name:<16} {value:6.2f} dB" for name, value in found.psnr.items()]
    lines += [f"{path}: {text}" for path, text in found.files.items()]
    return "\n".join(lines)
