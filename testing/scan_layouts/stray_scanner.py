"""Stray Scanner: `rgb.mp4`, `depth/`, `confidence/`, `odometry.csv`, `camera_matrix.csv`."""

from pathlib import Path

import numpy as np

from testing.posed_room import PosedRoom
from testing.scan_layouts.pictures import jpeg, matrix_text, png
from workflow_scripts.geometry.pose_conventions import pose_in_convention, quaternion_from_pose

RATE_HZ = 30


def write_video(path: Path, frames: np.ndarray) -> None:
    """Write frames [n, h, w, 3] u8 as a video; needs the package av."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE_HZ)
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = 4
        stream.codec_context.bit_rate = 20_000_000
        stream.codec_context.options = {"qmin": "1", "qmax": "2"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def drop_first_frame_in_edit_list(path: Path) -> None:
    """Change a video's edit list as phones write it: players leave out the first frame."""
    content = bytearray(path.read_bytes())
    start = content.index(b"elst") + 4
    assert content[start] == 0, "a 32-bit edit list"
    scale_at = content.index(b"mdhd") + 4 + 12
    scale = int.from_bytes(content[scale_at : scale_at + 4], "big")
    media_time = start + 8 + 4
    content[media_time : media_time + 4] = (scale // RATE_HZ).to_bytes(4, "big")
    path.write_bytes(bytes(content))


def write_stray_scanner(
    folder: Path,
    room: PosedRoom,
    *,
    as_pictures: bool = False,
    own_intrinsics: bool = False,
    as_npy: bool = False,
) -> Path:
    """Write a scan; with `own_intrinsics` every row has K, as files since April 2026 do."""
    target = folder / "8653a2142b"
    for name in ("depth", "confidence"):
        (target / name).mkdir(parents=True)
    poses = pose_in_convention(room.poses, up="y", camera="opencv")
    quaternions = quaternion_from_pose(poses)
    k = room.colour_intrinsics
    (target / "camera_matrix.csv").write_text(matrix_text(k, separator=", "))
    header = "timestamp, frame, x, y, z, qx, qy, qz, qw"
    if own_intrinsics:
        header += ", fx, fy, cx, cy, distortion_center_x, distortion_center_y"
    lines = [header]
    for index, (pose, quaternion) in enumerate(zip(poses, quaternions, strict=True)):
        if as_npy:
            np.save(target / f"depth/{index:06d}.npy", room.depth_mm[index])
        else:
            (target / f"depth/{index:06d}.png").write_bytes(png(room.depth_mm[index]))
        confidence = np.full(room.depth_m.shape[1:], 2, np.uint8)
        confidence[0], confidence[1] = 0, 1
        (target / f"confidence/{index:06d}.png").write_bytes(png(confidence))
        numbers = [room.times_s[index], *pose[:3, 3], *quaternion]
        words = [f"{number:.9f}" for number in numbers]
        words.insert(1, f"{index:06d}")
        if own_intrinsics:
            words += [f"{number:.6f}" for number in (k[0, 0], k[1, 1], k[0, 2], k[1, 2])]
            words += ["", ""]
        lines.append(", ".join(words))
    (target / "odometry.csv").write_text("\n".join(lines) + "\n")
    (target / "imu.csv").write_text("timestamp, a_x, a_y, a_z, alpha_x, alpha_y, alpha_z\n")
    if as_pictures:
        (target / "rgb").mkdir()
        for index, colour in enumerate(room.colour):
            (target / f"rgb/{index:06d}.jpg").write_bytes(jpeg(colour))
    else:
        write_video(target / "rgb.mp4", room.colour)
    return target
