"""`lift extract`: videos to folders of numbered images, for training."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "turn videos into sequences of images in the Vimeo layout, split at scene cuts"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="VIDEO", help="videos, folders of videos, video lists")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to: OUT/sequences/<video>/0000/im00.png")
    parser.add_argument("--frames", type=int, default=64, metavar="N", help="images in a sequence (default: 64)")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="take each K-th frame (default: 1)")
    parser.add_argument("--size", type=int, metavar="S", help="scale down to S pixels on the shorter side")
    parser.add_argument("--format", choices=("png", "jpg"), default="png", help="of the images (default: png)")
    parser.add_argument("--quality", type=int, default=95, metavar="Q", help="of JPEG, 1 to 100 (default: 95)")
    parser.add_argument("--ignore-cuts", action="store_true", help="let sequences run across scene cuts")


def run(args: argparse.Namespace) -> int:
    """Extract; 0 where every video was read to its end, 1 otherwise."""
    from tqdm import tqdm

    from lift_core.data.extraction import ExtractionConfig, extract, find_videos

    config = ExtractionConfig(
        frames=args.frames,
        every=args.every,
        size=args.size,
        split_at_cuts=not args.ignore_cuts,
        image_format=args.format,
        quality=args.quality,
    )
    videos = find_videos(args.inputs)
    failures = 0
    for result in tqdm(extract(videos, args.out, config), total=len(videos), unit="video"):
        kept = f", {result.kept} already there" if result.kept else ""
        used = f"{result.frames_used} of {result.frames_total} frames used"
        tqdm.write(f"{result.name}: {result.written} sequences written{kept}; {used}")
        if result.error is not None:
            failures += 1
            tqdm.write(f"{result.name}: {result.error}", file=sys.stderr)
    if failures:
        print(f"{failures} of {len(videos)} videos could not be read to their end", file=sys.stderr)
    return int(failures > 0)
