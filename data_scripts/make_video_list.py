"""Write a video_list.txt: the videos of some folders, for VideoSequenceDataset and everything that reads such lists."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lift_core.errors import ConfigError, DatasetError
from lift_core.program import exit_code


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("inputs", nargs="+", type=Path, metavar="FOLDER", help="folders, at any depth, or video files")
    parser.add_argument("--out", type=Path, default=Path("video_list.txt"), metavar="FILE", help="the list")
    parser.add_argument("--check", action="store_true", help="open each video, and decode its first and last frame")
    parser.add_argument(
        "--min-frames", type=int, default=1, metavar="N", help="leave out shorter videos (with --check)"
    )
    parser.add_argument("--force", action="store_true", help="write over a list that exists")
    return parser.parse_args(arguments)


def make_list(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from lift_core.data.output_place import place_to_write
    from lift_core.data.video_list import Judged, find_video_files, judge, write_video_list

    if args.min_frames < 1:
        raise ConfigError("--min-frames is at least 1")
    place_to_write(args.out, "list", force=args.force)
    videos: list[Judged] = []
    left_out: list[Judged] = []
    with tqdm(find_video_files(args.inputs), desc="videos", unit="video") as paths:
        for path in paths:
            judged = judge(path, decode=args.check, min_frames=args.min_frames)
            (videos if judged.problem is None else left_out).append(judged)
    if not videos:
        reason = f"{left_out[0].path}: {left_out[0].problem}" if left_out else "no file has the name of a video"
        raise DatasetError(f"there is nothing to list: {reason}", where=args.inputs[0], fix="Give other folders.")
    unnamed = write_video_list(args.out, [judged.path for judged in videos], force=args.force)
    for judged in left_out + unnamed:
        print(f"left out: {judged.path}: {judged.problem}", file=sys.stderr)
    print(f"{len(videos) - len(unnamed)} videos in {args.out}, {len(left_out) + len(unnamed)} left out")
    return 0


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    return exit_code("make_video_list", lambda: make_list(args))


if __name__ == "__main__":
    sys.exit(main())
