import numpy as np
import pytest

from mbm_hw.studies.raycast import BOX, CYLINDER, FOCAL
from mbm_hw.studies.rooms import room, rooms, scene

SEED = 11


def is_solid(drawn, points):
    """Return whether each point [..., 3] lies in a solid or beyond the walls, by definition."""
    solid = np.any((points < 0) | (points > drawn.size), axis=-1)
    for part in drawn.solids:
        x, y, z = np.moveaxis(points - part.centre, -1, 0)
        along = (x * np.cos(part.yaw) + y * np.sin(part.yaw)) / part.half[0]
        across = (y * np.cos(part.yaw) - x * np.sin(part.yaw)) / part.half[1]
        up = z / part.half[2]
        if part.shape == BOX:
            solid |= (abs(along) < 1) & (abs(across) < 1) & (abs(up) < 1)
        elif part.shape == CYLINDER:
            solid |= (along**2 + across**2 < 1) & (abs(up) < 1)
        else:
            solid |= along**2 + across**2 + up**2 < 1
    return solid


def along_rays(drawn, rows, columns, depth, height=120, width=160):
    """Return the world points [..., 3] that pixels see at `depth` metres, pinhole by definition."""
    right = (columns + 0.5 - width / 2) / (FOCAL * width)
    down = (rows + 0.5 - height / 2) / (FOCAL * width)
    in_camera = np.stack(np.broadcast_arrays(right * depth, down * depth, depth), axis=-1)
    return drawn.camera + in_camera @ drawn.rotation.T


@pytest.mark.parametrize("index", range(6))
def test_depth_is_where_each_ray_first_meets_something(index):
    drawn = scene(np.random.default_rng([SEED, index]))
    depth = room(SEED, index)[1].astype(np.float64)
    rows, columns = np.indices(depth.shape)
    grazing = ~is_solid(drawn, along_rays(drawn, rows, columns, depth + 1e-5))
    assert grazing.mean() < 1e-3, f"{grazing.sum()} rays meet nothing at their depth"

    rng = np.random.default_rng(index)
    rows, columns = rng.integers(120, size=(100, 1)), rng.integers(160, size=(100, 1))
    before = np.linspace(0, 1, 2000, endpoint=False) * (depth[rows, columns] - 1e-5)
    early = is_solid(drawn, along_rays(drawn, rows, columns, before)).any(axis=1)
    assert not early.any(), f"{early.sum()} of 100 rays pass through a solid"


def test_image_does_not_depend_on_how_many_are_asked_for():
    rgb, depth = rooms(SEED, 3)
    for index in range(3):
        single_rgb, single_depth = room(SEED, index)
        assert np.array_equal(rgb[index], single_rgb)
        assert np.array_equal(depth[index], single_depth)
    assert not np.array_equal(rgb[0], rgb[1])
    assert not np.array_equal(rgb[0], room(SEED + 1, 0)[0])


def test_images_are_uint8_and_depths_float32_metres_within_ten():
    rgb, depth = rooms(SEED, 12, height=48, width=64)
    assert (rgb.dtype, rgb.shape) == (np.uint8, (12, 48, 64, 3))
    assert (depth.dtype, depth.shape) == (np.float32, (12, 48, 64))
    assert depth.min() > 0.1
    assert depth.max() < 10
    assert rgb.std(axis=(1, 2, 3)).min() > 5, "an image is nearly uniform"


def test_camera_stands_upright_at_eye_height():
    for index in range(10):
        drawn = scene(np.random.default_rng([SEED, index]))
        assert 1.2 <= drawn.camera[2] <= 1.6
        assert np.allclose(drawn.rotation.T @ drawn.rotation, np.eye(3))
        assert np.linalg.det(drawn.rotation) == pytest.approx(1)
        assert drawn.rotation[2, 1] < -0.85, "the camera's down is not the world's"


def test_the_size_is_checked():
    with pytest.raises(ValueError, match="must be positive, not 0, 120, 160"):
        rooms(SEED, 0)
