"""Group sizes that chance explains pass; those it does not are named."""

import numpy as np
import pytest

from valuation.sample_ratio import sample_ratio


def test_the_published_example_is_a_mismatch():
    # Kohavi, Tang and Xu (2020), "Trustworthy Online Controlled Experiments", chapter 3:
    # 821,588 against 815,482 at equal shares has a p-value of 1.8e-6.
    found = sample_ratio([821_588, 815_482], [0.5, 0.5])

    assert found.p_value == pytest.approx(1.8e-6, rel=0.02)
    assert found.is_mismatch


def test_sizes_as_promised_are_none():
    found = sample_ratio([900, 100], [0.9, 0.1])

    assert found.promised == (900.0, 100.0)
    assert (found.p_value, found.is_mismatch) == (1.0, False)


def test_sound_assignment_is_hardly_ever_accused():
    rng = np.random.default_rng(1)
    treated = rng.binomial(3000, 0.9, 2000)
    accused = [sample_ratio([n, 3000 - n], [0.9, 0.1]).is_mismatch for n in treated]

    assert np.mean(accused) < 0.005


@pytest.mark.parametrize(
    ("counted", "shares", "said"),
    [
        ([1], [1.0], "count each"),
        ([0, 0], [0.5, 0.5], "count each"),
        ([1, 2], [0.5, 0.6], "add up to 1"),
        ([1, 2], [1.0, 0.0], "shares above 0"),
    ],
)
def test_shares_that_are_none_are_refused(counted, shares, said):
    with pytest.raises(ValueError, match=said):
        sample_ratio(counted, shares)
