"""Serves S3 (moto) on a free port of loopback, prints the port, and ends when its standard input does.

One request at a time: moto compares (If-Match, If-None-Match) and writes in two steps, which S3 does in one.
"""

import os
import sys
import threading

from moto.server import create_backend_app
from werkzeug.serving import make_server

server = make_server("127.0.0.1", 0, create_backend_app("s3"), threaded=False)


def end_with_the_test():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_the_test, daemon=True).start()
print(server.server_port, flush=True)
server.serve_forever()
