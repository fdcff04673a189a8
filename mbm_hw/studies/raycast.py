"""Rays into a box room with furniture: what they hit, and its exact depth.

World axes are metres, x and y along the floor, z up, the room's corner at 0. Camera axes are right,
down and forward; depth is measured along forward, as NYU Depth v2 does, not along the ray.
"""

from dataclasses import dataclass

import numpy as np

FOCAL = 518.86 / 640
"""Focal length over image width, of the NYU Depth v2 colour camera (63 degrees across)."""

BOX, CYLINDER, ELLIPSOID = range(3)


@dataclass(frozen=True)
class Material:
    """A surface: `pattern` mixes the reflectances `first` and `second` in cells of `cell` metres.

    pattern : one of `shading.PATTERNS`; first, second : float64 [3], 0 to 1, red, green and blue.
    `grain` is the contrast of the fine noise on top; `glow` is light of its own.
    """

    first: np.ndarray
    second: np.ndarray
    pattern: str = "plain"
    cell: tuple[float, float] = (1.0, 1.0)
    grain: float = 0.1
    glow: float = 0.0


@dataclass(frozen=True)
class Solid:
    """A box, upright elliptic cylinder or ellipsoid, turned by `yaw` about the vertical.

    shape : BOX, CYLINDER or ELLIPSOID; centre, half : float64 [3], metres (half: the semi-axes).
    """

    shape: int
    centre: np.ndarray
    half: np.ndarray
    yaw: float
    material: Material


@dataclass(frozen=True)
class Decal:
    """A rectangle on a face of the room: a door, window, picture, skirting or rug.

    face : axis * 2 + (1 at the far end); lower, upper : metres from the room's corner, along the
    face's two axes in their order.
    """

    face: int
    lower: tuple[float, float]
    upper: tuple[float, float]
    material: Material


@dataclass(frozen=True)
class Scene:
    """size : float64 [3], the room; faces : its six materials, by face; camera : float64 [3];
    rotation : float64 [3, 3], its columns are the camera's right, down and forward in the world;
    lights : rows of position and power, float64 [lights, 4]."""

    size: np.ndarray
    faces: list[Material]
    solids: list[Solid]
    decals: list[Decal]
    camera: np.ndarray
    rotation: np.ndarray
    lights: np.ndarray


def turned(yaw: float) -> np.ndarray:
    """Return the rotation by `yaw` radians about the third axis, float64 [3, 3]."""
    return np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])


def camera_rays(height: int, width: int) -> np.ndarray:
    """Return the ray through each pixel's centre in camera axes, forward 1, float64 [3, H, W]."""
    x = (np.arange(width) + 0.5 - width / 2) / (FOCAL * width)
    y = (np.arange(height) + 0.5 - height / 2) / (FOCAL * width)
    return np.stack([*np.broadcast_arrays(x, y[:, None]), np.ones((height, width))])


def to_world(scene: Scene, vectors: np.ndarray) -> np.ndarray:
    """Return camera vectors [3, ...] in the world's axes; plain sums, so no BLAS alters a bit."""
    r, (x, y, z) = scene.rotation, vectors
    return np.stack([r[i, 0] * x + r[i, 1] * y + r[i, 2] * z for i in range(3)])


def walls(scene: Scene) -> Solid:
    """Return the room itself, as a box that is seen from inside."""
    return Solid(BOX, scene.size / 2, scene.size / 2, 0.0, scene.faces[0])


def nearest(scene: Scene, rays: np.ndarray):
    """Return what `camera_rays` hit: depth float64 [H, W] in metres, and the index of the solid,
    int64 [H, W], len(scene.solids) for the room itself."""
    world = to_world(scene, rays)
    depth = crossing(walls(scene), scene.camera, world)[1]
    hit = np.full(depth.shape, len(scene.solids))
    for index, solid in enumerate(scene.solids):
        window = _window(scene, solid, *depth.shape)
        if window is None:
            continue
        near, far = crossing(solid, scene.camera, world[(slice(None), *window)])
        closer = (near < far) & (near > 0) & (near < depth[window])
        depth[window][closer] = near[closer]
        hit[window][closer] = index
    return depth, hit


def _window(scene, solid, height, width):
    """Return the rows and columns that can see `solid`, None if it lies outside the image."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = (signs * solid.half) @ turned(solid.yaw).T + solid.centre
    right, down, forward = ((corners - scene.camera) @ scene.rotation).T
    if np.all(forward < 0.05):
        return None
    if np.any(forward < 0.05):
        return slice(0, height), slice(0, width)
    window = []
    for across, length in ((down, height), (right, width)):
        pixels = across / forward * FOCAL * width + length / 2
        first, last = max(int(pixels.min()) - 1, 0), min(int(pixels.max()) + 2, length)
        if first >= last:
            return None
        window.append(slice(first, last))
    return tuple(window)


def _local(solid, vector):
    """Return a vector's three parts along the axes of `solid`, in units of its half extents."""
    x, y, z = vector
    cos, sin = np.cos(solid.yaw), np.sin(solid.yaw)
    a, b, c = solid.half
    return (cos / a) * x + (sin / a) * y, (cos / b) * y - (sin / b) * x, z / c


def crossing(solid: Solid, origin: np.ndarray, direction: np.ndarray):
    """Return where rays enter and leave `solid`, in units of `direction`; a miss has enter > leave.

    origin : float64 [3], or as direction; direction : float64 [3, ...]; each result [...].
    """
    o = _local(solid, [x - centre for x, centre in zip(origin, solid.centre, strict=True)])
    d = _local(solid, direction)
    near, far = -np.inf, np.inf
    for axis in {BOX: (0, 1, 2), CYLINDER: (2,), ELLIPSOID: ()}[solid.shape]:
        inverse = 1 / d[axis]
        middle, reach = -o[axis] * inverse, np.abs(inverse)
        near, far = np.maximum(near, middle - reach), np.minimum(far, middle + reach)
    if solid.shape != BOX:
        round_axes = (0, 1) if solid.shape == CYLINDER else (0, 1, 2)
        a = sum(d[i] * d[i] for i in round_axes)
        b = sum(o[i] * d[i] for i in round_axes)
        c = sum(o[i] * o[i] for i in round_axes) - 1
        square = b * b - a * c
        root = np.sqrt(np.maximum(square, 0))
        near = np.where(square > 0, np.maximum(near, (-b - root) / a), np.inf)
        far = np.minimum(far, (-b + root) / a)
    return near, far


def surface(solids: list[Solid], hit: np.ndarray, points: np.ndarray):
    """Return what the surface is like at points [3, P] that lie on solids[hit], hit [P]: the unit
    normals [3, P], the faces [P] (as `Decal.face`) and the coordinates u, v [P] along it, metres
    from a box's corner. The last solid is the room: its normals point inwards."""
    centre = np.array([s.centre for s in solids])[hit].T
    half = np.array([s.half for s in solids])[hit].T
    cos = np.array([np.cos(s.yaw) for s in solids])[hit]
    sin = np.array([np.sin(s.yaw) for s in solids])[hit]
    shape = np.array([s.shape for s in solids])[hit]
    x, y, z = points - centre
    x, y = cos * x + sin * y, cos * y - sin * x
    unit = np.stack([x, y, z]) / half
    a, b, c = unit * unit
    axis = np.where(c > np.maximum(a, b), 2, np.where(b > a, 1, 0))
    cap = c > a + b
    axis = np.where(shape == BOX, axis, np.where((shape == CYLINDER) & cap, 2, 0))
    pixel = np.arange(hit.size)
    flat = np.zeros_like(unit)
    flat[axis, pixel] = np.sign(unit[axis, pixel])
    bent = unit / half
    bent[2] *= shape == ELLIPSOID
    normals = np.where((shape == BOX) | (axis == 2), flat, bent)
    normals /= np.sqrt((normals**2).sum(0))
    normals *= np.where(hit == len(solids) - 1, -1, 1)
    face = 2 * axis + (unit[axis, pixel] > 0)
    x, y, z = x + half[0], y + half[1], z + half[2]
    around = np.where(shape == BOX, y, np.arctan2(unit[1], unit[0]) * half[0])
    u, v = np.where(axis == 0, around, x), np.where(axis == 2, y, z)
    x, y, z = normals
    normals = np.stack([cos * x - sin * y, sin * x + cos * y, z])
    return normals, face, u, v
