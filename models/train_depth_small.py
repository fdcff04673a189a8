"""Train `depth_small` on generated rooms: `python models/train_depth_small.py`.

Writes the weights (a state_dict) and, beside them, a .json with the seeds, the scores on scenes of
another seed, those of the best constant, and the seconds it took.
"""

import argparse
import functools
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from depth_small import depth_small
from torch.nn import functional
from tqdm import tqdm

from mbm_hw.studies.data import GeneratedRooms
from mbm_hw.studies.evaluation import Depth
from mbm_hw.studies.rooms import room

BATCH = 32
PEAK_RATE = 3e-3
WEIGHT_DECAY = 1e-3
SEED, UNSEEN_SEED, UNSEEN_SCENES = 40_000_001, 1_000_003, 300
"""Far from the small seeds of studies, so that none scores the scenes of the training."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("depth_small.pt"))
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--scenes", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()
    if arguments.seed == UNSEEN_SEED:
        parser.error(f"seed {UNSEEN_SEED} is that of the unseen scenes")

    start = time.monotonic()
    rgb, depth = scenes(arguments.seed, arguments.scenes)
    network = train(rgb, depth, arguments.seed, arguments.epochs)
    seconds = time.monotonic() - start

    unseen = GeneratedRooms(seed=UNSEEN_SEED, images=UNSEEN_SCENES).load()
    constant, constant_scores = best_constant([depth for _, depth in unseen])
    report = {
        "seed": arguments.seed,
        "scenes": arguments.scenes,
        "epochs": arguments.epochs,
        "seconds": round(seconds),
        "unseen": {"seed": UNSEEN_SEED, "scenes": UNSEEN_SCENES, "protocol": "per_image"},
        "metrics": Depth().evaluate(network, unseen),
        "best_constant": {"metres": constant, "metrics": constant_scores},
    }
    temporary = arguments.out.with_suffix(".tmp")
    torch.save(network.state_dict(), temporary)
    os.replace(temporary, arguments.out)
    temporary.write_text(json.dumps(report, indent=2) + "\n")
    os.replace(temporary, arguments.out.with_suffix(".json"))
    print(json.dumps(report, indent=2))


def scenes(seed: int, images: int):
    """Return what `rooms(seed, images)` does, drawn on all cores."""
    with ProcessPoolExecutor() as pool:
        drawn = pool.map(functools.partial(room, seed), range(images), chunksize=20)
        rgb, depth = zip(*tqdm(drawn, "scenes", images, mininterval=5), strict=True)
    return np.stack(rgb), np.stack(depth)


def train(rgb: np.ndarray, depth: np.ndarray, seed: int, epochs: int):
    """Return a `depth_small` trained on rgb uint8 [N, H, W, 3] and depth [N, H, W], metres."""
    torch.manual_seed(seed)
    rgb = torch.from_numpy(rgb).permute(0, 3, 1, 2)
    target = functional.avg_pool2d(10 / torch.from_numpy(depth)[:, None], 2)
    network = depth_small().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(rgb) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, steps, pct_start=0.15)
    network.train()
    for epoch in range(epochs):
        order = torch.randperm(len(rgb))[: len(rgb) // BATCH * BATCH]
        total = 0.0
        for chosen in tqdm(order.split(BATCH), f"epoch {epoch + 1}/{epochs}", mininterval=10):
            x, t = vary(rgb[chosen], target[chosen])
            with torch.autocast("cpu", torch.bfloat16):
                y = network(x.to(memory_format=torch.channels_last))
            loss = relative_loss(y.float(), t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total * BATCH / len(order):.4f}", flush=True)
    return network.to(memory_format=torch.contiguous_format).eval()


def vary(rgb: torch.Tensor, target: torch.Tensor):
    """Mirror half of the images with their targets and vary exposure, colour and contrast."""
    mirror = torch.rand(len(rgb)) < 0.5
    rgb = torch.where(mirror[:, None, None, None], rgb.flip(3), rgb) / 255
    target = torch.where(mirror[:, None, None, None], target.flip(3), target)
    gain = 1 + 0.25 * (2 * torch.rand(len(rgb), 1, 1, 1) - 1)
    tint = 1 + 0.1 * (2 * torch.rand(len(rgb), 3, 1, 1) - 1)
    gamma = 1 + 0.2 * (2 * torch.rand(len(rgb), 1, 1, 1) - 1)
    return (rgb * gain * tint).clamp(0, 1) ** gamma, target


def relative_loss(y: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean relative error plus half the mean absolute gradients of it."""
    error = (y - target) / target
    return error.abs().mean() + 0.5 * sum(error.diff(dim=axis).abs().mean() for axis in (2, 3))


def best_constant(depths: list[np.ndarray]):
    """Return the constant depth in metres that has the highest a1 on `depths`, and its scores."""
    scores = {
        metres: Depth().average([Depth().score(np.full_like(d, metres), d) for d in depths])
        for metres in np.round(np.arange(1, 6, 0.1), 1).tolist()
    }
    constant = max(scores, key=lambda metres: scores[metres]["a1"])
    return constant, scores[constant]


if __name__ == "__main__":
    main()
