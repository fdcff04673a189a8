"""Generated indoor scenes with exact depth: no download, and the same images for everybody.

A scene is a box room with furniture, drawn from a seed; `raycast` has its parts, axes and units.
One release of NumPy gives the same image everywhere, but for the last bit of a pixel or a depth
where two machines' sine or product of matrices differ in rounding.
"""

import numpy as np

from mbm_hw.studies.raycast import (
    BOX,
    CYLINDER,
    ELLIPSOID,
    Decal,
    Material,
    Scene,
    Solid,
    turned,
)
from mbm_hw.studies.shading import render


def rooms(seed: int, images: int, height: int = 120, width: int = 160):
    """Return `images` scenes: rgb uint8 [N, H, W, 3], depth float32 [N, H, W] in metres, 0.1 to 10.

    Image i depends on `seed`, i and the image size only, not on how many are asked for.
    """
    if images < 1 or height < 1 or width < 1:
        raise ValueError(f"images, height, width must be positive, not {images}, {height}, {width}")
    rgb = np.empty((images, height, width, 3), np.uint8)
    depth = np.empty((images, height, width), np.float32)
    for index in range(images):
        rgb[index], depth[index] = room(seed, index, height, width)
    return rgb, depth


def room(seed: int, index: int, height: int = 120, width: int = 160):
    """Return image `index` of `rooms(seed, ...)`: rgb uint8 [H, W, 3], depth float32 [H, W]."""
    rng = np.random.default_rng([seed, index])
    return render(scene(rng), rng, height, width)


# ---- Scenes ---------------------------------------------------------------------------------


def _tint(rng, low, high, saturation):
    """Return a reflectance, float64 [3], its greatest part at most `high`."""
    return rng.uniform(low, high) * (1 - saturation * rng.random(3))


def _wood(rng):
    return rng.uniform(0.12, 0.75) * np.array([1, rng.uniform(0.58, 0.78), rng.uniform(0.28, 0.55)])


def _paint(rng):
    """A material for furniture: wood, white, dark or coloured."""
    kind = rng.choice(4, p=[0.4, 0.25, 0.15, 0.2])
    tints = (0.6, 0.9, 0.1), (0.03, 0.15, 0.3), (0.3, 0.9, 0.8)
    colour = _tint(rng, *tints[kind - 1]) if kind else _wood(rng)
    return Material(colour, colour * 0.6, "planks", (2.0, 0.12), 0.15)


def _floor(rng):
    kind = rng.choice(["planks", "tiles", "checker", "clouds"], p=[0.45, 0.25, 0.1, 0.2])
    first = _wood(rng) if kind == "planks" else _tint(rng, 0.15, 0.7, 0.35)
    side = rng.uniform(0.25, 0.6)
    cell = {"planks": (rng.uniform(0.8, 1.6), rng.uniform(0.08, 0.2)), "clouds": (0.08, 0.08)}
    return Material(first, first * rng.uniform(0.35, 0.75), kind, cell.get(kind, (side, side)), 0.2)


def _wall(rng):
    kind = rng.choice(["plain", "stripes", "tiles", "clouds"], p=[0.55, 0.15, 0.1, 0.2])
    first = _tint(rng, 0.4, 0.9, rng.choice([0.15, 0.5]))
    cell = {"stripes": rng.uniform(0.1, 0.4), "tiles": rng.uniform(0.15, 0.3)}.get(kind, 0.5)
    return Material(first, first * rng.uniform(0.7, 0.93), str(kind), (cell, cell), 0.06)


def _table(width, depth, height, material, thickness=0.04):
    """Parts of a table; a part is (shape, lower corner, upper corner, material)."""
    x, leg = width / 2, 0.05
    parts = [(BOX, (-x, 0, height - thickness), (x, depth, height), material)]
    for u in (-x, x - leg):
        for v in (0, depth - leg):
            parts.append((BOX, (u, v, 0), (u + leg, v + leg, height - thickness), material))
    return parts


def _things(rng, width, depth, height):
    """Small objects standing on a surface of `height`."""
    parts = []
    for _ in range(rng.integers(0, 4)):
        x, y = rng.uniform(-0.4, 0.4) * width, rng.uniform(0.3, 0.7) * depth
        r, tall = rng.uniform(0.04, 0.13, 2)
        corners = (x - r, y - r, height), (x + r, y + r, height + 2 * tall)
        parts.append((int(rng.integers(3)), *corners, _paint(rng)))
    return parts


def _furniture(rng, kind, ceiling):
    """Return (parts, width, depth) of a piece; its back is y = 0, its middle x = 0."""
    paint, other, u = _paint(rng), _paint(rng), rng.random(3)
    fabric = Material(_tint(rng, 0.1, 0.8, 0.6), _tint(rng, 0.1, 0.8, 0.6), "plain", grain=0.2)
    if kind == "cupboard":
        w, d, h = 0.6 + 0.9 * u[0], 0.35 + 0.3 * u[1], min(0.7 + 1.5 * u[2], ceiling - 0.1)
        doors = (w / rng.integers(1, 4), h / rng.integers(1, 4))
        front = Material(paint.first, paint.second, "panels", doors, 0.1)
        return [(BOX, (-w / 2, 0, 0), (w / 2, d, h), front), *_things(rng, w, d, h)], w, d
    if kind == "shelf":
        w, d, h = 0.6 + 0.8 * u[0], 0.25 + 0.1 * u[1], 1.0 + 1.1 * u[2]
        books = Material(paint.first, other.first, "books", (0.05, h / round(h / 0.35)), 0.1)
        return [(BOX, (-w / 2, 0, 0), (w / 2, d, h), books)], w, d
    if kind == "bed":
        w, d, h, x = 0.9 + 0.9 * u[0], 2.05, 0.4 + 0.15 * u[1], 0.45 + 0.45 * u[0]
        white = Material(_tint(rng, 0.7, 0.9, 0.1), np.ones(3), grain=0.05)
        parts = [(BOX, (-x, 0, 0), (x, 0.06, h + 0.5 * u[2] + 0.1), paint)]
        parts += [(BOX, (-x, 0.06, 0.08), (x, d, h - 0.18), paint)]
        parts += [(BOX, (-x + 0.03, 0.07, h - 0.18), (x - 0.03, d - 0.02, h), fabric)]
        return [*parts, (ELLIPSOID, (-0.35, 0.1, h - 0.05), (0.35, 0.55, h + 0.12), white)], w, d
    if kind == "sofa":
        w, d, h, x = 0.8 + 1.4 * u[0], 0.85, 0.4 + 0.06 * u[1], 0.4 + 0.7 * u[0]
        parts = [(BOX, (-x, 0, 0.06), (x, d, h), fabric), (BOX, (-x, 0, h), (x, 0.2, 0.85), fabric)]
        parts += [
            (BOX, (s - 0.08, 0.2, h), (s + 0.08, d, 0.62), fabric) for s in (0.08 - x, x - 0.08)
        ]
        return parts, w, d
    if kind == "desk":
        w, d, h = 0.7 + 1.1 * u[0], 0.55 + 0.35 * u[1], 0.45 + 0.3 * (u[2] < 0.75)
        return _table(w, d, h, paint) + _things(rng, w, d, h), w, d
    if kind == "chair":
        w, d, h = 0.42, 0.45, 0.45
        back = (BOX, (-w / 2, 0, h), (w / 2, 0.04, 0.85 + 0.2 * u[0]), paint)
        return [*_table(w, d, h, paint), back], w, d
    if kind == "screen":
        w, d, h, x = 1.0 + 0.8 * u[0], 0.4, 0.4 + 0.25 * u[1], 0.35 + 0.3 * u[2]
        dark = Material(np.full(3, 0.02), np.full(3, 0.05), grain=0.3)
        board = Material(paint.first, paint.second, "panels", (w / 3, h), 0.1)
        parts = [(BOX, (-w / 2, 0, 0), (w / 2, d, h), board)]
        return [*parts, (BOX, (-x, 0.1, h + 0.04), (x, 0.14, h + 0.04 + 1.12 * x), dark)], w, d
    if kind == "kitchen":
        w, d, x = 1.2 + 1.6 * u[0], 0.6, 0.6 + 0.8 * u[0]
        front = Material(paint.first, paint.second, "panels", (w / round(w / 0.5), 0.86), 0.05)
        parts = [(BOX, (-x, 0, 0), (x, d, 0.86), front), (BOX, (-x, 0, 0.86), (x, d, 0.9), other)]
        parts += [(BOX, (-x, 0, 1.45), (x, 0.35, 2.1), front)] if u[1] < 0.7 else []
        return parts + _things(rng, w, d, 0.9), w, d
    if kind == "plant":
        r, h, tall = 0.12 + 0.1 * u[0], 0.2 + 0.25 * u[1], 0.4 + 0.7 * u[2]
        leaf = Material(
            np.array([0.08, 0.25, 0.05]), np.array([0.2, 0.5, 0.12]), "clouds", (0.08, 0.08)
        )
        parts = [(CYLINDER, (-r, 0.3 - r, 0), (r, 0.3 + r, h), other)]
        return [*parts, (ELLIPSOID, (-0.3, 0, h), (0.3, 0.6, h + tall), leaf)], 0.6, 0.6
    glow = Material(np.array([1, 0.85, 0.6]), np.ones(3), grain=0.0, glow=rng.choice([0.0, 1.5]))
    if kind == "lamp":
        h, r = 1.2 + 0.5 * u[0], 0.15 + 0.1 * u[1]
        pole = (CYLINDER, (-0.02, 0.28, 0), (0.02, 0.32, h), paint)
        return [pole, (CYLINDER, (-r, 0.3 - r, h), (r, 0.3 + r, h + 0.3), glow)], 0.6, 0.6
    h, r = ceiling - 0.35 - 0.2 * u[0], 0.1 + 0.15 * u[1]  # a pendant
    cord = (CYLINDER, (-0.01, 0.29, h), (0.01, 0.31, ceiling), paint)
    return [cord, (ELLIPSOID, (-r, 0.3 - r, h - r), (r, 0.3 + r, h + r), glow)], 0.6, 0.6


WALL_PIECES = ("cupboard", "shelf", "bed", "sofa", "desk", "screen", "kitchen", "plant", "lamp")
FREE_PIECES = ("desk", "chair", "chair", "sofa", "pendant", "plant")


def _place(rng, kind, size, occupied, against_wall):
    """Return the solids of a piece put where it overlaps nothing, [] if six attempts fail."""
    parts, width, depth = _furniture(rng, kind, size[2])
    for _ in range(6):
        wall = int(rng.integers(4))
        yaw = wall * np.pi / 2 if against_wall else rng.uniform(0, 2 * np.pi)
        turn, gap = turned(yaw), rng.uniform(0.01, 0.06)
        origin = rng.random(3) * size * [1, 1, 0]
        if against_wall:
            origin[(wall + 1) % 2] = [gap, size[0] - gap, size[1] - gap, gap][wall]
        corners = [[x, y, 0] for x in (-width / 2, width / 2) for y in (0, depth)]
        corners = (np.array(corners) @ turn.T + origin)[:, :2]
        lower, upper = corners.min(0), corners.max(0)
        apart = [np.any((upper < low) | (lower > high)) for low, high in occupied]
        if np.all(lower > 0) and np.all(upper < size[:2]) and all(apart):
            break
    else:
        return []
    occupied.append((lower, upper))
    solids = []
    for shape, low, high, material in parts:
        low, high = np.array(low, float), np.array(high, float)
        centre = turn @ ((low + high) / 2) + origin
        solids.append(Solid(shape, centre, (high - low) / 2, yaw, material))
    return solids


def _decals(rng, size):
    """Doors, windows, pictures and skirting on the walls, perhaps a rug."""
    decals = []
    skirting = Material(_tint(rng, 0.2, 0.9, 0.2), np.ones(3))
    frame = _paint(rng)
    dark = Material(frame.first * 0.5, frame.first)
    for face in range(4):
        length = size[1 - face // 2]
        decals.append(Decal(face, (0, 0), (length, 0.09), skirting))
        kind = rng.choice(["door", "window", "pictures", "bare"], p=[0.25, 0.25, 0.35, 0.15])
        if kind == "door":
            x, w = rng.uniform(0.1, length - 1.1), rng.uniform(0.75, 0.95)
            door = Material(frame.first, frame.second, "panels", (w, 1.0))
            decals += [Decal(face, (x - 0.07, 0), (x + w + 0.07, 2.08), dark)]
            decals += [Decal(face, (x, 0), (x + w, 2.01), door)]
        elif kind == "window":
            w, h, low = rng.uniform(0.7, 1.6), rng.uniform(0.8, 1.3), rng.uniform(0.75, 0.95)
            x, sky = rng.uniform(0.1, length - w - 0.1), _tint(rng, 0.3, 1, 0.3)
            glow = rng.choice([0.05, 2.0])
            pane = Material(
                sky, np.full(3, 0.4), "panels", (w / 2, h / rng.integers(1, 3)), 0, glow
            )
            decals += [
                Decal(face, (x - 0.06, low - 0.06), (x + w + 0.06, low + h + 0.06), skirting)
            ]
            decals += [Decal(face, (x, low), (x + w, low + h), pane)]
        elif kind == "pictures":
            for _ in range(rng.integers(1, 4)):
                w, h = rng.uniform(0.25, 0.9, 2)
                x, y = rng.uniform(0.1, length - w - 0.1), rng.uniform(1.2, 1.5)
                art = Material(_tint(rng, 0, 1, 1), _tint(rng, 0, 1, 1), "clouds", (w / 3, h / 3))
                decals += [Decal(face, (x - 0.03, y - 0.03), (x + w + 0.03, y + h + 0.03), dark)]
                decals += [Decal(face, (x, y), (x + w, y + h), art)]
    if rng.random() < 0.5:
        low = rng.uniform(0.1, 0.5, 2) * size[:2]
        high = np.minimum(low + rng.uniform(1, 2.5, 2), size[:2] - 0.1)
        pattern = str(rng.choice(["stripes", "checker", "clouds", "plain"]))
        rug = Material(
            _tint(rng, 0.1, 0.8, 0.7), _tint(rng, 0.1, 0.8, 0.7), pattern, (0.2, 0.2), 0.3
        )
        decals.append(Decal(4, tuple(low), tuple(high), rug))
    return decals


def scene(rng: np.random.Generator) -> Scene:
    """Return a furnished room with a camera at eye height that looks at least 1.9 m far."""
    size = np.array([*rng.uniform([3.0, 2.8], [7.0, 5.5]), rng.uniform(2.3, 3.1)])
    camera = np.array([*rng.uniform(0.5, size[:2] - 0.5), rng.uniform(1.2, 1.6)])
    ahead = 0.0
    while ahead < 1.9:
        yaw = rng.uniform(0, 2 * np.pi)
        heading = np.array([-np.sin(yaw), np.cos(yaw)])
        ahead = np.min((np.where(heading > 0, size[:2], 0) - camera[:2]) / heading)
    occupied = [(camera[:2] - 0.5, camera[:2] + 0.5)]
    solids = []
    for kind in rng.choice(WALL_PIECES, rng.integers(3, 10)):
        solids += _place(rng, kind, size, occupied, against_wall=True)
    for kind in rng.choice(FREE_PIECES, rng.integers(1, 6)):
        solids += _place(rng, kind, size, occupied, against_wall=False)
    wall, floor = _wall(rng), _floor(rng)
    white = Material(_tint(rng, 0.7, 0.95, 0.1), np.ones(3), grain=0.03)
    walls = [_wall(rng) if rng.random() < 0.15 else wall for _ in range(4)]
    lights = np.ones((rng.integers(1, 3), 4))
    for light in lights:
        light[:3] = rng.uniform([0.15, 0.15, 0.78], [0.85, 0.85, 0.97]) * size
        light[3] = rng.uniform(0.3, 1.0)
    return Scene(
        size=size,
        faces=[*walls, floor, white],
        solids=solids,
        decals=_decals(rng, size),
        camera=camera,
        rotation=_rotation(yaw, *np.radians(rng.normal([-9, 0], [5, 1.5]))),
        lights=lights,
    )


def _rotation(yaw, pitch, roll):
    """Return the camera's axes as columns; all zero looks along y; pitch > 0 looks up."""
    level = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)
    tilt = np.array(
        [
            [1, 0, 0],
            [0, np.cos(pitch), -np.sin(pitch)],
            [0, np.sin(pitch), np.cos(pitch)],
        ]
    )
    return turned(yaw) @ level @ tilt @ turned(roll)
