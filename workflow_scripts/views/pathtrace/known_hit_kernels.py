"""Camera rays whose first hit follows from the hits at the centres of pixels, without casting them.

Where the centres of a pixel and of the eight around it show one plane, the pixel shows it, and
more rays through the pixel meet the triangle that its centre meets. What is thinner than a pixel
and hit by none of the nine centres is missed there.
"""

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel


@numba_kernel
def even_faces(
    face: np.ndarray,
    distance: np.ndarray,
    origins: np.ndarray,
    directions: np.ndarray,
    instance: np.ndarray,
    face_normal: np.ndarray,
    triangles: np.ndarray,
    is_plain: np.ndarray,
    even: np.ndarray,
) -> None:
    """Fill `even` [h, w] with the face of pixels around which only its plane is hit, or -1.

    Pixels at the rim of the image are never even: what lies beside them is not known.
    """
    height, width = face.shape
    even[:] = -1
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            number = face[row, column]
            if number < 0 or not is_plain[number]:
                continue
            is_even = True
            for place in range(9):
                y, x = row + place // 3 - 1, column + place % 3 - 1
                other = face[y, x]
                if other == number:
                    continue
                if other < 0 or instance[other] != instance[number]:
                    is_even = False
                    break
                cosine, offset = np.float32(0), np.float32(0)
                for axis in range(3):
                    normal = face_normal[number, axis]
                    cosine += normal * face_normal[other, axis]
                    at = origins[y, x, axis] + distance[y, x] * directions[y, x, axis]
                    offset += normal * (at - triangles[number, 0, axis])
                if abs(cosine) < np.float32(0.9999) or abs(offset) > np.float32(5e-4):
                    is_even = False
                    break
            if is_even:
                even[row, column] = number


@numba_kernel
def known_hits(
    known_face: np.ndarray,
    origins: np.ndarray,
    directions: np.ndarray,
    triangles: np.ndarray,
    face: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    distance: np.ndarray,
    missed: np.ndarray,
) -> int:
    """Intersect rays with the one triangle each that they are known to hit first.

    Lists in `missed` the rays without such a triangle, or that pass beside it; returns their
    number.
    """
    num = 0
    for ray in range(len(known_face)):
        number = known_face[ray]
        face[ray] = number
        if number < 0:
            missed[num] = ray
            num += 1
            continue
        x0, y0, z0 = triangles[number, 0]
        x1, y1, z1 = triangles[number, 1]
        x2, y2, z2 = triangles[number, 2]
        ax, ay, az = x1 - x0, y1 - y0, z1 - z0
        bx, by, bz = x2 - x0, y2 - y0, z2 - z0
        dx, dy, dz = directions[ray]
        ox, oy, oz = origins[ray, 0] - x0, origins[ray, 1] - y0, origins[ray, 2] - z0
        px, py, pz = dy * bz - dz * by, dz * bx - dx * bz, dx * by - dy * bx
        qx, qy, qz = oy * az - oz * ay, oz * ax - ox * az, ox * ay - oy * ax
        determinant = ax * px + ay * py + az * pz
        if determinant != 0:
            scale = np.float32(1) / determinant
            u[ray] = (ox * px + oy * py + oz * pz) * scale
            v[ray] = (dx * qx + dy * qy + dz * qz) * scale
            distance[ray] = (bx * qx + by * qy + bz * qz) * scale
            if u[ray] >= 0 and v[ray] >= 0 and u[ray] + v[ray] <= 1:
                continue
        missed[num] = ray
        num += 1
    return num
