"""Train `digits_cnn`, or `digits_narrow`, on scikit-learn's digits, in seconds.

As `weights: models/train_digits.py:train_digits` a study does so on the spot. As a script, `python
models/train_digits.py FILE`, it writes the weights (a state_dict) and prints the score; `--network
digits_narrow` made models/digits_narrow.pt.
"""

import argparse
from pathlib import Path

import torch
from digits import digits_cnn
from digits_narrow import digits_narrow
from torch import nn
from torch.nn import functional

from mbm_hw.studies.data import split_digits

SEED, EPOCHS, BATCH = 0, 40, 50
PEAK_RATE, WEIGHT_DECAY = 1e-2, 1e-2
NETWORKS = {network.__name__: network for network in (digits_cnn, digits_narrow)}


def train_digits(network: nn.Module, data: Path | None = None) -> None:
    """Train `network`, one of NETWORKS, in place on the training part of `split_digits`.

    It starts anew from SEED whatever weights it has, on one thread: the same bits each time. `data`
    is not needed. The state of PyTorch's own random generator is left as it was.
    """
    (images, classes), _ = split_digits()
    threads, was_training = torch.get_num_threads(), network.training
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(SEED)
            _train(network.train(), images, classes)
    finally:
        torch.set_num_threads(threads)
        network.train(was_training)


def _train(network, images, classes):
    for layer in network.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, steps)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            loss = functional.cross_entropy(network(images[chosen]), classes[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="where the weights go")
    parser.add_argument("--network", choices=NETWORKS, default="digits_cnn")
    arguments = parser.parse_args()

    path, network = arguments.file, NETWORKS[arguments.network]().eval()
    train_digits(network)
    _, (images, classes) = split_digits()
    with torch.inference_mode():
        right = int((network(images).argmax(1) == classes).sum())
    torch.save(network.state_dict(), path)
    print(f"{right} of {len(classes)} test images right; the weights are in {path}")


if __name__ == "__main__":
    main()
