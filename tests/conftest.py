"""Fixtures that test files share."""

import pytest
import torch
from devices import DEVICES, on
from small_net import SmallNet


@pytest.fixture(params=DEVICES)
def device(request):
    """The CPU, and a CUDA device where there is one: tensors and networks are moved there."""
    with on(request.param) as device:
        yield device


@pytest.fixture
def images(device):
    return torch.randn(6, 3, 16, 14, generator=torch.Generator().manual_seed(5)).to(device)


@pytest.fixture
def network(device):
    torch.manual_seed(0)
    return SmallNet().eval().to(device)
