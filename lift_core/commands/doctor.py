"""`lift doctor`: prints what the course finds on this machine; exit code 1 where something needed is broken."""

from __future__ import annotations

import argparse

HELP = "tell what is installed, what is missing, and what to do about it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


def run(args: argparse.Namespace) -> int:
    from lift_core.course.doctor import examine, is_broken, report
    from lift_core.course.machine import gather

    findings = examine(gather())
    print(report(findings))
    return int(is_broken(findings))
