"""The Data API where each secret leads to its user, as on AWS.

    data_api.py --port PORT --owner URL [--user SECRET=URL ...]

A call with one of the secrets goes to the endpoints that connect as its user, which know one cluster; any other call goes
to the owner's as it is.
"""

import argparse
import json
from http.server import ThreadingHTTPServer

from edge import Handler

CLUSTER = "arn:aws:rds:us-east-1:000000000000:cluster:fleet"


class DataApi(Handler):
    def handle_request(self, body):
        asked = json.loads(body)
        user = OPTIONS.user.get(asked["secretArn"])
        if user:
            body = json.dumps(asked | {"resourceArn": CLUSTER}).encode()
        self.pass_on((user or OPTIONS.owner) + self.path, body)


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--owner", required=True)
    parser.add_argument("--user", action="append", default=[], type=lambda text: text.split("=", 1))
    OPTIONS = parser.parse_args()
    OPTIONS.user = dict(OPTIONS.user)
    ThreadingHTTPServer(("127.0.0.1", OPTIONS.port), DataApi).serve_forever()


if __name__ == "__main__":
    main()
