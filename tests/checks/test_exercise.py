"""An exercise judges right, wrong, unfinished and hostile code, and says the same of it each time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from lift_core.checks import exercise as exercise_module
from lift_core.checks.card import Card
from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.journal import entries
from lift_core.checks.verdict import JOURNAL, Verdict
from lift_core.errors import ShapeError

Candidate = Callable[..., Any]

NEW = "the list that is given is not changed"


def doubled(numbers: list[int]) -> list[int]:
    if not numbers:
        raise LookupError("nothing to double")
    return [2 * number for number in numbers]


@pytest.fixture
def double() -> Exercise:
    exercise = Exercise(
        "04.2",
        "double",
        doubled,
        lambda: [Probe("three numbers", ([1, 2, 3],)), Probe("two numbers", ([0, 2],)), Probe("an empty list", ([],))],
        ("returns twice each number; an empty list raises a LookupError", NEW),
        timeout_s=5,
        picture=lambda call: None,
    )

    @exercise.prop(NEW)
    def is_kept(call: Call) -> str | None:
        return None if call.args == call.probe.args else f"the list is {call.args[0]} afterwards"

    @exercise.mistake("squared", "Twice is not the square.")
    def squared(numbers: list[int]) -> list[int]:
        return [number * number for number in doubled(numbers) and numbers]

    @exercise.mistake("no error for nothing", "Raise one.")
    def no_error(numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]

    @exercise.mistake("another error", "The error is a LookupError.")
    def another_error(numbers: list[int]) -> list[int]:
        if not numbers:
            raise ValueError("none")
        return doubled(numbers)

    @exercise.mistake("crashes always", "Do not.")
    def crashes(numbers: list[int]) -> list[int]:
        raise TypeError("unsupported operand")

    return exercise


def text_of(verdict: Verdict) -> str:
    return " ".join(verdict.paragraphs)


def test_a_right_answer_passes(double: Exercise) -> None:
    verdict = double.judge(lambda numbers: doubled(list(numbers)))
    assert (verdict.kind, verdict.paragraphs) == ("passed", ("Tried on 3 inputs, against 2 lines of contract.",))


@pytest.mark.parametrize("container", [tuple, np.array, torch.tensor, iter], ids=lambda kind: kind.__name__)
def test_a_right_answer_in_another_container_passes(double: Exercise, container: Callable[..., Any]) -> None:
    assert double.judge(lambda numbers: container(doubled(numbers))).passed


def test_a_right_generator_passes(double: Exercise) -> None:
    def candidate(numbers: list[int]) -> Iterator[int]:
        yield from doubled(numbers)

    assert double.judge(candidate).passed


def test_a_wrong_answer_is_told_with_its_input(double: Exercise) -> None:
    verdict = double.judge(lambda numbers: [3 * number for number in numbers])
    assert (verdict.kind, verdict.mistake) == ("wrong", None)
    assert verdict.paragraphs == ("For three numbers: expected [2, 4, 6], got [3, 6, 9].",)


def test_a_missing_return_is_guessed(double: Exercise) -> None:
    verdict = double.judge(lambda numbers: None)
    assert (verdict.kind, text_of(verdict)) == (
        "wrong",
        "For three numbers: nothing was returned. Is a return missing?",
    )


def test_a_missing_return_is_told_before_any_line_of_the_contract(double: Exercise) -> None:
    @double.prop(double.contract[0])
    def has_length(call: Call) -> str | None:
        return "it has no length" if call.output is None else None

    assert text_of(double.judge(lambda numbers: numbers.append(7))).endswith("Is a return missing?")


def test_nothing_is_no_missing_return_where_nothing_belongs() -> None:
    exercise = Exercise("04.3", "f", lambda items: items.clear(), lambda: [Probe("one", ([1],))], ("empties it",))

    @exercise.prop("empties it")
    def is_empty(call: Call) -> str | None:
        return f"{len(call.args[0])} are left" if call.args[0] else None

    assert exercise.judge(lambda items: items.pop() and None).passed
    assert text_of(exercise.judge(lambda items: None)).startswith("For one: 1 are left.")


def test_a_property_that_fails_is_told_with_its_line(double: Exercise) -> None:
    def candidate(numbers: list[int]) -> list[int]:
        output = doubled(numbers)
        numbers.append(7)
        return output

    verdict = double.judge(candidate)
    assert verdict.kind == "wrong"
    assert text_of(verdict) == f"For three numbers: the list is [1, 2, 3, 7] afterwards. The contract says: {NEW}"


def test_inputs_that_were_changed_reach_no_later_call(double: Exercise) -> None:
    seen = []

    def candidate(numbers: list[int]) -> list[int]:
        seen.append(list(numbers))
        numbers.clear()
        return []

    double.judge(candidate)
    double.judge(candidate)
    assert seen == [[1, 2, 3], [0, 2], []] * 2


def test_a_known_mistake_is_named_with_advice(double: Exercise) -> None:
    verdict = double.judge(lambda numbers: [number**2 for number in doubled(numbers) and numbers])
    assert (verdict.kind, verdict.mistake) == ("known mistake", "squared")
    assert verdict.paragraphs[0] == "The mistake: squared. Twice is not the square."
    assert "got [1, 4, 9]" in verdict.paragraphs[1]


@pytest.mark.parametrize(
    "candidate",
    [
        lambda numbers: [n * n for n in numbers],
        lambda numbers: [n * n + (len(numbers) == 2) for n in doubled(numbers) and numbers],
        lambda numbers: numbers.append(1) or [n * n for n in doubled(numbers) and numbers[:-1]],
    ],
    ids=["no-error", "other-values-once", "changes-its-input"],
)
def test_a_mistake_that_is_equal_on_some_inputs_only_is_not_named(double: Exercise, candidate: Candidate) -> None:
    verdict = double.judge(candidate)
    assert (verdict.kind, verdict.mistake) == ("wrong", None)


def test_an_error_that_is_missing_is_told(double: Exercise) -> None:
    verdict = double.judge(lambda numbers: [2 * number for number in numbers])
    assert verdict.mistake == "no error for nothing"
    assert text_of(verdict).endswith("For an empty list: expected a LookupError, got [].")


def raising(error: Exception) -> Candidate:
    def candidate(numbers: list[int]) -> list[int]:
        if not numbers:
            raise error
        return doubled(numbers)

    return candidate


def test_the_right_error_passes_with_any_message(double: Exercise) -> None:
    assert double.judge(raising(LookupError("mine"))).passed


def test_a_kind_of_the_right_error_passes(double: Exercise) -> None:
    assert double.judge(raising(IndexError("mine"))).passed


def test_another_error_is_wrong_and_no_crash(double: Exercise) -> None:
    verdict = double.judge(raising(OSError("gone")))
    assert verdict.kind == "wrong"
    assert text_of(verdict).startswith(
        "For an empty list: expected a LookupError, got OSError: gone\nin candidate, line"
    )


def test_a_mistake_in_an_error_is_named_whatever_its_message(double: Exercise) -> None:
    assert double.judge(raising(ValueError("mine"))).mistake == "another error"


def test_a_crash_is_told_with_the_students_line(double: Exercise) -> None:
    def candidate(numbers: list[int]) -> list[int]:
        return numbers + 1  # type: ignore[operator]

    verdict = double.judge(candidate)
    assert (verdict.kind, verdict.picture) == ("crashed or out of time", None)
    assert text_of(verdict).startswith('For three numbers: TypeError: can only concatenate list (not "int") to list\n')
    assert "in candidate, line" in text_of(verdict)
    assert "return numbers + 1" in text_of(verdict)


def test_a_mistake_that_crashes_is_named_only_for_the_same_error(double: Exercise) -> None:
    def same(numbers: list[int]) -> list[int]:
        raise TypeError("unsupported operand")

    def other(numbers: list[int]) -> list[int]:
        raise TypeError("something else")

    assert double.judge(same).mistake == "crashes always"
    assert double.judge(other).kind == "crashed or out of time"


def test_an_endless_loop_is_told_and_not_tried_again(double: Exercise) -> None:
    double.timeout_s = 0.1
    calls = []

    def candidate(numbers: list[int]) -> None:
        calls.append(numbers)
        while True:
            pass

    verdict = double.judge(candidate)
    assert verdict.kind == "crashed or out of time"
    assert text_of(verdict) == "For three numbers: stopped after 0.1 seconds. Is there a loop without an end?"
    assert len(calls) == 1


def test_a_mistake_that_hangs_is_named(double: Exercise) -> None:
    @double.mistake("never ends", "Count up.")
    def hangs(numbers: list[int]) -> None:
        while True:
            pass

    double.timeout_s = 0.1
    verdict = double.judge(lambda numbers: hangs(numbers))
    assert (verdict.mistake, verdict.picture) == ("never ends", None)


def stub(message: str) -> Candidate:
    def candidate(numbers: list[int]) -> list[int]:
        raise NotImplementedError(message)

    return candidate


def test_the_stub_is_not_attempted_yet(double: Exercise) -> None:
    verdict = double.judge(stub("lift-stub:04.2 double each number"))
    assert verdict.kind == "not attempted yet"
    assert text_of(verdict).startswith("To do: double each number. Replace the line")


def test_the_stub_of_another_exercise_is_named(double: Exercise) -> None:
    verdict = double.judge(stub("lift-stub:04.1 halve"))
    assert verdict.kind == "not attempted yet"
    assert text_of(verdict) == "It needs exercise 04.1, which is not filled in yet: halve."


def test_a_stub_inside_a_generator_is_not_attempted_yet(double: Exercise) -> None:
    def candidate(numbers: list[int]) -> Iterator[int]:
        raise NotImplementedError("lift-stub:04.2 double each number")
        yield

    assert double.judge(candidate).kind == "not attempted yet"


def test_a_stub_in_a_loaders_worker_is_not_attempted_yet(double: Exercise) -> None:
    told = "Caught NotImplementedError in DataLoader worker process 0.\nTraceback:\nlift-stub:04.2 double each\n"
    assert text_of(double.judge(stub(told))).startswith("To do: double each. ")


@pytest.mark.parametrize("message", ["", 'Module [Net] is missing the required "forward" function', "04.2 double"])
def test_other_not_implemented_errors_are_crashes(double: Exercise, message: str) -> None:
    assert double.judge(stub(message)).kind == "crashed or out of time"


def test_a_stub_that_is_reached_on_one_input_only_counts(double: Exercise) -> None:
    assert double.judge(raising(NotImplementedError("lift-stub:04.2 do it"))).kind == "not attempted yet"


def test_an_output_that_a_property_cannot_look_at_is_told_by_the_difference(double: Exercise) -> None:
    @double.prop(double.contract[0])
    def has_length(call: Call) -> str | None:
        return None if not isinstance(call.outcome, list) and len(call.output) else "empty"

    assert text_of(double.judge(lambda numbers: 5)) == "For three numbers: expected [2, 4, 6], got 5."


def test_a_right_output_that_a_property_cannot_look_at_fails_with_the_reason() -> None:
    exercise = Exercise("04.3", "f", lambda: 1, lambda: [Probe("nothing", ())], ("returns 1",))

    @exercise.prop("returns 1")
    def broken(call: Call) -> str | None:
        raise KeyError("x")

    assert "the output cannot be examined (KeyError: 'x'): 1. The contract says" in text_of(exercise.judge(lambda: 1))


def test_a_property_needs_a_line_of_the_contract(double: Exercise) -> None:
    with pytest.raises(ValueError, match="no line 'is fast'"):
        double.prop("is fast")


@pytest.mark.parametrize("candidate", [None, [2, 4, 6], 3])
def test_what_cannot_be_called_is_told(double: Exercise, candidate: Any) -> None:
    verdict = double.judge(candidate)
    assert verdict.kind == "wrong"
    assert "The check takes double itself, without brackets behind it" in text_of(verdict)


class Doubler:
    """A class that is asked for; its objects can be called."""

    def __call__(self, number: int) -> int:
        return 2 * number

    def __repr__(self) -> str:
        return "Doubler()"


@pytest.fixture
def make_doubler() -> Exercise:
    probes = [Probe("three", (3,))]
    return Exercise("04.3", "Doubler", Doubler, lambda: probes, ("doubles",), drive=lambda made, number: made()(number))


def test_an_object_in_place_of_its_class_is_told(make_doubler: Exercise) -> None:
    verdict = make_doubler.judge(Doubler())
    assert verdict.kind == "wrong"
    assert text_of(verdict) == (
        "The check takes the class itself, Doubler, not an object made of it; it got Doubler()."
    )


@pytest.mark.parametrize("maker", [Doubler, lambda: Doubler(), partial(Doubler)], ids=["class", "function", "partial"])
def test_whatever_makes_the_object_may_stand_for_the_class(make_doubler: Exercise, maker: Candidate) -> None:
    assert make_doubler.judge(maker).passed


def test_an_object_that_can_be_called_may_stand_for_a_function(double: Exercise) -> None:
    class Function:
        def __call__(self, numbers: list[int]) -> list[int]:
            return doubled(numbers)

    assert double.judge(Function()).passed


def test_a_sound_input_that_is_refused_is_a_wrong_answer(double: Exercise) -> None:
    def candidate(numbers: list[int]) -> list[int]:
        raise ShapeError("three are too many.")

    verdict = double.judge(candidate)
    assert (verdict.kind, verdict.picture) == ("wrong", None)
    told = (
        "For three numbers: this input is sound, and was refused: ShapeError: three are too many.\nin candidate, line"
    )
    assert text_of(verdict).startswith(told)


class Hostile:
    """An output whose every use raises."""

    def fail(self, *_: object) -> Any:
        raise ValueError("no")

    __eq__ = __repr__ = __iter__ = __len__ = __getitem__ = __bool__ = __array__ = __getattr__ = fail  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


class Slow:
    """An output that never finishes being read."""

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[int]:
        while True:
            pass


def selfish() -> list[Any]:
    output: list[Any] = []
    output.append(output)
    return output


@pytest.mark.parametrize(
    "output",
    [
        Hostile,
        Slow,
        selfish,
        object,
        lambda: Hostile,
        lambda: float("nan"),
        lambda: {1: selfish()},
        lambda: "6" * 10**6,
    ],
    ids=["hostile", "slow", "selfish", "object", "class", "nan", "nested", "huge"],
)
def test_strange_outputs_are_wrong_and_break_nothing(
    double: Exercise, output: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exercise_module, "_COMPARING_S", 0.05)
    verdict = double.judge(lambda numbers: output())
    assert verdict.kind == "wrong"
    assert len(text_of(verdict)) < 400


def test_an_iterator_without_an_end_is_stopped(double: Exercise) -> None:
    verdict = double.judge(lambda numbers: itertools.count())
    assert verdict.kind == "crashed or out of time"
    assert "does not end after 10000 items" in text_of(verdict)


def leaky(numbers: list[int]) -> list[int]:
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    np.seterr(all="raise")
    np.random.seed()
    return doubled(numbers)


def test_what_a_candidate_sets_does_not_stay(double: Exercise) -> None:
    assert double.judge(leaky).passed
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    "candidate",
    [
        lambda numbers: object(),
        lambda numbers: {"b", "a", "c"},
        lambda numbers: [object(), lambda: 0],
        lambda numbers: numbers[object()],
        lambda numbers: torch.rand(3),
        lambda numbers: int(str(object())),
    ],
)
def test_the_same_code_is_told_the_same_twice(double: Exercise, candidate: Candidate) -> None:
    first, second = (str(double.judge(candidate).card()) for _ in range(2))
    assert first == second
    assert "0x" not in first


def test_the_reference_is_tried_once_on_each_input_however_many_mistakes_are_known() -> None:
    tried: list[int] = []

    def doubled(number: int) -> int:
        tried.append(number)
        return 2 * number

    exercise = Exercise("04.3", "f", doubled, lambda: [Probe("1", (1,)), Probe("2", (2,))], ("doubles",))
    exercise.mistake("halved", "Multiply.")(lambda number: number / 2)
    exercise.mistake("kept", "Multiply.")(lambda number: number)
    assert exercise.judge(lambda number: number).mistake == "kept"
    assert tried == [1, 2]


def test_a_reference_without_an_end_is_no_students_fault() -> None:
    def endless() -> None:
        while True:
            pass

    exercise = Exercise("04.3", "f", endless, lambda: [Probe("nothing", ())], ("returns",), timeout_s=0.05)
    with pytest.raises(TimeoutError, match=r"reference of 04\.3"):
        exercise.judge(lambda: 1)


def test_random_code_is_compared_on_the_same_random_numbers() -> None:
    exercise = Exercise("04.3", "noise", lambda: torch.rand(3), lambda: [Probe("nothing", ())], ("returns noise",))
    assert exercise.judge(lambda: torch.rand(3)).passed


def test_a_class_is_put_to_work_by_the_exercises_own_driver() -> None:
    class Counter:
        def __init__(self, step: int) -> None:
            self.step = step

        def at(self, n: int) -> int:
            return n * self.step

    class Constant(Counter):
        def at(self, n: int) -> int:
            return self.step

    exercise = Exercise(
        "04.3",
        "Counter",
        Counter,
        lambda: [Probe("step 2", (2,))],
        ("at(n) is n steps",),
        drive=lambda candidate, step: [candidate(step).at(n) for n in range(4)],
    )
    assert exercise.judge(Counter).passed
    assert text_of(exercise.judge(Constant)) == "For step 2: expected [0, 2, 4, 6], got [2, 2, 2, 2]."


def figure_of(call: Call) -> tuple[Figure, str]:
    return Figure(figsize=(1, 1)), f"drawn for {call.probe.label}, {call.output}"


def test_a_wrong_answer_has_the_exercises_picture(double: Exercise) -> None:
    double.picture = figure_of
    picture = double.judge(lambda numbers: [0]).picture
    assert picture is not None
    assert picture.png.startswith(b"\x89PNG")
    assert picture.alt == "drawn for three numbers, [0]"


def test_a_picture_that_fails_is_left_out(double: Exercise) -> None:
    def broken(call: Call) -> tuple[Figure, str]:
        raise ValueError

    double.picture = broken
    verdict = double.judge(lambda numbers: [0])
    assert (verdict.kind, verdict.picture) == ("wrong", None)


def test_without_one_numbers_are_drawn_beside_the_expected(double: Exercise) -> None:
    double.picture = None
    picture = double.judge(lambda numbers: [9 * number for number in numbers]).picture
    assert picture is not None
    assert picture.alt


def test_the_verdict_is_shown_and_noted(
    double: Exercise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIFT_WORK", str(tmp_path))
    double(doubled)
    double(stub("lift-stub:04.2 double"))
    assert "Exercise 04.2 double: passed" in capsys.readouterr().out
    noted = entries(JOURNAL)
    assert [(entry["exercise"], entry["name"], entry["verdict"]) for entry in noted] == [
        ("04.2", "double", "passed"),
        ("04.2", "double", "not attempted yet"),
    ]
    assert all(entry["time"].endswith("+00:00") for entry in noted)


def test_judging_alone_shows_and_notes_nothing(
    double: Exercise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIFT_WORK", str(tmp_path))
    double.judge(doubled)
    assert capsys.readouterr().out == ""
    assert entries(JOURNAL) == []


def test_the_card_of_a_verdict_holds_its_record(double: Exercise) -> None:
    card = double.judge(doubled).card()
    bundle = json.loads(json.dumps(card._repr_mimebundle_()))
    assert bundle[Card.RECORD_TYPE] == {"exercise": "04.2", "name": "double", "verdict": "passed"}


def test_markup_in_an_output_stays_text(double: Exercise) -> None:
    page = double.judge(lambda numbers: "<script>alert(1)</script>").card().to_html()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
