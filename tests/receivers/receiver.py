"""The guide's receiver in Flask. Needs WEBHOOK_SECRET.

Its handlers do nothing, but with RECEIVER_LOG they write a line: event, note, and the SHA-256 of the bytes that came in.
"""

import hashlib
import hmac
import json
import os

from flask import Flask, abort, request

app = Flask(__name__)
SECRET = os.environ["WEBHOOK_SECRET"].encode()
LOG = os.environ.get("RECEIVER_LOG")


def handle(event, data, body):
    if LOG:
        print(event, data["note_id"], hashlib.sha256(body).hexdigest(), flush=True)


handlers = {name: handle for name in ("note.completed", "note.failed", "note.processing")}


@app.route("/webhook", methods=["POST"])
def webhook():
    body = request.get_data()
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    received = request.headers.get("X-ConnectVets-Signature").replace("sha256=", "")
    if not hmac.compare_digest(expected, received):
        abort(401)
    event = json.loads(body)
    handlers[event["event"]](event["event"], event["data"], body)
    return "OK", 200
