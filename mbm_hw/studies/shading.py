"""The image of a `raycast` scene: textured, lit, with shadows, as a camera would develop it."""

import numpy as np

from mbm_hw.studies.raycast import (
    FOCAL,
    Scene,
    camera_rays,
    crossing,
    nearest,
    surface,
    to_world,
    walls,
)

PATTERNS = ("plain", "tiles", "planks", "stripes", "checker", "books", "panels", "clouds")
"""What a `Material` may show; `_mix` draws them."""


def render(scene: Scene, rng: np.random.Generator, height: int, width: int):
    """Return rgb uint8 [H, W, 3] and depth float32 [H, W] in metres; `rng` gives the camera's
    exposure, white balance and noise."""
    rays = camera_rays(height, width)
    depth, hit = nearest(scene, rays)
    depth, hit, rays = depth.ravel(), hit.ravel(), rays.reshape(3, -1)
    points = scene.camera[:, None] + to_world(scene, rays * depth)
    solids = [*scene.solids, walls(scene)]
    normals, face, u, v = surface(solids, hit, points)
    materials, material = _materials(scene, hit, face, u, v)
    reflectance, glow = _paint(materials, material, u, v, depth / (FOCAL * width))
    light = _light(scene, points, normals, hit)
    radiance = reflectance * (light * (1 - 0.8 * (glow > 0)) + glow)
    rgb = _develop(radiance.reshape(3, height, width), rng)
    return rgb, depth.reshape(height, width).astype(np.float32)


def _materials(scene, hit, face, u, v):
    """Return the scene's materials and each pixel's index into them; `u`, `v` change in place to
    start at the corner of a decal."""
    inside = hit == len(scene.solids)
    material = np.where(inside, len(scene.solids) + face, hit)
    decals = scene.decals
    for index, decal in enumerate(decals, len(scene.solids) + 6):
        (left, low), (right, high) = decal.lower, decal.upper
        where = inside & (face == decal.face) & (u > left) & (u < right) & (v > low) & (v < high)
        material[where] = index
    for index, decal in enumerate(decals, len(scene.solids) + 6):
        where = material == index
        u[where] -= decal.lower[0]
        v[where] -= decal.lower[1]
    materials = [s.material for s in scene.solids] + scene.faces + [d.material for d in decals]
    return materials, material


def _hash(i, j, salt):
    """Return a number in [0, 1) for each lattice point; i, j, salt : int64, broadcast."""
    n = (i * 73856093) ^ (j * 19349663) ^ (salt * 83492791)
    n = ((n ^ (n >> 13)) * 1274126177) & 0x7FFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 65536


def _noise(s, t, salt):
    """Return smooth noise in [0, 1), one value per unit cell."""
    i, j = np.floor(s).astype(np.int64), np.floor(t).astype(np.int64)
    s, t = s - i, t - j
    s, t = s * s * (3 - 2 * s), t * t * (3 - 2 * t)
    low = _hash(i, j, salt) * (1 - s) + _hash(i + 1, j, salt) * s
    return low * (1 - t) + (_hash(i, j + 1, salt) * (1 - s) + _hash(i + 1, j + 1, salt) * s) * t


def _mix(pattern, s, t, salt):
    """Return a pattern's share of the second reflectance and its brightness; s, t in cells."""
    if pattern == "planks":
        s = s + _hash(np.floor(t).astype(np.int64), 0, salt)
    i, j = np.floor(s).astype(np.int64), np.floor(t).astype(np.int64)
    x, y, cell = s - i, t - j, _hash(i, j, salt)
    even = np.ones_like(s)
    if pattern == "tiles":
        return ((x < 0.04) | (y < 0.04)) * 1.0, 0.9 + 0.2 * cell
    if pattern == "planks":
        seam = ((x < 0.01) | (y < 0.06)) * 0.8
        return np.maximum(seam, 0.7 * _noise(s * 3, t * 4, salt)), 0.8 + 0.4 * cell
    if pattern == "stripes":
        return (x < 0.5) * 1.0, even
    if pattern == "checker":
        return (i + j) % 2 * 1.0, even
    if pattern == "books":
        board, gap = y < 0.08, y > 0.6 + 0.35 * cell
        return np.where(board, 0, _hash(i, j, salt + 1)), np.where(gap & ~board, 0.15, 0.4 + cell)
    if pattern == "panels":
        seam = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
        return (seam < 0.04) * 1.0, 1 - 0.4 * ((seam > 0.1) & (seam < 0.13))
    if pattern == "clouds":
        return 0.6 * _noise(s, t, salt) + 0.4 * _noise(s * 2.7, t * 2.7, salt + 1), even
    return 0 * s, even


def _paint(materials, material, u, v, footprint):
    """Return reflectance [3, P] and glow [P]; a cell fades as it nears `footprint`, a pixel's
    metres."""
    first = np.array([m.first for m in materials]).T
    second = np.array([m.second for m in materials]).T
    cell = np.array([m.cell for m in materials]).T
    grain = np.array([m.grain for m in materials])[material]
    glow = np.array([m.glow for m in materials])[material]
    pattern = np.array([PATTERNS.index(m.pattern) for m in materials])[material]
    s, t = u / cell[0][material], v / cell[1][material]
    share, bright = np.zeros_like(u), np.ones_like(u)
    for index in np.unique(pattern):
        where = np.flatnonzero(pattern == index)
        share[where], bright[where] = _mix(PATTERNS[index], s[where], t[where], material[where])
    smooth = np.clip(cell.min(0)[material] / footprint / 3, 0, 1)
    share = 0.3 + smooth * (share - 0.3)
    bright = bright * (
        1 + grain * (_noise(u * 25, v * 25, material) + _noise(u * 5, v * 5, material) - 1)
    )
    return (first[:, material] * (1 - share) + second[:, material] * share) * bright, glow


def _light(scene, points, normals, hit):
    """Return the light that falls on each point, [P]."""
    height = points[2] / scene.size[2]
    light = 0.16 + 0.05 * normals[2] + 0.04 * height
    for corner in (points, scene.size[:, None] - points):
        for distance in corner:
            light *= 1 - 0.12 * np.clip(1 - distance / 0.35, 0, 1)
    for *source, power in scene.lights:
        toward = np.array(source)[:, None] - points
        square = (toward**2).sum(0)
        facing = (toward * normals).sum(0) / np.sqrt(square)
        lit = np.flatnonzero(facing > 0)
        lit = lit[np.argsort(points[2, lit], kind="stable")]
        shade = _shade(scene, source, points[:, lit], hit[lit])
        light[lit] += np.where(shade, 0.12, 1) * power * facing[lit] / (0.6 + 0.35 * square[lit])
    return light


def _shade(scene, source, points, hit):
    """Return where a solid hides the light at `source`, bool [P]; points [3, P] rise in height.

    Thin, small and glowing solids cast no shadow.
    """
    shade = np.zeros(hit.size, bool)
    toward = np.array(source)[:, None] - points
    for index, solid in enumerate(scene.solids):
        if solid.half.min() < 0.02 or solid.half.max() < 0.15 or solid.material.glow:
            continue
        top = solid.centre[2] + solid.half[2]
        below = slice(np.searchsorted(points[2], top) if top < source[2] else hit.size)
        near, far = crossing(solid, points[:, below], toward[:, below])
        shade[below] |= (near < far) & (far > 0) & (near < 1) & (hit[below] != index)
    return shade


def _develop(radiance, rng):
    """Return radiance [3, H, W] as rgb uint8 [H, W, 3]: exposed, balanced, blurred, noisy."""
    warm = rng.uniform(-0.15, 0.2)
    balance = np.array([1 + warm, 1, 1 - warm]) * rng.uniform(0.22, 0.42) / radiance.mean()
    image = np.minimum(radiance * balance[:, None, None], 1)
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge")
    image = 0.15 * (padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1]) + 0.7 * image
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1)), mode="edge")
    image = 0.15 * (padded[:, :, :-2] + padded[:, :, 2:]) + 0.7 * image
    image = np.sqrt(image) + rng.normal(0, rng.uniform(0.003, 0.015), image.shape)
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
