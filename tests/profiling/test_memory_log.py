"""The memory log says what psutil and known tensors say, and warns before memory runs out."""

from __future__ import annotations

import gc
import logging
import math

import psutil
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from lift_core.errors import ConfigError
from lift_core.profiling import memory_log
from lift_core.profiling.machine_memory import MachineMemory
from lift_core.profiling.memory_log import GpuMemory, LiveTensor, log_memory_stats

MB = 10**6
ROOMY = MachineMemory(100 * MB, 80 * MB, 0.2, None, shared_total=100 * MB, shared_free=100 * MB)


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger=memory_log.__name__)
    return caplog


def test_numbers_of_the_process_are_psutils() -> None:
    stats = log_memory_stats("now")
    full = psutil.Process().memory_full_info()
    for name in ("rss", "vms", "uss"):
        assert getattr(stats.process, name) == pytest.approx(getattr(full, name), rel=0.05), name
    assert stats.process.uss is not None
    assert stats.process.uss <= stats.process.rss <= stats.process.vms
    assert stats.tensors == stats.models == ()


def test_a_system_that_hides_pages_costs_only_the_uss(
    monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    def denied(self: psutil.Process) -> None:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "memory_full_info", denied)
    stats = log_memory_stats("now")
    assert stats.process.uss is None
    assert stats.process.rss > 0
    assert "USS unknown, shared" in told.text


def test_memory_that_is_taken_shows_in_rss_and_uss() -> None:
    # So large that the C library asks the system for it, whatever was freed before.
    before = log_memory_stats("before").process
    block = torch.ones(100 * MB // 4)
    after = log_memory_stats("after").process
    assert after.rss - before.rss == pytest.approx(block.nbytes, rel=0.2)
    assert before.uss is not None
    assert after.uss is not None
    assert after.uss - before.uss == pytest.approx(block.nbytes, rel=0.2)


def test_tensors_and_models_of_a_trace_take_no_memory() -> None:
    with FakeTensorMode():
        fake = torch.empty(10**9)
    with torch.device("meta"):
        meta = torch.empty(10**9)
        model = nn.Linear(10**5, 10**5)
    stats = log_memory_stats("now", detailed=True)
    assert all(tensor.shape not in (fake.shape, meta.shape, model.weight.shape) for tensor in stats.tensors)
    assert stats.tensor_bytes < 10**9
    assert all(found.parameters != 10**10 + 10**5 for found in stats.models)


def test_details_list_known_tensors_by_the_memory_under_them() -> None:
    whole = torch.zeros(3000, 1000, dtype=torch.float64)
    smaller = torch.zeros(2000, 1001, dtype=torch.float64)
    view = whole[:1].detach()
    stats = log_memory_stats("now", detailed=True, largest=2)
    assert stats.tensors == (
        LiveTensor((3000, 1000), "float64", "cpu", whole.nbytes),
        LiveTensor((2000, 1001), "float64", "cpu", smaller.nbytes),
    )
    assert stats.tensor_bytes >= whole.nbytes + smaller.nbytes
    assert view.untyped_storage().nbytes() == whole.nbytes
    del whole
    gc.collect()
    kept = log_memory_stats("now", detailed=True, largest=1).tensors[0]
    assert kept == LiveTensor((1, 1000), "float64", "cpu", 24 * MB)


def test_details_list_whole_models_with_shared_weights_counted_once() -> None:
    class Known(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(300, 300)
            self.second = nn.Linear(300, 300)
            self.second.weight = self.first.weight
            self.register_buffer("table", torch.zeros(10))

    model = Known()
    found = log_memory_stats("now", detailed=True).models
    assert [(m.parameters, m.bytes) for m in found if m.name == "Known"] == [
        (300 * 300 + 600, 4 * (300 * 300 + 600 + 10))
    ]
    # Its layers are part of it and have no lines of their own.
    assert 300 * 300 + 300 not in [m.parameters for m in found]
    assert model.first.weight is model.second.weight


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage")
def test_tensors_without_memory_of_their_own_do_not_disturb() -> None:
    sparse = torch.eye(3).to_sparse()
    nested = torch.nested.nested_tensor([torch.rand(2), torch.rand(3)])
    whole = torch.zeros(50 * MB // 4)
    stats = log_memory_stats("now", detailed=True, largest=1)
    assert sparse.layout == torch.sparse_coo
    assert nested.is_nested
    assert stats.tensors == (LiveTensor((50 * MB // 4,), "float32", "cpu", whole.nbytes),)


def test_the_log_line_names_the_moment_and_its_numbers(told: pytest.LogCaptureFixture) -> None:
    stats = log_memory_stats("after epoch 3", threshold=1.0)
    assert told.messages == [str(stats)]
    for word in ("after epoch 3", "RSS", "VMS", "USS", "shared", "MB"):
        assert word in told.text
    assert told.records[0].levelno == logging.INFO


@pytest.mark.parametrize(
    ("machine", "gpus", "expected"),
    [
        (ROOMY, (), None),
        (MachineMemory(100 * MB, 11 * MB, 0.89, None, None, None), (), None),
        (MachineMemory(100 * MB, 10 * MB, 0.9, None, None, None), (), "90% of the machine's"),
        (MachineMemory(100 * MB, 2 * MB, 0.5, 0.98, None, None), (), "98% of the container's"),
        (MachineMemory(8000 * MB, 5000 * MB, 0.92, 0.25, None, None), (), "92% of the machine's"),
        (MachineMemory(100 * MB, 80 * MB, 0.2, None, 64 * MB, 1 * MB), (), "98% of /dev/shm"),
        (ROOMY, (GpuMemory("cuda:0", 70 * MB, 95 * MB, 5 * MB, 100 * MB),), None),
        (ROOMY, (GpuMemory("cuda:1", 92 * MB, 95 * MB, 5 * MB, 100 * MB),), "92% of cuda:1"),
    ],
)
def test_it_warns_where_memory_is_about_to_run_out(
    machine: MachineMemory,
    gpus: tuple[GpuMemory, ...],
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
    told: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(memory_log, "machine_memory", lambda: machine)
    monkeypatch.setattr(memory_log, "gpu_memory", lambda: gpus)
    stats = log_memory_stats("now")
    if expected is None:
        assert stats.warning is None
        assert told.records[0].levelno == logging.INFO
    else:
        assert stats.warning is not None
        assert expected in stats.warning
        assert told.records[0].levelno == logging.WARNING
        assert expected in told.text


def test_a_gpu_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = GpuMemory("cuda:0", 10 * MB, 20 * MB, 30 * MB, 50 * MB)
    monkeypatch.setattr(memory_log, "gpu_memory", lambda: (gpu,))
    assert "cuda:0: allocated 10.0 MB, reserved 20.0 MB, 30.0 MB of 50.0 MB free" in str(log_memory_stats("now"))


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0.0}, {"threshold": -0.5}, {"threshold": 1.5}, {"threshold": math.nan}, {"largest": 0}]
)
def test_nonsense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        log_memory_stats("now", **wrong)
