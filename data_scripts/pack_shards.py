"""Pack clips into a few large files of raw frames, which every data set reads as clips; a killed run goes on.

Raw frames need no decoding and take more room than PNG or JPEG. With --check, packed files are compared with their
checksums instead.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lift_core.errors import ConfigError
from lift_core.program import exit_code


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", type=Path, metavar="DATA", help="folders, videos, raw clips or video lists")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the packed files: new, empty, or begun before")
    parser.add_argument("--shard-mb", type=float, default=1000.0, metavar="N", help="size of a file (default: 1000)")
    parser.add_argument("--size", metavar="HxW", help="scale all frames to this height and width")
    parser.add_argument("--fresh", action="store_true", help="delete packed files that are in OUT and begin anew")
    parser.add_argument("--check", action="store_true", help="read OUT and compare its checksums; nothing is written")
    return parser.parse_args(arguments)


def pack(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from lift_core.data.discovery import find_clips
    from lift_core.data.fixed_size import parse_size
    from lift_core.data.open_dataset import all_clips
    from lift_core.data.packed_shards import pack_clips

    if not args.data:
        raise ConfigError("there is nothing to pack", fix="Name the data before OUT, or give --check.")
    if not 0 < args.shard_mb < float("inf"):
        raise ConfigError("this is no size", where=f"--shard-mb {args.shard_mb}", fix="Give a number above 0.")
    size = None if args.size is None else parse_size(args.size, "--size")
    clips = find_clips(args.data, all_clips)
    with tqdm(total=len(clips), desc="clips", unit="clip") as bar:
        report = pack_clips(
            clips,
            args.out,
            shard_bytes=int(args.shard_mb * 1e6),
            fixed_size=size,
            fresh=args.fresh,
            progress=lambda done, _: bar.update(done - bar.n),
        )
    for repair in report.repairs:
        print(f"mended: {repair}")
    print(
        f"{report.clips} clips, {report.bytes / 1e6:.1f} MB in {report.shards} files:"
        f" {report.written} written, {report.kept} were there"
    )
    return 0


def check(folder: Path) -> int:
    from lift_core.data.packed_shards import check_shards

    problems = check_shards(folder)
    print("\n".join(problems) or "all checksums hold")
    return int(bool(problems))


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    return exit_code("pack_shards", lambda: check(args.out) if args.check else pack(args))


if __name__ == "__main__":
    sys.exit(main())
