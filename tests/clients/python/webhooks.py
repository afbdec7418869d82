"""Webhook deliveries of the sandbox at SANDBOX_URL, received with PyPI's unmodified `stripe`."""

import http.server
import json
import os
import queue
import threading

import stripe

from checks import done, check, expect_error, check_equal

BASE = os.environ["SANDBOX_URL"]
PATIENCE_SECONDS = 60


class Receiver(http.server.BaseHTTPRequestHandler):
    """Accepts every delivery and keeps its bytes and signature."""

    protocol_version = "HTTP/1.1"
    inbox = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.inbox.put((body, self.headers["Stripe-Signature"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def arrived(fits):
    """Returns the next delivery that fits."""
    while True:
        body, signature = Receiver.inbox.get(timeout=PATIENCE_SECONDS)
        if fits(json.loads(body)):
            return body, signature


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()

v1 = stripe.StripeClient("sk_test_OfficialPythonClient002", base_addresses={"api": BASE}, max_network_retries=0).v1
url = f"http://127.0.0.1:{server.server_port}/hooks"
endpoint = v1.webhook_endpoints.create({"url": url, "enabled_events": ["customer.created", "customer.deleted"]})
check("a created endpoint has a secret", endpoint.secret.startswith("whsec_"), endpoint.id)
check_equal("endpoints are listed", [each.id for each in v1.webhook_endpoints.list().data], [endpoint.id])

customer = v1.customers.create({"name": "김민지"})
body, signature = arrived(lambda event: event["data"]["object"]["id"] == customer.id)
event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
check_equal("a delivery verifies", (event.type, event.data.object["name"]), ("customer.created", "김민지"))
check_equal("the delivery matches the event in the API", v1.events.retrieve(event.id).data.object, event.data.object)
error = expect_error("another secret", lambda: stripe.Webhook.construct_event(body, signature, "whsec_other"))
check_equal("another secret does not verify", type(error), stripe.SignatureVerificationError)
changed = body.replace(b"customer.created", b"customer.deleted")
error = expect_error("another body", lambda: stripe.Webhook.construct_event(changed, signature, endpoint.secret))
check_equal("another body does not verify", type(error), stripe.SignatureVerificationError)

v1.customers.update(customer.id, {"name": "Not asked for"})
v1.customers.delete(customer.id)
body, signature = Receiver.inbox.get(timeout=PATIENCE_SECONDS)
event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
check_equal("events that are not enabled are not delivered", event.type, "customer.deleted")
check_equal("an endpoint is changed", v1.webhook_endpoints.update(endpoint.id, {"disabled": True}).status, "disabled")
check_equal("an endpoint is read", v1.webhook_endpoints.retrieve(endpoint.id).status, "disabled")
check_equal("an endpoint is deleted", v1.webhook_endpoints.delete(endpoint.id).deleted, True)

done()
