"""The guide's receiver in Flask; handlers do nothing. Needs WEBHOOK_SECRET."""

import hashlib
import hmac
import json
import os

from flask import Flask, abort, request

app = Flask(__name__)
SECRET = os.environ["WEBHOOK_SECRET"].encode()
handlers = {name: lambda data: None for name in ("note.completed", "note.failed", "note.processing")}


@app.route("/webhook", methods=["POST"])
def webhook():
    body = request.get_data()
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    received = request.headers.get("X-ConnectVets-Signature").replace("sha256=", "")
    if not hmac.compare_digest(expected, received):
        abort(401)
    event = json.loads(body)
    handlers[event["event"]](event["data"])
    return "OK", 200
