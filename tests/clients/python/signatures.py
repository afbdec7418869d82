"""Events signed with PyPI's `stripe`, unmodified, and posted to the service at SERVICE_URL, which holds SIGNING_SECRET."""

import json
import os
import time
import urllib.error
import urllib.request

import stripe

from facts import done, same

URL = os.environ["SERVICE_URL"] + "/api/v1/webhooks/stripe"
SECRET = os.environ["SIGNING_SECRET"]
NOW = int(time.time())
ACCEPTED = (200, {"received": True})


def event(name):
    """The body of an event, spaced as Stripe spaces it: what is signed are its very bytes."""
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
    """The header that the package makes."""
    return stripe.WebhookSignature.generate_signature_header(payload, secret, timestamp)


def deliver(payload, signature):
    """What the service answers: status, and the body as JSON."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
    request = urllib.request.Request(URL, payload.encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def by_the_package(payload, signature):
    """Whether the package itself accepts it."""
    try:
        stripe.Webhook.construct_event(payload, signature, SECRET)
    except stripe.SignatureVerificationError:
        return False
    return True


good = event(os.environ["EVENT"])
same("a signature is accepted", deliver(good, signed(good)), ACCEPTED)
same("and again, for the same event", deliver(good, signed(good)), ACCEPTED)
same("and one within the tolerance", deliver(good, signed(good, timestamp=NOW - 240)), ACCEPTED)

bad = event("evt_never_taken")
for name, signature in [
    ("a wrong secret", signed(bad, "whsec_wrong")),
    ("an old time", signed(bad, timestamp=NOW - 302)),
    ("another body", signed(bad.replace("customer.updated", "customer.deleted"))),
]:
    status, problem = deliver(bad, signature)
    same(f"{name} is refused", (status, problem["code"]), (400, "invalid_signature"))
    same(f"{name} is refused by the package, too", by_the_package(bad, signature), False)

done()
