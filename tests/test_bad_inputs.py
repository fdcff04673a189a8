"""Bad inputs to the command line and the API: a third of `tests/bad_inputs`, and mutations.

`python -m tests.bad_inputs` tries all of them; `--seed 1 --count 5000` mutates whole files.
"""

import pytest

from tests.bad_inputs.areas import AREAS, cases_of
from tests.bad_inputs.client import Client
from tests.bad_inputs.mutations import FORMATS

SHARE = 3


@pytest.fixture(scope="module")
def client():
    with Client() as client:
        yield client


def told(outcomes) -> str:
    return "\n".join(f"{o.name}: {'; '.join(o.broken)}: {o.said}" for o in outcomes if o.broken)


@pytest.mark.parametrize("area", AREAS)
def test_a_bad_input_is_one_line_and_leaves_nothing(client, area):
    outcomes = client.outcomes(area, share=SHARE)
    assert outcomes
    assert not told(outcomes), told(outcomes)


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_refused_or_read(client, name):
    outcomes = client.outcomes(name, seed=0, count=4)
    assert len(outcomes) == 4
    assert not told(outcomes), told(outcomes)


def test_at_least_600_bad_inputs_are_tried_here():
    assert sum(len(cases_of(area, SHARE)) for area in AREAS) >= 600
