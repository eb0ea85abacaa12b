"""The Data API where each cluster and each secret leads to its database and user, as on AWS.

    data_api.py --port PORT [--route CLUSTER SECRET URL]... --owner URL

A call goes to the URL of the first route for its cluster and secret, by name; `*` stands for any. Behind a route are
endpoints of `fleet-local-aws` that connect as that user. Any other call goes to the owner's endpoints as it is.
"""

import argparse
import json
from http.server import ThreadingHTTPServer

from edge import Handler

# The default names of fleet-local-aws.
LOCAL = {"resourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:local", "secretArn": "local-database"}


def matches(pattern, name):
    return pattern in ("*", name)


class DataApi(Handler):
    def handle_request(self, body):
        asked = json.loads(body)
        cluster, secret = asked["resourceArn"].rpartition(":")[2], asked["secretArn"]
        for of_cluster, of_secret, url in OPTIONS.route:
            if matches(of_cluster, cluster) and matches(of_secret, secret):
                self.pass_on(url + self.path, json.dumps(asked | LOCAL).encode())
                return
        self.pass_on(OPTIONS.owner + self.path, body)


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--owner", required=True)
    parser.add_argument("--route", nargs=3, action="append", default=[])
    OPTIONS = parser.parse_args()
    ThreadingHTTPServer(("127.0.0.1", OPTIONS.port), DataApi).serve_forever()


if __name__ == "__main__":
    main()
