"""A budget says which GPUs hold a step, and stops at the cheapest change with which each of them does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lift_core.model.config import STAGES, preset
from lift_core.training import budget as module
from lift_core.training.budget import RESERVE, USED, budget, combined_changes, holds, single_changes
from lift_core.training.step_memory import Step, StepMemory

STEP = Step(preset("lift_64"), 8, (256, 256))
GB = 10**9


def simple(step: Step) -> StepMemory:
    """Memory that behaves as a step's does, without its trace: 1 GB a sample of the step above."""
    size = GB * step.batch * step.size[0] * step.size[1] * step.model.context / (256 * 256 * 64)
    size *= 0.6 if step.precision == "bf16-mixed" else 1
    size *= 0.4 if step.checkpointing else 1
    return StepMemory(0, 0, 0, 0, 0, 0, int(size), 0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    traced: list[Step] = []

    def trace(step: Step) -> StepMemory:
        traced.append(step)
        return simple(step)

    monkeypatch.setattr(module, "trace_step", trace)
    monkeypatch.setattr(module, "_flop", lambda *args: 4 if args[-1] else 3)
    return traced


def test_a_gpu_holds_what_leaves_a_fifth_of_it_free() -> None:
    limit = int(USED * 16 * GB) - RESERVE
    assert holds(StepMemory(0, 0, 0, 0, 0, 0, limit, 0), 16)
    assert not holds(StepMemory(0, 0, 0, 0, 0, 0, limit + 1, 0), 16)


def test_nothing_is_tried_where_everything_fits(quick: list[Step]) -> None:
    found = budget(STEP)
    assert [verdict.holds for verdict in found.verdicts] == [True] * 3
    assert found.verdicts[0].share == pytest.approx(9.5 / 16)
    assert found.tried == ()
    assert quick == [STEP]


def test_each_gpu_gets_the_cheapest_change_that_fits_it_and_no_more_are_traced() -> None:
    found = budget(replace(STEP, batch=16), (6, 16, 24))
    small, middle, large = found.verdicts
    assert (small.holds, middle.holds, large.holds) == (False, False, True)
    assert middle.change is not None
    assert middle.change.options == "--precision bf16-mixed"
    assert small.change is not None
    assert small.change.options == "--batch 2 --accumulate 8"
    assert large.change is None
    assert [change.options for change in found.tried] == [
        "--precision bf16-mixed",
        "--batch 8 --accumulate 2",
        "--batch 4 --accumulate 4",
        "--batch 2 --accumulate 8",
    ]


def test_changes_are_put_together_where_none_alone_is_enough() -> None:
    found = budget(replace(STEP, batch=2, size=(512, 512)), (3.2,))
    change = found.verdicts[0].change
    assert change is not None
    assert change.options == f"--precision bf16-mixed --batch 1 --accumulate 2 --checkpointing {' '.join(STAGES)}"
    assert change.step == replace(
        STEP, batch=1, accumulate=2, size=(512, 512), precision="bf16-mixed", checkpointing=STAGES
    )
    assert change.memory.total == pytest.approx(0.4 * 0.6 * 4 * GB, rel=0.01)


def test_a_gpu_on_which_nothing_fits_gets_no_change_and_only_all_changes_together_are_traced(quick: list[Step]) -> None:
    found = budget(STEP, (1,))
    assert found.verdicts[0].change is None
    (least,) = found.tried
    assert (least.step.batch, least.step.size, least.step.model.context) == (1, (64, 64), 16)
    assert quick == [STEP, least.step]
    assert least.memory.total == min(trace.total for trace in map(simple, (s for _, _, s in combined_changes(STEP))))


def test_what_has_nothing_left_to_change_gets_no_change() -> None:
    bare = Step(replace(preset("lift_64"), context=2), 1, (64, 64), "bf16-mixed", STAGES)
    found = budget(bare, (1,))
    assert (found.verdicts[0].holds, found.verdicts[0].change, found.tried) == (False, None, ())


def test_alternatives_are_traced_where_they_are_asked_for() -> None:
    options = [change.options for change in budget(STEP, alternatives=True).tried]
    assert options == [text for text, _, _ in single_changes(STEP)]
    assert len(options) == 7


def test_single_changes_say_what_they_do_and_skip_what_is_done_already() -> None:
    done = replace(STEP, batch=1, precision="16-mixed", checkpointing=STAGES, size=(96, 96))
    assert [text for text, _, _ in single_changes(done)] == ["--frames 32"]
    assert list(single_changes(replace(done, model=replace(preset("lift_64"), context=2)))) == []
    cost = {text.split()[0]: cost for text, cost, _ in single_changes(STEP)}
    assert cost["--checkpointing"] == "1.33× the operations of a step"


@pytest.mark.parametrize(("batch", "parts"), [(8, [4, 2, 1]), (6, [3, 1]), (15, [5, 1]), (1, [])])
def test_a_batch_divides_evenly_so_that_the_step_stays_the_same(batch: int, parts: list[int]) -> None:
    changes = [step for _, _, step in single_changes(replace(STEP, batch=batch)) if step.batch != batch]
    assert [step.batch for step in changes] == parts
    assert all(step.batch * step.accumulate == batch for step in changes)


@pytest.mark.parametrize(("context", "half"), [(64, 32), (14, 8), (6, 4), (4, 2)])
def test_half_the_context_is_even(context: int, half: int) -> None:
    step = replace(STEP, model=replace(STEP.model, context=context))
    assert f"--frames {half}" in [text for text, _, _ in single_changes(step)]


def test_combined_changes_are_several_and_name_each_option_once() -> None:
    for text, _, _ in combined_changes(STEP):
        names = [word for word in text.split() if word.startswith("--")]
        assert len(names) == len(set(names))
        assert len(set(names) - {"--accumulate"}) >= 2
