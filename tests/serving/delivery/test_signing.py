"""Signatures, against the vector that Standard Webhooks publishes with its libraries."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.delivery.signing import new_secret, signed_headers, signing_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 -- the published one


def test_the_published_vector_comes_out() -> None:
    headers = signed_headers(
        [signing_key(SECRET)],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_changed_both_sign() -> None:
    keys = [signing_key(new_secret()), signing_key(SECRET)]
    both = signed_headers(keys, "msg_1", 1, b"{}")["webhook-signature"].split(" ")
    alone = [signed_headers([key], "msg_1", 1, b"{}")["webhook-signature"] for key in keys]
    assert both == alone


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_read_as_it_is_written(key: bytes) -> None:
    assert signing_key("whsec_" + base64.b64encode(key).decode()) == key


def test_a_new_secret_is_one_and_no_other() -> None:
    first, second = new_secret(), new_secret()
    assert len(signing_key(first)) == 32
    assert first != second


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_"),
        ("whsec_not base64!", "is not base64"),
        ("whsec_c2hvcnQ=", "has 5 bytes"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "has 65 bytes"),
    ],
)
def test_what_is_no_secret_is_refused_without_showing_it(secret: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        signing_key(secret)
    assert secret.removeprefix("whsec_") not in str(refused.value)
