"""Lab 03: the exercise on folds by group that share one set of pre-made augmentations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lift_core.checks.exercise import Call, Exercise, Probe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Entry = tuple[int, int]
Fold = tuple[list[Entry], list[Entry]]


def _held_out(groups: Sequence[str], folds: int, fold: int) -> set[str]:
    return set(sorted(set(groups))[fold::folds])


def _divide(groups: Sequence[str], variants: int, held: set[str]) -> Fold:
    training = [(c, v) for c, group in enumerate(groups) if group not in held for v in range(variants)]
    return training, [(c, 0) for c, group in enumerate(groups) if group in held]


def _fold_entries(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    return _divide(groups, variants, _held_out(groups, folds, fold))


def _sorted_fold(candidate: Callable[..., Any], *args: Any) -> Any:
    answer = candidate(*args)
    if answer is None or not (isinstance(answer, tuple | list) and len(answer) == 2):
        return answer
    parts = ([(int(clip), int(variant)) for clip, variant in part] for part in answer)
    return dict(zip(("training", "validation"), map(sorted, parts), strict=True))


_DEALT = (
    "the names of the groups, each once and sorted, are dealt out like cards: name number i is held out in fold"
    " i % folds"
)
_TRAINING = "training has every variant, 0 to variants - 1, of each clip whose group is not held out"
_VALIDATION = "validation has variant 0 alone, the clip as it is, of each clip whose group is held out"
_PARK = ("park", "zoo", "park", "bus", "zoo", "bus", "park", "sea")

fold_entries = Exercise(
    "03.8",
    "fold_entries",
    _fold_entries,
    lambda: [
        Probe("eight clips of four groups, fold 0 of 2", (_PARK, 3, 2, 0)),
        Probe("eight clips of four groups, fold 1 of 2", (_PARK, 3, 2, 1)),
        Probe("five groups, fold 2 of 3", (("e", "d", "d", "c", "b", "a", "a"), 2, 3, 2)),
        Probe("five groups, fold 0 of 3", (("e", "d", "d", "c", "b", "a", "a"), 2, 3, 0)),
        Probe("one variant only", (("b", "a", "ab", "b", "c"), 1, 3, 1)),
    ],
    contract=(
        "returns two lists, training and validation, of pairs (clip, variant) in any order; clips are counted from 0 in"
        " the order of groups",
        _DEALT,
        _TRAINING,
        _VALIDATION,
    ),
    drive=_sorted_fold,
    picture=lambda call: _draw_fold(call),
)


def _draw_fold(call: Call) -> tuple[Figure, str] | None:
    """Which side each stored file is on."""
    from lift_core.viz.text_table import text_table

    if not isinstance(call.output, dict):
        return None
    groups, variants = call.probe.args[:2]
    wanted = dict(zip(("training", "validation"), _fold_entries(*call.probe.args), strict=True))
    rows, wrong = {}, set()
    for clip, group in enumerate(groups):
        texts = []
        for variant in range(variants):
            mine, right = _side(call.output, (clip, variant)), _side(wanted, (clip, variant))
            texts.append(mine if mine == right else f"{mine}, not {right}")
            if mine != right:
                wrong.add((clip, variant))
        rows[f"clip {clip} ({group})"] = texts
    return text_table(rows, [f"variant {number}" for number in range(variants)], wrong, title="Where each file is")


def _side(parts: Mapping[str, Sequence[Entry]], entry: Entry) -> str:
    return " and ".join(name for name, entries in parts.items() if entry in entries) or "nowhere"


@fold_entries.prop(_DEALT)
def _right_groups(call: Call) -> str | None:
    groups, _, folds, fold = call.probe.args
    held = _held_out(groups, folds, fold)
    for part, wanted in (("training", set(groups) - held), ("validation", held)):
        found = {groups[clip] for clip, _ in call.output[part]}
        if found != wanted:
            return f"{part} has clips of {', '.join(sorted(found)) or 'no group'}, not of {', '.join(sorted(wanted))}"
    return None


@fold_entries.prop(_TRAINING)
def _right_training(call: Call) -> str | None:
    return _entries_differ(call, "training")


@fold_entries.prop(_VALIDATION)
def _right_validation(call: Call) -> str | None:
    return _entries_differ(call, "validation")


def _entries_differ(call: Call, part: str) -> str | None:
    """The first pair that is missing or does not belong there."""
    wanted = dict(zip(("training", "validation"), _fold_entries(*call.probe.args), strict=True))[part]
    found = call.output[part]
    missing, foreign = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or foreign:
        return f"{part} lacks {missing[0]}" if missing else f"{part} has {foreign[0]}, which does not belong there"
    return f"{part} has a pair twice" if len(found) > len(wanted) else None


@fold_entries.mistake(
    "clips are dealt out, not groups", "Two clips of one group now stand on both sides, and they look alike."
)
def _by_clip(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    names = [str(clip).zfill(9) for clip in range(len(groups))]
    return _fold_entries(names, variants, folds, fold)


@fold_entries.mistake(
    "variants are dealt out",
    "Variants of one clip now stand on both sides: validation sees what training saw, only mirrored.",
)
def _by_entry(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    entries = [(clip, variant) for clip in range(len(groups)) for variant in range(variants)]
    held = entries[fold::folds]
    return [entry for entry in entries if entry not in held], held


@fold_entries.mistake(
    "validation is augmented", "Validation measures on the clips as they are: variant 0, each clip once."
)
def _augmented_validation(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    training, held = _fold_entries(groups, variants, folds, fold)
    return training, [(clip, variant) for clip, _ in held for variant in range(variants)]


@fold_entries.mistake("training lacks variant 0", "The clip as it is belongs to training as well.")
def _without_original(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    training, held = _fold_entries(groups, variants, folds, fold)
    return [(clip, variant) for clip, variant in training if variant > 0], held


@fold_entries.mistake("training has variant 0 only", "The pre-made variants are there to be trained on.")
def _only_original(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    return _fold_entries(groups, 1, folds, fold)


@fold_entries.mistake("the groups are not sorted", "Their order in the list is chance: another disk, another fold.")
def _unsorted(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    return _divide(groups, variants, set(list(dict.fromkeys(groups))[fold::folds]))


@fold_entries.mistake(
    "the groups are cut into blocks", "They are dealt like cards: number i to fold i % folds, as range[fold::folds]."
)
def _blocks(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    names = sorted(set(groups))
    size = -(-len(names) // folds)
    return _divide(groups, variants, set(names[fold * size : (fold + 1) * size]))


@fold_entries.mistake("training and validation are exchanged", "The fold is held out: it is validation.")
def _exchanged(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    others = set(groups) - _held_out(groups, folds, fold)
    return _divide(groups, variants, others)


@fold_entries.mistake("a group counts as often as it has clips", "Each name is dealt once: make a set of them first.")
def _repeated(groups: Sequence[str], variants: int, folds: int, fold: int) -> Fold:
    return _divide(groups, variants, set(sorted(groups)[fold::folds]))
