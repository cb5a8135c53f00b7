"""`lift budget` prints what a step needs and who holds it, and refuses in one line what no step can be."""

from __future__ import annotations

import json
import re

import pytest

from lift_core.cli import main
from lift_core.model.config import preset
from lift_core.profiling.ledger import batch_bytes
from lift_core.training.step_memory import Step, StepMemory, trace_step

TINY = ["--preset", "lift_tiny", "--frames", "4", "--size", "64x96", "--batch", "2"]


def test_json_holds_the_trace_and_the_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["budget", *TINY, "--memory", "16", "80", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    model = preset("lift_tiny")
    traced = trace_step(Step(type(model)(**{**model.to_dict(), "context": 4}), 2, (64, 96)))
    assert told["bytes"]["total"] == traced.total
    assert told["bytes"]["activations"] == traced.activations
    assert (told["frames"], told["size"], told["batch"]) == (4, [64, 96], 2)
    assert [gpu["holds"] for gpu in told["gpus"]] == [True, True]
    ledger = told["ledger"]
    assert ledger["batch"] == 2 * ledger["sample"] == batch_bytes(2, 4, 64, 96)
    assert ledger["features"].keys() == {"4", "8", "16"}
    assert told["gpus"][0]["share"] == pytest.approx((traced.total + told["reserve_bytes"]) / 16e9)


def test_text_has_a_line_for_every_part_and_every_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["budget", *TINY]) == 0
    told = capsys.readouterr().out
    parts = ("weights", "average", "optimizer", "gradients", "batch", "activations", "total")
    ledger = ("a sample", "a batch", "features at 1/4", "features at 1/8", "features at 1/16", "tokens", "attention")
    for part in (*parts, *ledger):
        assert re.search(rf"^  {part}.* MB", told, re.MULTILINE), part
    assert re.findall(r"(\d+) GB  (yes|NO)", told) == [("16", "yes"), ("24", "yes"), ("40", "yes")]


def test_a_gpu_that_is_too_small_gets_advice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_gigabyte_a_sample(step: Step) -> StepMemory:
        return StepMemory(0, 0, 0, 0, 0, 0, step.batch * 10**9, 0)

    monkeypatch.setattr("lift_core.training.budget.trace_step", a_gigabyte_a_sample)
    monkeypatch.setattr("lift_core.training.budget._flop", lambda *args: 1)
    assert main(["budget", "--batch", "16", "--memory", "16", "24", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [gpu["holds"] for gpu in told["gpus"]] == [False, True]
    assert told["gpus"][0]["change"] == "--batch 8 --accumulate 2"
    assert main(["budget", "--batch", "16", "--memory", "16", "24"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"16 GB  NO +109%   cheapest change that makes it fit: --batch 8 --accumulate 2", told)
    assert re.search(r"8000 MB  --batch 8 --accumulate 2\n +\(the same step", told)


def test_a_gpu_that_nothing_helps_is_told_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lift_core.training.budget._flop", lambda *args: 1)
    monkeypatch.setattr(
        "lift_core.training.budget.trace_step", lambda step: StepMemory(0, 0, 0, 0, 0, 0, step.batch * 10**9, 0)
    )
    assert main(["budget", *TINY, "--memory", "2", "4"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"  2 GB  NO +175%   not even all changes together make it fit", told)
    assert re.search(r"  4 GB  NO +88%   cheapest change that makes it fit: --batch 1 --accumulate 2", told)
    assert re.search(r"1000 MB  --precision bf16-mixed --batch 1 .*--frames 2\n", told)


def test_the_passes_of_a_step_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["budget", *TINY, "--accumulate", "3"]) == 0
    told = capsys.readouterr().out
    assert "32-true, 3 passes a step" in told
    assert re.search(r"gradients .* those of earlier passes are there", told)


@pytest.mark.parametrize("text", ["256", "256x", "x256", "axb", "0x256", "256x-1", "1e3x2", "20000x4", "256x256x3", ""])
def test_what_is_no_size_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["budget", f"--size={text}"]) == 2
    assert "[--size]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "lift_65"], "lift_64"),
        (["--frames", "63"], "[--frames]"),
        (["--frames", "0"], "[--frames]"),
        (["--size", "256"], "256x448"),
        (["--batch", "0"], "--batch"),
        (["--accumulate", "-1"], "--accumulate"),
        (["--precision", "fp8"], "bf16-mixed"),
        (["--checkpointing", "decoder"], "refiner"),
        (["--memory", "0"], "16 24 40"),
        (["--memory", "16", "nan"], "no GPU has nan GB"),
        (["--memory", "inf"], "no GPU has inf GB"),
        (["--memory", "1e300"], "10000"),
        (["--memory", "1e-300"], "0.1"),
        (["--batch", str(10**9)], "1000000"),
        (["--batch", "65"], "4160 frames in one forward pass [--batch, --frames] Give at most 4096"),
        (["--frames", str(10**9)], "[--batch, --frames]"),
        (["--accumulate", str(10**12)], "[--accumulate]"),
        (["--size", "1x1"], "from 2 to 16384"),
        (["--size", "99999x99999"], "from 2 to 16384"),
        (["--size", "9" * 5000 + "x9"], "[--size]"),
    ],
)
def test_what_no_step_can_be_is_refused_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["budget", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
