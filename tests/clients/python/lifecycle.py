"""A customer lifecycle with PyPI's unmodified `stripe` against the sandbox at SANDBOX_URL."""

import os
import urllib.parse
import urllib.request
import uuid

import stripe

from checks import done, check, expect_error, check_equal

BASE = os.environ["SANDBOX_URL"]
RUN = uuid.uuid4().hex


def connect(key, retries=0):
    """Creates a client of the sandbox."""
    return stripe.StripeClient(key, base_addresses={"api": BASE}, max_network_retries=retries)


def get(url):
    """Reads a page like a browser without cookies."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.status, answer.headers.get_content_type(), answer.read()


v1 = connect("sk_test_OfficialPythonClient001").v1

# A customer, a card, a plan.
customer = v1.customers.create(
    {"name": "김민지", "email": f"{RUN}@example.com", "preferred_locales": ["ko"], "metadata": {"run": RUN}}
)
check("a customer is created", customer.id.startswith("cus_"), customer)
check_equal("the name is stored unchanged", v1.customers.retrieve(customer.id).name, "김민지")
check_equal("lists are stored unchanged", customer.preferred_locales, ["ko"])
check("responses have a request id", customer.last_response.request_id.startswith("req_"), customer.last_response)

card = v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
check_equal("a test card is attached", (card.card.brand, card.card.last4, card.customer), ("mastercard", "4444", customer.id))
chosen = v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card.id}})
check_equal("the card becomes the default", chosen.invoice_settings.default_payment_method, card.id)
listed = v1.customers.payment_methods.list(customer.id, {"type": "card"})
check_equal("the card is listed", [method.id for method in listed.data], [card.id])

basic = v1.products.create({"name": "Basic"})
basic_price = v1.prices.create(
    {"product": basic.id, "currency": "krw", "unit_amount": 9900, "recurring": {"interval": "month"}}
)
pro = v1.products.create({"name": "Pro"})
pro_price = v1.prices.create(
    {"product": pro.id, "currency": "krw", "unit_amount": 29900, "recurring": {"interval": "month"}}
)
check("products and prices are created", basic.id.startswith("prod_") and pro_price.id.startswith("price_"), pro_price)
check_equal("prices are listed by product", [price.id for price in v1.prices.list({"product": pro.id}).data], [pro_price.id])

# A subscription and its invoices.
subscription = v1.subscriptions.create(
    {
        "customer": customer.id,
        "items": [{"price": basic_price.id, "quantity": 2}],
        "expand": ["latest_invoice", "customer"],
    }
)
check_equal("a new subscription is active", subscription.status, "active")
check_equal("requested fields are expanded", subscription.customer.name, "김민지")
check_equal("the first invoice is paid", (subscription.latest_invoice.status, subscription.latest_invoice.total), ("paid", 19800))
item = subscription["items"].data[0]
check("items have the periods", item.current_period_end > item.current_period_start, item)
middle = (item.current_period_start + item.current_period_end) // 2
change = {
    "items": [{"id": item.id, "price": pro_price.id, "quantity": 1}],
    "proration_behavior": "always_invoice",
    "proration_date": middle,
}
preview = v1.invoices.create_preview(
    {"customer": customer.id, "subscription": subscription.id, "subscription_details": change}
)
changed = v1.subscriptions.update(subscription.id, {**change, "expand": ["latest_invoice"]})
check_equal("the plan is changed", changed["items"].data[0].price.id, pro_price.id)
check_equal("the invoice total matches the preview", changed.latest_invoice.total, preview.total)

ending = v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
check_equal("a cancellation at the period end has a date", ending.cancel_at, changed["items"].data[0].current_period_end)
check_equal("the cancellation is undone", v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False}).cancel_at, None)

# The portal.
configuration = v1.billing_portal.configurations.create(
    {
        "features": {
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {"enabled": True, "cancellation_reason": {"enabled": True, "options": ["unused", "other"]}},
            "subscription_update": {
                "enabled": True,
                "default_allowed_updates": ["price", "quantity"],
                "products": [{"product": basic.id, "prices": [basic_price.id]}, {"product": pro.id, "prices": [pro_price.id]}],
            },
        }
    }
)
check("a portal configuration is created", configuration.id.startswith("bpc_"), configuration)
check_equal("features that are not named are off", configuration.features.customer_update.enabled, False)
renamed = v1.billing_portal.configurations.update(configuration.id, {"name": "Of the tests", "active": True})
check_equal("the configuration is changed", renamed.name, "Of the tests")
check_equal("the configuration is read", v1.billing_portal.configurations.retrieve(configuration.id).name, "Of the tests")
check(
    "it is listed",
    configuration.id in [each.id for each in v1.billing_portal.configurations.list().auto_paging_iter()],
)

redirect = {"type": "redirect", "redirect": {"return_url": "https://example.com/done"}}
confirmed = {"subscription": subscription.id, "items": [{"id": item.id, "price": basic_price.id, "quantity": 1}]}
flows = {
    "payment_method_update": None,
    "subscription_cancel": {
        "subscription": subscription.id,
    },
    "subscription_update": {"subscription": subscription.id},
    "subscription_update_confirm": confirmed,
}
for name, details in flows.items():
    flow = {"type": name, "after_completion": redirect}
    if details is not None:
        flow[name] = details
    session = v1.billing_portal.sessions.create(
        {"customer": customer.id, "configuration": configuration.id, "locale": "ko", "flow_data": flow}
    )
    check_equal(f"flow {name}: the session has the flow", session.flow.type, name)
    status, kind, page = get(session.url)
    check(f"flow {name}: its URL opens a page in Korean", (status, kind) == (200, "text/html") and b'lang="ko"' in page, kind)

# Lists, events, idempotency.
invoices = v1.invoices.list({"customer": customer.id})
check_equal("invoices are listed", [invoice.status for invoice in invoices.data], ["paid", "paid"])
_, kind, pdf = get(invoices.data[0].invoice_pdf)
check_equal("an invoice has its PDF", (kind, pdf[:5]), ("application/pdf", b"%PDF-"))
shared = f"{RUN}-many@example.com"
made = [v1.customers.create({"email": shared}).id for _ in range(7)]
paged = [each.id for each in v1.customers.list({"email": shared, "limit": 3}).auto_paging_iter()]
check_equal("auto-pagination returns all pages", paged, made[::-1])
events = v1.events.list({"type": "invoice.paid", "limit": 100})
paid = [event for event in events.data if event.data.object["customer"] == customer.id]
check("paid invoices have events", len(paid) == 2, events)
check_equal("an event is read by its id", v1.events.retrieve(paid[0].id).type, "invoice.paid")

key = {"idempotency_key": f"key-{RUN}"}
first = v1.customers.create({"name": "Once"}, key)
again = v1.customers.create({"name": "Once"}, key)
check_equal("an idempotency key creates one customer", again.id, first.id)
check_equal("the second response is marked as replayed", again.last_response.headers["idempotent-replayed"], "true")

# Checkout.
session = v1.checkout.sessions.create(
    {
        "mode": "subscription",
        "line_items": [{"price": basic_price.id, "quantity": 2}],
        "success_url": f"{BASE}/?session={{CHECKOUT_SESSION_ID}}",
        "customer_email": f"{RUN}-pays@example.com",
        "subscription_data": {"trial_period_days": 7},
        "payment_method_collection": "if_required",
        "locale": "ko",
    }
)
check_equal("a checkout session is open", (session.status, session.amount_total), ("open", 0))
status, kind, page = get(session.url)
check("the page has the requested language", status == 200 and 'lang="ko"' in page.decode(), page)
items = v1.checkout.sessions.line_items.list(session.id)
check_equal("the session items are listed", [(each.description, each.quantity) for each in items.data], [("Basic", 2)])
check_equal("the session is expired", v1.checkout.sessions.expire(session.id).status, "expired")
check_equal("the expired session is listed", [each.id for each in v1.checkout.sessions.list({"status": "expired"}).data], [session.id])

# Errors, typed.
error = expect_error("another customer under the key", lambda: v1.customers.create({"name": "Twice"}, key))
check_equal("a key with other parameters is an idempotency error", (type(error), error.http_status), (stripe.IdempotencyError, 400))
error = expect_error("a live key", lambda: connect("sk_live_OfficialPythonClient001").v1.customers.list())
check_equal("a live key is an authentication error", (type(error), error.http_status), (stripe.AuthenticationError, 401))
error = expect_error("an unknown id", lambda: v1.subscriptions.retrieve("sub_unknown"))
check_equal(
    "an unknown id in the path",
    (type(error), error.http_status, error.code, error.param),
    (stripe.InvalidRequestError, 404, "resource_missing", "id"),
)
error = expect_error("an unknown customer", lambda: v1.billing_portal.sessions.create({"customer": "cus_unknown"}))
check_equal(
    "an unknown id in the body",
    (type(error), error.http_status, error.code, error.param),
    (stripe.InvalidRequestError, 400, "resource_missing", "customer"),
)
check("errors have a request id", error.request_id.startswith("req_"), error)
check_equal("errors have a documentation URL", error.error.doc_url, "https://stripe.com/docs/error-codes/resource-missing")
error = expect_error("an unknown parameter", lambda: v1.customers.create({"nmae": "x"}))
check_equal("an unknown parameter", (type(error), error.code, error.param), (stripe.InvalidRequestError, "parameter_unknown", "nmae"))
error = expect_error(
    "a bad link", lambda: v1.billing_portal.sessions.create({"customer": customer.id, "return_url": "nowhere"})
)
check_equal("a bad link", (type(error), error.code, error.param), (stripe.InvalidRequestError, "url_invalid", "return_url"))
error = expect_error(
    "a card without funds",
    lambda: v1.payment_methods.attach("pm_card_visa_chargeDeclinedInsufficientFunds", {"customer": customer.id}),
)
check_equal(
    "a declined card is a card error",
    (type(error), error.http_status, error.code, error.error.decline_code),
    (stripe.CardError, 402, "card_declined", "insufficient_funds"),
)

# Faults.
def faults(fault, path):
    """Schedules a fault for the next call of a path."""
    body = urllib.parse.urlencode({"fault": fault, "path": path}).encode()
    headers = {"Authorization": "Bearer sk_test_OfficialPythonClient001"}
    urllib.request.urlopen(urllib.request.Request(f"{BASE}/sandbox/faults", body, headers), timeout=60).close()


troubles = {
    "status=429": (stripe.RateLimitError, 429),
    "status=500": (stripe.APIError, 500),
    "drop": (stripe.APIConnectionError, None),
}
for fault, expected in troubles.items():
    faults(fault, "/v1/customers")
    error = expect_error(fault, v1.customers.list)
    check_equal(f"{fault} is a {expected[0].__name__}", (type(error), error.http_status), expected)
patient = connect("sk_test_OfficialPythonClient001", retries=2).v1
faults("drop=after", "/v1/customers")
retried = patient.customers.create({"email": f"{RUN}-retried@example.com"})
twins = v1.customers.list({"email": f"{RUN}-retried@example.com"})
check_equal("a request with a lost response is retried and executed once", [each.id for each in twins.data], [retried.id])

# Clean-up.
canceled = v1.subscriptions.cancel(subscription.id)
check_equal("a subscription is canceled", canceled.status, "canceled")
check_equal("a card is detached", v1.payment_methods.detach(card.id).customer, None)
check_equal("a customer is deleted", v1.customers.delete(customer.id).deleted, True)

done()
