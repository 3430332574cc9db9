"""Who was erased: salted digests that keep them out, and do not say who they were."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

ERASED = "erased"
"""Stands in a label where the id of an erased customer stood."""


@dataclass(frozen=True)
class Erased:
    """Hold the digests of erased customers' ids, and the salt of this log, in hexadecimal."""

    salt: str = ""
    digests: frozenset[str] = frozenset()

    def __contains__(self, customer_id: str) -> bool:
        """Return whether a customer was erased."""
        return bool(self.digests) and self.digest_of(customer_id) in self.digests

    def digest_of(self, customer_id: str) -> str:
        """Return the sha256 of salt and id, as the SQL form has it."""
        return hashlib.sha256((self.salt + customer_id).encode()).hexdigest()

    def sql(self, column: str) -> str:
        """Return a condition, never null, that is true where a column names an erased customer."""
        if not self.digests:
            return "false"
        digests = ", ".join(f"'{digest}'" for digest in sorted(self.digests))
        return f"coalesce(sha256('{self.salt}' || {column}) IN ({digests}), false)"

    def with_customers(self, customer_ids: Iterable[str]) -> "Erased":
        """Return these and more; the first ones bring the salt."""
        salted = self if self.salt else replace(self, salt=secrets.token_hex(16))
        return replace(salted, digests=salted.digests | set(map(salted.digest_of, customer_ids)))


NOBODY_ERASED = Erased()
