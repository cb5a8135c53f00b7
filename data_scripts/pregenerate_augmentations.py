"""Write augmented variants of every sample to a folder that all folds share; a killed run goes on where it was.

Variant k of a sample is what training on the clips themselves would see in epoch k, bit by bit. For `lift train`:

    lift train --data CLIPS … --print-config > config.json
    python data_scripts/pregenerate_augmentations.py CLIPS VARIANTS --train-config config.json
    lift train --config config.json --pregenerated VARIANTS
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lift_core.program import exit_code

if TYPE_CHECKING:
    from lift_core.data.loaders import DataConfig


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help="folders, videos, raw clips or video lists")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to: new, empty, or begun before")
    parser.add_argument("--variants", type=int, default=4, metavar="N", help="of each sample, 1 to 1000 (default: 4)")
    samples = parser.add_argument_group("samples")
    samples.add_argument("--train-config", metavar="JSON", help="as the run of this config.json reads them")
    window = samples.add_mutually_exclusive_group()
    window.add_argument("--context", type=int, default=6, metavar="T", help="frames around the hidden one (default: 6)")
    window.add_argument("--consecutive", type=int, metavar="N", help="N frames in a row instead, the middle one hidden")
    samples.add_argument("--stride", type=int, default=2, metavar="S", help="of --context, in frames (default: 2)")
    samples.add_argument("--crop", default="256x256", metavar="HxW", help="of the samples (default: 256x256)")
    samples.add_argument("--samples-per-clip", type=int, metavar="N", help="drawn anew for each variant (default: all)")
    samples.add_argument("--scene-cuts", action="store_true", help="find cuts, and keep samples within shots")
    samples.add_argument("--seed", type=int, default=0, help="of the augmentation (default: 0)")
    samples.add_argument("--on-error", choices=("raise", "skip"), default="raise", help="at what cannot be read")
    parser.add_argument("--check", action="store_true", help="read all that is in OUT, and make anew what is damaged")
    parser.add_argument("--fresh", action="store_true", help="delete variants that are in OUT and begin anew")
    args = parser.parse_args(arguments)
    if args.train_config is not None:
        without_defaults = parser.parse_args(arguments, argparse.Namespace(**dict.fromkeys(_SAMPLES)))
        given = [name for name in _SAMPLES if getattr(without_defaults, name) is not None]
        if given:
            parser.error(f"--train-config says it all; leave out --{given[0].replace('_', '-')}")
    return args


_SAMPLES = ("context", "consecutive", "stride", "crop", "samples_per_clip", "scene_cuts", "seed", "on_error")


def data_config(args: argparse.Namespace) -> DataConfig:
    """The configuration of training that reads these variants: create_dataloaders(…, config, pregenerated=OUT)."""
    from lift_core.data.fixed_size import parse_size
    from lift_core.data.loaders import DataConfig
    from lift_core.data.sampling import Sampling
    from lift_core.data.window import FrameWindow

    if args.train_config is not None:
        return _of_training(args.train_config)
    drawn = args.samples_per_clip
    return DataConfig(
        window=(
            FrameWindow.uniform(args.context, args.stride)
            if args.consecutive is None
            else FrameWindow.consecutive(args.consecutive)
        ),
        crop=parse_size(args.crop, "--crop"),
        sampling=Sampling() if drawn is None else Sampling("random", count=drawn),
        seed=args.seed,
        on_error=args.on_error,
        scene_cuts=args.scene_cuts,
    )


def _of_training(path: str) -> DataConfig:
    from lift_core.training.config import TrainConfig, read_config
    from lift_core.training.data import data_config as of_run

    config = TrainConfig.from_dict(read_config(path))
    return of_run(config, config.phase2_crop)


def write(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from lift_core.data.discovery import find_clips
    from lift_core.data.open_dataset import all_clips
    from lift_core.data.pregenerated import pregenerate

    config = data_config(args)
    clips = find_clips(args.data, all_clips)
    with tqdm(desc="variants", unit="variant") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        report = pregenerate(
            clips,
            config.window,
            config.options("train"),
            args.out,
            variants=args.variants,
            fresh=args.fresh,
            check=args.check,
            progress=progress,
        )
    for repair in report.repairs:
        print(f"mended: {repair}")
    for failure in report.failed:
        print(f"left out: {failure}", file=sys.stderr)
    print(f"{report.total} variants: {report.written} written, {report.kept} were there, {len(report.failed)} left out")
    return int(bool(report.failed))


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    return exit_code("pregenerate_augmentations", lambda: write(args))


if __name__ == "__main__":
    sys.exit(main())
