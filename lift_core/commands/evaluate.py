"""`lift evaluate`: hides frames of clips or takes a benchmark's, and reports how well each method makes them again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lift_core.commands.method_arguments import add_running_arguments, running_options
from lift_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lift_core.inference.evaluation_rows import Failure, FrameRow, Row
    from lift_core.inference.frame_gallery import FrameGallery
    from lift_core.inference.hidden_frames import Material
    from lift_core.inference.methods import Method

HELP = "hide frames of clips, or take a public benchmark's, make them again, and report PSNR and SSIM"

_DEFAULT_METHODS = ("lift_tiny", "dis", "blend")

_EXAMPLES = """\
what is evaluated:
  lift evaluate my_video.mp4 my_clips/               every second frame is hidden and made again
  lift evaluate --methods lift_tiny,dis a.mp4        two methods on one video
  lift evaluate a.mp4 --methods runs/mine dis        your own training beside a baseline
  lift evaluate a.mp4 --methods runs/1 runs/1+runs/2 a model beside an ensemble of two
  lift evaluate --benchmark snu-film:hard SNU-FILM/  a public benchmark, as its archive unpacks
  lift evaluate a.mp4 --csv rows.csv --figure worst_and_best.png

benchmarks: vimeo-triplets, vimeo-septuplets, ucf101, snu-film:easy, snu-film:medium, snu-film:hard,
snu-film:extreme, x-test (X4K1000FPS, 8 times the frame rate)

The exit code is 1 where a clip could not be evaluated; the others are, and the table says what is missing.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="videos, folders of images, or folders of either")
    parser.add_argument("--benchmark", metavar="NAME", help="CLIP is the folder of this public benchmark, see below")
    parser.add_argument("--limit", type=int, metavar="N", help="take N clips of the benchmark, evenly spread")
    parser.add_argument(
        "--methods",
        nargs="+",
        action="extend",
        metavar="M",
        help="lift_tiny, dis, blend (by default these three), quadratic, or the path of your own weights, with commas"
        " or spaces between",
    )
    parser.add_argument(
        "--context",
        nargs="+",
        action="extend",
        metavar="T",
        help="evaluate LIFT with these numbers of frames, such as 2,6 (default: its own)",
    )
    parser.add_argument(
        "--max-frames", type=int, metavar="N", help="use the first N frames of each clip (default: all)"
    )
    parser.add_argument("--size", type=int, metavar="S", help="scale frames down to S pixels on the shorter side")
    add_running_arguments(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON too, as they come")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the rows as CSV too, as they come")
    parser.add_argument("--frames", type=Path, metavar="FILE", help="write a CSV row for every hidden frame and method")
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw the worst and the best frames, and their errors, as PNG"
    )
    parser.add_argument("--figure-method", metavar="M", help="worst and best of this method (default: the first)")
    parser.add_argument("--force", action="store_true", help="replace these files where they exist")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print the tables."""
    from lift_core.inference.evaluate import evaluate
    from lift_core.inference.evaluation_files import EvaluationFiles, check_outputs

    contexts = _numbers(args.context)
    names, clips = _sort_out(args.methods, args.clips)
    check_outputs(_outputs(args), map(Path, clips), force=args.force)
    materials = _materials(args, clips)
    methods = _methods(names, contexts, args)
    gallery = _gallery(args, methods)
    files = EvaluationFiles(args.json, args.csv, args.frames, config=_asked(args, clips, methods, contexts))
    with _Progress(clip_lines=args.benchmark is None) as progress:

        def on_frame(row: FrameRow) -> None:
            files.add_frame(row)
            progress.frame()

        def on_row(row: Row) -> None:
            files.add(row)
            progress.row(row)

        evaluation = evaluate(
            materials, methods, on_frame=on_frame, on_row=on_row, on_failure=progress.failure, gallery=gallery
        )
    files.finish(evaluation)
    print("\n" + evaluation.table(clips=args.benchmark is None))
    if gallery is not None:
        _draw(gallery, args.figure)
    return 1 if evaluation.failures else 0


class _Progress:
    """Lines on the terminal while the work goes on, and a bar where someone looks."""

    def __init__(self, *, clip_lines: bool) -> None:
        from tqdm import tqdm

        self._clip_lines = clip_lines
        self._bar = tqdm(unit=" frames", disable=None, leave=False)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def frame(self) -> None:
        self._bar.update()

    def row(self, row: Row) -> None:
        if self._clip_lines:
            self._bar.write(f"{row.clip}: {row.method}, T={row.context}: {row.psnr:.2f} dB")

    def failure(self, failure: Failure) -> None:
        self._bar.write(f"lift: {failure}", file=sys.stderr)


def _sort_out(words: Sequence[str] | None, clips: Sequence[str]) -> tuple[list[str], list[str]]:
    """Methods and clips: ``--methods`` takes every word that follows it, clips too."""
    methods, found = [], list(clips)
    for word in _DEFAULT_METHODS if words is None else words:
        if words is not None and _is_clip(word):
            found.append(word)
        else:
            methods += [word] if Path(word).exists() else [name for name in word.split(",") if name]
    if not methods:
        raise ConfigError("--methods names no method.", fix="For example --methods lift_tiny,dis,blend")
    if not found:
        raise ConfigError(
            "no clip is named.", fix="Name videos, or folders: lift evaluate --methods lift_tiny,dis my_video.mp4"
        )
    return methods, found


def _is_clip(word: str) -> bool:
    """Whether a word after ``--methods`` is a clip: something that is there and holds no weights."""
    from lift_core.data.discovery import is_video
    from lift_core.data.open_dataset import all_clips
    from lift_core.inference.methods import BASELINES
    from lift_core.model.config import PRESETS
    from lift_core.model.weights import FINAL_WEIGHTS

    path = Path(word)
    if word in BASELINES or word in PRESETS:
        return False
    if path.is_dir():
        return not (path / FINAL_WEIGHTS).is_file() and bool(all_clips(path))
    return is_video(word) or (path.is_file() and path.suffix.lower() not in (".safetensors", ".pt"))


def _outputs(args: argparse.Namespace) -> dict[str, Path]:
    named = {"--json": args.json, "--csv": args.csv, "--frames": args.frames, "--figure": args.figure}
    return {option: path for option, path in named.items() if path is not None}


def _materials(args: argparse.Namespace, clips: list[str]) -> Sequence[Material]:
    from lift_core.inference.evaluate import clips_at
    from lift_core.inference.evaluation_benchmarks import benchmark_clips
    from lift_core.inference.hidden_frames import EvaluationConfig

    config = EvaluationConfig(max_frames=args.max_frames, shorter_side=args.size)
    if args.benchmark is None:
        if args.limit is not None:
            raise ConfigError("--limit is for benchmarks.", fix="Use --max-frames N to shorten clips.")
        return clips_at(clips, config)
    if len(clips) != 1:
        raise ConfigError(f"a benchmark is one folder, not {len(clips)}.", where=", ".join(clips), fix="Name it alone.")
    if args.max_frames is not None:
        raise ConfigError("--max-frames means nothing for a benchmark.", fix="Use --limit N to take N of its clips.")
    return benchmark_clips(args.benchmark, Path(clips[0]), limit=args.limit, shorter_side=args.size)


def _numbers(words: Sequence[str] | None) -> list[int] | None:
    """The numbers of ``--context``."""
    if words is None:
        return None
    numbers = [number for word in words for number in word.split(",") if number]
    strange = next((number for number in numbers if not number.isdecimal()), None)
    if strange is not None or not numbers:
        raise ConfigError(
            f"--context takes numbers, and {strange!r} is none.",
            fix="Write --context 2,6 and name clips before the options.",
        )
    return [int(number) for number in numbers]


def _methods(names: Sequence[str], contexts: Sequence[int] | None, args: argparse.Namespace) -> dict[str, Method]:
    """Each method by the name its rows carry; LIFT once for each context."""
    from lift_core.inference.method_choice import make_method
    from lift_core.inference.methods import BASELINES

    methods = {}
    for name in names:
        for context in [None] if name in BASELINES or contexts is None else contexts:
            label = name if context is None else f"{name} T={context}"
            methods[label] = make_method(name, running_options(args, context))
    return methods


def _gallery(args: argparse.Namespace, methods: Mapping[str, Method]) -> FrameGallery | None:
    """What keeps the frames of the figure, if one is asked for; what is wrong with it is found now."""
    if args.figure is None:
        if args.figure_method is not None:
            raise ConfigError("--figure-method without --figure.", fix="Add --figure worst_and_best.png")
        return None
    from lift_core.inference.frame_gallery import FrameGallery
    from lift_core.viz.worst_and_best import MOST_METHODS

    if len(methods) > MOST_METHODS:
        raise ConfigError(
            f"the figure has room for {MOST_METHODS} methods, not {len(methods)}.",
            fix="Leave some, or the figure, out.",
        )
    chosen = args.figure_method or next(iter(methods))
    if chosen not in methods:
        raise ConfigError(f"--figure-method {chosen} is none of the methods.", fix=f"Choose of {', '.join(methods)}.")
    return FrameGallery(chosen)


def _asked(
    args: argparse.Namespace, clips: Sequence[str], methods: Mapping[str, Method], contexts: Sequence[int] | None
) -> dict[str, Any]:
    """What was asked, for those who read the file later."""
    return {
        "benchmark": args.benchmark,
        "clips": list(clips),
        "methods": list(methods),
        "context": contexts,
        "max_frames": args.max_frames,
        "shorter_side": args.size,
        "limit": args.limit,
        "device": args.device,
        "precision": args.precision,
        "memory": args.memory,
        "self_ensemble": args.self_ensemble,
        "parallel": args.parallel,
    }


def _draw(gallery: FrameGallery, path: Path) -> None:
    from lift_core.viz.figures import save_figure
    from lift_core.viz.worst_and_best import worst_and_best

    if not gallery.worst():
        print(f"{path} is not drawn: no frame was compared")
        return
    figure, text = worst_and_best(gallery.worst(), gallery.best(), gallery.method)
    save_figure(figure, path, text)
    print(f"{path}: {text}")
