"""How people sign in, through the client: back ends, a real directory, an identity provider, provisioning, and what is audited."""

from __future__ import annotations

import pathlib
import xml.etree.ElementTree as ElementTree

import pytest
from played import Played
from slapd import READER, READER_PASSWORD, SUFFIX, Slapd, group, person

from mke.client import Client, HeldBundle, MemberSync, ScimToken, SignInSettings
from mke.errors import ApiError, BadAnswerError, BadRequestError, ConflictError, InvalidValueError, NotFoundError
from mke.testing import Server

PASSWORD = "a long password"
CERTIFICATE = pathlib.Path(__file__).parents[3] / "mke-auth/tests/saml/keys/rsa.crt"


@pytest.fixture(scope="module")
def server(request):
    """One of its own: what is switched on here would be felt by everybody."""
    with Server(ucp=request.config.getoption("--ucp")) as server:
        yield server


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


def test_which_back_ends_look_at_logins(client):
    settings = client.sign_in.get()
    assert isinstance(settings, SignInSettings)
    assert (settings.backend, settings.saml_enabled, settings.scim_enabled) == ("managed", False, False)
    tried = client.sign_in.set(saml_login_text="Company", dry_run=True)
    assert tried.dry_run and tried.differences.column("key") == ["auth.samlLoginText"]
    assert client.sign_in.get() == settings
    done = client.sign_in.set(saml_login_text="Company", why="a test")
    assert done.saml_login_text == "Company" and client.config.history()[0].why == "a test"
    with pytest.raises(BadRequestError, match="must name an active administrator"):
        client.sign_in.set(managed_password_disabled=True, managed_password_fallback_user="nobody")
    with pytest.raises(ApiError) as late:
        client.sign_in.set(saml_login_text="late", if_match='"1"')
    assert late.value.status == 412


def test_a_directory_from_trial_to_team(client, server, tmp_path):
    """LDAP-012, LDAP-018: settings are tried before they are saved, passwords never come out, and a team follows its group."""
    with Slapd(tmp_path, person("jane", "Jane Doe") + person("joe", "Joe Roe") + group("web", "jane")) as directory:
        settings = {
            "serverURL": directory.url,
            "readerDN": READER,
            "readerPassword": READER_PASSWORD,
            "jitUserProvisioning": False,
            "userSearchConfigs": [
                {"baseDN": f"ou=people,{SUFFIX}", "usernameAttr": "uid", "fullNameAttr": "cn", "scopeSubtree": True, "matchGroup": False}
            ],
        }
        trial = client.ldap.test_login("jane", "jane-secret", settings=settings)
        assert trial and all(trial.steps.column("ok")) and "jane" in trial.steps[-1].what
        assert not client.ldap.test_login("jane", "a guess", settings=settings)
        assert client.ldap.get()["serverURL"] == "", "nothing is saved by a trial"
        tried = client.ldap.set(settings, dry_run=True)
        assert tried and READER_PASSWORD not in repr(tried) + str(tried.differences)
        saved = client.ldap.set(settings, why="the directory")
        assert saved["serverURL"] == directory.url and READER_PASSWORD not in repr(saved) + repr(client.ldap.get())
        assert client.ldap.test_login("jane", "jane-secret"), "with what is saved"
        with pytest.raises(ConflictError, match="LDAP is not switched on"):
            client.ldap.sync()
        planned = client.jobs.wait(client.ldap.sync(dry_run=True).id, timeout=60, interval=0.05)
        assert planned.status == "done" and planned.dry_run and planned.counts["created"] == 2
        assert not [account for account in client.accounts.list() if account.name in ("jane", "joe")]

        assert client.sign_in.set(backend="ldap").backend == "ldap"
        client.organizations.create("ops")
        client.teams.create("ops/web")
        assert client.ldap.team_members("ops/web") == MemberSync()
        wanted = {"group_dn": f"cn=web,ou=groups,{SUFFIX}", "group_member_attribute": "member"}
        assert client.ldap.set_team_members("ops/web", **wanted, dry_run=True).method == "PUT"
        assert not client.ldap.team_members("ops/web").enabled
        made = client.ldap.set_team_members("ops/web", **wanted, allow_others=False)
        assert made.enabled and not made.allow_others and made == client.ldap.team_members("ops/web")
        done = client.jobs.wait(client.ldap.sync().id, timeout=60, interval=0.05)
        assert done.status == "done", done
        assert client.members.list("ops/web").column("name") == ["jane"]
        assert not client.ldap.organization_admins("ops").enabled
        admins = client.ldap.set_organization_admins("ops", search_base_dn=f"ou=people,{SUFFIX}", search_filter="(uid=joe)")
        assert admins.enabled and admins.search_filter == "(uid=joe)"
        with pytest.raises(BadRequestError, match="filter"):
            client.ldap.set_organization_admins("ops", search_base_dn=f"ou=people,{SUFFIX}", search_filter="(uid=joe")
        with server.client("joe", "joe-secret") as joe:
            assert joe.accounts.me().is_imported
        client.sign_in.set(backend="managed")


def test_an_identity_provider(client, tmp_path):
    """SAML-002: what cannot be fetched is not saved; the addresses that the provider needs are told."""
    provider = Played(tmp_path)
    try:
        provider.answer = lambda method, path: (404, {}, b"")
        where = {"metadata_url": f"{provider.url}/metadata", "tls_skip_verify": True}
        with pytest.raises(ApiError):
            client.saml.set(**where)
        assert client.saml.get().metadata_url == ""
        provider.answer = lambda method, path: (200, {"content-type": "application/samlmetadata+xml"}, metadata(provider.url))
        assert client.saml.set(**where, dry_run=True).changed and client.saml.get().metadata_url == ""
        assert client.saml.set(**where).metadata_url == where["metadata_url"]
        for asked in (client.saml.metadata, client.saml.refresh):
            with pytest.raises(NotFoundError, match="SAML is not enabled"):
                asked()
        assert client.sign_in.set(saml_enabled=True).saml_enabled
        refreshed = client.saml.refresh()
        assert refreshed.entity_id == f"{provider.url}/entity" and len(refreshed.keys) == 1
        status = client.saml.status()
        assert status.enabled and status.provider.sign_on_url == f"{provider.url}/sso" and status.bundles == 0
        told = ElementTree.fromstring(client.saml.metadata())
        assert told.attrib["entityID"] == status.entity_id and status.acs_url.endswith("/enzi/v0/saml/acs")
    finally:
        client.sign_in.set(saml_enabled=False)
        provider.stop()


def metadata(url: str) -> bytes:
    pem = "".join(line for line in CERTIFICATE.read_text().splitlines() if not line.startswith("-----"))
    protocol = "urn:oasis:names:tc:SAML:2.0:protocol"
    return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{url}/entity">
<md:IDPSSODescriptor protocolSupportEnumeration="{protocol}"><md:KeyDescriptor use="signing">
<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{pem}</ds:X509Certificate></ds:X509Data>
</ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{url}/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>""".encode()


def test_teams_and_bundles_beside_an_identity_provider(client, server):
    """SAML-011: bundles open the cluster whatever the provider thinks of their owners, so they are seen and ended in one go."""
    client.accounts.create("kim", PASSWORD)
    with server.client("kim", PASSWORD) as kim:
        kim.bundles.create(label="laptop")
    held = client.saml.bundles(account="kim")
    assert isinstance(held[0], HeldBundle) and (held[0].account, held[0].label, held[0].source) == ("kim", "laptop", None)
    assert len(client.saml.bundles()) == 0 and held == client.saml.bundles(source="local", account="kim")
    assert client.saml.revoke_bundles(account="kim", dry_run=True).method == "DELETE"
    assert len(client.saml.bundles(account="kim")) == 1
    assert client.saml.revoke_bundles(account="kim").column("id") == held.column("id")
    assert len(client.saml.bundles(account="kim")) == 0
    with pytest.raises(BadRequestError, match="`source` must be"):
        client.saml.bundles(source="everywhere")

    client.organizations.create("bank")
    client.teams.create("bank/web")
    assert client.saml.team_group("bank/web") is None
    client.saml.set_team_group("bank/web", "web people", dry_run=True)
    assert client.saml.team_group("bank/web") is None
    client.saml.set_team_group("bank/web", "web people")
    assert client.saml.team_group("bank/web") == "web people"
    client.saml.set_team_group("bank/web", None)
    assert client.saml.team_group("bank/web") is None
    with pytest.raises(InvalidValueError, match="write ORGANIZATION/TEAM"):
        client.saml.team_group("bank")


def test_provisioning(client):
    """SCIM-001: it is switched on by an administrator, and the token is shown once."""
    assert not client.scim.get().enabled and client.scim.get().token is None
    assert client.scim.set(True, dry_run=True).differences.column("key") == ["auth.scimEnabled"]
    assert not client.scim.get().enabled
    assert client.scim.set(True).base_url.endswith("/enzi/v0/scim/v2")
    assert client.scim.make_token(dry_run=True).path.endswith("/scim/token")
    made = client.scim.make_token()
    assert isinstance(made, ScimToken) and len(made.token) > 30
    assert made.token not in repr(made) + made._repr_html_() + str(client.scim.get())
    assert client.scim.get().token.id == made.id
    users = client.request("GET", "/enzi/v0/scim/v2/Users", check=False)
    assert users.status == 401, "no other token opens it, that of an administrator included"
    client.scim.delete_token()
    assert client.scim.get().token is None
    with pytest.raises(BadRequestError):
        client.scim.make_token(token="short")
    assert not client.scim.set(False).enabled


def test_what_is_audited(client):
    """AUD-001, AUD-007: what is recorded is read and changed like the rest of the configuration."""
    assert client.audit.get().audit_level == ""
    assert client.audit.set(audit_level="metadata", dry_run=True).differences.column("key") == ["audit_log_configuration.level"]
    assert client.audit.set(audit_level="metadata", why="a test").changed
    assert client.audit.get().audit_level == "metadata"
    with pytest.raises(ApiError, match="engine of this node does not answer"):
        client.audit.log()


@pytest.fixture
def played(tmp_path):
    server = Played(tmp_path)
    yield server
    server.stop()


def test_the_records_of_a_controller(client, server, played):
    """The output of a container comes in pieces with a head, or with a terminal as it is."""
    client.audit.set(audit_level="metadata")
    client.accounts.list()
    written = server.audit_log.read_bytes()
    lines = written.count(b"\n")
    head, cut = b"\x01\0\0\0", len(written) // 2
    framed = b"".join(head + len(piece).to_bytes(4, "big") + piece for piece in (written[:cut], written[cut:], b""))
    with Client.from_token(played.url, "t", insecure=True, retries=0) as reader:
        for content, expected in ((framed, lines), (written, lines), (b"", 0)):
            played.answer = lambda method, path, content=content: (200, {}, content)
            log = reader.audit.log(since=1_700_000_000, tail=500)
            assert log.coverage["lines"] == expected and log.coverage["unreadable"] == 0
            assert not expected or "admin" in [user["name"] for user in log.entries.column("user")]
        assert played.heard[0][1] == "/containers/ucp-controller/logs?stdout=true&since=1700000000&tail=500"
        for content in (framed[:-1], framed[:30], head, b"\x01", head + b"\xff\xff\xff\xff" + written):
            played.answer = lambda method, path, content=content: (200, {}, content)
            with pytest.raises(BadAnswerError, match="cut off"):
                reader.audit.log()
        played.answer = lambda method, path: (404, {}, b'{"message": "No such container: other"}')
        with pytest.raises(NotFoundError):
            reader.audit.log(container="other")


def test_the_servers_own_things(client):
    """PKI-006: the certificate is shown without its key, and replaced only by what can serve."""
    shown = client.system.certificate()
    assert "BEGIN CERTIFICATE" in shown.certificate and "PRIVATE" not in repr(shown) and shown.not_after
    assert shown.authority.strip() in client.system.authority()
    planned = client.system.set_certificate("no certificate", "canary key", dry_run=True)
    assert planned.path == "/api/ucp/config/certs" and "canary" not in repr(planned)
    with pytest.raises(BadRequestError):
        client.system.set_certificate("no certificate", "no key")
    assert client.system.certificate() == shown
    assert client.system.pre_logon_message() == "" and client.system.registry_authorities() == ""
    assert isinstance(client.system.token_keys()["keys"], list)
    assert client.system.metrics_targets()[0].startswith("127.0.0.1:")
    client.collections.create("/Shared/labelled")
    constraint = {"type": "node", "label_key": "zone", "label_value": "a", "equality": True}
    assert client.collections.set_constraints("/Shared/labelled", [constraint], dry_run=True).method == "PATCH"
    assert client.collections.set_constraints("/Shared/labelled", [constraint]).constraints == (constraint,)
    with pytest.raises(BadRequestError, match="label_constraints"):
        client.collections.set_constraints("/Shared/labelled", [{"other": 1}])
    assert client.collections.get("/Shared/labelled").constraints == (constraint,)
