"""API Gateway's client certificates, which ministack lacks: created as the service does, and retrieved by their id."""

import secrets
import subprocess

from ministack.services import apigateway, apigateway_v1

CERTIFICATES = {}


def create(logical_id, properties, stack):
    """A self-signed certificate, with the same subject as all of API Gateway's."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/C=US/L=Seattle/CN=ApiGateway", "-keyout", "/dev/null"]
    certificate = secrets.token_hex(3)
    CERTIFICATES[certificate] = {
        "clientCertificateId": certificate,
        "description": properties.get("Description", ""),
        "pemEncodedCertificate": subprocess.run(command, capture_output=True, check=True, text=True).stdout,
    }
    return certificate, {"ClientCertificateId": certificate}


def delete(physical_id, properties):
    CERTIFICATES.pop(physical_id, None)


async def handle_request(method, path, headers, body, query_params):
    top, _, certificate = path.strip("/").partition("/")
    if top != "clientcertificates" or method != "GET":
        return await handle_request_of_ministack(method, path, headers, body, query_params)
    if certificate not in CERTIFICATES:
        return apigateway_v1._v1_error("NotFoundException", f"Invalid client certificate identifier specified: {certificate}", 404)
    return apigateway_v1._v1_response(CERTIFICATES[certificate])


handle_request_of_ministack = apigateway.handle_request
apigateway.handle_request = handle_request


def add_to(handlers):
    handlers["AWS::ApiGateway::ClientCertificate"] = {"create": create, "delete": delete}
