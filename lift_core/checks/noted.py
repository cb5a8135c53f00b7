"""Noted: what a drive noted for the properties of an exercise, where right answers may differ."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Noted(Generic[T]):
    """A value that equals any other noted one: properties judge it, and comparing with the reference never does."""

    def __init__(self, value: T) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Noted)

    __hash__ = None  # type: ignore[assignment]
