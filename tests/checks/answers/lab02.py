"""Answers of students to the exercises of lab 02: right ones, and wrong ones with the reason in their docstring."""

import copy
import hashlib
import heapq
import itertools
import math
import queue
import random
import threading
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from fractions import Fraction
from itertools import islice

import numpy as np
import torch
from torch.utils.data import BatchSampler, IterableDataset, RandomSampler, get_worker_info


def epoch_batches_torch(count, batch_size, seed, epoch, drop_last):
    """torch.randperm with a generator whose seed mixes both numbers."""
    generator = torch.Generator().manual_seed(hash((seed, epoch)) % 2**63)
    order = torch.randperm(count, generator=generator).tolist()
    batches = [order[start : start + batch_size] for start in range(0, count, batch_size)]
    if drop_last and batches and len(batches[-1]) < batch_size:
        batches.pop()
    return batches


def epoch_batches_numpy(count, batch_size, seed, epoch, drop_last):
    """numpy's default_rng with a list as seed."""
    order = np.random.default_rng([seed, epoch]).permutation(count).tolist()
    end = count - count % batch_size if drop_last else count
    return [order[i : i + batch_size] for i in range(0, end, batch_size)]


def epoch_batches_text_seed(count, batch_size, seed, epoch, drop_last):
    """random.Random with a text as seed; pops from the shuffled list."""
    numbers = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(numbers)
    batches = []
    while numbers:
        batch = []
        while numbers and len(batch) < batch_size:
            batch.append(numbers.pop())
        if len(batch) == batch_size or not drop_last:
            batches.append(batch)
    return batches


def epoch_batches_sample(count, batch_size, seed, epoch, drop_last):
    """random.sample of all, cut by an iterator and islice."""
    order = iter(random.Random(repr((seed, epoch))).sample(range(count), count))
    batches = list(iter(lambda: list(islice(order, batch_size)), []))
    return [batch for batch in batches if not drop_last or len(batch) == batch_size]


def epoch_batches_sha(count, batch_size, seed, epoch, drop_last):
    """Sorts the numbers by a hash of seed, epoch and number: no generator at all."""
    order = sorted(range(count), key=lambda k: hashlib.sha256(f"{seed},{epoch},{k}".encode()).digest())
    whole = count // batch_size
    batches = [order[b * batch_size : (b + 1) * batch_size] for b in range(whole)]
    rest = order[whole * batch_size :]
    if rest and not drop_last:
        batches.append(rest)
    return batches


def epoch_batches_samplers(count, batch_size, seed, epoch, drop_last):
    """torch's own RandomSampler and BatchSampler with a generator."""
    if count == 0:
        return []
    generator = torch.Generator()
    generator.manual_seed(random.Random(f"{seed}|{epoch}").getrandbits(62))
    return list(BatchSampler(RandomSampler(range(count), generator=generator), batch_size, drop_last))


def epoch_batches_fork_rng(count, batch_size, seed, epoch, drop_last):
    """The global generator inside fork_rng, which puts it back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(hashlib.md5(f"{seed}-{epoch}".encode()).hexdigest()[:15], 16))
        order = torch.randperm(count).tolist()
    return [order[i : i + batch_size] for i in range(0, count, batch_size) if i + batch_size <= count or not drop_last]


def _order(count, seed, epoch):
    return random.Random(f"{seed} {epoch}").sample(range(count), count)


def _cut(order, batch_size, drop_last):
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    return [b for b in batches if len(b) == batch_size or not drop_last]


def epoch_batches_only_batches(count, batch_size, seed, epoch, drop_last):
    """Wrong: shuffles batches of consecutive numbers."""
    batches = _cut(list(range(count)), batch_size, drop_last)
    random.Random(f"{seed} {epoch}").shuffle(batches)
    return batches


def epoch_batches_within(count, batch_size, seed, epoch, drop_last):
    """Wrong: shuffles only inside each batch of consecutive numbers."""
    draw = random.Random(f"{seed} {epoch}")
    batches = _cut(list(range(count)), batch_size, drop_last)
    for batch in batches:
        draw.shuffle(batch)
    return batches


def epoch_batches_product(count, batch_size, seed, epoch, drop_last):
    """Wrong: seed * epoch, so that epoch 0 has one order for all seeds, and seed 0 one for all epochs."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed * epoch)).tolist()
    return _cut(order, batch_size, drop_last)


_KEPT = {}


def epoch_batches_kept(count, batch_size, seed, epoch, drop_last):
    """Wrong: keeps a generator for each seed and epoch, so that the second call goes on where the first ended."""
    draw = _KEPT.setdefault((seed, epoch), random.Random(f"{seed} {epoch}"))
    return _cut(draw.sample(range(count), count), batch_size, drop_last)


def epoch_batches_hash(count, batch_size, seed, epoch, drop_last):
    """Wrong: hash() of a text differs from one Python process to the next."""
    return _cut(random.Random(hash(f"{seed} {epoch}")).sample(range(count), count), batch_size, drop_last)


def epoch_batches_drops_full(count, batch_size, seed, epoch, drop_last):
    """Wrong: drop_last removes the last batch even where it is complete."""
    batches = _cut(_order(count, seed, epoch), batch_size, False)
    return batches[:-1] if drop_last else batches


def epoch_batches_short(count, batch_size, seed, epoch, drop_last):
    """Wrong: numbers 0 to count - 2."""
    return _cut(_order(count - 1, seed, epoch), batch_size, drop_last)


def epoch_batches_flat(count, batch_size, seed, epoch, drop_last):
    """Wrong: one flat list of numbers."""
    return [k for batch in _cut(_order(count, seed, epoch), batch_size, drop_last) for k in batch]


def epoch_batches_array_split(count, batch_size, seed, epoch, drop_last):
    """Wrong: array_split makes pieces of nearly equal size, not of batch_size."""
    pieces = np.array_split(np.array(_order(count, seed, epoch)), max(1, math.ceil(count / batch_size)))
    return [p.tolist() for p in pieces if len(p) == batch_size or not drop_last]


def epoch_batches_empty_end(count, batch_size, seed, epoch, drop_last):
    """Wrong: an empty batch at the end where batch_size divides count."""
    order = _order(count, seed, epoch)
    batches = [order[b * batch_size : (b + 1) * batch_size] for b in range(count // batch_size + 1)]
    return batches[:-1] if drop_last else batches


def epoch_batches_sum(count, batch_size, seed, epoch, drop_last):
    """seed + epoch: each alone changes the order, but (0, 1) and (1, 0) are the same."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed + epoch)).tolist()
    return _cut(order, batch_size, drop_last)


def epoch_batches_generator(count, batch_size, seed, epoch, drop_last):
    """Yields the lists one by one."""
    yield from _cut(_order(count, seed, epoch), batch_size, drop_last)


def epoch_batches_arrays(count, batch_size, seed, epoch, drop_last):
    """A list of numpy arrays in place of lists."""
    return _cut(np.random.default_rng([seed, epoch]).permutation(count), batch_size, drop_last)


def read_ahead_queue(batches, ahead):
    """A bounded queue, an object for the end, an error in a wrapper."""
    line = queue.Queue(maxsize=ahead)
    end, failed = object(), object()

    def fill():
        try:
            for batch in batches:
                line.put((None, batch))
        except BaseException as error:
            line.put((failed, error))
        else:
            line.put((end, None))

    threading.Thread(target=fill, daemon=True).start()
    while True:
        sign, thing = line.get()
        if sign is end:
            return
        if sign is failed:
            raise thing
        yield thing


def read_ahead_futures(batches, ahead):
    """An executor of one thread, and a deque of futures."""
    source, end = iter(batches), object()
    pool = ThreadPoolExecutor(1)
    try:
        futures = deque(pool.submit(next, source, end) for _ in range(ahead + 1))
        while True:
            batch = futures.popleft().result()
            if batch is end:
                return
            futures.append(pool.submit(next, source, end))
            yield batch
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def read_ahead_condition(batches, ahead):
    """A condition, a deque, and flags for the end."""
    changed, held = threading.Condition(), deque()
    state = {"done": False, "error": None}

    def fill():
        try:
            for batch in batches:
                with changed:
                    changed.wait_for(lambda: len(held) < ahead)
                    held.append(batch)
                    changed.notify_all()
        except Exception as error:
            state["error"] = error
        with changed:
            state["done"] = True
            changed.notify_all()

    threading.Thread(target=fill, daemon=True).start()
    while True:
        with changed:
            changed.wait_for(lambda: held or state["done"])
            if not held:
                break
            batch = held.popleft()
            changed.notify_all()
        yield batch
    if state["error"] is not None:
        raise state["error"]


def read_ahead_semaphores(batches, ahead):
    """Two semaphores; the place is taken before a batch is read, so exactly ahead are read."""
    free, full = threading.Semaphore(ahead), threading.Semaphore(0)
    held = deque()

    def fill():
        source = iter(batches)
        while True:
            free.acquire()
            try:
                held.append(("batch", next(source)))
            except StopIteration:
                held.append(("end", None))
            except Exception as error:
                held.append(("error", error))
            full.release()
            if held and held[-1][0] != "batch":
                return

    threading.Thread(target=fill, daemon=True).start()
    while True:
        full.acquire()
        kind, thing = held[0]
        if kind == "end":
            return
        if kind == "error":
            raise thing
        held.popleft()
        free.release()
        yield thing


class _Failure:
    def __init__(self, error):
        self.error = error


def read_ahead_stoppable(batches, ahead):
    """A queue, and an event that ends the thread when the loop is left early."""
    line, stop, end = queue.Queue(ahead), threading.Event(), object()

    def put(thing):
        while not stop.is_set():
            try:
                line.put(thing, timeout=0.05)
                return True
            except queue.Full:
                pass
        return False

    def fill():
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(end)
        except Exception as error:
            put(_Failure(error))

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while (thing := line.get()) is not end:
            if isinstance(thing, _Failure):
                raise thing.error
            yield thing
    finally:
        stop.set()


def read_ahead_callables(batches, ahead):
    """What travels are functions: one that returns the batch, one that raises."""
    line = queue.Queue(maxsize=ahead)

    def fill():
        try:
            for batch in batches:
                line.put(lambda batch=batch: batch)
        except Exception as failed:
            error = failed

            def fail():
                raise error

            line.put(fail)
        line.put(None)

    threading.Thread(target=fill, daemon=True).start()
    while (answer := line.get()) is not None:
        yield answer()


def read_ahead_unbounded(batches, ahead):
    """Wrong: the queue has no bound, so the thread never waits."""
    line, end = queue.Queue(), object()

    def fill():
        try:
            for batch in batches:
                line.put(batch)
            line.put(end)
        except Exception as error:
            line.put(_Failure(error))

    threading.Thread(target=fill, daemon=True).start()
    while (thing := line.get()) is not end:
        if isinstance(thing, _Failure):
            raise thing.error
        yield thing


def read_ahead_skips_none(batches, ahead):
    """Wrong: batches that are None are left out."""
    for batch in read_ahead_queue(batches, ahead):
        if batch is not None:
            yield batch


def read_ahead_swallows(batches, ahead):
    """Wrong: an error ends the loop silently."""
    line, end = queue.Queue(ahead), object()

    def fill():
        try:
            for batch in batches:
                line.put(batch)
        except Exception:
            pass
        finally:
            line.put(end)

    threading.Thread(target=fill, daemon=True).start()
    while (thing := line.get()) is not end:
        yield thing


def read_ahead_early_error(batches, ahead):
    """Wrong: the error is raised as soon as it is known, before batches that were read earlier."""
    line, end, failed = queue.Queue(ahead), object(), []

    def fill():
        try:
            for batch in batches:
                line.put(batch)
        except Exception as error:
            failed.append(error)
        line.put(end)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        if failed:
            raise failed[0]
        thing = line.get()
        if thing is end:
            if failed:
                raise failed[0]
            return
        yield thing


def read_ahead_one_more(batches, ahead):
    """Wrong: the queue holds ahead + 1 and the thread one more: ahead + 2."""
    yield from read_ahead_queue(batches, ahead + 1)


def read_ahead_one_less(batches, ahead):
    """Wrong: Queue(ahead - 1) is right for 2 and more, and without a bound for ahead=1."""
    yield from read_ahead_queue(batches, ahead - 1)


def read_ahead_equals(batches, ahead):
    """Wrong: the end is found with ==, which an array answers element by element."""
    line, end = queue.Queue(ahead), object()

    def fill():
        try:
            for batch in batches:
                line.put(batch)
            line.put(end)
        except Exception as error:
            line.put(_Failure(error))

    threading.Thread(target=fill, daemon=True).start()
    while True:
        thing = line.get()
        if thing == end:
            return
        if isinstance(thing, _Failure):
            raise thing.error
        yield thing


def batches_per_second_min(wait, decode, step, workers, cores):
    """The smallest of three rates; infinity where nothing limits."""
    if workers == 0:
        return 1 / (wait + decode + step)
    by_worker = workers / (wait + decode) if wait + decode > 0 else math.inf
    by_core = cores / decode if decode > 0 else math.inf
    return min(1 / step, by_worker, by_core)


def batches_per_second_max_time(wait, decode, step, workers, cores):
    """The largest of three times, turned over: no division by a cost."""
    if not workers:
        seconds = wait + decode + step
    else:
        seconds = max(step, (wait + decode) / workers, decode / cores)
    return 1.0 / seconds


def batches_per_second_numpy(wait, decode, step, workers, cores):
    """numpy, which divides by zero to infinity."""
    if workers == 0:
        return np.float64(1) / np.sum([wait, decode, step])
    with np.errstate(divide="ignore"):
        return np.min(np.divide([1.0, workers, cores], [step, wait + decode, decode]))


def batches_per_second_fractions(wait, decode, step, workers, cores):
    """Exact fractions, a float at the end."""
    wait, decode, step = (Fraction(cost) for cost in (wait, decode, step))
    if workers == 0:
        return float(1 / (wait + decode + step))
    return float(1 / max(step, (wait + decode) / workers, decode / Fraction(cores)))


def batches_per_second_counting(wait, decode, step, workers, cores):
    """How many batches each stage could deliver in a long time; the fewest, per second."""
    if workers == 0:
        return 1 / sum((wait, decode, step))
    long = 1e6
    tiny = 1e-300
    stages = {"step": long / max(step, tiny), "workers": workers * long / max(wait + decode, tiny)}
    stages["cores"] = cores * long / max(decode, tiny)
    return stages[min(stages, key=stages.get)] / long


def batches_per_second_torch(wait, decode, step, workers, cores):
    """Tensors of double precision; 1/0 is infinite there."""
    if workers == 0:
        return torch.tensor([wait, decode, step], dtype=torch.float64).sum().reciprocal().item()
    costs = torch.tensor([step, wait + decode, decode], dtype=torch.float64)
    return (torch.tensor([1, workers, cores], dtype=torch.float64) / costs).min().item()


def _three(wait, decode, step, workers, cores):
    return 1 / max(step, (wait + decode) / workers, decode / cores)


def batches_per_second_nothing(wait, decode, step, workers, cores):
    """Wrong: 0 batches per second with 0 workers."""
    return 0.0 if workers == 0 else _three(wait, decode, step, workers, cores)


def batches_per_second_overlap_alone(wait, decode, step, workers, cores):
    """Wrong: with 0 workers loading and computing overlap, as with 1."""
    return _three(wait, decode, step, max(workers, 1), cores)


def batches_per_second_cores_wait(wait, decode, step, workers, cores):
    """Wrong: waiting takes a core too."""
    if workers == 0:
        return 1 / (wait + decode + step)
    return 1 / max(step, (wait + decode) / workers, (wait + decode) / cores)


def batches_per_second_folk(wait, decode, step, workers, cores):
    """Wrong: no more workers than cores help, whatever they do."""
    if workers == 0:
        return 1 / (wait + decode + step)
    return 1 / max(step, (wait + decode) / min(workers, cores))


def batches_per_second_no_step_alone(wait, decode, step, workers, cores):
    """Wrong: with 0 workers the step is not added."""
    if workers == 0:
        return 1 / (wait + decode) if wait + decode else 1 / step
    return _three(wait, decode, step, workers, cores)


def batches_per_second_fastest(wait, decode, step, workers, cores):
    """Wrong: the fastest limit decides."""
    if workers == 0:
        return 1 / (wait + decode + step)
    return 1 / max(min(step, (wait + decode) / workers, decode / cores), 1e-12)


def batches_per_second_floor(wait, decode, step, workers, cores):
    """Wrong: whole batches only."""
    return int(batches_per_second_min(wait, decode, step, workers, cores))


def batches_per_second_adds(wait, decode, step, workers, cores):
    """Wrong: with workers loading is divided by them, but nothing overlaps with the step."""
    return 1 / (step + (wait + decode) / max(workers, 1))


def batches_per_second_plus_one(wait, decode, step, workers, cores):
    """Wrong: counts the training process as one more that loads."""
    if workers == 0:
        return 1 / (wait + decode + step)
    return _three(wait, decode, step, workers + 1, cores)


def batches_per_second_one_worker(wait, decode, step, workers, cores):
    """Wrong: takes 1 worker for no worker."""
    if workers <= 1:
        return 1 / (wait + decode + step)
    return _three(wait, decode, step, workers, cores)


class _Base(IterableDataset):
    def __init__(self, items, read):
        self.items, self.read = items, read


def _me():
    info = get_worker_info()
    return (0, 1) if info is None else (info.id, info.num_workers)


class StreamIslice(_Base):
    """islice with a start and a step."""

    def __iter__(self):
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for item in islice(self.items(), first, None, step):
            yield self.read(item)


class StreamModulo(_Base):
    """enumerate and the remainder."""

    def __iter__(self):
        worker = get_worker_info()
        for number, item in enumerate(self.items()):
            if worker is None or number % worker.num_workers == worker.id:
                yield self.read(item)


class StreamCompress(_Base):
    """A cycle of yes and no, and compress."""

    def __iter__(self):
        number, count = _me()
        mine = itertools.cycle([turn == number for turn in range(count)])
        for item in itertools.compress(self.items(), mine):
            yield self.read(item)


class StreamNext(_Base):
    """Skips by hand with next."""

    def __iter__(self):
        number, count = _me()
        source, end = iter(self.items()), object()
        for _ in range(number):
            next(source, end)
        while (item := next(source, end)) is not end:
            yield self.read(item)
            for _ in range(count - 1):
                next(source, end)


class StreamPairs(_Base):
    """Deals blocks of two in turn."""

    def __iter__(self):
        number, count = _me()
        for place, item in enumerate(self.items()):
            if place // 2 % count == number:
                yield self.read(item)


class StreamCrc(_Base):
    """A hash of the place, the same in every process, says whose it is."""

    def __iter__(self):
        number, count = _me()
        for place, item in enumerate(self.items()):
            if zlib.crc32(str(place).encode()) % count == number:
                yield self.read(item)


class StreamCountdown(_Base):
    """A local counter that goes down; the last worker begins."""

    def __iter__(self):
        number, count = _me()
        left = count - 1 - number
        for item in self.items():
            if left == 0:
                yield self.read(item)
                left = count
            left -= 1


class StreamColleagues(_Base):
    """Wrong: the colleague's: loses the rest, makes a list, and fails without workers."""

    def __iter__(self):
        worker = get_worker_info()
        items = list(self.items())
        size = len(items) // worker.num_workers
        for item in items[worker.id * size : (worker.id + 1) * size]:
            yield self.read(item)


class StreamEmptyTraining(_Base):
    """Wrong: serves nothing without workers."""

    def __iter__(self):
        worker = get_worker_info()
        if worker is None:
            return
        for item in islice(self.items(), worker.id, None, worker.num_workers):
            yield self.read(item)


class StreamBlocksCeil(_Base):
    """Wrong: every item once, but a list of all is made first."""

    def __iter__(self):
        number, count = _me()
        items = list(self.items())
        size = math.ceil(len(items) / count)
        for item in items[number * size : (number + 1) * size]:
            yield self.read(item)


class StreamReadsAll(_Base):
    """Wrong: calls read for the others' items too."""

    def __iter__(self):
        number, count = _me()
        for place, sample in enumerate(map(self.read, self.items())):
            if place % count == number:
                yield sample


class StreamByValue(_Base):
    """Wrong: takes the remainder of the item, which need not be a number."""

    def __iter__(self):
        number, count = _me()
        for item in self.items():
            if item % count == number:
                yield self.read(item)


class StreamByHash(_Base):
    """Wrong: hash() of a text differs between spawned workers, and some items have none."""

    def __iter__(self):
        number, count = _me()
        for item in self.items():
            if hash(item) % count == number:
                yield self.read(item)


class StreamKeptIterator(_Base):
    """Wrong: begins the stream when it is made, so that the second epoch is empty."""

    def __init__(self, items, read):
        super().__init__(items, read)
        self.source = iter(items())

    def __iter__(self):
        number, count = _me()
        for item in islice(self.source, number, None, count):
            yield self.read(item)


class StreamAskedEarly(_Base):
    """Wrong: asks for the worker where the stream is made, in the training process: each worker serves all."""

    def __init__(self, items, read):
        super().__init__(items, read)
        self.worker = get_worker_info()

    def __iter__(self):
        first, step = (0, 1) if self.worker is None else (self.worker.id, self.worker.num_workers)
        for item in islice(self.items(), first, None, step):
            yield self.read(item)


class StreamDropsFalsy(_Base):
    """Wrong: leaves out items that are 0 or empty."""

    def __iter__(self):
        number, count = _me()
        for item in islice(self.items(), number, None, count):
            if item:
                yield self.read(item)


class StreamWholeRounds(_Base):
    """Wrong: the last, incomplete round of cards is dropped."""

    def __iter__(self):
        number, count = _me()
        source = iter(self.items())
        while len(hand := list(islice(source, count))) == count:
            yield self.read(hand[number])


class StreamHands(_Base):
    """Takes rounds of num_workers items as lists; a short stream is a single list then."""

    def __iter__(self):
        number, count = _me()
        source = iter(self.items())
        while hand := list(islice(source, count)):
            if number < len(hand):
                yield self.read(hand[number])


class StreamOneServes(_Base):
    """Worker 0 serves everything, the others nothing: each item once, and nothing won."""

    def __iter__(self):
        number, _ = _me()
        if number == 0:
            yield from map(self.read, self.items())


_FREE = ("num_workers", "prefetch_factor", "persistent_workers", "precomputed")


def _waiting(pipeline):
    from lift_core.data.simulation import simulate

    return simulate(pipeline).waiting


def mend_names(pipeline):
    """By name; the number of workers from the division, rounded up."""
    if pipeline.name == "far disk":
        load = (pipeline.wait_ms + pipeline.cpu_ms) * pipeline.batch_size
        return replace(pipeline, num_workers=min(4, math.ceil(load / pipeline.step_ms)))
    if pipeline.name == "large frames":
        return replace(pipeline, precomputed=True)
    if pipeline.name == "short epochs":
        return replace(pipeline, persistent_workers=True)
    return pipeline


def mend_table(pipeline):
    """A dict of changes by name; the most workers allowed."""
    changes = {
        "far disk": {"num_workers": 4},
        "large frames": {"precomputed": True},
        "short epochs": {"persistent_workers": True},
    }
    return replace(pipeline, **changes[pipeline.name])


def mend_match(pipeline):
    """match on a part of the name; builds a new Pipeline from asdict."""
    values = asdict(pipeline)
    match pipeline.name.split():
        case ["far", _]:
            values["num_workers"] = 4
        case ["large", _]:
            values["precomputed"] = True
        case [_, "epochs"]:
            values["persistent_workers"] = True
    return type(pipeline)(**values)


def mend_costs(pipeline):
    """Looks at the costs, not at the name: the largest reason gets its change."""
    load = pipeline.batch_size * (pipeline.wait_ms + pipeline.cpu_ms)
    if pipeline.batch_size * pipeline.cpu_ms / pipeline.cores > pipeline.step_ms:
        return replace(pipeline, precomputed=True)
    if load / max(pipeline.num_workers, 1) > pipeline.step_ms or pipeline.num_workers == 0:
        return replace(pipeline, num_workers=max(1, min(4, math.ceil(load / pipeline.step_ms))))
    return replace(pipeline, persistent_workers=True)


def mend_search(pipeline):
    """Tries all allowed settings; the fewest changes that are enough win."""
    tries = []
    for workers, ahead, keep, before in itertools.product(
        range(5), {pipeline.prefetch_factor, 1, 2, 4}, (False, True), (False, True)
    ):
        if workers * ahead > 16:
            continue
        choice = replace(
            pipeline, num_workers=workers, prefetch_factor=ahead, persistent_workers=keep, precomputed=before
        )
        tries.append((sum(getattr(choice, f) != getattr(pipeline, f) for f in _FREE), len(tries), choice))
    for _, _, choice in sorted(tries, key=lambda t: t[:2]):
        if _waiting(choice) < 0.1:
            return choice
    return pipeline


def mend_elimination(pipeline):
    """Changes everything, then takes back what is not needed."""
    changes = {"num_workers": 4, "precomputed": True, "persistent_workers": True}
    changes = {name: value for name, value in changes.items() if getattr(pipeline, name) != value}
    before = None
    while before != changes:
        before = dict(changes)
        for name in ["num_workers", "precomputed", "persistent_workers"]:
            fewer = {other: value for other, value in changes.items() if other != name}
            if name in changes and _waiting(replace(pipeline, **fewer)) < 0.1:
                changes = fewer
    return replace(pipeline, **changes)


def mend_trace(pipeline):
    """Reads the trace: what do the workers do between the training's first and last computing?"""
    from lift_core.data.simulation import simulate

    spans = simulate(pipeline).spans
    waits = [s for s in spans if s.lane == "training" and s.kind in ("waiting", "loading")][1:]
    starts = [s for s in spans if s.kind == "starting"]

    def shared(one, other):
        return max(0.0, min(one.end, other.end) - max(one.start, other.start))

    lost = sum(s.end - s.start for s in waits) or 1.0
    starting = sum(max((shared(w, s) for s in starts), default=0.0) for w in waits)
    if starting / lost > 0.4:
        return replace(pipeline, persistent_workers=True)
    if pipeline.cpu_ms > pipeline.wait_ms:
        return replace(pipeline, precomputed=True)
    workers = 1
    while workers < 4 and _waiting(replace(pipeline, num_workers=workers)) >= 0.1:
        workers += 1
    return replace(pipeline, num_workers=workers)


def mend_copy(pipeline):
    """A copy whose field is set in spite of frozen."""
    mended = copy.copy(pipeline)
    field, value = {"f": ("num_workers", 4), "l": ("precomputed", True), "s": ("persistent_workers", True)}[
        pipeline.name[0]
    ]
    object.__setattr__(mended, field, value)
    return mended


def mend_forgets_return(pipeline):
    """Wrong: forgets to return."""
    mend_table(pipeline)


def mend_eight_workers(pipeline):
    """Wrong: more workers than allowed for the far disk."""
    if pipeline.name == "far disk":
        return replace(pipeline, num_workers=8)
    return mend_table(pipeline)


def mend_prefetch_too(pipeline):
    """Wrong: right, and one batch more ahead in vain."""
    return replace(mend_table(pipeline), prefetch_factor=pipeline.prefetch_factor + 1)


def mend_mixed_up(pipeline):
    """Wrong: large frames and short epochs mixed up."""
    if pipeline.name == "large frames":
        return replace(pipeline, persistent_workers=True)
    if pipeline.name == "short epochs":
        return replace(pipeline, precomputed=True)
    return mend_table(pipeline)


def mend_mutates(pipeline):
    """Wrong: changes what was given, in spite of frozen, and returns the same object."""
    field, value = {
        "far disk": ("num_workers", 4),
        "large frames": ("precomputed", True),
        "short epochs": ("persistent_workers", True),
    }[pipeline.name]
    object.__setattr__(pipeline, field, value)
    return pipeline


def mend_one_worker_short(pipeline):
    """Wrong: one worker fewer than the far disk needs."""
    if pipeline.name != "far disk":
        return mend_table(pipeline)
    for workers in range(1, 5):
        if _waiting(replace(pipeline, num_workers=workers)) < 0.1:
            return replace(pipeline, num_workers=workers - 1)
    return pipeline


def mend_more_cores(pipeline):
    """Wrong: right for two, and eight cores and four workers for the large frames."""
    if pipeline.name == "large frames":
        return replace(pipeline, cores=8, num_workers=4)
    return mend_table(pipeline)


def mend_renamed(pipeline):
    """Wrong: right, but with another name."""
    return replace(mend_table(pipeline), name=f"{pipeline.name}, mended")


def mend_dict(pipeline):
    """Wrong: the settings as a dict, no Pipeline."""
    return asdict(mend_table(pipeline))


def mend_two_of_three(pipeline):
    """Wrong: short epochs are left as they are."""
    return pipeline if pipeline.name == "short epochs" else mend_table(pipeline)


def mend_less_ahead(pipeline):
    """Right, and prefetch_factor=1 to save memory, which is a change that is not needed against waiting."""
    return replace(mend_table(pipeline), prefetch_factor=1)


def shuffled_hint(items, size, seed):
    """As in hint 3: append, and when full pop a random one."""
    draw, held = random.Random(seed), []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held.pop(draw.randrange(size))
    draw.shuffle(held)
    yield from held


def shuffled_replace(items, size, seed):
    """Fills, yields, and only then takes the next into the free place."""
    rng = np.random.default_rng(seed)
    source, end = iter(items), object()
    held = list(islice(source, size))
    while held:
        place = int(rng.integers(len(held)))
        yield held[place]
        item = next(source, end)
        if item is end:
            held[place] = held[-1]
            held.pop()
        else:
            held[place] = item


def shuffled_heap(items, size, seed):
    """A heap of random keys; the smallest goes."""
    draw, heap = random.Random(seed), []
    for number, item in enumerate(items):
        heapq.heappush(heap, (draw.random(), number, item))
        if len(heap) >= size:
            yield heapq.heappop(heap)[2]
    while heap:
        yield heapq.heappop(heap)[2]


def shuffled_torch(items, size, seed):
    """torch's generator, and a swap with the last before the pop."""
    generator = torch.Generator().manual_seed(seed)

    def take():
        place = int(torch.randint(len(held), (), generator=generator))
        held[place], held[-1] = held[-1], held[place]
        return held.pop()

    held = []
    for item in items:
        held.append(item)
        if len(held) >= size:
            yield take()
    while held:
        yield take()


def shuffled_dict(items, size, seed):
    """A dict by number of arrival; a random key goes."""
    draw, held = random.Random(f"shuffle {seed}"), {}
    for number, item in enumerate(items):
        held[number] = item
        if len(held) == size:
            yield held.pop(draw.choice(list(held)))
    while held:
        yield held.pop(draw.choice(list(held)))


class _Shuffler:
    def __init__(self, items, size, seed):
        self.source, self.size, self.held = iter(items), size, []
        self.draw = random.Random(seed)

    def __iter__(self):
        return self

    def __next__(self):
        for item in islice(self.source, self.size - len(self.held)):
            self.held.append(item)
        if not self.held:
            raise StopIteration
        return self.held.pop(int(self.draw.random() * len(self.held)))


def shuffled_class(items, size, seed):
    """An iterator class does it; a generator hands on."""
    yield from _Shuffler(items, size, seed)


def shuffled_slots(items, size, seed):
    """Fixed places in an array of objects; a permutation of the places at the end."""
    rng = np.random.RandomState(seed)
    slots, filled, free = np.empty(size, dtype=object), 0, None
    for item in items:
        if filled < size:
            slots[filled] = item
            filled += 1
        else:
            slots[free] = item
        if filled == size:
            free = rng.randint(size)
            yield slots[free]
    for place in rng.permutation(filled):
        if place != free:
            yield slots[place]


def shuffled_everything_unless_one(items, size, seed):
    """Wrong: the whole stream in memory, with an exception for size 1."""
    held = list(items)
    if size > 1:
        random.Random(seed).shuffle(held)
    yield from held


def shuffled_rest_in_order(items, size, seed):
    """Wrong: the rest follows in its order, so a stream that fits into the buffer is not shuffled."""
    draw, held = random.Random(seed), []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held.pop(draw.randrange(size))
    yield from held


def shuffled_unseeded(items, size, seed):
    """Wrong: the seed is not used."""
    held = []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held.pop(random.randrange(size))
    random.shuffle(held)
    yield from held


def shuffled_seeded_each_time(items, size, seed):
    """Wrong: makes a generator for each item, so that always the same place is drawn."""
    held = []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held.pop(random.Random(seed).randrange(size))
    random.Random(seed).shuffle(held)
    yield from held


def shuffled_choice(items, size, seed):
    """Wrong: draws and does not remove, so items come twice and others never."""
    draw, held = random.Random(seed), deque(maxlen=size)
    for item in items:
        held.append(item)
        if len(held) == size:
            yield draw.choice(held)
    rest = list(held)[1:]
    draw.shuffle(rest)
    yield from rest


def shuffled_fifo(items, size, seed):
    """Wrong: a queue: the oldest goes, nothing is shuffled but the rest."""
    held = deque()
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held.popleft()
    rest = list(held)
    random.Random(seed).shuffle(rest)
    yield from rest


def shuffled_begins_again(items, size, seed):
    """Wrong: fills from items and then loops over items again: a list begins anew."""
    draw = random.Random(seed)
    held = list(islice(items, size - 1))
    for item in items:
        held.append(item)
        yield held.pop(draw.randrange(len(held)))
    draw.shuffle(held)
    yield from held


def shuffled_short_stream(items, size, seed):
    """Wrong: next() without a default: a stream shorter than the buffer is a RuntimeError."""
    draw, source = random.Random(seed), iter(items)
    held = [next(source) for _ in range(size)]
    end = object()
    while held:
        yield held.pop(draw.randrange(len(held)))
        item = next(source, end)
        if item is not end:
            held.append(item)


def shuffled_set(items, size, seed):
    """Wrong: a set: equal items come once, and some items cannot be in one."""
    draw, held = random.Random(seed), set()
    for item in items:
        held.add(item)
        if len(held) == size:
            item = draw.choice(sorted(held))
            held.remove(item)
            yield item
    rest = sorted(held)
    draw.shuffle(rest)
    yield from rest


def shuffled_in_place(items, size, seed):
    """Wrong: shuffles the list that it was given."""
    if isinstance(items, list):
        random.Random(seed).shuffle(items)
        yield from items
    else:
        yield from shuffled_hint(items, size, seed)


RIGHT = {
    "02.1": (
        epoch_batches_torch,
        epoch_batches_numpy,
        epoch_batches_text_seed,
        epoch_batches_sample,
        epoch_batches_sha,
        epoch_batches_samplers,
        epoch_batches_fork_rng,
        epoch_batches_generator,
        epoch_batches_arrays,
    ),
    "02.2": (
        read_ahead_queue,
        read_ahead_futures,
        read_ahead_condition,
        read_ahead_semaphores,
        read_ahead_stoppable,
        read_ahead_callables,
    ),
    "02.3": (
        batches_per_second_min,
        batches_per_second_max_time,
        batches_per_second_numpy,
        batches_per_second_fractions,
        batches_per_second_counting,
        batches_per_second_torch,
    ),
    "02.4": (
        StreamIslice,
        StreamModulo,
        StreamCompress,
        StreamNext,
        StreamPairs,
        StreamCrc,
        StreamCountdown,
        StreamHands,
    ),
    "02.5": (
        mend_names,
        mend_match,
        mend_costs,
        mend_search,
        mend_elimination,
        mend_trace,
        mend_copy,
    ),
    "02.6": (
        shuffled_hint,
        shuffled_replace,
        shuffled_heap,
        shuffled_torch,
        shuffled_dict,
        shuffled_class,
        shuffled_slots,
    ),
}
WRONG = {
    "02.1": (
        epoch_batches_only_batches,
        epoch_batches_within,
        epoch_batches_product,
        epoch_batches_kept,
        epoch_batches_hash,
        epoch_batches_drops_full,
        epoch_batches_short,
        epoch_batches_flat,
        epoch_batches_array_split,
        epoch_batches_empty_end,
        epoch_batches_sum,
    ),
    "02.2": (
        read_ahead_unbounded,
        read_ahead_skips_none,
        read_ahead_swallows,
        read_ahead_early_error,
        read_ahead_one_more,
        read_ahead_one_less,
        read_ahead_equals,
    ),
    "02.3": (
        batches_per_second_nothing,
        batches_per_second_overlap_alone,
        batches_per_second_cores_wait,
        batches_per_second_folk,
        batches_per_second_no_step_alone,
        batches_per_second_fastest,
        batches_per_second_floor,
        batches_per_second_adds,
        batches_per_second_plus_one,
        batches_per_second_one_worker,
    ),
    "02.4": (
        StreamColleagues,
        StreamEmptyTraining,
        StreamBlocksCeil,
        StreamReadsAll,
        StreamByValue,
        StreamByHash,
        StreamKeptIterator,
        StreamAskedEarly,
        StreamDropsFalsy,
        StreamWholeRounds,
        StreamOneServes,
    ),
    "02.5": (
        mend_forgets_return,
        mend_eight_workers,
        mend_prefetch_too,
        mend_mixed_up,
        mend_mutates,
        mend_one_worker_short,
        mend_more_cores,
        mend_renamed,
        mend_dict,
        mend_two_of_three,
        mend_less_ahead,
    ),
    "02.6": (
        shuffled_everything_unless_one,
        shuffled_rest_in_order,
        shuffled_unseeded,
        shuffled_seeded_each_time,
        shuffled_choice,
        shuffled_fifo,
        shuffled_set,
        shuffled_begins_again,
        shuffled_in_place,
        shuffled_short_stream,
    ),
}
