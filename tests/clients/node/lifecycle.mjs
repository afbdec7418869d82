// A customer lifecycle with npm's unmodified `stripe` against the sandbox at SANDBOX_URL.

import Stripe from 'stripe';
import { done, check, expectError, checkEqual } from '../../checks.mjs';

const base = new URL(process.env.SANDBOX_URL);
const at = { host: base.hostname, port: base.port, protocol: 'http', maxNetworkRetries: 0 };
const stripe = new Stripe('sk_test_OfficialNodeClient001', at);
const run = `node-${process.pid}-${Date.now()}`;

// A customer, a card, a plan.
const customer = await stripe.customers.create({
  name: 'Jenny Rosen',
  email: `${run}@example.com`,
  address: { line1: '12 Sejong-daero', city: 'Seoul', country: 'KR' },
  metadata: { run, 'with space': 'a+b & c=d' },
});
check('a customer is created', /^cus_\w+$/.test(customer.id), customer);
checkEqual('the customer is in test mode', customer.livemode, false);
checkEqual('metadata are stored unchanged', customer.metadata, { run, 'with space': 'a+b & c=d' });
check('responses have a request id', /^req_\w+$/.test(customer.lastResponse.requestId), customer.lastResponse);
check('responses have an API version', /^\d{4}-\d\d-\d\d\.\w+$/.test(customer.lastResponse.apiVersion), customer.lastResponse);

const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
check('an attached test card has a new id', /^pm_\w+$/.test(card.id) && card.id !== 'pm_card_visa', card);
checkEqual('the attached card matches the test card', [card.card.brand, card.card.last4, card.customer], ['visa', '4242', customer.id]);
const withDefault = await stripe.customers.update(customer.id, {
  invoice_settings: { default_payment_method: card.id },
  expand: ['invoice_settings.default_payment_method'],
});
checkEqual('the card becomes the default, expanded', withDefault.invoice_settings.default_payment_method.id, card.id);

const typed = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_mastercard' }, billing_details: { name: 'Jenny' } });
checkEqual('a token creates a card without a customer', [typed.card.last4, typed.customer], ['4444', null]);
const addressed = await stripe.paymentMethods.update(card.id, { billing_details: { name: 'Rosen' } });
checkEqual('a card is changed', addressed.billing_details.name, 'Rosen');
checkEqual('a card is read', (await stripe.paymentMethods.retrieve(card.id)).billing_details.name, 'Rosen');
const cards = await stripe.paymentMethods.list({ customer: customer.id, type: 'card' });
checkEqual('cards are listed', cards.data.map((each) => each.id), [card.id]);
checkEqual('a card is read through its customer', (await stripe.customers.retrievePaymentMethod(customer.id, card.id)).id, card.id);

const basic = await stripe.products.create({ name: 'Basic', metadata: { run } });
const pro = await stripe.products.create({ name: 'Pro', default_price_data: { currency: 'usd', unit_amount: 3000, recurring: { interval: 'month' } } });
const basicPrice = await stripe.prices.create({ product: basic.id, currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' } });
check('products and prices are created', /^prod_/.test(basic.id) && /^price_/.test(basicPrice.id), [basic, basicPrice]);
const proPrice = await stripe.prices.retrieve(pro.default_price, { expand: ['product'] });
checkEqual('a price expands its product', [proPrice.unit_amount, proPrice.product.name], [3000, 'Pro']);
const renamed = await stripe.products.update(basic.id, { description: 'For small teams' });
checkEqual('a product is changed', renamed.description, 'For small teams');
checkEqual('a product is read', (await stripe.products.retrieve(basic.id)).description, 'For small teams');
const nicknamed = await stripe.prices.update(basicPrice.id, { nickname: 'monthly' });
checkEqual('a price is changed', nicknamed.nickname, 'monthly');

checkEqual('prices are listed', (await stripe.prices.list({ product: pro.id })).data.map((each) => each.id), [proPrice.id]);
const unsold = await stripe.products.create({ name: 'Never sold' });
check('products are listed', (await stripe.products.list({ active: true })).data.some((each) => each.id === unsold.id), unsold);
checkEqual('a product is deleted', (await stripe.products.del(unsold.id)).deleted, true);
checkEqual('a deleted product returns 404', (await expectError('a deleted product', stripe.products.retrieve(unsold.id))).statusCode, 404);

// A subscription and its invoices.
const subscription = await stripe.subscriptions.create({
  customer: customer.id,
  items: [{ price: basicPrice.id }],
  expand: ['latest_invoice', 'items.data.price.product'],
});
checkEqual('a new subscription is active', subscription.status, 'active');
checkEqual('the billing mode is flexible', subscription.billing_mode.type, 'flexible');
const item = subscription.items.data[0];
check('items have the periods', item.current_period_end > item.current_period_start, item);
checkEqual('lists in a response are expanded', item.price.product.name, 'Basic');
checkEqual('the first invoice is paid', [subscription.latest_invoice.status, subscription.latest_invoice.total], ['paid', 1000]);

const prorationDate = item.current_period_start + Math.floor((item.current_period_end - item.current_period_start) / 2);
const change = { items: [{ id: item.id, price: proPrice.id }], proration_behavior: 'always_invoice', proration_date: prorationDate };
const preview = await stripe.invoices.createPreview({ customer: customer.id, subscription: subscription.id, subscription_details: change });
check('a preview shows the proration', preview.total > 0 && preview.total < 3000, preview.total);
const changed = await stripe.subscriptions.update(subscription.id, { ...change, expand: ['latest_invoice'] });
checkEqual('the plan is changed', changed.items.data[0].price.id, proPrice.id);
checkEqual('the invoice total matches the preview', changed.latest_invoice.total, preview.total);
checkEqual(
  'the invoice lines match the preview',
  changed.latest_invoice.lines.data.map((line) => line.amount).sort(),
  preview.lines.data.map((line) => line.amount).sort(),
);

const period_end = changed.items.data[0].current_period_end;
const ending = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true, cancellation_details: { feedback: 'unused' } });
checkEqual('a cancellation at the period end has a date', [ending.status, ending.cancel_at], ['active', period_end]);
checkEqual('the cancellation has a reason', ending.cancellation_details.feedback, 'unused');
const kept = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: false });
checkEqual('the cancellation is undone', [kept.cancel_at, kept.cancel_at_period_end], [null, false]);
const dated = await stripe.subscriptions.update(subscription.id, { cancel_at: 'min_period_end' });
checkEqual('a cancellation can be set to min_period_end', dated.cancel_at, period_end);
const undated = await stripe.subscriptions.update(subscription.id, { cancel_at: '' });
checkEqual('a cancellation date can be removed', undated.cancel_at, null);
const read = await stripe.subscriptions.retrieve(subscription.id, { expand: ['customer', 'default_payment_method'] });
checkEqual('a subscription is read', [read.customer.email, read.default_payment_method], [customer.email, null]);
checkEqual('subscriptions are listed', (await stripe.subscriptions.list({ customer: customer.id })).data.map((each) => each.id), [subscription.id]);
const notPaused = await expectError('resuming an active subscription', stripe.subscriptions.resume(subscription.id));
checkEqual('only a paused subscription can be resumed', notPaused.type, 'StripeInvalidRequestError');

// A failed payment and a trial.
const poor = await stripe.customers.create({ email: `${run}-poor@example.com` });
const empty = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: poor.id });
const unpaid = await stripe.subscriptions.create({ customer: poor.id, items: [{ price: proPrice.id }], default_payment_method: empty.id, expand: ['latest_invoice'] });
checkEqual('a failed first payment leaves the subscription incomplete', [unpaid.status, unpaid.latest_invoice.status], ['incomplete', 'open']);
const unpayable = await expectError('paying with that card', stripe.invoices.pay(unpaid.latest_invoice.id));
checkEqual('a declined payment is a card error', [unpayable.type, unpayable.code], ['StripeCardError', 'card_declined']);
const good = await stripe.paymentMethods.attach('pm_card_visa', { customer: poor.id });
checkEqual('another card pays the invoice', (await stripe.invoices.pay(unpaid.latest_invoice.id, { payment_method: good.id })).status, 'paid');
checkEqual('the subscription becomes active', (await stripe.subscriptions.retrieve(unpaid.id)).status, 'active');

const trying = await stripe.customers.create({ email: `${run}-trying@example.com` });
let trial = await stripe.subscriptions.create({
  customer: trying.id,
  items: [{ price: basicPrice.id }],
  trial_end: Math.floor(Date.now() / 1000) + 2,
  trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
});
checkEqual('the trial starts', trial.status, 'trialing');
for (const deadline = Date.now() + 60_000; trial.status === 'trialing' && Date.now() < deadline; ) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  trial = await stripe.subscriptions.retrieve(trial.id);
}
checkEqual('a trial that ends without a card is paused', trial.status, 'paused');
const bought = await stripe.paymentMethods.attach('pm_card_visa', { customer: trying.id });
await stripe.customers.update(trying.id, { invoice_settings: { default_payment_method: bought.id } });
checkEqual('the paused subscription is resumed', (await stripe.subscriptions.resume(trial.id, { billing_cycle_anchor: 'now' })).status, 'active');

// The portal.
const configuration = await stripe.billingPortal.configurations.create({
  business_profile: { headline: 'Billing of the tests' },
  features: {
    customer_update: { enabled: true, allowed_updates: ['email', 'name'] },
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true },
    subscription_cancel: { enabled: true, mode: 'at_period_end' },
    subscription_update: {
      enabled: true,
      default_allowed_updates: ['price'],
      products: [
        { product: basic.id, prices: [basicPrice.id] },
        { product: pro.id, prices: [proPrice.id] },
      ],
    },
  },
  metadata: { run },
});
check('a portal configuration is created', /^bpc_/.test(configuration.id) && !configuration.is_default, configuration);
const reworded = await stripe.billingPortal.configurations.update(configuration.id, { business_profile: { headline: 'Changed' } });
checkEqual('the configuration is changed', reworded.business_profile.headline, 'Changed');
checkEqual('the configuration is read', (await stripe.billingPortal.configurations.retrieve(configuration.id)).business_profile.headline, 'Changed');
const configurations = await stripe.billingPortal.configurations.list({ active: true });
check('the configuration and the default are listed', configurations.data.some((c) => c.id === configuration.id) && configurations.data.some((c) => c.is_default), configurations);

const after = { type: 'redirect', redirect: { return_url: 'https://example.com/done' } };
const flows = {
  none: undefined,
  payment_method_update: { type: 'payment_method_update', after_completion: { type: 'portal_homepage' } },
  subscription_cancel: { type: 'subscription_cancel', subscription_cancel: { subscription: subscription.id }, after_completion: after },
  subscription_update: {
    type: 'subscription_update',
    subscription_update: { subscription: subscription.id },
    after_completion: { type: 'hosted_confirmation', hosted_confirmation: { custom_message: 'Thanks' } },
  },
  subscription_update_confirm: {
    type: 'subscription_update_confirm',
    subscription_update_confirm: { subscription: subscription.id, items: [{ id: changed.items.data[0].id, price: basicPrice.id, quantity: 1 }] },
    after_completion: after,
  },
};
for (const [name, flow_data] of Object.entries(flows)) {
  const session = await stripe.billingPortal.sessions.create({
    customer: customer.id,
    configuration: configuration.id,
    return_url: 'https://example.com/account',
    locale: 'en',
    ...(flow_data && { flow_data }),
  });
  checkEqual(`flow ${name}: the session has the flow`, session.flow?.type, flow_data?.type);
  const page = await fetch(session.url);
  check(`flow ${name}: its URL opens a page`, page.status === 200 && page.headers.get('content-type').startsWith('text/html'), page.status);
}

// Lists, events, idempotency.
const invoices = await stripe.invoices.list({ customer: customer.id, status: 'paid' });
check('invoices are listed, newest first', invoices.data.length === 2 && invoices.data[0].id === changed.latest_invoice.id, invoices);
const invoice = await stripe.invoices.retrieve(invoices.data[0].id);
check('an invoice has a number and pages', invoice.number && invoice.hosted_invoice_url && invoice.invoice_pdf, invoice);
const lines = await stripe.invoices.listLineItems(invoice.id);
checkEqual('the invoice lines are listed', lines.data.map((line) => line.id), invoice.lines.data.map((line) => line.id));
const pdf = await fetch(invoice.invoice_pdf);
checkEqual('the invoice has a PDF', (await pdf.text()).slice(0, 5), '%PDF-');

const shared = `${run}-many@example.com`;
const made = [];
for (let index = 0; index < 7; index += 1) made.push((await stripe.customers.create({ email: shared, name: `Customer ${index}` })).id);
const paged = [];
for await (const each of stripe.customers.list({ email: shared, limit: 3 })) paged.push(each.id);
checkEqual('auto-pagination returns all pages', paged, [...made].reverse());
const backwards = await stripe.customers.list({ email: shared, ending_before: made[0], limit: 2 });
checkEqual('pages can be read backwards', [backwards.data.map((each) => each.id), backwards.has_more], [[made[2], made[1]], true]);

const events = await stripe.events.list({ type: 'customer.subscription.created', limit: 100 });
const event = events.data.find((each) => each.data.object.id === subscription.id);
check('a created subscription has an event', event && /^evt_/.test(event.id), events.data.map((each) => each.type));
checkEqual('an event is read by its id', (await stripe.events.retrieve(event.id)).type, 'customer.subscription.created');
const updates = await stripe.events.list({ types: ['customer.subscription.updated', 'customer.subscription.deleted'] });
check('events have previous attributes', updates.data.some((each) => each.data.previous_attributes?.cancel_at === null), updates.data);

const idempotencyKey = `key-${run}`;
const first = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
const again = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
checkEqual('an idempotency key creates one customer', again.id, first.id);
checkEqual('the second response is marked as replayed', again.lastResponse.headers['idempotent-replayed'], 'true');
const other = await expectError('another customer under the key', stripe.customers.create({ name: 'Twice' }, { idempotencyKey }));
checkEqual('a key with other parameters is an idempotency error', [other.type, other.statusCode], ['StripeIdempotencyError', 400]);

// Checkout.
const order = {
  mode: 'subscription',
  line_items: [{ price: 'price_1SandboxDemoStartMonthly1', quantity: 1 }],
  success_url: new URL('/sandbox/faults?session={CHECKOUT_SESSION_ID}', base).href,
  client_reference_id: run,
  subscription_data: { metadata: { run } },
};
const session = await stripe.checkout.sessions.create(order);
checkEqual('a checkout session is open', [session.status, session.payment_status, session.amount_total], ['open', 'unpaid', 900]);
const items = await stripe.checkout.sessions.listLineItems(session.id);
checkEqual('the session items are listed', items.data.map((each) => [each.description, each.quantity]), [['Starter plan', 1]]);
const shown = await (await fetch(session.url)).text();
const hidden = [...shown.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map((found) => [found[1], found[2]]);
const typedCard = { email: `${run}-pays@example.com`, 'card-number': '4242424242424242', 'card-expiry': '12/34', 'card-cvc': '123', 'card-name': 'Node' };
const body = new URLSearchParams([...hidden, ...Object.entries(typedCard)]);
const landed = await fetch(session.url, { method: 'POST', body, redirect: 'manual' });
checkEqual('the payment redirects to the success URL', [landed.status, new URL(landed.headers.get('location')).searchParams.get('session')], [303, session.id]);
const paid = await stripe.checkout.sessions.retrieve(session.id, { expand: ['customer', 'subscription', 'invoice'] });
checkEqual('the session is complete', [paid.status, paid.payment_status, paid.url, paid.client_reference_id], ['complete', 'paid', null, run]);
checkEqual('the session created a customer', [paid.customer.email, paid.customer.name], [typedCard.email, 'Node']);
checkEqual('the customer has a paid subscription', [paid.subscription.status, paid.subscription.metadata.run, paid.invoice.status], ['active', run, 'paid']);
const completed = await stripe.events.list({ type: 'checkout.session.completed', limit: 1 });
checkEqual('the completed session has an event', completed.data[0].data.object.id, session.id);
const open = await stripe.checkout.sessions.create({ ...order, customer: customer.id });
checkEqual('an open session is expired', (await stripe.checkout.sessions.expire(open.id)).status, 'expired');
const listedSessions = await stripe.checkout.sessions.list({ customer: customer.id });
checkEqual('sessions are listed by customer', listedSessions.data.map((each) => each.id), [open.id]);

// Errors, typed.
const stranger = await expectError('a live key', new Stripe('sk_live_OfficialNodeClient001', at).customers.list());
checkEqual('a live key is an authentication error', [stranger.type, stranger.statusCode], ['StripeAuthenticationError', 401]);
const unknownId = await expectError('an unknown id', stripe.customers.retrieve('cus_unknown'));
checkEqual('an unknown id in the path', [unknownId.type, unknownId.statusCode, unknownId.code, unknownId.param], ['StripeInvalidRequestError', 404, 'resource_missing', 'id']);
const unknownCustomer = await expectError('an unknown customer', stripe.billingPortal.sessions.create({ customer: 'cus_unknown' }));
checkEqual('an unknown id in the body', [unknownCustomer.type, unknownCustomer.statusCode, unknownCustomer.code, unknownCustomer.param], ['StripeInvalidRequestError', 400, 'resource_missing', 'customer']);
check('errors have a request id and a documentation URL', /^req_/.test(unknownCustomer.requestId) && /^https:/.test(unknownCustomer.doc_url), unknownCustomer);
const unknown = await expectError('an unknown parameter', stripe.customers.create({ nmae: 'x' }));
checkEqual('an unknown parameter', [unknown.type, unknown.code, unknown.param], ['StripeInvalidRequestError', 'parameter_unknown', 'nmae']);
const missing = await expectError('no items', stripe.subscriptions.create({ customer: customer.id, items: [{ quantity: 1 }] }));
checkEqual('a missing parameter', [missing.type, missing.statusCode], ['StripeInvalidRequestError', 400]);
const bracketed = await expectError('a bad enum value', stripe.billingPortal.sessions.create({ customer: customer.id, flow_data: { type: 'nonesuch' } }));
checkEqual('a bad enum value names its parameter with brackets', [bracketed.type, bracketed.param], ['StripeInvalidRequestError', 'flow_data[type]']);
const declined = await expectError('a declined card', stripe.paymentMethods.attach('pm_card_visa_chargeDeclined', { customer: customer.id }));
checkEqual(
  'a declined card is a card error',
  [declined.type, declined.statusCode, declined.code, declined.decline_code],
  ['StripeCardError', 402, 'card_declined', 'generic_decline'],
);

// Faults.
const faults = (fault, path, times = 1) =>
  fetch(new URL('/sandbox/faults', base), {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_OfficialNodeClient001' },
    body: new URLSearchParams({ fault, path, times }),
  }).then((answer) => answer.ok || check(`the fault ${fault} is scheduled`, false, answer.status));
const expectedErrors = {
  'status=429': ['StripeRateLimitError', 429, 'rate_limit'],
  'status=500': ['StripeAPIError', 500, undefined],
  drop: ['StripeConnectionError', undefined, undefined],
  truncate: ['StripeConnectionError', undefined, undefined],
};
for (const [fault, expected] of Object.entries(expectedErrors)) {
  // This client retries a closed connection once, even with retries disabled.
  await faults(fault, '/v1/customers', fault === 'drop' ? 2 : 1);
  const error = await expectError(fault, stripe.customers.list());
  checkEqual(`${fault} is a ${expected[0]}`, [error.type, error.statusCode, error.code], expected);
}
const patient = new Stripe('sk_test_OfficialNodeClient001', { ...at, maxNetworkRetries: 2 });
await faults('drop=after', '/v1/customers');
const retried = await patient.customers.create({ email: `${run}-retried@example.com` });
const twins = await stripe.customers.list({ email: `${run}-retried@example.com` });
checkEqual('a request with a lost response is retried and executed once', twins.data.map((each) => each.id), [retried.id]);

// Clean-up.
const detached = await stripe.paymentMethods.detach(card.id);
checkEqual('a card is detached', detached.customer, null);
checkEqual('a detached card is not listed', (await stripe.customers.listPaymentMethods(customer.id)).data, []);
const canceled = await stripe.subscriptions.cancel(subscription.id, { cancellation_details: { comment: 'Goodbye' } });
checkEqual('a subscription is canceled', [canceled.status, canceled.cancellation_details.comment], ['canceled', 'Goodbye']);
const deleted = await stripe.customers.del(customer.id);
checkEqual('a customer is deleted', deleted.deleted, true);
checkEqual('a deleted customer is marked as deleted', (await stripe.customers.retrieve(customer.id)).deleted, true);
const ended = await expectError('a session of a deleted customer', stripe.billingPortal.sessions.create({ customer: customer.id }));
checkEqual('a deleted customer cannot open the portal', ended.code, 'resource_missing');

done();
