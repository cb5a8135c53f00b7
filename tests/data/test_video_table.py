"""PacketTable: which key frame a picture needs, and how packets are recognised."""

from __future__ import annotations

from lift_core.data.video_table import PacketList, PacketTable


def listed(times: list[int | None], keys: list[int]) -> PacketList:
    shown = [True] * len(times)
    return PacketList(times=times, sizes=[100 + n for n in range(len(times))], seek_times=times, shown=shown, keys=keys)


def test_pictures_shown_before_an_open_groups_key_frame_need_the_group_before() -> None:
    # Decoding order: I0 P3 B1 B2 | I6 B4 B5 P9; 4 and 5 are shown before 6 and refer to 3.
    table = listed([0, 3, 1, 2, 6, 4, 5, 9], keys=[0, 4]).table()
    assert [table.governing_key(time) for time in (0, 1, 2, 3, 4, 5)] == [0] * 6
    assert [table.governing_key(time) for time in (6, 9)] == [4, 4]


def test_pictures_before_the_first_key_frame_have_none() -> None:
    table = listed([5, 4, 8, 6, 7, 9], keys=[2]).table()
    assert [table.governing_key(time) for time in (4, 5, 6, 7)] == [-1] * 4
    assert [table.governing_key(time) for time in (8, 9)] == [2, 2]


def test_a_stream_without_marked_key_frames_is_decoded_from_its_first_packet() -> None:
    table = listed([0, 1, 2], keys=[]).table()
    assert [table.governing_key(time) for time in (0, 1, 2)] == [0] * 3


def test_packets_are_recognised_by_time_and_size() -> None:
    table = listed([0, 30, 10, 20], keys=[0]).table()
    assert [table.position_at(time) for time in (0, 10, 20, 30, 15, 31)] == [0, 2, 3, 1, None, None]
    assert table.recognise(10, 102) == 2
    assert table.recognise(10, 7) is None


def test_seeking_is_tried_to_the_key_frame_then_to_the_one_before() -> None:
    table = listed([0, 1, 2, 3], keys=[0, 2]).table()
    assert list(table.seek_times(2)) == [2, 0]
    assert list(table.seek_times(0)) == [0]
    assert list(PacketTable.empty().seek_times(0)) == []


def test_times_are_usable_when_every_shown_packet_has_its_own() -> None:
    assert listed([0, 2, 1], keys=[0]).has_usable_times
    assert not listed([0, 2, 2], keys=[0]).has_usable_times
    assert not listed([0, None, 1], keys=[0]).has_usable_times
    hidden = listed([0, None, 1], keys=[0])
    hidden.shown[1] = False
    assert hidden.has_usable_times
    assert listed([0, 2, 1], keys=[0]).is_reordered
    assert not listed([0, None, 1], keys=[0]).is_reordered
