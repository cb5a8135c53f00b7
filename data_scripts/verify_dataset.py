"""Read every frame of a data set, and report what is missing, damaged, of another size or too short.

Exit code: 0 where all is well, 1 where there are problems, 2 where the data set cannot be verified at all.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from lift_core.errors import ConfigError
from lift_core.program import exit_code

if TYPE_CHECKING:
    from lift_core.data.verification import Problem

_MOST_SHOWN = 20
_MOST_OF_A_CLIP = 3


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("roots", nargs="+", type=Path, metavar="DATA", help="folders, videos, raw clips or video lists")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write all problems to this CSV file")
    parser.add_argument("--force", action="store_true", help="write over a report that exists")
    parser.add_argument("--min-frames", type=int, default=1, metavar="N", help="shorter clips are a problem")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="clips at a time (default: one a core)"
    )
    return parser.parse_args(arguments)


def check(args: argparse.Namespace) -> list[Problem]:
    """Verify, with a progress bar, and write the report."""
    from tqdm import tqdm

    from lift_core.data.output_place import place_to_write
    from lift_core.data.verification import uncommon_lengths, verify, write_report
    from lift_core.data.verification_layouts import clips_to_verify

    if args.workers < 1 or args.min_frames < 1:
        raise ConfigError("--workers and --min-frames are at least 1")
    report = None if args.report is None else place_to_write(args.report, "report", force=args.force)
    clips = clips_to_verify(args.roots[0] if len(args.roots) == 1 else args.roots)
    verified = []
    with tqdm(total=len(clips), desc="clips", unit="clip") as bar:
        for clip in verify(clips, workers=args.workers, min_frames=args.min_frames):
            verified.append(clip)
            bar.update()
    problems = [problem for clip in verified for problem in clip.problems] + uncommon_lengths(verified)
    if report is not None:
        write_report(report, problems)
    print(f"{len(verified)} clips, {sum(clip.frames for clip in verified)} frames")
    return problems


def show(problems: list[Problem], report: Path | None) -> None:
    """Print the first problems, of each clip a few, and how many there are of each kind."""
    of_clip: Counter[str] = Counter()
    shown = 0
    for problem in problems:
        of_clip[problem.clip] += 1
        if shown < _MOST_SHOWN and of_clip[problem.clip] <= _MOST_OF_A_CLIP:
            frame = f", frame {problem.frame}" if problem.frame else ""
            print(f"{problem.clip}{frame}: {problem.problem}: {problem.detail}. {problem.advice}")
            shown += 1
    if len(problems) > shown:
        print(f"and {len(problems) - shown} more{'' if report else '; --report FILE writes all of them'}")
    counts = Counter(problem.problem for problem in problems)
    print(", ".join(f"{kind}: {count}" for kind, count in counts.most_common()) or "no problems")


def verify_dataset(args: argparse.Namespace) -> int:
    problems = check(args)
    show(problems, args.report)
    return int(any(not problem.is_note for problem in problems))


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    return exit_code("verify_dataset", lambda: verify_dataset(args))


if __name__ == "__main__":
    sys.exit(main())
