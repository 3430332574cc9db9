"""Published estimates on the CDNOW sample."""

import pytest

from tests.training.peers.cdnow import Sample, sample_or_skip
from training.basket_anchor import fit_basket_anchor
from training.pareto_nbd import fit_pareto_nbd
from training.purchase_anchor import fit_purchase_anchor


@pytest.fixture(scope="module")
def sample() -> Sample:
    return sample_or_skip()


def test_the_sample_is_the_one_of_the_papers(sample: Sample) -> None:
    assert len(sample.rhythm.x) == 2357
    assert (sample.rhythm.x > 0).sum() == 946


def test_bg_nbd_is_estimated_as_published(sample: Sample) -> None:
    """Fader, Hardie and Lee (2005), Marketing Science 24(2), table 2."""
    fitted = fit_purchase_anchor(sample.rhythm)

    assert fitted.r == pytest.approx(0.243, abs=0.001)
    assert fitted.alpha == pytest.approx(4.414, abs=0.005)
    assert fitted.a == pytest.approx(0.793, abs=0.002)
    assert fitted.b == pytest.approx(2.426, abs=0.005)
    assert fitted.log_likelihood(sample.rhythm).sum() == pytest.approx(-9582.4, abs=0.1)


def test_pareto_nbd_is_estimated_as_published(sample: Sample) -> None:
    """The same table."""
    fitted = fit_pareto_nbd(sample.rhythm)

    assert fitted.r == pytest.approx(0.553, abs=0.001)
    assert fitted.alpha == pytest.approx(10.578, abs=0.005)
    assert fitted.s == pytest.approx(0.606, abs=0.002)
    assert fitted.beta == pytest.approx(11.669, abs=0.02)
    assert fitted.log_likelihood(sample.rhythm).sum() == pytest.approx(-9595.0, abs=0.1)


def test_gamma_gamma_is_estimated_as_published(sample: Sample) -> None:
    """Fader, Hardie and Lee (2005), Journal of Marketing Research 42(4): repeat purchases only."""
    fitted = fit_basket_anchor(sample.rhythm.x, sample.mean_repeat_basket)

    assert fitted.p == pytest.approx(6.25, abs=0.02)
    assert fitted.q == pytest.approx(3.74, abs=0.01)
    assert fitted.gamma == pytest.approx(15.44, abs=0.06)
