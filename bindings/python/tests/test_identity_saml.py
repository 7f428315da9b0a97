"""`mke.identity` and SAML: an identity provider of the test's own, which writes canonical text and signs it with openssl."""

from __future__ import annotations

import base64
import datetime
import hashlib
import pathlib
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest

from mke import identity
from mke.errors import InvalidValueError, SamlHostError, SamlRefusedError
from mke.identity import IdentityProvider, SamlKey, SamlProof, ServiceProvider

KEYS = pathlib.Path(__file__).parents[3] / "mke-auth/tests/saml/keys"
IDP = "https://idp.example.com/metadata"
ME = ServiceProvider("mke.example.com")
REQUEST = "_request-1"
NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.timezone.utc)
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"


def pem(name: str) -> str:
    return "".join(line for line in (KEYS / name).read_text().splitlines() if not line.startswith("-----"))


def provider(key: str = "rsa") -> IdentityProvider:
    metadata = f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}">
<md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data>
<ds:X509Certificate>{pem(key + ".crt")}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""
    return IdentityProvider(metadata, "https://idp.example.com/md", at=NOW)


def sign(message: bytes) -> str:
    command = ["openssl", "dgst", "-sha256", "-sign", str(KEYS / "rsa.key")]
    done = subprocess.run(command, input=message, check=True, capture_output=True)
    return base64.b64encode(done.stdout).decode()


def response(
    name: str = "jane", *, audience: str | None = None, request: str = REQUEST, until: str = "2026-03-04T05:11:07Z"
) -> str:
    """A response whose assertion is signed."""
    instant = "2026-03-04T05:06:07Z"
    head = (
        f'<saml:Assertion xmlns:saml="{SAML}" ID="_assertion-1" IssueInstant="{instant}" Version="2.0"><saml:Issuer>{IDP}</saml:Issuer>'
    )
    rest = (
        f'<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">{name}</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData '
        f'InResponseTo="{request}" NotOnOrAfter="{until}" Recipient="{ME.acs}"></saml:SubjectConfirmationData>'
        f'</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="2026-03-04T05:05:07Z" NotOnOrAfter="{until}">'
        f"<saml:AudienceRestriction><saml:Audience>{audience or ME.entity_id}</saml:Audience></saml:AudienceRestriction>"
        f'</saml:Conditions><saml:AuthnStatement AuthnInstant="{instant}" SessionIndex="_session-1"><saml:AuthnContext>'
        "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>"
        '</saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="fullname"><saml:AttributeValue>Jane Doe'
        '</saml:AttributeValue></saml:Attribute><saml:Attribute Name="member-of"><saml:AttributeValue>ops</saml:AttributeValue>'
        "</saml:Attribute></saml:AttributeStatement></saml:Assertion>"
    )
    digest = base64.b64encode(hashlib.sha256((head + rest).encode()).digest()).decode()
    info = (
        f'<ds:CanonicalizationMethod Algorithm="{EXC}"></ds:CanonicalizationMethod><ds:SignatureMethod '
        'Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod><ds:Reference URI="#_assertion-1">'
        f'<ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform><ds:Transform Algorithm="{EXC}">'
        '</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    value = sign(f'<ds:SignedInfo xmlns:ds="{DS}">{info}'.encode())
    signature = (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>'
    )
    return (
        f'<samlp:Response xmlns:samlp="{SAMLP}" Destination="{ME.acs}" ID="_response-1" InResponseTo="{request}" '
        f'IssueInstant="{instant}" Version="2.0"><samlp:Status><samlp:StatusCode '
        'Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode></samlp:Status>'
        f"{head}{signature}{rest}</samlp:Response>"
    )


def judge(
    document: str, *, key: str = "rsa", at: datetime.datetime | float = NOW, requests: tuple[str, ...] = (REQUEST,)
) -> SamlProof:
    encoded = base64.b64encode(document.encode()).decode()
    return identity.verify_response(encoded, provider(key), ME, requests=list(requests), at=at)


def test_a_response_proves_who_it_is() -> None:
    proof = judge(response())
    assert (proof.name, proof.full_name, proof.groups, proof.is_admin) == ("jane", "Jane Doe", ["ops"], False)
    assert (proof.in_response_to, proof.assertion_id, proof.session_index) == (REQUEST, "_assertion-1", "_session-1")
    assert proof.usable_until.startswith("2026-03-04T05:1") and proof.name_id["value"] == "jane"
    assert judge(response(), at=NOW.timestamp()) == proof


@pytest.mark.parametrize(
    ("kind", "document", "arguments"),
    [
        ("Digest", response().replace(">jane<", ">root<"), {}),
        ("Signature", response(), {"key": "rsa-other"}),
        ("Late", response(), {"at": NOW + datetime.timedelta(minutes=30)}),
        ("Early", response(), {"at": NOW - datetime.timedelta(minutes=30)}),
        ("Audience", response(audience="https://other.example.com"), {}),
        ("OtherRequest", response(), {"requests": ()}),
        ("OtherRequest", response(request="_request-2"), {}),
        ("Destination", response().replace('Destination="https://mke', 'Destination="https://evil'), {}),
        ("Xml", "<samlp:Response", {}),
        ("Markup", "<!DOCTYPE a><a/>", {}),
    ],
)
def test_nothing_else_is_believed(kind: str, document: str, arguments: dict[str, object]) -> None:
    with pytest.raises(SamlRefusedError) as raised:
        judge(document, **arguments)  # type: ignore[arg-type]
    assert raised.value.kind == kind and isinstance(raised.value, PermissionError)


def test_without_a_signature_there_is_no_proof() -> None:
    document = response()
    start, end = document.index("<ds:Signature "), document.index("</ds:Signature>") + len("</ds:Signature>")
    with pytest.raises(SamlRefusedError) as raised:
        judge(document[:start] + document[end:])
    assert raised.value.kind == "Unsigned"
    with pytest.raises(SamlRefusedError) as encoding:
        identity.verify_response("no base64!", provider(), ME, requests=[REQUEST])
    assert encoding.value.kind == "Encoding"


def test_a_login_begins_with_a_signed_request() -> None:
    key = SamlKey.generate()
    begun = identity.begin_login(provider(), ME, key, relay="/manage")
    address = urlsplit(begun.address)
    query = parse_qs(address.query)
    assert address.netloc == "idp.example.com" and set(query) == {"SAMLRequest", "RelayState", "SigAlg", "Signature"}
    assert identity.saml_request_id(begun.secret.expose()) == begun.id
    assert begun.secret.expose() not in repr(begun) and identity.saml_request_id("guess") is None
    again = SamlKey(key.to_pkcs8(), key.certificate)
    assert again.certificate == key.certificate and "BEGIN" not in repr(key)
    assert base64.b64encode(key.certificate).decode() in ME.metadata(again)


def test_parties_are_checked() -> None:
    known = provider()
    assert (known.entity_id, known.sign_on, known.keys) == (IDP, "https://idp.example.com/sso", 1)
    assert not known.is_expired(at=NOW) and known == provider()
    assert known.to_dict()["entityId"] == IDP
    with pytest.raises(SamlRefusedError):
        IdentityProvider(b"<a/>", "https://idp.example.com/md")
    with pytest.raises(SamlHostError):
        ServiceProvider("mke.example.com/path")
    for moment in (datetime.datetime(2026, 1, 1), "now", -1, True):
        with pytest.raises(InvalidValueError):
            known.is_expired(at=moment)  # type: ignore[arg-type]
