"""Events signed with PyPI's unmodified `stripe`, posted to the service at SERVICE_URL with SIGNING_SECRET."""

import json
import os
import time
import urllib.error
import urllib.request

import stripe

from checks import done, check_equal

URL = os.environ["SERVICE_URL"] + "/api/v1/webhooks/stripe"
SECRET = os.environ["SIGNING_SECRET"]
NOW = int(time.time())
ACCEPTED = (200, {"received": True})


def event(name):
    """Creates an event's body, formatted like Stripe's. The signature covers the exact bytes."""
    return json.dumps(
        {
            "id": name,
            "object": "event",
            "api_version": "2026-05-27.dahlia",
            "created": NOW,
            "data": {"object": {"id": "cus_SandboxDemo001", "object": "customer", "name": "김민지 & Söhne"}},
            "livemode": False,
            "pending_webhooks": 1,
            "request": None,
            "type": "customer.updated",
        },
        ensure_ascii=False,
        indent=2,
    )


def signed(payload, secret=SECRET, timestamp=None):
    """Returns the package's signature header."""
    return stripe.WebhookSignature.generate_signature_header(payload, secret, timestamp)


def deliver(payload, signature):
    """Posts an event. Returns the response's status and JSON body."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
    request = urllib.request.Request(URL, payload.encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def by_the_package(payload, signature):
    """Returns whether the package accepts the signature."""
    try:
        stripe.Webhook.construct_event(payload, signature, SECRET)
    except stripe.SignatureVerificationError:
        return False
    return True


good = event(os.environ["EVENT"])
check_equal("a signature is accepted", deliver(good, signed(good)), ACCEPTED)
check_equal("a repeated delivery is accepted", deliver(good, signed(good)), ACCEPTED)
check_equal("a timestamp within the tolerance is accepted", deliver(good, signed(good, timestamp=NOW - 240)), ACCEPTED)

bad = event("evt_never_taken")
for name, signature in [
    ("a wrong secret", signed(bad, "whsec_wrong")),
    ("an old time", signed(bad, timestamp=NOW - 302)),
    ("another body", signed(bad.replace("customer.updated", "customer.deleted"))),
]:
    status, problem = deliver(bad, signature)
    check_equal(f"{name} is rejected", (status, problem["code"]), (400, "invalid_signature"))
    check_equal(f"{name} is rejected by the package", by_the_package(bad, signature), False)

done()
