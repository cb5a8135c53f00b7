"""The memory of the machine is psutil's, unless a container's limit is tighter."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from lift_core.profiling.machine_memory import machine_memory

MB = 10**6


def write(folder: Path, **files: str | int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


@pytest.fixture
def membership(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def test_without_control_groups_it_is_the_machines(tmp_path: Path, membership: Path) -> None:
    found = machine_memory(tmp_path, membership)
    assert found.limit == psutil.virtual_memory().total
    assert found.container_share is None
    assert abs(found.available - psutil.virtual_memory().available) < 0.1 * found.limit
    assert 0 < found.machine_share < 1


def test_the_tightest_limit_of_version_2_counts_and_file_pages_are_available(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/service/job\n")
    write(tmp_path / "service" / "job", memory__max="max", memory__current=90 * MB)
    write(tmp_path / "service", memory__max=200 * MB, memory__current=150 * MB)
    write(tmp_path / "service", memory__stat=f"anon 1\ninactive_file {30 * MB}")
    found = machine_memory(tmp_path, membership)
    assert (found.limit, found.available) == (200 * MB, 80 * MB)
    assert found.container_share == pytest.approx(0.6)


def test_version_1_and_a_path_that_only_the_host_sees(tmp_path: Path, membership: Path) -> None:
    membership.write_text("9:name=systemd:/\n4:memory:/docker/abc\n0::/\n")
    limits = {"memory__limit_in_bytes": 100 * MB, "memory__usage_in_bytes": 99 * MB}
    write(tmp_path / "memory", **limits, memory__stat=f"inactive_file 1\ntotal_inactive_file {9 * MB}")
    found = machine_memory(tmp_path, membership)
    assert (found.limit, found.available) == (100 * MB, 10 * MB)
    assert found.container_share == pytest.approx(0.9)


def test_a_limit_above_the_machines_memory_is_none(tmp_path: Path, membership: Path) -> None:
    membership.write_text("4:memory:/\n")
    write(tmp_path / "memory", memory__limit_in_bytes=2**63 - 4096, memory__usage_in_bytes=5 * MB)
    found = machine_memory(tmp_path, membership)
    assert (found.limit, found.container_share) == (psutil.virtual_memory().total, None)


def test_a_group_beyond_its_limit_has_nothing_left(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/\n")
    write(tmp_path, memory__max=10 * MB, memory__current=11 * MB)
    assert machine_memory(tmp_path, membership).available == 0


def test_a_full_machine_around_a_container_that_is_not_shows(
    tmp_path: Path, membership: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimpleNamespace(total=64_000 * MB, available=5_120 * MB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    membership.write_text("0::/\n")
    write(tmp_path, memory__max=8_000 * MB, memory__current=2_000 * MB)
    found = machine_memory(tmp_path, membership)
    assert (found.limit, found.available) == (8_000 * MB, 5_120 * MB)
    assert (found.machine_share, found.container_share) == (pytest.approx(0.92), pytest.approx(0.25))


def test_of_containers_in_each_other_the_fullest_counts(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/inner\n")
    write(tmp_path / "inner", memory__max=10 * MB, memory__current=2 * MB)
    write(tmp_path, memory__max=100 * MB, memory__current=91 * MB)
    found = machine_memory(tmp_path, membership)
    assert (found.limit, found.available) == (10 * MB, 8 * MB)
    assert found.container_share == pytest.approx(0.91)
