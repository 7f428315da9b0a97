from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from os import PathLike
from typing import Literal, final

from mke._native.client import Bundle
from mke._native.config import Secret
from mke._table import Table

@final
class PrivateKey:
    """A private key (ECDSA on P-256) with its public half. `repr` and `str` show only the public key's id.

    >>> key = mke.pki.PrivateKey.generate()
    >>> mke.pki.PrivateKey(key.pem()).public_key == key.public_key
    True
    """
    def __new__(cls, pem: Secret | str) -> PrivateKey: ...
    @staticmethod
    def generate() -> PrivateKey:
        """A new key, from the random source of the operating system."""
    @staticmethod
    def from_file(path: str | PathLike[str]) -> PrivateKey:
        """Reads a key from a PEM file.

        Raises:
            OSError: the file cannot be read.
            mke.errors.PkiError: it holds no key that can be used.
        """
    @property
    def public_key(self) -> PublicKey:
        """The public half."""
    def pem(self) -> Secret:
        """The key as PKCS #8 in PEM. It is a `mke.config.Secret`: `expose()` gives the text."""
    def save(self, path: str | PathLike[str]) -> None:
        """Writes the key to a new file with mode 0600.

        Raises:
            FileExistsError: the file is there already. Keys are not replaced by accident.
        """
    def sign(self, message: bytes) -> bytes:
        """Signs a message with ECDSA and SHA-256 (ES256): 64 bytes, `r` and `s`."""

@final
class PublicKey:
    """A public key. Two are equal when they are the same key."""
    def __new__(cls, pem: str) -> PublicKey: ...
    @property
    def pem(self) -> str:
        """The key in PEM."""
    @property
    def der(self) -> bytes:
        """The key in DER (SubjectPublicKeyInfo)."""
    @property
    def id(self) -> str:
        """Its fingerprint, by which a control plane knows it: the SHA-256 of the DER, in hexadecimal digits."""

@final
class SigningRequest:
    """A request for a certificate (PKCS #10), signed with the key that it is for.

    >>> key = mke.pki.PrivateKey.generate()
    >>> request = mke.pki.SigningRequest.create(key, "node-1")
    >>> mke.pki.SigningRequest(request.pem).public_key == key.public_key
    True
    """
    def __new__(cls, pem: str) -> SigningRequest: ...
    @staticmethod
    def create(key: PrivateKey, common_name: str) -> SigningRequest:
        """Makes a request for a key."""
    @property
    def pem(self) -> str:
        """The request in PEM."""
    @property
    def public_key(self) -> PublicKey:
        """The key that it proves to have. Names in a request are wishes: `Authority.issue` is told what to put in a certificate."""

@final
class Certificate:
    """A certificate: what it says, in words. It says nothing of whether it is to be trusted; `verify_client` and `verify_server` do.

    >>> authority = mke.pki.Authority.create("client", "test")
    >>> key = mke.pki.PrivateKey.generate()
    >>> certificate = authority.issue(key.public_key, profile="client", common_name="ada", days=30)
    >>> certificate.common_name, certificate.may_call, certificate.may_serve
    ('ada', True, False)
    >>> mke.pki.Certificate(certificate.pem) == certificate
    True
    """
    def __new__(cls, pem: str) -> Certificate: ...
    @staticmethod
    def from_file(path: str | PathLike[str]) -> Certificate:
        """Reads the one certificate of a PEM file.

        Raises:
            OSError: the file cannot be read.
            mke.errors.PkiError: it holds no certificate.
            mke.errors.InvalidValueError: it holds several.
        """
    @property
    def pem(self) -> str:
        """The certificate in PEM."""
    @property
    def der(self) -> bytes:
        """The certificate in DER."""
    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the DER, in hexadecimal digits."""
    @property
    def common_name(self) -> str:
        """The common name of the subject. A control plane takes nobody's identity from it."""
    @property
    def organization(self) -> str | None:
        """The organization of the subject, or None."""
    @property
    def organizational_unit(self) -> str | None:
        """The organizational unit of the subject, or None."""
    @property
    def names(self) -> list[str]:
        """The names and addresses that it is for."""
    @property
    def may_serve(self) -> bool:
        """Whether a server may show it."""
    @property
    def may_call(self) -> bool:
        """Whether a client may show it."""
    @property
    def not_before(self) -> datetime:
        """Since when it is valid: a `datetime` in UTC."""
    @property
    def not_after(self) -> datetime:
        """Until when it is valid: a `datetime` in UTC."""
    @property
    def serial(self) -> str:
        """Its serial number, in hexadecimal digits."""
    @property
    def public_key(self) -> PublicKey:
        """Its public key."""
    def valid_at(self, at: datetime | None = None) -> bool:
        """Whether the moment is between its start and its end: now, or `at` (a `datetime` with a time zone)."""

@final
class Authority:
    """A root certificate with its key: it signs what nodes and users show. `repr` shows no key.

    A cluster has two, `"cluster"` for nodes and components and `"client"` for users, so that neither passes for the other.

        >>> authority = mke.pki.Authority.create("cluster", "test")
        >>> key = mke.pki.PrivateKey.generate()
        >>> server = authority.issue(
        ...     key.public_key, profile="server", common_name="ucp", names=["ucp.example.com", "10.0.0.5"], days=90
        ... )
        >>> server.names
        ['ucp.example.com', '10.0.0.5']
    """
    def __new__(cls, certificate: str, key: Secret | str) -> Authority: ...
    @staticmethod
    def create(kind: Literal["cluster", "client"], cluster_id: str, *, at: datetime | None = None) -> Authority:
        """A new authority, valid for twenty years.

        Args:
            kind: `"cluster"` or `"client"`.
            cluster_id: the id of the cluster, which stands in its subject.
            at: from when it is valid, a `datetime` with a time zone; now by default.

        Raises:
            mke.errors.PkiError: the id cannot stand in a subject.
        """
    @staticmethod
    def from_files(certificate: str | PathLike[str], key: str | PathLike[str]) -> Authority:
        """Reads an authority from its certificate and its key, both PEM files.

        Raises:
            OSError: a file cannot be read.
            mke.errors.PkiError: they do not belong together, or may not sign.
        """
    @property
    def certificate(self) -> Certificate:
        """Its own certificate: what others trust."""
    def key(self) -> Secret:
        """Its private key in PEM. It is a `mke.config.Secret`: `expose()` gives the text."""
    def save(self, certificate: str | PathLike[str], key: str | PathLike[str]) -> None:
        """Writes certificate and key to new files with mode 0600.

        Raises:
            FileExistsError: one of the files is there already.
        """
    def issue(
        self,
        public_key: PublicKey,
        *,
        profile: Literal["server", "client", "node", "token-signer"],
        common_name: str,
        days: int,
        names: Sequence[str] = ...,
        organization: str | None = None,
        organizational_unit: str | None = None,
        at: datetime | None = None,
    ) -> Certificate:
        """Issues a certificate.

        Args:
            public_key: the key of the holder, such as that of a `SigningRequest`.
            profile: what it may be used for: `"server"`, `"client"`, `"node"` (both) or `"token-signer"`.
            common_name: the subject. Nobody's rights depend on it.
            names: names and addresses under which a server is reached; a server needs at least one.
            days: how long it is valid, at most until the authority's own end.
            organization: a part of the subject.
            organizational_unit: a part of the subject.
            at: from when it is valid (a `datetime` with a time zone); now by default. Clocks may differ by five minutes.

        Raises:
            mke.errors.PkiError: a field cannot stand in a certificate, or the authority has expired.
        """

@final
class TrustSet:
    """The roots that are trusted: the current one, and others until their time is over.

    >>> from datetime import datetime, timedelta, timezone
    >>> old, new = (mke.pki.Authority.create("client", "test").certificate for _ in range(2))
    >>> roots = mke.pki.TrustSet(old)
    >>> roots.rotate(new, until=datetime.now(timezone.utc) + timedelta(days=30))
    >>> len(roots.roots()), roots.current == new
    (2, True)
    """
    def __new__(cls, current: Certificate) -> TrustSet: ...
    @property
    def current(self) -> Certificate:
        """The root whose authority signs now."""
    def add(self, root: Certificate, until: datetime | None = None) -> None:
        """Trusts another root, for ever or until a moment.

        Raises:
            mke.errors.PkiError: it may not sign, or there are too many.
        """
    def rotate(self, next: Certificate, until: datetime) -> None:
        """Makes another root the current one. The one before stays trusted until a moment, so that certificates can be renewed.

        Raises:
            mke.errors.PkiError: it may not sign, or there are too many.
        """
    def expire(self, at: datetime | None = None) -> int:
        """Forgets the roots whose time is over, and says how many those were."""
    def roots(self, at: datetime | None = None) -> Table[Certificate]:
        """The roots that are trusted now, or at a moment."""
    def pem(self, at: datetime | None = None) -> str:
        """The same as one PEM text, for programs that read a file of authorities."""

def certificates(pem: str) -> Table[Certificate]:
    """Every certificate of a PEM text, such as a chain or a list of authorities, as a table.

    >>> authority = mke.pki.Authority.create("cluster", "test")
    >>> mke.pki.certificates(authority.certificate.pem * 2).column("may_serve")
    [False, False]
    """
def verify_client(chain: str, roots: str, *, at: datetime | None = None) -> Certificate:
    """Checks what a client shows: it is for clients, valid now, and signatures lead from it to one of the roots.

    Args:
        chain: the certificate of the client and those between it and the root, PEM.
        roots: the certificates that are trusted, PEM.
        at: the moment to check for, a `datetime` with a time zone; now by default.

    Returns:
        The certificate of the client.

    Raises:
        mke.errors.PkiError: it is not trusted; `reason` says why.

        >>> authority = mke.pki.Authority.create("client", "test")
        >>> key = mke.pki.PrivateKey.generate()
        >>> certificate = authority.issue(key.public_key, profile="client", common_name="ada", days=1)
        >>> mke.pki.verify_client(certificate.pem, authority.certificate.pem).common_name
        'ada'
        >>> stranger = mke.pki.Authority.create("client", "other")
        >>> mke.pki.verify_client(certificate.pem, stranger.certificate.pem)
        Traceback (most recent call last):
        mke.errors.PkiError: the certificate is not trusted: no trusted authority signed it
    """
def verify_server(
    ca: str, chain: str, key: Secret | str, addresses: Sequence[str], *, at: datetime | None = None
) -> Certificate:
    """Checks what a server is to be given before it gets it: the key belongs to the certificate, the chain is complete, everything is valid
    now, and every address is named.

    Args:
        ca: the root certificates, PEM.
        chain: the certificate of the server and those between it and the root, PEM.
        key: the private key, PEM.
        addresses: the names and addresses under which clients come.
        at: the moment to check for, a `datetime` with a time zone; now by default.

    Returns:
        The certificate of the server.

    Raises:
        mke.errors.CertificateChainError: all mistakes at once, in `problems`.
    """
def make_bundle(
    authority: Authority,
    user: str,
    *,
    server_ca: str,
    host: str,
    cluster_id: str,
    port: int = 443,
    kube_port: int = 6443,
    kubernetes: bool = True,
    at: datetime | None = None,
) -> Bundle:
    """Makes a client bundle with an authority at hand: a key, a certificate for five years, and what `docker` and `kubectl` need besides.

    The certificate opens nothing until the control plane knows its key: register `Bundle.public_key` for the user.

    Args:
        authority: the client authority of the control plane.
        user: the name of the account.
        server_ca: what verifies the server's certificate, PEM.
        host: the name or address of the control plane.
        port: its port.
        kube_port: the port of the Kubernetes API.
        cluster_id: the id of the cluster.
        kubernetes: whether the Kubernetes API runs there.
        at: from when it is valid, a `datetime` with a time zone; now by default.

    Raises:
        mke.errors.BundlePlaceError: host, port or id cannot stand in a bundle.
        mke.errors.InvalidNameError: the user cannot have this name.

        >>> authority = mke.pki.Authority.create("client", "test")
        >>> bundle = mke.pki.make_bundle(
        ...     authority, "ada", server_ca=authority.certificate.pem, host="ucp.example.com", cluster_id="test"
        ... )
        >>> bundle.url
        'https://ucp.example.com:443'
        >>> bundle.save("ada.zip")
        >>> mke.pki.open_bundle("ada.zip").public_key == bundle.public_key
        True
    """
def open_bundle(path: str | PathLike[str]) -> Bundle:
    """Reads a client bundle: its archive, or a directory into which it was unpacked.

    Of a directory `Bundle.zip` is an archive with the files that lie in it. `mke.client.Client.from_bundle` takes both by their path as
    well.

    Raises:
        OSError: the file cannot be read.
        mke.errors.ClientError: it is no bundle, has names that lead elsewhere, or the directory cannot be read (kind `File`).
    """
