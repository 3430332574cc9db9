"""What the door says about arrays that cannot be used."""

import numpy as np
import pytest

from valuation.arrays import (
    finite_matrix,
    finite_vector,
    matrix_with_gaps,
    require_equal_rows,
    require_equal_shapes,
    require_within,
    vector_with_gaps,
    weighted_row_sums,
)


def test_unequal_shapes_are_both_named():
    with pytest.raises(ValueError, match=r"survival has shape \(3, 4\) and margin \(3, 5\); give"):
        require_equal_shapes(survival=np.ones((3, 4)), margin=np.ones((3, 5)))


def test_unequal_numbers_of_customers_are_both_named():
    with pytest.raises(ValueError, match="cost has 3 customers and margin 2; give one row"):
        require_equal_rows(cost=np.ones(3), margin=np.ones((2, 5)))


def test_the_first_value_that_is_not_finite_is_named_by_row_and_month():
    margin = np.array([[1.0, 2.0], [3.0, np.nan], [np.inf, 1.0]])
    with pytest.raises(ValueError, match=r"margin is nan in row 1, month 2; give finite numbers\."):
        finite_matrix("margin", margin)


def test_the_first_value_of_a_vector_that_is_not_finite_is_named_by_row():
    with pytest.raises(ValueError, match="clv is inf in row 2; give finite numbers"):
        finite_vector("clv", np.array([1.0, 2.0, np.inf]))


def test_a_wrong_number_of_dimensions_is_refused():
    with pytest.raises(ValueError, match=r"clv has shape \(2, 2\); give \(n_customers,\)"):
        finite_vector("clv", np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"margin has shape \(2,\); give \(n_customers, n_months"):
        finite_matrix("margin", np.ones(2))


def test_a_matrix_without_months_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 0\); give at least one month"):
        finite_matrix("margin", np.ones((2, 0)))


def test_gaps_may_be_nan_but_not_infinite():
    assert np.isnan(vector_with_gaps("cost", np.array([np.nan]))).all()
    with pytest.raises(ValueError, match="realised is -inf in row 0, month 2; give finite numbers"):
        matrix_with_gaps("realised", np.array([[np.nan, -np.inf]]))


def test_a_value_out_of_range_is_named_with_the_range():
    with pytest.raises(ValueError, match=r"hazard is 1.5 in row 0, month 1; give values from 0 to"):
        require_within("hazard", np.array([[1.5]]), 0.0, 1.0)


def test_a_single_number_out_of_range_is_named_without_a_row():
    with pytest.raises(ValueError, match="share is nan; give values from 0 to 1"):
        require_within("share", np.asarray(np.nan), 0.0, 1.0)


def test_whole_numbers_become_floats_and_the_argument_stays_as_it_was():
    given = np.array([1, 2])
    assert finite_vector("clv", given).dtype == np.float64
    assert given.dtype == np.int64


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_row_is_summed_alone_as_in_a_crowd(order):
    rng = np.random.default_rng(0)
    values = np.asarray(rng.normal(size=(500, 170)), order=order)
    weights = rng.normal(size=170)

    crowd = weighted_row_sums(values, weights)

    alone = [weighted_row_sums(values[[row]], weights)[0] for row in range(500)]
    assert crowd.tolist() == alone
    np.testing.assert_allclose(crowd, values @ weights, rtol=1e-9, atol=1e-9)
