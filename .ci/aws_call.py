"""What `aws` is in the checks: has aws_cli.py, which listens at $FLEET_AWS_CLI, make the call."""

import array
import json
import os
import socket
import sys

connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["FLEET_AWS_CLI"])
asked = {"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd(), "process": os.getpid()}
text = json.dumps(asked).encode()
sent = connection.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
connection.sendall(text[sent:])
connection.shutdown(socket.SHUT_WR)
# Nothing comes from a call that was killed.
sys.exit((connection.recv(1) or b"\xff")[0])
