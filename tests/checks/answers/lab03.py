"""Answers of students to the exercises of lab 03: right ones, and wrong ones with the reason in their docstring."""

import hashlib
import itertools
import math
import os
import random
import zlib
from collections import Counter, defaultdict, deque
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import get_worker_info

from lift_core.data.augmentation import generator
from lift_core.data.sample import SampleKey


def recall_confusion_matrix(predicted, truth, classes):
    """Confusion matrix by bincount, diagonal over row sums, as a tensor."""
    table = torch.bincount(truth * classes + predicted, minlength=classes**2)
    table = table[: classes**2].reshape(classes, classes).double()
    return table.diagonal() / table.sum(dim=1)


def recall_bincount_ratio(predicted, truth, classes):
    """Bincount of hits over bincount of truth; 0/0 is nan."""
    hits = torch.bincount(truth[predicted == truth], minlength=classes).float()
    return (hits / torch.bincount(truth, minlength=classes)).tolist()


def recall_numpy(predicted, truth, classes):
    """numpy masks, a numpy array comes back."""
    p, t = np.asarray(predicted), np.asarray(truth)
    out = np.full(classes, np.nan)
    for c in np.unique(t):
        out[c] = np.mean(p[t == c] == c)
    return out


def recall_python_groups(predicted, truth, classes):
    """A dict of lists of flags for each class."""
    flags = defaultdict(list)
    for p, t in zip(predicted, truth):
        flags[int(t)].append(bool(p == t))
    return [sum(flags[c]) / len(flags[c]) if flags[c] else math.nan for c in range(classes)]


def recall_classes_inferred(predicted, truth, classes):
    """Wrong: ignores classes, counts up to the largest truth."""
    return [(predicted[truth == c] == c).float().mean().item() for c in range(int(truth.max()) + 1)]


def recall_from_one(predicted, truth, classes):
    """Wrong: classes counted from 1."""
    return [(predicted[truth == c] == c).float().mean().item() for c in range(1, classes + 1)]


def recall_floor_division(predicted, truth, classes):
    """Wrong: whole division makes every share 0 or 1."""
    return [
        float(((predicted == c) & (truth == c)).sum() // max(1, (truth == c).sum()))
        if (truth == c).any()
        else float("nan")
        for c in range(classes)
    ]


def recall_nan_when_none_found(predicted, truth, classes):
    """Wrong: a class of which nothing was found gets nan and not 0."""
    hits = [((predicted == c) & (truth == c)).sum().item() for c in range(classes)]
    return [h / (truth == c).sum().item() if h else float("nan") for c, h in enumerate(hits)]


def recall_return_in_loop(predicted, truth, classes):
    """Wrong: returns inside the loop, after the first class."""
    found = []
    for c in range(classes):
        found.append((predicted[truth == c] == c).float().mean().item())
        return found


def recall_share_of_predictions(predicted, truth, classes):
    """Wrong: how often each class was predicted, over how often it is."""
    return (torch.bincount(predicted, minlength=classes) / torch.bincount(truth, minlength=classes)).tolist()


def recall_percent(predicted, truth, classes):
    """Wrong: percent and not a share."""
    return [100 * (predicted[truth == c] == c).float().mean().item() for c in range(classes)]


def weights_counter(labels):
    """collections.Counter and a list."""
    numbers = labels.tolist()
    count = Counter(numbers)
    return [1.0 / count[n] for n in numbers]


def weights_numpy(labels):
    """numpy unique; an array comes back."""
    _, place, count = np.unique(labels.numpy(), return_inverse=True, return_counts=True)
    return len(labels) / (len(count) * count)[place]


def weights_comparison_table(labels):
    """Compare all with all; the row sums are the counts."""
    return (labels[:, None] == labels[None, :]).double().sum(1).reciprocal()


def weights_tuple_scale_1000(labels):
    """A tuple, of a scale of its own."""
    numbers = labels.tolist()
    return tuple(1000 / numbers.count(n) for n in numbers)


def weights_squared(labels):
    """Wrong: squared, overshoots."""
    return 1 / torch.bincount(labels)[labels].float() ** 2


def weights_rounded(labels):
    """Wrong: rounded to two digits."""
    return torch.round(1 / torch.bincount(labels)[labels], decimals=2)


def weights_sorted_order(labels):
    """Wrong: in the order of classes, not of labels."""
    count = torch.bincount(labels)
    present = count[count > 0]
    return torch.repeat_interleave(1 / present, present)


def weights_smoothed(labels):
    """Wrong: one added to each count against division by zero."""
    return 1 / (torch.bincount(labels)[labels] + 1.0)


def weights_unique_counts_by_label(labels):
    """Wrong: counts of the classes that occur, indexed by class number; a missing class shifts them."""
    _, count = torch.unique(labels, return_counts=True)
    return 1 / count[labels.clamp(max=len(count) - 1)]


def weights_running_count(labels):
    """Wrong: the count so far, so samples of a class differ."""
    so_far, out = Counter(), []
    for n in labels.tolist():
        so_far[n] += 1
        out.append(1 / so_far[n])
    return torch.tensor(out)


def weights_negative(labels):
    """Wrong: negative numbers."""
    return -1 / torch.bincount(labels)[labels]


class BalancedBase:
    """The given part of the exercise."""

    def __init__(self, labels, per_class, seed=0):
        self.labels, self.per_class, self.seed, self.epoch = labels, per_class, seed, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return torch.bincount(self.labels).max().item() // self.per_class


class BalancedEagerLists(BalancedBase):
    """All lists made at once, torch generator, an iterator of a list is returned."""

    def __iter__(self):
        g = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        rows = []
        need = len(self) * self.per_class
        for c in sorted(set(self.labels.tolist())):
            members = (self.labels == c).nonzero().flatten()
            order = torch.cat(
                [members[torch.randperm(len(members), generator=g)] for _ in range(-(-need // len(members)))]
            )
            rows.append(order[:need].reshape(len(self), self.per_class))
        return iter(torch.cat(rows, dim=1).tolist())


class BalancedCycle(BalancedBase):
    """Each class shuffled once, then cycled in that order."""

    def __iter__(self):
        r = random.Random(f"{self.seed}:{self.epoch}")
        by = defaultdict(list)
        for i, c in enumerate(self.labels.tolist()):
            by[c].append(i)
        for members in by.values():
            r.shuffle(members)
        rounds = [itertools.cycle(m) for m in by.values()]
        for _ in range(len(self)):
            yield list(itertools.chain.from_iterable(itertools.islice(s, self.per_class) for s in rounds))


class BalancedPop(BalancedBase):
    """Lists that are popped, refilled when empty; the list itself is shuffled too."""

    def __len__(self):
        return max(Counter(self.labels.tolist()).values()) // self.per_class

    def __iter__(self):
        r = random.Random(self.seed * 2**32 + self.epoch)
        members = {c: [i for i, x in enumerate(self.labels) if x == c] for c in set(self.labels.tolist())}
        piles = {c: [] for c in members}
        for _ in range(len(self)):
            batch = []
            for c in sorted(members):
                for _ in range(self.per_class):
                    if not piles[c]:
                        piles[c] = r.sample(members[c], len(members[c]))
                    batch.append(piles[c].pop())
            r.shuffle(batch)
            yield batch


class BalancedModulo(BalancedBase):
    """Arithmetic: place k of a class is pass k // n, card k % n; one generator for each class and pass."""

    def __iter__(self):
        labels = self.labels.numpy()
        for b in range(len(self)):
            batch = []
            for c in np.unique(labels):
                members = np.flatnonzero(labels == c)
                for k in range(b * self.per_class, (b + 1) * self.per_class):
                    done, card = divmod(k, len(members))
                    order = np.random.default_rng([self.seed, self.epoch, int(c), done]).permutation(members)
                    batch.append(int(order[card]))
            yield batch


class BalancedArgsort(BalancedBase):
    """Sorted by random numbers; a hash of seed and epoch."""

    def __len__(self):
        return int(torch.unique(self.labels, return_counts=True)[1].max()) // self.per_class

    def __iter__(self):
        digest = hashlib.sha256(f"{self.seed}/{self.epoch}".encode()).digest()
        draw = np.random.default_rng(int.from_bytes(digest, "big"))
        labels = np.asarray(self.labels)
        n = len(self) * self.per_class
        columns = []
        for c in np.unique(labels):
            members = np.flatnonzero(labels == c)
            passes = -(-n // len(members))
            order = np.argsort(draw.random((passes, len(members))), axis=1)
            columns.append(members[order].ravel()[:n])
        for k in range(0, n, self.per_class):
            yield [int(i) for column in columns for i in column[k : k + self.per_class]]


def _stack(members, draw):
    while True:
        yield from draw.permutation(members).tolist()


class BalancedPythonHash(BalancedBase):
    """Wrong: shuffled by hash() of a text, another one in every process."""

    def __iter__(self):
        draw = np.random.default_rng(abs(hash(f"{self.seed} {self.epoch}")))
        stacks = [_stack((self.labels == c).nonzero()[:, 0].numpy(), draw) for c in self.labels.unique()]
        for _ in range(len(self)):
            yield [next(s) for s in stacks for _ in range(self.per_class)]


class BalancedGlobalNumpyLazy(BalancedBase):
    """Wrong: draws from numpy's shared generator between lists, so what the reader draws changes the order."""

    def __iter__(self):
        np.random.seed([self.seed, self.epoch])
        stacks = [_stack((self.labels == c).nonzero()[:, 0].numpy(), np.random) for c in self.labels.unique()]
        for _ in range(len(self)):
            yield [next(s) for s in stacks for _ in range(self.per_class)]


class BalancedGenerators(BalancedBase):
    """Endless generators, one for each class."""

    def __iter__(self):
        draw = np.random.default_rng([self.seed, self.epoch])
        stacks = [_stack(torch.nonzero(self.labels == c)[:, 0].numpy(), draw) for c in self.labels.unique()]
        for _ in range(len(self)):
            yield [next(s) for s in stacks for _ in range(self.per_class)]


class BalancedSameListRefilled(BalancedBase):
    """Wrong: one list is cleared and refilled, so lists that were kept change."""

    def __iter__(self):
        batch = []
        for new in BalancedGenerators.__iter__(self):
            batch[:] = new
            yield batch


class BalancedLargestNotShuffled(BalancedBase):
    """Wrong: only rare classes are reshuffled; the first pass of each class is in recorded order."""

    def __iter__(self):
        draw = np.random.default_rng([self.seed, self.epoch])

        def stack(members):
            yield from members.tolist()
            yield from _stack(members, draw)

        stacks = [stack((self.labels == c).nonzero()[:, 0].numpy()) for c in self.labels.unique()]
        for _ in range(len(self)):
            yield [next(s) for s in stacks for _ in range(self.per_class)]


class BalancedMissingClassFails(BalancedBase):
    """Wrong: a class that does not occur makes it fail (an endless stream of nothing would even hang)."""

    def __iter__(self):
        draw = np.random.default_rng([self.seed, self.epoch])
        piles = [[] for _ in range(int(self.labels.max()) + 1)]
        for _ in range(len(self)):
            batch = []
            for c, pile in enumerate(piles):
                for _ in range(self.per_class):
                    if not pile:
                        pile += draw.permutation((self.labels == c).nonzero()[:, 0].numpy()).tolist()
                    batch.append(pile.pop())
            yield batch


class BalancedLeftoversDropped(BalancedBase):
    """Wrong: reshuffles when fewer than per_class are left, so the rest is passed over."""

    def __iter__(self):
        draw = np.random.default_rng([self.seed, self.epoch])
        members = [(self.labels == c).nonzero()[:, 0].numpy() for c in self.labels.unique()]
        piles = [[] for _ in members]
        for _ in range(len(self)):
            batch = []
            for k, m in enumerate(members):
                while len(piles[k]) < self.per_class:
                    fresh = draw.permutation(m).tolist()
                    piles[k] = fresh if len(m) >= self.per_class else piles[k] + fresh
                batch += piles[k][: self.per_class]
                piles[k] = piles[k][self.per_class :]
            yield batch


class BalancedListsShuffledAfter(BalancedBase):
    """Wrong: the lists are put in a random order at the end, so rare samples no longer take turns."""

    def __iter__(self):
        out = list(BalancedGenerators.__iter__(self))
        random.Random(self.seed * 1000 + self.epoch + 1).shuffle(out)
        return iter(out)


class BalancedShortWhenRare(BalancedBase):
    """Wrong: a rare class gives what it has left, so late lists lack it."""

    def __iter__(self):
        draw = np.random.default_rng([self.seed, self.epoch])
        orders = [draw.permutation((self.labels == c).nonzero()[:, 0].numpy()).tolist() for c in self.labels.unique()]
        for k in range(len(self)):
            yield [i for o in orders for i in o[k * self.per_class : (k + 1) * self.per_class]]


class BalancedSharedStack(BalancedBase):
    """Wrong: all stacks are closures over the last class (late binding)."""

    def __iter__(self):
        draw = np.random.default_rng([self.seed, self.epoch])
        refills = [
            lambda: draw.permutation((self.labels == c).nonzero()[:, 0].numpy()).tolist() for c in self.labels.unique()
        ]
        piles = [[] for _ in refills]
        for _ in range(len(self)):
            batch = []
            for pile, refill in zip(piles, refills):
                for _ in range(self.per_class):
                    if not pile:
                        pile += refill()
                    batch.append(pile.pop())
            yield batch


class BalancedLengthLies(BalancedBase):
    """Wrong: iterating gives one list fewer than the length says."""

    def __iter__(self):
        draw = np.random.default_rng([self.seed, self.epoch])
        stacks = [_stack((self.labels == c).nonzero()[:, 0].numpy(), draw) for c in self.labels.unique()]
        for _ in range(1, len(self)):
            yield [next(s) for s in stacks for _ in range(self.per_class)]


def mixup_eye_lerp(pictures, labels, classes, share, partner):
    """Rows of eye, torch.lerp."""
    rows = torch.eye(classes)[labels]
    return torch.lerp(pictures[partner], pictures, share), torch.lerp(rows[partner], rows, share)


def mixup_matrix(pictures, labels, classes, share, partner):
    """A mixing matrix times the batch."""
    n = len(labels)
    eye = torch.eye(n, dtype=pictures.dtype)
    m = share * eye + (1 - share) * eye[partner]
    rows = torch.zeros(n, classes, dtype=pictures.dtype).scatter_(1, labels[:, None], 1.0)
    return (m @ pictures.reshape(n, -1)).reshape(pictures.shape), m @ rows


def mixup_loop(pictures, labels, classes, share, partner):
    """Sample by sample into new tensors."""
    out, soft = torch.empty_like(pictures), torch.zeros(len(labels), classes)
    for i in range(len(labels)):
        j = int(partner[i])
        out[i] = pictures[i] * share + pictures[j] * (1 - share)
        soft[i, labels[i]] += share
        soft[i, labels[j]] += 1 - share
    return out, soft


def mixup_difference(pictures, labels, classes, share, partner):
    """A step towards the partner; clone and in-place on the clone."""
    mixed = pictures.clone()
    mixed += (pictures.index_select(0, partner) - pictures) * (1 - share)
    rows = (labels[:, None] == torch.arange(classes)).to(torch.float64)
    other = (labels[partner][:, None] == torch.arange(classes)).to(torch.float64)
    return mixed, rows.mul(share).add(other, alpha=1 - share)


def mixup_scatter_add(pictures, labels, classes, share, partner):
    """scatter_add of the two shares."""
    n = len(labels)
    where = torch.stack([labels, labels[partner]], 1)
    what = torch.tensor([share, 1 - share], dtype=torch.float32).expand(n, 2)
    soft = torch.zeros(n, classes).scatter_add_(1, where, what)
    return torch.add(pictures * share, pictures[partner], alpha=1 - share), soft


def mixup_in_place_copied_partner(pictures, labels, classes, share, partner):
    """Wrong: right numbers, but written into the pictures that were given."""
    other = pictures[partner]
    pictures *= share
    pictures += (1 - share) * other
    rows = F.one_hot(labels, classes).float()
    return pictures, share * rows + (1 - share) * rows[partner]


def mixup_inverse_partner(pictures, labels, classes, share, partner):
    """Wrong: sends each sample to its partner's place, the inverse permutation."""
    other = torch.zeros_like(pictures)
    other[partner] = pictures
    rows = F.one_hot(labels, classes).float()
    other_rows = torch.zeros_like(rows)
    other_rows[partner] = rows
    return share * pictures + (1 - share) * other, share * rows + (1 - share) * other_rows


def mixup_one_hot(pictures, labels, classes, share, partner):
    """one_hot, then both mixed."""
    rows = F.one_hot(labels, classes).float()
    return share * pictures + (1 - share) * pictures[partner], share * rows + (1 - share) * rows[partner]


def mixup_whole_rows(pictures, labels, classes, share, partner):
    """Wrong: written into whole numbers, so shares are cut off."""
    rows = F.one_hot(labels, classes)
    return mixup_one_hot(pictures, labels, classes, share, partner)[0], (
        share * rows + (1 - share) * rows[partner]
    ).long()


def mixup_classes_inferred(pictures, labels, classes, share, partner):
    """Wrong: as many columns as the largest label needs."""
    return mixup_one_hot(pictures, labels, int(labels.max()) + 1, share, partner)


def mixup_same_class_overwritten(pictures, labels, classes, share, partner):
    """Wrong: the partner's entry is assigned and not added; of one class the row does not add up to 1."""
    soft = torch.zeros(len(labels), classes)
    every = torch.arange(len(labels))
    soft[every, labels] = share
    soft[every, labels[partner]] = 1 - share
    return share * pictures + (1 - share) * pictures[partner], soft


def mixup_already_mixed(pictures, labels, classes, share, partner):
    """Wrong: a loop over a copy reads partners that were already mixed."""
    out, rows = pictures.clone(), F.one_hot(labels, classes).float()
    for i, j in enumerate(partner.tolist()):
        out[i] = share * out[i] + (1 - share) * out[j]
        rows[i] = share * rows[i] + (1 - share) * rows[j]
    return out, rows


def mixup_clamped(pictures, labels, classes, share, partner):
    """Wrong: limits the pictures to 0 to 1, which noise goes beyond."""
    mixed, soft = mixup_one_hot(pictures, labels, classes, share, partner)
    return mixed.clamp(0, 1), soft


def mixup_larger_share(pictures, labels, classes, share, partner):
    """Wrong: takes max(share, 1 - share), as some libraries do."""
    return mixup_one_hot(pictures, labels, classes, max(share, 1 - share), partner)


def mixup_labels_first(pictures, labels, classes, share, partner):
    """Wrong: returns labels before pictures."""
    return mixup_one_hot(pictures, labels, classes, share, partner)[::-1]


def mixup_mutates_labels(pictures, labels, classes, share, partner):
    """Wrong: right result, but sorts the labels' tensor afterwards into partner order, in place."""
    out = mixup_one_hot(pictures, labels, classes, share, partner)
    labels.copy_(labels[partner])
    return out


def augment_clip_stacked(sample, plan):
    """gt stacked below the frames, changed as one block, taken apart."""
    top, left, height, width = plan["crop"]
    block = torch.cat([sample["frames"], sample["gt"][None]])
    block = block.narrow(-2, top, height).narrow(-1, left, width)
    if plan["flip"]:
        block = torch.fliplr(block.permute(2, 3, 0, 1)).permute(2, 3, 0, 1)
    block = block.rot90(plan["turns"], [2, 3]).mul(plan["gain"]).clip(min=0.0, max=1.0)
    frames, gt = block[:-1], block[-1]
    times, valid, t = sample["times"], sample["valid"], sample["timestep"]
    if plan["reverse"]:
        back = torch.arange(len(frames) - 1, -1, -1)
        frames, valid, times, t = frames[back], valid[back], times[back] * -1, 1.0 - t
    return {"frames": frames, "gt": gt, "times": times, "valid": valid, "timestep": t}


def augment_clip_frame_by_frame(sample, plan):
    """A list of frames; each turned one quarter at a time by transpose and flip."""
    top, left, height, width = plan["crop"]
    shots = []
    for x in [*sample["frames"], sample["gt"]]:
        x = x[:, top : top + height, left : left + width].clone()
        if plan["flip"]:
            x = torch.stack([x[:, :, k] for k in range(width - 1, -1, -1)], dim=2)
        for _ in range(plan["turns"]):
            x = x.transpose(1, 2).flip(1)
        x *= plan["gain"]
        x[x > 1] = 1
        x[x < 0] = 0
        shots.append(x)
    gt = shots.pop()
    result = {"gt": gt}
    if plan["reverse"]:
        shots.reverse()
        result["times"] = torch.tensor([-t for t in reversed(sample["times"].tolist())])
        result["valid"] = torch.tensor(sample["valid"].tolist()[::-1])
        result["timestep"] = 1 - sample["timestep"]
    else:
        for name in ("times", "valid", "timestep"):
            result[name] = sample[name]
    result["frames"] = torch.stack(shots)
    return result


def augment_clip_deepcopy(sample, plan):
    """Copies everything, then works on the copy in place."""
    out = {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in sample.items()}
    top, left, height, width = plan["crop"]
    for name in ("frames", "gt"):
        x = out[name][..., top:, left:][..., :height, :width]
        if plan["flip"]:
            x = x.flip(dims=[-1])
        out[name] = x.rot90(plan["turns"], (-2, -1)).mul_(plan["gain"]).clamp_(0, 1)
    if plan["reverse"]:
        for name in ("frames", "valid", "times"):
            out[name] = out[name].flip(0)
        out["times"].neg_()
        out["timestep"] = 1 - out["timestep"]
    return out


def augment_clip_indices(sample, plan):
    """A table of row and column numbers is augmented; one indexing reads all pictures."""
    top, left, height, width = plan["crop"]
    rows, columns = np.mgrid[top : top + height, left : left + width]
    if plan["flip"]:
        rows, columns = rows[:, ::-1], columns[:, ::-1]
    rows, columns = (torch.from_numpy(np.rot90(a, plan["turns"]).copy()) for a in (rows, columns))
    step = -1 if plan["reverse"] else 1
    out = {**sample}
    for name in ("frames", "gt"):
        out[name] = torch.clamp(sample[name][..., rows, columns] * plan["gain"], 0.0, 1.0)
    if step < 0:
        order = list(range(len(sample["frames"])))[::step]
        out["frames"], out["valid"] = out["frames"][order], sample["valid"][order]
        out["times"] = torch.zeros_like(sample["times"]) - sample["times"][order]
        out["timestep"] = 1 - sample["timestep"]
    return out


def augment_clip_turn_cases(sample, plan):
    """Each number of turns as a case of its own; reverse first, pictures later."""
    top, left, h, w = plan["crop"]
    turns = {
        0: lambda x: x,
        1: lambda x: x.mT.flip(-2),
        2: lambda x: x.flip(-2, -1),
        3: lambda x: x.flip(-2).mT,
    }
    s = {k: sample[k] for k in ("frames", "gt", "times", "valid", "timestep")}
    if plan["reverse"]:
        s.update(
            frames=s["frames"].flip(0),
            valid=s["valid"].flip(0),
            times=s["times"].neg().flip(0),
            timestep=1 - s["timestep"],
        )
    for k in ("frames", "gt"):
        x = s[k][..., top : top + h, left : left + w]
        x = x.flip(-1) if plan["flip"] else x
        s[k] = torch.minimum(
            torch.maximum(turns[plan["turns"]](x) * plan["gain"], torch.tensor(0.0)), torch.tensor(1.0)
        )
    return s


def _wrong_clip(sample, plan, pictures=None, change_gt=True, back=None, gt=None):
    def usual(x, crop=None):
        top, left, height, width = plan["crop"]
        x = x[..., top : top + height, left : left + width]
        x = x.flip(-1) if plan["flip"] else x
        return (torch.rot90(x, plan["turns"], (-2, -1)) * plan["gain"]).clamp(0, 1)

    change = pictures or usual
    out = dict(sample)
    out["frames"] = change(sample["frames"])
    out["gt"] = (gt or change)(sample["gt"]) if change_gt else sample["gt"].clone()
    if plan["reverse"]:
        if back:
            back(out)
        else:
            out["frames"], out["valid"] = out["frames"].flip(0), out["valid"].flip(0)
            out["times"], out["timestep"] = -out["times"].flip(0), 1 - out["timestep"]
    return out


def _cut(x, plan):
    top, left, height, width = plan["crop"]
    return x[..., top : top + height, left : left + width]


def augment_clip_cropped_last(sample, plan):
    """Wrong: mirrors the whole picture, then crops."""

    def change(x):
        x = _cut(x.flip(-1) if plan["flip"] else x, plan)
        return (torch.rot90(x, plan["turns"], (-2, -1)) * plan["gain"]).clamp(0, 1)

    return _wrong_clip(sample, plan, change)


def augment_clip_gt_without_gain(sample, plan):
    """Wrong: gt does not get the gain."""

    def change(x):
        x = _cut(x, plan)
        return torch.rot90(x.flip(-1) if plan["flip"] else x, plan["turns"], (-2, -1))

    return _wrong_clip(sample, plan, gt=change)


def augment_clip_limited_first(sample, plan):
    """Wrong: limits before it multiplies."""

    def change(x):
        x = _cut(x, plan).clamp(0, 1)
        return torch.rot90(x.flip(-1) if plan["flip"] else x, plan["turns"], (-2, -1)) * plan["gain"]

    return _wrong_clip(sample, plan, change)


def augment_clip_wraps(sample, plan):
    """Wrong: goes over bytes, where bright colours wrap."""

    def change(x):
        x = _cut(x, plan)
        x = torch.rot90(x.flip(-1) if plan["flip"] else x, plan["turns"], (-2, -1))
        return ((x * 255 * plan["gain"]).long() % 256).float() / 255

    return _wrong_clip(sample, plan, change)


def augment_clip_turns_as_flag(sample, plan):
    """Wrong: one quarter turn whenever turns is not 0."""
    return _wrong_clip(sample, {**plan, "turns": int(bool(plan["turns"]))})


def augment_clip_gt_colours_reversed(sample, plan):
    """Wrong: played backwards, gt is flipped along its first axis too, which are colours."""

    def back(out):
        for k in ("frames", "gt", "valid", "times"):
            out[k] = out[k].flip(0)
        out["times"], out["timestep"] = -out["times"], 1 - out["timestep"]

    return _wrong_clip(sample, plan, back=back)


def augment_clip_one_minus_times(sample, plan):
    """Wrong: one minus the times, as for the timestep."""

    def back(out):
        out["frames"], out["valid"] = out["frames"].flip(0), out["valid"].flip(0)
        out["times"], out["timestep"] = 1 - out["times"].flip(0), 1 - out["timestep"]

    return _wrong_clip(sample, plan, back=back)


def augment_clip_changes_dict(sample, plan):
    """Wrong: writes into the dict that was given."""
    sample.update(_wrong_clip(sample, plan))
    return sample


def augment_clip_times_neg_in_place(sample, plan):
    """Wrong: changes the sign of the given times in place."""

    def back(out):
        out["times"].neg_()
        for k in ("frames", "valid", "times"):
            out[k] = out[k].flip(0)
        out["timestep"] = 1 - out["timestep"]

    return _wrong_clip(sample, plan, back=back)


def augment_clip_two_entries(sample, plan):
    """Wrong: returns the pictures only."""
    out = _wrong_clip(sample, plan)
    return {"frames": out["frames"], "gt": out["gt"]}


def generator_of_blake(seed, epoch, key):
    """A digest of a text with separators."""
    digest = hashlib.blake2b(f"{seed}|{epoch}|{key}".encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def generator_of_spawn_key(seed, epoch, key):
    """SeedSequence with a spawn key, PCG64 by hand."""
    sequence = np.random.SeedSequence(seed, spawn_key=(epoch, *map(ord, key)))
    return np.random.Generator(np.random.PCG64(sequence))


def generator_of_course(seed, epoch, key):
    """The package's own."""
    return generator(seed, epoch, key, "lab")


def generator_of_key_first(seed, epoch, key):
    """The key as one large number, first."""
    number = int.from_bytes(b"\x01" + key.encode("utf-8"), "big")
    return np.random.default_rng([len(key), number, epoch, seed])


def generator_of_random_instance(seed, epoch, key):
    """An own random.Random, seeded with a text, makes the entropy."""
    own = random.Random(f"seed {seed} epoch {epoch} key {key}")
    return np.random.default_rng(own.getrandbits(128))


@cache
def _entropy(seed, epoch, key):
    return int.from_bytes(hashlib.sha1(f"{key}\n{epoch}\n{seed}".encode()).digest(), "big")


def generator_of_cached_entropy(seed, epoch, key):
    """The entropy is cached, the generator is new each time."""
    return np.random.Generator(np.random.SFC64(_entropy(seed, epoch, key)))


def generator_of_thousand(seed, epoch, key):
    """Wrong: 1000 epochs of one seed run into the next seed."""
    return np.random.default_rng([seed * 1000 + epoch, *key.encode()])


def generator_of_key_digits(seed, epoch, key):
    """Wrong: only the number in the key."""
    return np.random.default_rng([seed, epoch, int("".join(c for c in key if c.isdigit()) or 0)])


def generator_of_lower(seed, epoch, key):
    """Wrong: upper and lower case are the same."""
    return np.random.default_rng([seed, epoch, *key.lower().encode()])


def generator_of_ascii_ignored(seed, epoch, key):
    """Wrong: leaves out what is not ASCII, so two such keys are the same."""
    return np.random.default_rng([seed, epoch, *key.encode("ascii", "ignore")])


def generator_of_sorted_numbers(seed, epoch, key):
    """Wrong: the smaller of seed and epoch first, so 2, 7 is 7, 2."""
    return np.random.default_rng([*sorted((seed, epoch)), *key.encode()])


@cache
def generator_of_cached(seed, epoch, key):
    """Wrong: the generator itself is cached, and goes on where it was."""
    return np.random.default_rng([seed, epoch, *key.encode()])


def generator_of_process(seed, epoch, key):
    """Wrong: the number of the process enters."""
    return np.random.default_rng([seed, epoch, os.getpid(), *key.encode()])


def generator_of_worker(seed, epoch, key):
    """Wrong: the number of the worker enters."""
    info = get_worker_info()
    return np.random.default_rng([seed, epoch, info.id + 1 if info else 0, *key.encode()])


def generator_of_small_hash(seed, epoch, key):
    """Wrong: only 100 different keys."""
    return np.random.default_rng([seed, epoch, zlib.crc32(key.encode()) % 100])


def generator_of_bytes_of_numbers(seed, epoch, key):
    """Wrong: seed and epoch as one byte each; 256 fails or wraps."""
    return np.random.default_rng([seed % 256, epoch % 256, *key.encode()])


def generator_of_key_before_text(seed, epoch, key):
    """Wrong: key and epoch without separator: 'a@1' in epoch 2 is 'a@' in epoch 12."""
    return np.random.default_rng([seed, *f"{key}{epoch}".encode()])


class JitterBase:
    """The usual constructor and length."""

    def __init__(self, clips, seed):
        self.clips, self.names, self.seed = clips, list(clips), seed

    def __len__(self):
        return len(self.clips)

    def give(self, name, shift):
        shift = [int(s) for s in shift]
        return {"key": name, "shift": shift, "frames": torch.roll(self.clips[name], shift, (-2, -1))}


class JitterCourse(JitterBase):
    """The package's generator, twice one number; the shift is a tuple."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        draw = generator(self.seed, asked[0], name, "shift")
        shift = (int(draw.integers(-4, 5)), int(draw.integers(-4, 5)))
        return {"key": name, "shift": shift, "frames": self.clips[name].roll(shift, (-2, -1))}


class JitterRandomInstance(JitterBase):
    """random.Random of its own, seeded with a text."""

    def __getitem__(self, asked):
        epoch, index = asked
        name = self.names[index]
        r = random.Random(repr((self.seed, epoch, name)))
        return self.give(name, [r.randint(-4, 4) for _ in range(2)])


class JitterTorchGenerator(JitterBase):
    """A torch.Generator for each sample; rolled one axis after the other."""

    def __getitem__(self, asked):
        epoch, index = asked
        name = self.names[index]
        number = int.from_bytes(
            hashlib.blake2b(f"{name}|{epoch}|{self.seed}".encode(), digest_size=8).digest(), "little"
        )
        g = torch.Generator().manual_seed(number % 2**63)
        down, right = torch.randint(-4, 5, (2,), generator=g).tolist()
        frames = self.clips[name].roll(down, -2).roll(right, -1)
        return {"key": name, "shift": [down, right], "frames": frames}


class JitterMemo(JitterBase):
    """Shifts are remembered in a dict; they are the same when drawn again."""

    def __init__(self, clips, seed):
        super().__init__(clips, seed)
        self.known = {}

    def __getitem__(self, asked):
        epoch, index = asked
        name = self.names[index]
        if (epoch, name) not in self.known:
            self.known[epoch, name] = generator(self.seed, epoch, name, "jitter").choice(np.arange(-4, 5), 2).tolist()
        return self.give(name, self.known[epoch, name])


class JitterProduct(JitterBase):
    """One number of 81 places tells both; numpy's roll; names looked up by position."""

    def __getitem__(self, asked):
        epoch, index = asked
        name = next(itertools.islice(self.clips, index, None))
        down, right = divmod(int(np.random.default_rng([len(name), *name.encode(), epoch, self.seed]).integers(81)), 9)
        moved = np.roll(self.clips[name].numpy(), (down - 4, right - 4), (-2, -1))
        return {"frames": torch.from_numpy(moved), "shift": (down - 4, right - 4), "key": name}


class JitterWorkerAndName(JitterBase):
    """Wrong: seed, epoch and name, but the worker's number too."""

    def __getitem__(self, asked):
        name, info = self.names[asked[1]], get_worker_info()
        return self.give(
            name,
            np.random.default_rng([self.seed, asked[0], info.id + 1 if info else 0, *name.encode()]).integers(
                -4, 5, size=2
            ),
        )


class JitterPythonHash(JitterBase):
    """Wrong: hash() of the name."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        return self.give(name, np.random.default_rng([self.seed, asked[0], abs(hash(name))]).integers(-4, 5, size=2))


class JitterSeedPlusEpoch(JitterBase):
    """Wrong: seed + epoch: seed 1 in epoch 0 is seed 0 in epoch 1."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        return self.give(name, np.random.default_rng([self.seed + asked[0], *name.encode()]).integers(-4, 5, size=2))


class JitterNeverFour(JitterBase):
    """Wrong: the upper end is left out, 4 never comes."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        return self.give(name, np.random.default_rng([self.seed, asked[0], *name.encode()]).integers(-4, 4, size=2))


class JitterBaseName(JitterBase):
    """Wrong: only the last part of the name, so a/1 and b/1 move alike."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        return self.give(
            name, np.random.default_rng([self.seed, asked[0], *name.split("/")[-1].encode()]).integers(-4, 5, size=2)
        )


class JitterSumOfLetters(JitterBase):
    """Wrong: the letters are added up, so ab and ba move alike."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        return self.give(name, np.random.default_rng([self.seed, asked[0], sum(name.encode())]).integers(-4, 5, size=2))


class JitterGeneratorsKept(JitterBase):
    """Wrong: a generator for each sample is kept, so a second reading goes on."""

    def __init__(self, clips, seed):
        super().__init__(clips, seed)
        self.draws = {}

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        draw = self.draws.setdefault((asked[0], name), np.random.default_rng([self.seed, asked[0], *name.encode()]))
        return self.give(name, draw.integers(-4, 5, size=2))


class JitterRankOfName(JitterBase):
    """Wrong: the place of the name among the sorted names."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        return self.give(
            name, np.random.default_rng([self.seed, asked[0], sorted(self.names).index(name)]).integers(-4, 5, size=2)
        )


class JitterDrawnTwice(JitterBase):
    """Wrong: the shift that is told is not the one that was used."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        draw = np.random.default_rng([self.seed, asked[0], *name.encode()])
        frames = torch.roll(self.clips[name], draw.integers(-4, 5, size=2).tolist(), (-2, -1))
        return {"key": name, "shift": draw.integers(-4, 5, size=2).tolist(), "frames": frames}


class JitterInPlace(JitterBase):
    """Wrong: written into the clip's own tensor."""

    def __getitem__(self, asked):
        name = self.names[asked[1]]
        out = self.give(name, np.random.default_rng([self.seed, asked[0], *name.encode()]).integers(-4, 5, size=2))
        out["frames"] = self.clips[name].copy_(out["frames"])
        return out


def fold_entries_dict(groups, variants, folds, fold):
    """A dict from name to fold; one loop."""
    fold_of = {name: i % folds for i, name in enumerate(sorted(set(groups)))}
    training, validation = [], []
    for clip, name in enumerate(groups):
        if fold_of[name] == fold:
            validation.append((clip, 0))
        else:
            training.extend(zip([clip] * variants, range(variants)))
    return training, validation


def fold_entries_numpy(groups, variants, folds, fold):
    """np.unique gives each clip's place among the sorted names; whole numbers of numpy."""
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    held = place % folds == fold
    v, c = np.meshgrid(np.arange(variants), np.flatnonzero(~held), indexing="ij")
    return list(zip(c.ravel(), v.ravel())), [(int(i), 0) for i in np.flatnonzero(held)]


def fold_entries_by_group(groups, variants, folds, fold):
    """Group by group: the entries come in the order of names."""
    clips = defaultdict(list)
    for i, name in enumerate(groups):
        clips[name].append(i)
    sides = ([], [])
    for number, (_, members) in enumerate(sorted(clips.items())):
        if number % folds == fold:
            sides[1].extend((i, 0) for i in members)
        else:
            for v in reversed(range(variants)):
                sides[0].extend((i, v) for i in members)
    return list(sides)


def fold_entries_groupby(groups, variants, folds, fold):
    """itertools.groupby over sorted (name, clip)."""
    training, validation = [], []
    ordered = sorted((n, i) for i, n in enumerate(groups))
    for number, (_, run) in enumerate(itertools.groupby(ordered, key=lambda p: p[0])):
        for _, i in run:
            if number % folds == fold:
                validation += [(i, 0)]
            else:
                training += [(i, v) for v in range(variants)]
    return training, validation


def _fold_by(names, groups, variants, folds, fold):
    held = set(names[fold::folds])
    return [(c, v) for c, g in enumerate(groups) if g not in held for v in range(variants)], [
        (c, 0) for c, g in enumerate(groups) if g in held
    ]


def fold_entries_set_order(groups, variants, folds, fold):
    """Wrong: names in the order of a set, another one in every process."""
    return _fold_by(list(set(groups)), groups, variants, folds, fold)


def fold_entries_backwards(groups, variants, folds, fold):
    """Wrong: sorted the other way round."""
    return _fold_by(sorted(set(groups), reverse=True), groups, variants, folds, fold)


def fold_entries_slice(groups, variants, folds, fold):
    """Sorted set, a slice with a step."""
    held = set(sorted(set(groups))[fold::folds])
    training = [(c, v) for c, g in enumerate(groups) if g not in held for v in range(variants)]
    return training, [(c, 0) for c, g in enumerate(groups) if g in held]


def fold_entries_validation_first(groups, variants, folds, fold):
    """Wrong: returns validation first."""
    return fold_entries_slice(groups, variants, folds, fold)[::-1]


def fold_entries_one_variant_more(groups, variants, folds, fold):
    """Wrong: variant 0 and as many variants besides."""
    return fold_entries_slice(groups, variants + 1, folds, fold)


def fold_entries_pair_swapped(groups, variants, folds, fold):
    """Wrong: (variant, clip)."""
    return tuple([(v, c) for c, v in side] for side in fold_entries_slice(groups, variants, folds, fold))


def fold_entries_clips_from_one(groups, variants, folds, fold):
    """Wrong: clips counted from 1."""
    return tuple([(c + 1, v) for c, v in side] for side in fold_entries_slice(groups, variants, folds, fold))


def fold_entries_one_group(groups, variants, folds, fold):
    """Wrong: holds out one group alone."""
    held = sorted(set(groups))[fold]
    return [(c, v) for c, g in enumerate(groups) if g != held for v in range(variants)], [
        (c, 0) for c, g in enumerate(groups) if g == held
    ]


def fold_entries_substring(groups, variants, folds, fold):
    """Wrong: joined to a text and searched in it, so 'a' is found in 'ab'."""
    held = " ".join(sorted(set(groups))[fold::folds])
    return [(c, v) for c, g in enumerate(groups) if g not in held for v in range(variants)], [
        (c, 0) for c, g in enumerate(groups) if g in held
    ]


def fold_entries_only_neighbours(groups, variants, folds, fold):
    """Wrong: a group counts anew whenever the name changes, so a group that comes back is dealt out twice."""
    training, validation, number, last = [], [], -1, None
    for c, g in enumerate(groups):
        number, last = (number, last) if g == last else (number + 1, g)
        if number % folds == fold:
            validation.append((c, 0))
        else:
            training += [(c, v) for v in range(variants)]
    return training, validation


def fold_entries_train_keeps_held_variants(groups, variants, folds, fold):
    """Wrong: the variants 1, 2, … of held-out clips stay in training: the leak itself."""
    _, validation = fold_entries_slice(groups, variants, folds, fold)
    return [(c, v) for c in range(len(groups)) for v in range(variants) if (c, v) not in validation], validation


def even_keys_generator(labels, length, seed, epoch, rank, world_size):
    """An endless stream, islice does the rest; random.Random."""
    r = random.Random(f"{seed}/{epoch}")
    classes = sorted(set(labels))

    def stack(c):
        members = [i for i, x in enumerate(labels) if x == c]
        while True:
            yield from r.sample(members, len(members))

    def stream():
        stacks = {c: stack(c) for c in classes}
        while True:
            r.shuffle(classes)
            for c in classes:
                yield SampleKey(epoch, next(stacks[c]))

    return list(itertools.islice(stream(), rank, length, world_size))


def even_keys_matrix(labels, length, seed, epoch, rank, world_size):
    """A matrix [stretch, class], each row permuted."""
    labels = np.asarray(labels)
    draw = np.random.default_rng([seed, epoch])
    classes = np.unique(labels)
    rows = -(-length // len(classes))
    columns = []
    for c in classes:
        members = np.flatnonzero(labels == c)
        passes = -(-rows // len(members))
        columns.append(draw.permuted(np.tile(members, (passes, 1)), axis=1).ravel()[:rows])
    order = draw.permuted(np.stack(columns, 1), axis=1).ravel()[:length]
    return [SampleKey(epoch, int(i)) for i in order[rank::world_size]]


def even_keys_torch(labels, length, seed, epoch, rank, world_size):
    """torch.randperm; range picks the turns."""
    digest = hashlib.sha256(f"{seed} {epoch}".encode()).digest()
    g = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    t = torch.tensor(labels)
    members = [(t == c).nonzero().flatten() for c in t.unique()]
    piles, order = [deque() for _ in members], []
    for place in range(length):
        if place % len(members) == 0:
            turn = torch.randperm(len(members), generator=g).tolist()
        k = turn[place % len(members)]
        if not piles[k]:
            piles[k].extend(members[k][torch.randperm(len(members[k]), generator=g)].tolist())
        order.append(piles[k].popleft())
    return [SampleKey(epoch=epoch, index=order[p]) for p in range(rank, length, world_size)]


def even_keys_arithmetic(labels, length, seed, epoch, rank, world_size):
    """Each place is worked out for itself from (seed, epoch, place)."""
    arr = np.asarray(labels)
    classes = np.unique(arr)
    keys = []
    for place in range(rank, length, world_size):
        stretch, turn = divmod(place, len(classes))
        c = np.random.default_rng([seed, epoch, 0, stretch]).permutation(classes)[turn]
        members = np.flatnonzero(arr == c)
        done, card = divmod(stretch, len(members))
        index = np.random.default_rng([seed, epoch, 1, int(c), done]).permutation(members)[card]
        keys.append(SampleKey(epoch, int(index)))
    return keys


def even_keys_counts(labels, length, seed, epoch, rank, world_size):
    """No stacks: always takes the sample used least, ties by random number."""
    draw = np.random.default_rng([seed, epoch])
    used = [0] * len(labels)
    order = []
    while len(order) < length:
        for c in draw.permutation(np.unique(labels)):
            best = min((i for i, x in enumerate(labels) if x == c), key=lambda i: (used[i], draw.random()))
            used[best] += 1
            order.append(best)
    return [SampleKey(epoch, i) for i in order[:length]][rank::world_size]


def _order(labels, length, draw):
    """One balanced order of indices."""
    members = defaultdict(list)
    for i, c in enumerate(labels):
        members[c].append(i)
    piles = {c: [] for c in members}
    order = []
    while len(order) < length:
        for c in draw.permutation(sorted(members)).tolist():
            if not piles[c]:
                piles[c] = draw.permutation(members[c]).tolist()
            order.append(piles[c].pop())
    return order[:length]


def even_keys_rank_in_seed(labels, length, seed, epoch, rank, world_size):
    """Wrong: the rank goes into the seed, so the ranks do not agree."""
    order = _order(labels, length, np.random.default_rng([seed, epoch, rank]))
    return [SampleKey(epoch, i) for i in order[rank::world_size]]


def even_keys_no_seed(labels, length, seed, epoch, rank, world_size):
    """Wrong: the seed does not enter."""
    order = _order(labels, length, np.random.default_rng(epoch))
    return [SampleKey(epoch, i) for i in order[rank::world_size]]


def even_keys_tail_dropped(labels, length, seed, epoch, rank, world_size):
    """Wrong: cut down so that all ranks get equally many."""
    order = _order(labels, length // world_size * world_size, np.random.default_rng([seed, epoch]))
    return [SampleKey(epoch, i) for i in order[rank::world_size]]


def even_keys_padded(labels, length, seed, epoch, rank, world_size):
    """Wrong: filled up from the front, as DistributedSampler does."""
    order = _order(labels, length, np.random.default_rng([seed, epoch]))
    order += order[: -length % world_size]
    return [SampleKey(epoch, i) for i in order[rank::world_size]]


def even_keys_not_cut(labels, length, seed, epoch, rank, world_size):
    """Wrong: the last stretch is not cut short."""
    n = len(set(labels))
    order = _order(labels, -(-length // n) * n, np.random.default_rng([seed, epoch]))
    return [SampleKey(epoch, i) for i in order[rank::world_size]]


def even_keys_shuffled_at_the_end(labels, length, seed, epoch, rank, world_size):
    """Wrong: the balanced order is shuffled as a whole in the end."""
    draw = np.random.default_rng([seed, epoch])
    order = draw.permutation(_order(labels, length, draw)).tolist()
    return [SampleKey(epoch, i) for i in order[rank::world_size]]


def even_keys_only_classes_shuffled(labels, length, seed, epoch, rank, world_size):
    """Wrong: the turns of the classes are shuffled, the samples of a class always come in recorded order."""
    draw = np.random.default_rng([seed, epoch])
    rounds = [itertools.cycle([i for i, x in enumerate(labels) if x == c]) for c in sorted(set(labels))]
    order = []
    while len(order) < length:
        order += [next(rounds[k]) for k in draw.permutation(len(rounds))]
    return [SampleKey(epoch, i) for i in order[:length][rank::world_size]]


def even_keys_python_hash(labels, length, seed, epoch, rank, world_size):
    """Wrong: hash() of a text; processes do not agree."""
    order = _order(labels, length, np.random.default_rng(abs(hash(f"{seed}/{epoch}"))))
    return [SampleKey(epoch, i) for i in order[rank::world_size]]


def even_keys_balanced_share(labels, length, seed, epoch, rank, world_size):
    """Wrong: whole stretches are dealt out to the ranks, not single keys."""
    order, n = _order(labels, length, np.random.default_rng([seed, epoch])), len(set(labels))
    stretches = [order[k : k + n] for k in range(0, length, n)]
    return [SampleKey(epoch, i) for s in stretches[rank::world_size] for i in s]


def even_keys_sorted_labels(labels, length, seed, epoch, rank, world_size):
    """Wrong: sorts the labels first, so indices belong to another order."""
    order = _order(sorted(labels), length, np.random.default_rng([seed, epoch]))
    return [SampleKey(epoch, i) for i in order[rank::world_size]]


RIGHT = {
    "03.1": [
        recall_confusion_matrix,
        recall_bincount_ratio,
        recall_numpy,
        recall_python_groups,
    ],
    "03.2": [
        weights_counter,
        weights_numpy,
        weights_comparison_table,
        weights_tuple_scale_1000,
    ],
    "03.3": [
        BalancedEagerLists,
        BalancedCycle,
        BalancedPop,
        BalancedModulo,
        BalancedArgsort,
    ],
    "03.4": [
        mixup_eye_lerp,
        mixup_matrix,
        mixup_loop,
        mixup_difference,
        mixup_scatter_add,
    ],
    "03.5": [
        augment_clip_stacked,
        augment_clip_frame_by_frame,
        augment_clip_deepcopy,
        augment_clip_indices,
        augment_clip_turn_cases,
    ],
    "03.6": [
        generator_of_blake,
        generator_of_spawn_key,
        generator_of_course,
        generator_of_key_first,
        generator_of_random_instance,
        generator_of_cached_entropy,
    ],
    "03.7": [
        JitterCourse,
        JitterRandomInstance,
        JitterTorchGenerator,
        JitterMemo,
        JitterProduct,
    ],
    "03.8": [
        fold_entries_dict,
        fold_entries_numpy,
        fold_entries_by_group,
        fold_entries_groupby,
    ],
    "03.9": [
        even_keys_generator,
        even_keys_matrix,
        even_keys_torch,
        even_keys_arithmetic,
        even_keys_counts,
    ],
}

WRONG = {
    "03.1": [
        recall_classes_inferred,
        recall_from_one,
        recall_floor_division,
        recall_nan_when_none_found,
        recall_return_in_loop,
        recall_share_of_predictions,
        recall_percent,
    ],
    "03.2": [
        weights_squared,
        weights_rounded,
        weights_sorted_order,
        weights_smoothed,
        weights_unique_counts_by_label,
        weights_running_count,
        weights_negative,
    ],
    "03.3": [
        BalancedPythonHash,
        BalancedGlobalNumpyLazy,
        BalancedSameListRefilled,
        BalancedLargestNotShuffled,
        BalancedMissingClassFails,
        BalancedLeftoversDropped,
        BalancedListsShuffledAfter,
        BalancedShortWhenRare,
        BalancedSharedStack,
        BalancedLengthLies,
    ],
    "03.4": [
        mixup_in_place_copied_partner,
        mixup_inverse_partner,
        mixup_whole_rows,
        mixup_classes_inferred,
        mixup_same_class_overwritten,
        mixup_already_mixed,
        mixup_clamped,
        mixup_larger_share,
        mixup_labels_first,
        mixup_mutates_labels,
    ],
    "03.5": [
        augment_clip_cropped_last,
        augment_clip_gt_without_gain,
        augment_clip_limited_first,
        augment_clip_wraps,
        augment_clip_turns_as_flag,
        augment_clip_gt_colours_reversed,
        augment_clip_one_minus_times,
        augment_clip_changes_dict,
        augment_clip_times_neg_in_place,
        augment_clip_two_entries,
    ],
    "03.6": [
        generator_of_thousand,
        generator_of_key_digits,
        generator_of_lower,
        generator_of_ascii_ignored,
        generator_of_sorted_numbers,
        generator_of_cached,
        generator_of_process,
        generator_of_worker,
        generator_of_small_hash,
        generator_of_bytes_of_numbers,
        generator_of_key_before_text,
    ],
    "03.7": [
        JitterWorkerAndName,
        JitterPythonHash,
        JitterSeedPlusEpoch,
        JitterNeverFour,
        JitterBaseName,
        JitterSumOfLetters,
        JitterGeneratorsKept,
        JitterRankOfName,
        JitterDrawnTwice,
        JitterInPlace,
    ],
    "03.8": [
        fold_entries_set_order,
        fold_entries_backwards,
        fold_entries_validation_first,
        fold_entries_one_variant_more,
        fold_entries_pair_swapped,
        fold_entries_clips_from_one,
        fold_entries_one_group,
        fold_entries_substring,
        fold_entries_only_neighbours,
        fold_entries_train_keeps_held_variants,
    ],
    "03.9": [
        even_keys_rank_in_seed,
        even_keys_no_seed,
        even_keys_tail_dropped,
        even_keys_padded,
        even_keys_not_cut,
        even_keys_shuffled_at_the_end,
        even_keys_only_classes_shuffled,
        even_keys_python_hash,
        even_keys_balanced_share,
        even_keys_sorted_labels,
    ],
}
