"""Stands for what ministack only keeps the settings of: CloudFront with Route 53 in front of it, and Aurora's two roles.

One port answers as the public name does. It takes the region that the deployed failover records and health checks say,
with checks made when a request comes, and sends the request to the API that the region's custom domain is mapped to.
The other port is the RDS Data API of both regions: it refuses a cluster that is not the global database's writer, as the
service does, and hands other calls to the Data API that --data-api names.
"""

import argparse
import http.client
import json
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3

OPTIONS = None


def aws(service, region):
    return boto3.client(service, region_name=region, endpoint_url=OPTIONS.aws)


# ---- Route 53 ----


def api_address(host, path):
    """The emulator's URL for https://API.execute-api.REGION.amazonaws.com/STAGE/..."""
    return f"{OPTIONS.aws}/_aws/execute-api/{host.split('.')[0]}{path}"


def is_well(route53, check):
    config = route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]
    if config["Type"] == "CALCULATED":
        well = sum(is_well(route53, child) for child in config["ChildHealthChecks"])
        found = well >= config["HealthThreshold"]
    else:
        try:
            address = api_address(config["FullyQualifiedDomainName"], config["ResourcePath"])
            found = urllib.request.urlopen(address, timeout=4).status < 400
        except OSError:
            found = False
    return found != config.get("Inverted", False)


def chosen_record():
    """The record of the failover pair that Route 53 would return."""
    route53 = aws("route53", "us-east-1")
    zone = route53.list_hosted_zones_by_name(DNSName=OPTIONS.zone)["HostedZones"][0]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    pair = {record["Failover"]: record for record in records if "Failover" in record}
    # If neither is healthy, Route 53 returns the primary one.
    for role in ("PRIMARY", "SECONDARY"):
        if is_well(route53, pair[role]["HealthCheckId"]):
            return pair[role]
    return pair["PRIMARY"]


def origin():
    """The address of the API that the origin name resolves to."""
    record = chosen_record()
    target = record["AliasTarget"]["DNSName"].rstrip(".")
    for region in OPTIONS.regions:
        gateway = aws("apigateway", region)
        for domain in gateway.get_domain_names()["items"]:
            if domain["regionalDomainName"] == target:
                # CloudFront sends the public name in the header Host, so that name's mapping applies.
                names = {found["domainName"] for found in gateway.get_domain_names()["items"]}
                if OPTIONS.name not in names:
                    raise LookupError(f"{region} does not know {OPTIONS.name}")
                mapping = gateway.get_base_path_mappings(domainName=OPTIONS.name)["items"][0]
                return f"{OPTIONS.aws}/_aws/execute-api/{mapping['restApiId']}/{mapping['stage']}"
    raise LookupError(f"no region has {target}")


# ---- Aurora ----


def is_writer(cluster):
    for region in OPTIONS.regions:
        for database in aws("rds", region).describe_global_clusters()["GlobalClusters"]:
            for member in database["GlobalClusterMembers"]:
                if member["DBClusterArn"] == cluster:
                    return member["IsWriter"]
    return False


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def pass_on(self, address, body):
        found = urllib.parse.urlsplit(address)
        connection = http.client.HTTPConnection(found.netloc, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "content-length")}
        connection.request(self.command, f"{found.path}?{found.query}" if found.query else found.path, body, headers)
        response = connection.getresponse()
        self.answer(response.status, response.getheaders(), response.read())

    def log_message(self, text, *values):
        print(text % values, flush=True)

    def any_method(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            self.handle_request(body)
        except (OSError, LookupError, KeyError) as error:
            print(f"502: {error!r}", flush=True)
            self.answer(502, [], b"")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = any_method


class Edge(Handler):
    def handle_request(self, body):
        self.pass_on(origin() + self.path, body)


class DataApi(Handler):
    def handle_request(self, body):
        asked = json.loads(body)
        if not is_writer(asked["resourceArn"]):
            error = {"message": "The writer instance in the DB cluster isn't available."}
            self.answer(504, [("x-amzn-errortype", "DatabaseUnavailableException"), ("content-type", "application/json")], json.dumps(error).encode())
            return
        # The embedded database has no users: the server limits each of its secrets instead.
        if asked.get("sql", "").startswith(("CREATE USER", "ALTER USER", "GRANT")):
            self.answer(200, [("content-type", "application/json")], b'{"generatedFields": [], "numberOfRecordsUpdated": 0}')
            return
        # Both regions' clusters are the same database there, and both secrets of a user are the same.
        role = asked["secretArn"].rpartition("/")[2]
        secret = f"{OPTIONS.secret}-{role}" if role in ("reader", "writer") else OPTIONS.secret
        asked |= {"resourceArn": OPTIONS.cluster, "secretArn": secret}
        self.pass_on(OPTIONS.data_api + self.path, json.dumps(asked).encode())


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("aws", "zone", "name", "data-api", "cluster", "secret"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("port", "data-api-port"):
        parser.add_argument(f"--{name}", required=True, type=int)
    parser.add_argument("--regions", nargs="+", required=True)
    OPTIONS = parser.parse_args()
    data_api = ThreadingHTTPServer(("127.0.0.1", OPTIONS.data_api_port), DataApi)
    threading.Thread(target=data_api.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", OPTIONS.port), Edge).serve_forever()


if __name__ == "__main__":
    main()
