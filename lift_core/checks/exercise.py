"""Exercise: one task of a lab, with the reference, the inputs, the contract and the known mistakes that judge it."""

from __future__ import annotations

import inspect
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any, Literal

from lift_core.checks.card import Picture
from lift_core.checks.compare import Difference, first_difference
from lift_core.checks.isolation import Outcome, OutOfTime, Raised, Returned, run_isolated
from lift_core.checks.verdict import Verdict
from lift_core.checks.wording import counted, shown, shown_error, tidy, with_article
from lift_core.errors import LiftError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Candidate = Callable[..., Any]
Kind = Literal["faded", "core", "optional"]

STUB_PREFIX = "lift-stub:"
_UNEXAMINED = "the output cannot be examined"
_MOST_ITEMS = 10_000
_COMPARING_S = 5.0


@dataclass(frozen=True)
class Probe:
    """One input that a check tries.

    Attributes:
        label: completes "For …" in a message.
        args: the arguments, made anew for every call.
    """

    label: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Call:
    """One call of a candidate.

    Attributes:
        probe: the input, as it was before the call.
        args: the arguments that were passed, as the call left them.
        outcome: how it ended. An iterator that was returned is read, so that it is a list here.
        expected: how the reference ended on the same input.
    """

    probe: Probe
    args: tuple[Any, ...]
    outcome: Outcome
    expected: Outcome

    @property
    def output(self) -> Any:
        """What was returned; None where nothing was."""
        return self.outcome.value if isinstance(self.outcome, Returned) else None


Property = Callable[[Call], str | None]
PictureOf = Callable[[Call], "tuple[Figure, str] | None"]


@dataclass(frozen=True)
class Mistake:
    """A known mistake: a complete wrong implementation, and what to tell whoever made it."""

    name: str
    advice: str
    implementation: Candidate


@dataclass(frozen=True)
class _Problem:
    text: str
    call: Call
    difference: Difference | None = None


def _call_directly(candidate: Candidate, *args: Any) -> Any:
    return candidate(*args)


@dataclass
class Exercise:
    """A task, and all that judges it. Calling it with a student's function shows the verdict.

    Nothing but the lines of ``contract`` may fail an answer: the first line says what is returned and is judged by
    comparing with the reference, the others by the functions that `prop` registers.

    Attributes:
        id: "04.2"; name: of the thing to write.
        reference: a right implementation, which labs also fall back on.
        probes: makes the inputs, the same ones each time, fresh for every call.
        contract: what the answer must do; the lab prints these lines.
        kind: "faded" (a line or two are missing), "core" or "optional".
        atol: largest difference of two numbers taken as equal.
        timeout_s: time for all inputs together.
        drive: how a candidate (a class, say) is put to work on the arguments; by default it is called with them.
        picture: draws a counterexample; by default yours beside the expected, where they are pictures or rows of
            numbers.
    """

    id: str
    name: str
    reference: Candidate
    probes: Callable[[], Sequence[Probe]]
    contract: Sequence[str]
    kind: Kind = "core"
    atol: float = 1e-4
    timeout_s: float = 20.0
    drive: Callable[..., Any] = _call_directly
    picture: PictureOf | None = None
    properties: dict[str, Property] = field(default_factory=dict, init=False)
    mistakes: list[Mistake] = field(default_factory=list, init=False)

    def prop(self, line: str) -> Callable[[Property], Property]:
        """Register a property: a function of a `Call` that returns None, or what differs, in words.

        Args:
            line: the line of the contract that it judges.

        Raises:
            ValueError: the contract has no such line.
        """
        if line not in self.contract:
            raise ValueError(f"the contract of {self.id} has no line {line!r}")

        def register(function: Property) -> Property:
            self.properties[line] = function
            return function

        return register

    def mistake(self, name: str, advice: str) -> Callable[[Candidate], Candidate]:
        """Register a known mistake: a complete wrong implementation, and advice for whoever made it."""

        def register(implementation: Candidate) -> Candidate:
            self.mistakes.append(Mistake(name, advice, implementation))
            return implementation

        return register

    def __call__(self, candidate: Candidate) -> None:
        """Judge a student's function or class, show the verdict and note it."""
        self.judge(candidate).announce()

    def judge(self, candidate: Candidate) -> Verdict:
        """Judge a function or class without showing or noting anything."""
        misused = self._misused(candidate)
        if misused is not None:
            return Verdict(self.id, self.name, "wrong", (f"{misused}; it got {shown(candidate)}.",))
        calls = self.run(candidate)
        unfilled = next((message for call in calls if (message := _stub_message(call.outcome)) is not None), None)
        if unfilled is not None:
            return Verdict(self.id, self.name, "not attempted yet", (_how_to_begin(self.id, unfilled),))
        problem = next((found for call in calls if (found := self._problem(call)) is not None), None)
        if problem is None:
            inputs, lines = counted(len(calls), "input"), counted(len(self.contract), "line")
            return Verdict(self.id, self.name, "passed", (f"Tried on {inputs}, against {lines} of contract.",))
        expected = [call.expected for call in calls]
        known = next((m for m in self.mistakes if self.same(calls, self._calls(m.implementation, expected))), None)
        return self._wrong(problem, known)

    def run(self, candidate: Candidate) -> list[Call]:
        """Try a candidate on every input; after one that runs out of time the others are left out."""
        return list(self._calls(candidate))

    def _calls(self, candidate: Candidate, expected: Sequence[Outcome] = ()) -> Iterator[Call]:
        """Try a candidate on one input after the other; ``expected``: how the reference ended, as far as known."""
        left = self.timeout_s
        inputs = zip(self.probes(), self.probes(), self.probes(), strict=True)
        for number, (pristine, given, again) in enumerate(inputs):
            started = time.monotonic()
            outcome = run_isolated(partial(self._attempt, candidate, given.args), left)
            left = max(left - (time.monotonic() - started), 0.1)
            wanted = expected[number] if number < len(expected) else self._expected(again.args)
            yield Call(pristine, given.args, outcome, wanted)
            if isinstance(outcome, OutOfTime):
                return

    def _expected(self, args: Sequence[Any]) -> Outcome:
        outcome = run_isolated(partial(self._attempt, self.reference, args), self.timeout_s)
        if isinstance(outcome, OutOfTime):
            raise TimeoutError(f"the reference of {self.id} did not end within {self.timeout_s:g} s")
        return outcome

    def _misused(self, candidate: Candidate) -> str | None:
        """What to say of a candidate that cannot be tried: the result of a call, an object in place of its class."""
        makes = isinstance(candidate, type | partial) or inspect.isroutine(candidate)
        if isinstance(self.reference, type) and not makes:
            return f"The check takes the class itself, {self.name}, not an object made of it"
        if not callable(candidate):
            return f"The check takes {self.name} itself, without brackets behind it"
        return None

    def same(self, calls: Sequence[Call], others: Iterable[Call]) -> bool:
        """Tell whether two candidates did exactly the same: equal outputs or errors, and equal complaints.

        Where nothing at all is returned, the errors' messages must be equal too: any slip may raise a TypeError.
        ``others`` is read no further than to the first difference.
        """
        returns = any(isinstance(call.outcome, Returned) for call in calls)
        return all(
            one is not None
            and other is not None
            and self._same_outcome(one.outcome, other.outcome, by_type=returns)
            and self._complaints(one) == self._complaints(other)
            for one, other in zip_longest(calls, others)
        )

    def _same_outcome(self, one: Outcome, other: Outcome, *, by_type: bool) -> bool:
        if isinstance(one, Returned) and isinstance(other, Returned):
            return not (self._compared(one.value, other.value) or self._compared(other.value, one.value))
        if isinstance(one, Raised) and isinstance(other, Raised):
            equal = type(one.error) is type(other.error)
            return equal and (by_type or shown_error(one.error) == shown_error(other.error))
        return type(one) is type(other)

    def _attempt(self, candidate: Candidate, args: Sequence[Any]) -> Any:
        output = self.drive(candidate, *args)
        return _read(output) if isinstance(output, Iterator) else output

    def _compared(self, expected: Any, actual: Any) -> Difference | None:
        # The output's own code runs here: its iteration, its ==.
        outcome = run_isolated(partial(first_difference, expected, actual, self.atol), _COMPARING_S)
        if isinstance(outcome, Returned):
            return outcome.value
        return Difference(f"{_unexamined(outcome)}: {shown(actual)}", expected, actual)

    def _complaints(self, call: Call) -> list[str | None]:
        return [self._complaint(examine, call) for examine in self.properties.values()]

    def _complaint(self, examine: Property, call: Call) -> str | None:
        outcome = run_isolated(partial(examine, call), self.timeout_s)
        return outcome.value if isinstance(outcome, Returned) else f"{_unexamined(outcome)}: {shown(call.output)}"

    def _problem(self, call: Call) -> _Problem | None:
        stopped = _stopped(call, self.timeout_s)
        if stopped is not None:
            return _Problem(f"For {call.probe.label}: {stopped}", call)
        difference = self._difference(call)
        if difference is not None and call.output is None:
            return _Problem(f"For {call.probe.label}: nothing was returned. Is a return missing?", call, difference)
        complaints = zip(self.properties, self._complaints(call), strict=True)
        line, complaint = next(((line, said) for line, said in complaints if said is not None), (None, None))
        # An output too strange for a property to look at is best told by how it differs from the expected one.
        if complaint is not None and not (difference is not None and complaint.startswith(_UNEXAMINED)):
            return _Problem(f"For {call.probe.label}: {complaint}. The contract says: {line}", call)
        if difference is None:
            return None
        return _Problem(f"For {call.probe.label}: {difference.text}.", call, difference)

    def _difference(self, call: Call) -> Difference | None:
        if isinstance(call.outcome, Returned) and isinstance(call.expected, Returned):
            return self._compared(call.expected.value, call.outcome.value)
        return None

    def _wrong(self, problem: _Problem, known: Mistake | None) -> Verdict:
        outcome, expected = problem.call.outcome, problem.call.expected
        stopped = isinstance(outcome, OutOfTime) or (isinstance(outcome, Raised) and isinstance(expected, Returned))
        picture = None if stopped else self._draw(problem)
        if known is not None:
            said = (f"The mistake: {known.name}. {known.advice}", problem.text)
            return Verdict(self.id, self.name, "known mistake", said, known.name, picture)
        if stopped and not _refused(outcome):
            return Verdict(self.id, self.name, "crashed or out of time", (problem.text,))
        return Verdict(self.id, self.name, "wrong", (problem.text,), picture=picture)

    def _draw(self, problem: _Problem) -> Picture | None:
        # What cannot be drawn is told in words alone.
        drawn = run_isolated(partial(self._picture_of, problem), self.timeout_s)
        return drawn.value if isinstance(drawn, Returned) else None

    def _picture_of(self, problem: _Problem) -> Picture | None:
        if self.picture is not None:
            drawn = self.picture(problem.call)
        elif problem.difference is not None:
            from lift_core.viz.counterexample import counterexample

            first = problem.call.probe.args[0] if problem.call.probe.args else None
            drawn = counterexample(first, problem.difference.actual, problem.difference.expected, atol=self.atol)
        else:
            drawn = None
        return None if drawn is None else Picture(_png(drawn[0]), drawn[1])


def _read(iterator: Iterator[Any]) -> list[Any]:
    items = list(islice(iterator, _MOST_ITEMS + 1))
    if len(items) > _MOST_ITEMS:
        raise RuntimeError(f"the iterator does not end after {_MOST_ITEMS} items")
    return items


def _unexamined(outcome: Raised | OutOfTime) -> str:
    reason = "it takes too long" if isinstance(outcome, OutOfTime) else tidy(shown_error(outcome.error))
    return f"{_UNEXAMINED} ({reason})"


def _stub_message(outcome: Outcome) -> str | None:
    """The task of a stub that was run; None without one. Errors of loader workers hold its message further down."""
    # Libraries raise NotImplementedError for reasons of their own: only a stub's message counts.
    if isinstance(outcome, Raised) and isinstance(outcome.error, NotImplementedError):
        _, found, message = str(outcome.error).partition(STUB_PREFIX)
        return message.partition("\n")[0] if found else None
    return None


def _how_to_begin(exercise: str, message: str) -> str:
    number, _, task = message.partition(" ")
    if number != exercise:
        return f"It needs exercise {number}, which is not filled in yet: {task}."
    return f"To do: {task}. Replace the line `raise NotImplementedError(...)`, run that cell, then this one."


def _stopped(call: Call, timeout_s: float) -> str | None:
    """What to say where the call did not end as the reference did: out of time, an error, or none where one belongs."""
    outcome, expected = call.outcome, call.expected
    if isinstance(outcome, OutOfTime):
        return f"stopped after {timeout_s:g} seconds. Is there a loop without an end?"
    if isinstance(expected, Raised):
        return _other_error(outcome, type(expected.error))
    if isinstance(outcome, Raised):
        return f"this input is sound, and was refused: {_told(outcome)}" if _refused(outcome) else _told(outcome)
    return None


def _refused(outcome: Outcome) -> bool:
    """Tell whether the code answered with one of the package's own errors, which refuse an input."""
    return isinstance(outcome, Raised) and isinstance(outcome.error, LiftError)


def _other_error(outcome: Returned | Raised, wanted: type[Exception]) -> str | None:
    if isinstance(outcome, Raised) and isinstance(outcome.error, wanted):
        return None
    got = f"{shown(outcome.value)}." if isinstance(outcome, Returned) else _told(outcome)
    return f"expected {with_article(wanted.__name__)}, got {got}"


def _told(raised: Raised) -> str:
    where = f"\n{raised.where}" if raised.where else ""
    return f"{shown_error(raised.error)}{where}"


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()
