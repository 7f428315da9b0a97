"""Certificates without a server: authorities, what they issue, keys, signing requests, and client bundles.

Everything is made in memory; what is written is its owner's alone (mode 0600) and never replaces a file that is there. Private keys
are `mke.config.Secret`, which no `repr` shows.

    >>> import mke
    >>> authority = mke.pki.Authority.create("client", "test")
    >>> bundle = mke.pki.make_bundle(
    ...     authority, "ada", server_ca=authority.certificate.pem, host="ucp.example.com", cluster_id="test"
    ... )
    >>> chain = bundle.files()["cert.pem"].decode()
    >>> mke.pki.verify_client(chain, authority.certificate.pem).common_name
    'ada'
"""

from __future__ import annotations

from mke._native.pki import Authority as Authority
from mke._native.pki import Certificate as Certificate
from mke._native.pki import PrivateKey as PrivateKey
from mke._native.pki import PublicKey as PublicKey
from mke._native.pki import SigningRequest as SigningRequest
from mke._native.pki import TrustSet as TrustSet
from mke._native.pki import certificates as certificates
from mke._native.pki import make_bundle as make_bundle
from mke._native.pki import open_bundle as open_bundle
from mke._native.pki import verify_client as verify_client
from mke._native.pki import verify_server as verify_server

__all__ = [
    "Authority",
    "Certificate",
    "PrivateKey",
    "PublicKey",
    "SigningRequest",
    "TrustSet",
    "certificates",
    "make_bundle",
    "open_bundle",
    "verify_client",
    "verify_server",
]
