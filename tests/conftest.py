"""Fixtures that test files share."""

import shlex
from pathlib import Path

import pytest
import torch
from devices import DEVICES, on
from small_net import SmallNet

from mbm_hw.cost import Costing, uniform
from sim.simulators import ROOT, MissingTool, check_folder, verilator_folder


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


@pytest.fixture(scope="session")
def costing(tmp_path_factory):
    return Costing(tmp_path_factory.mktemp("cost"), streams=(uniform(2001),))


@pytest.fixture
def verilator():
    """The folder of Verilator's programs. A checkout whose name they refuse has no such test."""
    try:
        check_folder("verilator", ROOT)
    except MissingTool as refusal:
        pytest.skip(str(refusal))
    return verilator_folder()


@pytest.fixture
def inductor():
    """The name of torch's compiler. It takes a folder's name apart, and torch is in this one."""
    folder = str(Path(torch.__file__).parent)
    if shlex.quote(folder) != folder:
        pytest.skip(f"inductor cannot work in a folder with spaces, quotes or $: {folder}")
    return "inductor"
