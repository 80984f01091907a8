"""Videos can be read back, and a failure leaves nothing behind."""

from pathlib import Path

import av
import numpy as np
import pytest

from legged_gym_ext.viewing.video import side_by_side, write_video
from st_rl.utils.errors import UserError


def test_a_video_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    images = [np.full((48, 64, 3), 20 * i, dtype=np.uint8) for i in range(6)]
    assert write_video(path, images, 50) == 6
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (64, 48, 50)
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        levels = [float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
    assert len(levels) == 6 and levels == sorted(levels)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="even size, not 63 x 48"):
        write_video(tmp_path / "video.mp4", [np.zeros((48, 63, 3), dtype=np.uint8)], 50)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another folder"):
        write_video(tmp_path / "file" / "video.mp4", [np.zeros((48, 64, 3), dtype=np.uint8)], 50)


def test_films_stand_side_by_side_until_the_first_one_ends() -> None:
    left, right = (
        [np.full((4, width, 3), value, dtype=np.uint8)] * count for width, value, count in ((2, 1, 3), (6, 2, 2))
    )
    frames = list(side_by_side([left, right]))
    assert len(frames) == 2 and frames[0].shape == (4, 8, 3)
    assert frames[0][0, :, 0].tolist() == [1, 1, 2, 2, 2, 2, 2, 2]
    with pytest.raises(UserError, match="one height"):
        list(side_by_side([left, [np.zeros((5, 2, 3), dtype=np.uint8)]]))
