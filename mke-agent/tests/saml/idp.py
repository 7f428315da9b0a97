"""A SAML identity provider made of pysaml2. It logs everybody in as the user in its arguments.

Arguments: the service provider's metadata (a file), key and certificate (PEM files), the user's name, attributes as
JSON. Prints one line of JSON: its base address and its metadata. Ends with its standard input.
"""

import json
import os
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

warnings.filterwarnings("ignore")

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.metadata import create_metadata_string
from saml2.saml import NAMEID_FORMAT_UNSPECIFIED, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

SP_METADATA, KEY, CERTIFICATE, USER, ATTRIBUTES = sys.argv[1:6]


class Provider(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            self.route()
        except Exception as error:  # what went wrong is for the test that sees it
            self.answer(500, repr(error))

    def route(self):
        address = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        signed = {
            "relay_state": query.get("RelayState"),
            "sigalg": query.get("SigAlg"),
            "signature": query.get("Signature"),
        }
        if address.path == "/sso":
            request = idp.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT, **signed)
            arguments = idp.response_args(request.message)
            arguments.pop("name_id_policy", None)
            response = idp.create_authn_response(
                json.loads(ATTRIBUTES),
                userid=USER,
                name_id=NameID(format=NAMEID_FORMAT_UNSPECIFIED, text=USER),
                authn={"class_ref": PASSWORD, "authn_auth": base},
                sign_response=True,
                sign_assertion=True,
                sign_alg=SIG_RSA_SHA256,
                digest_alg=DIGEST_SHA256,
                **{key: arguments[key] for key in ("in_response_to", "sp_entity_id", "destination")},
            )
            form = idp.apply_binding(
                BINDING_HTTP_POST, str(response), arguments["destination"], query.get("RelayState", ""), response=True
            )
            self.answer(200, form["data"])
        elif address.path == "/slo" and "SAMLResponse" in query:
            response = idp.parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT)
            self.answer(200, response.response.status.status_code.value)
        elif address.path == "/slo":
            request = idp.parse_logout_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT, **signed)
            response = idp.create_logout_response(request.message, [BINDING_HTTP_REDIRECT])
            location = idp.apply_binding(
                BINDING_HTTP_REDIRECT, str(response), response.destination, response=True, sign=True, sigalg=SIG_RSA_SHA256
            )
            self.answer(302, request.message.name_id.text, dict(location["headers"])["Location"])
        elif address.path == "/logout":
            _, request = idp.create_logout_request(
                query["to"],
                idp.config.entityid,
                name_id=NameID(format=NAMEID_FORMAT_UNSPECIFIED, text=USER),
                session_indexes=[query["index"]],
            )
            location = idp.apply_binding(
                BINDING_HTTP_REDIRECT, str(request), query["to"], sign=True, sigalg=SIG_RSA_SHA256
            )
            self.answer(302, "", dict(location["headers"])["Location"])
        else:
            self.answer(404, "")

    def answer(self, status, text, location=None):
        body = text.encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Provider)
base = f"http://127.0.0.1:{server.server_port}"
config = IdPConfig().load(
    {
        "entityid": f"{base}/metadata",
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "key_file": KEY,
        "cert_file": CERTIFICATE,
        "signing_algorithm": SIG_RSA_SHA256,
        "digest_algorithm": DIGEST_SHA256,
        "metadata": {"local": [SP_METADATA]},
        "service": {
            "idp": {
                "want_authn_requests_signed": True,
                "want_authn_requests_only_with_valid_cert": False,
                "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
                "endpoints": {
                    "single_sign_on_service": [(f"{base}/sso", BINDING_HTTP_REDIRECT)],
                    "single_logout_service": [(f"{base}/slo", BINDING_HTTP_REDIRECT)],
                },
            }
        },
    }
)
idp = Server(config=config)
print(json.dumps({"base": base, "metadata": create_metadata_string(None, config).decode()}), flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
