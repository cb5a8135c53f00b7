"""open_source tells folders, videos and everything else apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from lift_core.data.clip_writer import write_sequence
from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.open_source import open_source
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import SourceError
from tests.data.numbered_video import numbered_frame, write_numbered


def test_a_folder_of_images_and_a_video_are_opened(tmp_path: Path) -> None:
    write_sequence(tmp_path / "clip", [numbered_frame(0), numbered_frame(1)], 2)
    video = write_numbered(tmp_path / "a.mp4", count=3)
    assert isinstance(open_source(tmp_path / "clip"), ImageFolderSource)
    assert isinstance(open_source(str(video)), VideoFileSource)
    assert len(open_source(tmp_path / "clip")) == 2
    assert len(open_source(video)) == 3


def test_what_is_no_clip_is_refused_with_advice(tmp_path: Path) -> None:
    write_sequence(tmp_path / "clip", [numbered_frame(0)], 1)
    with pytest.raises(SourceError, match="nothing is there"):
        open_source(tmp_path / "absent")
    with pytest.raises(SourceError, match="Give its folder"):
        open_source(tmp_path / "clip" / "im00.png")
    with pytest.raises(SourceError, match="no PNG or JPEG"):
        open_source(tmp_path)
