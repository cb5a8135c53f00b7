"""`lift evaluate`: hides every second frame of clips and reports how well each method makes it again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lift_core.data.source import FrameSource
    from lift_core.inference.methods import Method

HELP = "hide every second frame of clips, make it again, and report PSNR and SSIM"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="videos, folders of images, or folders of either")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=["lift_tiny", "dis", "blend"],
        metavar="M",
        help="lift_tiny, dis, blend, or the path of your own weights (default: these three)",
    )
    parser.add_argument(
        "--context",
        nargs="+",
        type=int,
        metavar="T",
        help="evaluate LIFT with these numbers of frames (default: its own)",
    )
    parser.add_argument(
        "--max-frames", type=int, metavar="N", help="use the first N frames of each clip (default: all)"
    )
    parser.add_argument("--size", type=int, metavar="S", help="scale frames down to S pixels on the shorter side")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, …")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON too")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the rows as CSV too")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print the table."""
    from lift_core.atomic import atomic_file
    from lift_core.inference.evaluate import EvaluationConfig, Row, evaluate, format_table, to_csv, to_json

    def report(row: Row) -> None:
        print(f"{row.clip}: {row.method}, T={row.context}: {row.psnr:.2f} dB", flush=True)

    config = EvaluationConfig(max_frames=args.max_frames, shorter_side=args.size)
    methods = _methods(args.methods, args.context, args.device)
    rows = evaluate(_clips(args.clips), methods, config, on_row=report)
    print("\n" + format_table(rows))
    for path, text in ((args.json, to_json(rows, config)), (args.csv, to_csv(rows))):
        if path is not None:
            with atomic_file(path) as partial:
                partial.write_text(text, encoding="utf-8")
    return 0


def _clips(paths: list[str]) -> dict[str, FrameSource]:
    from lift_core.data.discovery import find_clips
    from lift_core.data.open_dataset import all_clips
    from lift_core.data.open_source import open_source

    return {clip.name: open_source(clip.path) for clip in find_clips(paths, all_clips)}


def _methods(names: list[str], contexts: list[int] | None, device: str) -> dict[str, Method]:
    """Each method by the name its rows carry; LIFT once for each context."""
    from lift_core.inference.methods import BASELINES, make_method

    methods = {}
    for name in names:
        for context in [None] if name in BASELINES or contexts is None else contexts:
            label = name if context is None else f"{name} T={context}"
            methods[label] = make_method(name, context=context, device=device)
    return methods
