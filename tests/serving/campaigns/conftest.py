"""The live store on each database, as the tests of the store have it."""

from tests.serving.store.conftest import (  # noqa: F401 -- fixtures, found by their names
    empty_postgres_url,
    open_store,
    postgres_url,
    store,
)
