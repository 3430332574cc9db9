"""The version of keepworth, which the package, the OpenAPI document and a Bento name."""

VERSION = "0.1.0"
