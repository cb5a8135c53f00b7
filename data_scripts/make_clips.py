"""Make procedural clips with known motion, as Vimeo-style sequences or as video files."""

from __future__ import annotations

import argparse
import shutil
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from lift_core.errors import ConfigError
from lift_core.program import exit_code

if TYPE_CHECKING:
    from lift_core.data.procedural import ProceduralClip


def size(text: str) -> tuple[int, int]:
    """Parse ``HxW``."""
    try:
        height, width = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, such as 256x448") from None
    return height, width


def rate(text: str) -> Fraction:
    """Parse ``30`` or ``30000/1001``."""
    try:
        found = Fraction(text)
        float(found)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate, such as 30 or 30000/1001") from None
    return found


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--count", type=int, default=8, help="number of clips")
    parser.add_argument("--frames", type=int, default=64, help="frames in each clip")
    parser.add_argument("--size", type=size, default=(256, 256), metavar="HxW", help="height x width in pixels")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first clip; the next ones count up")
    parser.add_argument("--layers", type=int, default=5, help="moving layers in each shot")
    parser.add_argument("--max-speed", type=float, default=16.0, help="limit of any motion in pixels per frame")
    parser.add_argument("--cuts", type=int, default=0, help="scene cuts in each clip")
    parser.add_argument("--format", choices=("png", "jpg", "mp4"), default="png", help="image sequences or video files")
    parser.add_argument("--crf", type=int, default=18, help="quality of mp4, 0 is lossless")
    parser.add_argument("--fps", type=rate, default=Fraction(30), help="frames per second of mp4, 30 or 30000/1001")
    parser.add_argument(
        "--flow", action="store_true", help="also write the true flow from each frame to the next (.flo) and its mask"
    )
    return parser.parse_args(arguments)


def make_clip(args: argparse.Namespace, seed: int) -> None:
    from lift_core.data.clip_writer import write_sequence, write_video
    from lift_core.data.procedural import ClipConfig, ProceduralClip

    height, width = args.size
    config = ClipConfig(
        frames=args.frames,
        height=height,
        width=width,
        seed=seed,
        layers=args.layers,
        max_speed=args.max_speed,
        cuts=args.cuts,
        fps=float(args.fps),
    )
    clip = ProceduralClip(config)
    name = f"clip_{seed:05d}"
    frames = (clip.frame(index) for index in range(len(clip)))
    if args.format == "mp4":
        write_video(args.out / f"{name}.mp4", frames, fps=args.fps, crf=args.crf)
    else:
        write_sequence(args.out / "sequences" / name / "0000", frames, len(clip), image_format=args.format)
    flow = args.out / "flow" / name / "0000"
    if args.flow:
        write_true_flow(flow, clip)
    elif flow.is_dir():
        # It is that of an earlier clip of this name.
        shutil.rmtree(flow)


def write_true_flow(folder: Path, clip: ProceduralClip) -> None:
    """Write ``imNN.flo`` (frame NN to NN+1) and ``imNN_visible.png`` (255 where the point is seen in both).

    The folder is replaced where it exists, as that of the frames is.
    """
    from lift_core.atomic import atomic_folder
    from lift_core.data.clip_writer import write_image
    from lift_core.data.flow_file import write_flow

    digits = max(2, len(str(len(clip) - 1)))
    with atomic_folder(folder) as temporary:
        for index in range(len(clip) - 1):
            flow, visible = clip.flow(index, index + 1)
            write_flow(temporary / f"im{index:0{digits}d}.flo", flow)
            write_image(temporary / f"im{index:0{digits}d}_visible.png", visible.astype("uint8") * 255)


def make_clips(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    if args.count < 1:
        raise ConfigError(f"{args.count} clips", fix="Ask for at least one: --count 1.")
    with tqdm(range(args.seed, args.seed + args.count), desc="clips", unit="clip") as seeds:
        for seed in seeds:
            make_clip(args, seed)
    return 0


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    return exit_code("make_clips", lambda: make_clips(args))


if __name__ == "__main__":
    sys.exit(main())
