"""Choice: a question with a few answers to choose from, of which one is right and each wrong one is a misconception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lift_core.errors import ConfigError


@dataclass(frozen=True)
class Choice:
    """A multiple-choice question of a lab.

    Attributes:
        id: "04.A": the lab's number and a capital letter. Exercises have a second number instead: "04.3".
        question: one sentence.
        options: what can be chosen, by letter, in the order shown.
        right: the letter of the right one.
        why: one sentence for every option: why it is right, or which misconception leads to it.

    Raises:
        ConfigError: there are fewer than two options, ``right`` is none of them, or ``why`` is not about exactly them.
    """

    id: str
    question: str
    options: Mapping[str, str]
    right: str
    why: Mapping[str, str]

    def __post_init__(self) -> None:
        if len(self.options) < 2:
            raise ConfigError("a choice needs two options or more.", where=self.id)
        if self.right not in self.options:
            raise ConfigError(f"the right answer '{self.right}' is no option.", where=self.id)
        if set(self.why) != set(self.options):
            differing = ", ".join(sorted(set(self.why) ^ set(self.options)))
            raise ConfigError(f"options and reasons do not match: {differing}.", where=self.id)
