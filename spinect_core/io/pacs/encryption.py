"""Whom an encrypted connection trusts: the system's certificates, or those of a file, and nobody without."""

from __future__ import annotations

import ssl

from spinect_core.base.errors import UsageError
from spinect_core.io.pacs.archive import Archive, certificates_of


def tls_context(archive: Archive) -> ssl.SSLContext:
    """How to connect to an archive with encryption; certificate and name are checked.

    Raises:
        UsageError: the file of certificates is not there, or is none.
    """
    path = certificates_of(archive)
    try:
        return ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError):
        raise UsageError(
            "The file of certificates cannot be read, or holds none in PEM", "Enter another one", path
        ) from None
