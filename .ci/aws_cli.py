"""The AWS CLI, imported once: aws_cli.py SOCKET runs there the calls that aws_call.py requests.

Each call is a fork of this process, which saves the second of CPU time that importing the CLI and reading its service
models takes. Everything after that is the CLI's own: it gets the caller's arguments, environment, folder, input and
output, and its exit code is sent back. When a caller ends, so does its call.
"""

import array
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
import types

import awscli.clidriver
from awscli.customizations.cloudformation import deployer
from botocore import loaders, waiter  # The CLI's own copy, which importing awscli puts first.

# Their models are read before the first call. A call modifies what was read, but only in its own process.
SERVICES = set(
    "acm apigateway application-autoscaling cloudformation cloudfront cloudwatch dynamodb ec2 ecr ecs elbv2 events iam lambda"
    " logs rds rds-data route53 s3 secretsmanager sns sts".split()
)


def read_models():
    read, known = loaders.JSONFileLoader.load_file, {}

    def load_file(self, path):
        if path not in known:
            known[path] = read(self, path)
        return known[path]

    loaders.JSONFileLoader.load_file = load_file
    loader = awscli.clidriver.create_clidriver().session.get_component("data_loader")
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry", "cli"):
        loader.load_data(name)
    for kind in ("service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2"):
        for service in SERVICES & set(loader.list_available_services(kind)):
            loader.load_service_model(service, kind)


def shorten_waits():
    """Shortens the CLI's waits of 5 to 30 seconds, since the emulators are done sooner."""
    waiter.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(min(seconds, 0.3)))
    # Change sets are named by the second, which is too coarse now that the CLI starts so fast.
    deployer.time = types.SimpleNamespace(time=time.time_ns)


def receive(connection):
    """Receives the caller's input and outputs, and its request."""
    files = array.array("i")
    text, ancillary, _, _ = connection.recvmsg(1 << 16, socket.CMSG_SPACE(3 * files.itemsize))
    for _, _, numbers in ancillary:
        files.frombytes(numbers)
    while part := connection.recv(1 << 16):
        text += part
    return files, json.loads(text)


def call(connection, data_path):
    """In a separate process: takes over the caller's state, runs the CLI, and sends its exit code."""
    files, asked = receive(connection)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"], AWS_DATA_PATH=data_path)
    time.tzset()
    sys.argv = ["aws", *asked["arguments"]]
    sys.stdin, sys.stdout, sys.stderr = (open(number, "w" if number else "r", closefd=False) for number in range(3))

    def follow():
        while os.path.exists(f"/proc/{asked['process']}"):
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    try:
        code = awscli.clidriver.main()
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code or 0]))


def main():
    read_models()
    shorten_waits()
    data_path = os.environ["AWS_DATA_PATH"]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    while True:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            call(connection, data_path)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main()
