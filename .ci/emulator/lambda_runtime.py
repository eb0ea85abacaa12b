"""How ministack runs a function, with what Lambda does and ministack does not.

It hands a function's event out again once it has been answered, notices only after half a second that an answer has come, and
waits for the answer of a process that has ended until the function's timeout.
"""

import json
import socketserver
import subprocess
import threading
import types
import urllib.request

from ministack.services import lambda_svc


def handed_out_once(handler):
    """ministack gives a function that has answered the same event again, and may take the second answer for the first."""

    class Once(handler):
        is_out = False

        def do_GET(self):
            if "/invocation/next" in self.path:
                if Once.is_out:
                    # Nothing comes until the function is ended, and this connection with it.
                    self.rfile.read(1)
                    return
                Once.is_out = True
            super().do_GET()

    return Once


def start_server(server, address, handler, *more, **named_more):
    # A server for each invocation, with a handler of its own.
    is_runtime_api = handler.__name__ == "RuntimeAPIHandler"
    start_server_of_python(server, address, handed_out_once(handler) if is_runtime_api else handler, *more, **named_more)
    if is_runtime_api:
        # Its end is asked for as soon as there is an answer, and is looked for this often.
        server.serve_forever = lambda: socketserver.BaseServer.serve_forever(server, poll_interval=0.01)


class Function(subprocess.Popen):
    """A function's process. One that ends by itself has not answered, which Lambda reports at once."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        if runtime := (options.get("env") or {}).get("AWS_LAMBDA_RUNTIME_API"):
            threading.Thread(target=self.report_exit, args=(runtime,), daemon=True).start()

    def report_exit(self, runtime):
        # It is ended by a signal once it has answered.
        if (code := self.wait()) < 0:
            return
        error = {"errorType": "Runtime.ExitError", "errorMessage": f"Runtime exited with error: exit status {code}"}
        try:
            urllib.request.urlopen(f"http://{runtime}/2018-06-01/runtime/init/error", json.dumps(error).encode(), timeout=5)
        except OSError:
            pass  # It answered, and ended before it was told to.


start_server_of_python = socketserver.TCPServer.__init__


def add():
    socketserver.TCPServer.__init__ = start_server
    lambda_svc.subprocess = types.SimpleNamespace(**(vars(subprocess) | {"Popen": Function}))
