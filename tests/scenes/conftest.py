"""Houses that the tests of the generator share."""

import pytest

from workflow_scripts.scenes.generator import generate_house

SEED, NUM_HOUSES = 7, 80


@pytest.fixture(scope="package")
def houses():
    return [generate_house(SEED, index) for index in range(NUM_HOUSES)]
