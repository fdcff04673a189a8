"""Fixtures that test files share."""

import pytest
from devices import DEVICES, on


@pytest.fixture(params=DEVICES)
def device(request):
    """The CPU, and a CUDA device where there is one: tensors and networks are moved there."""
    with on(request.param) as device:
        yield device
