// The life of a customer, told by npm's `stripe`, unmodified, against the sandbox at SANDBOX_URL.

import Stripe from 'stripe';
import { done, fact, refused, same } from '../../facts.mjs';

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
fact('a customer is created', /^cus_\w+$/.test(customer.id), customer);
same('it is of test mode', customer.livemode, false);
same('metadata arrive as they were sent', customer.metadata, { run, 'with space': 'a+b & c=d' });
fact('answers have a request id', /^req_\w+$/.test(customer.lastResponse.requestId), customer.lastResponse);
fact('answers name their version', /^\d{4}-\d\d-\d\d\.\w+$/.test(customer.lastResponse.apiVersion), customer.lastResponse);

const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
fact('a test card is attached under an id of its own', /^pm_\w+$/.test(card.id) && card.id !== 'pm_card_visa', card);
same('it is the card that it is named after', [card.card.brand, card.card.last4, card.customer], ['visa', '4242', customer.id]);
const withDefault = await stripe.customers.update(customer.id, {
  invoice_settings: { default_payment_method: card.id },
  expand: ['invoice_settings.default_payment_method'],
});
same('the card becomes the default, expanded', withDefault.invoice_settings.default_payment_method.id, card.id);

const typed = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_mastercard' }, billing_details: { name: 'Jenny' } });
same('a token makes a card of nobody', [typed.card.last4, typed.customer], ['4444', null]);
const addressed = await stripe.paymentMethods.update(card.id, { billing_details: { name: 'Rosen' } });
same('a card is changed', addressed.billing_details.name, 'Rosen');
same('a card is read', (await stripe.paymentMethods.retrieve(card.id)).billing_details.name, 'Rosen');
const cards = await stripe.paymentMethods.list({ customer: customer.id, type: 'card' });
same('cards are listed', cards.data.map((each) => each.id), [card.id]);
same('a card is read as its owner\'s', (await stripe.customers.retrievePaymentMethod(customer.id, card.id)).id, card.id);

const basic = await stripe.products.create({ name: 'Basic', metadata: { run } });
const pro = await stripe.products.create({ name: 'Pro', default_price_data: { currency: 'usd', unit_amount: 3000, recurring: { interval: 'month' } } });
const basicPrice = await stripe.prices.create({ product: basic.id, currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' } });
fact('products and prices are created', /^prod_/.test(basic.id) && /^price_/.test(basicPrice.id), [basic, basicPrice]);
const proPrice = await stripe.prices.retrieve(pro.default_price, { expand: ['product'] });
same('a price expands its product', [proPrice.unit_amount, proPrice.product.name], [3000, 'Pro']);
const renamed = await stripe.products.update(basic.id, { description: 'For small teams' });
same('a product is changed', renamed.description, 'For small teams');
same('and read', (await stripe.products.retrieve(basic.id)).description, 'For small teams');
const nicknamed = await stripe.prices.update(basicPrice.id, { nickname: 'monthly' });
same('a price is changed', nicknamed.nickname, 'monthly');

same('prices are listed', (await stripe.prices.list({ product: pro.id })).data.map((each) => each.id), [proPrice.id]);
const unsold = await stripe.products.create({ name: 'Never sold' });
fact('products are listed', (await stripe.products.list({ active: true })).data.some((each) => each.id === unsold.id), unsold);
same('a product is deleted', (await stripe.products.del(unsold.id)).deleted, true);
same('and gone', (await refused('a deleted product', stripe.products.retrieve(unsold.id))).statusCode, 404);

// A subscription and what it costs.
const subscription = await stripe.subscriptions.create({
  customer: customer.id,
  items: [{ price: basicPrice.id }],
  expand: ['latest_invoice', 'items.data.price.product'],
});
same('a subscription begins active', subscription.status, 'active');
same('it is of the flexible billing mode', subscription.billing_mode.type, 'flexible');
const item = subscription.items.data[0];
fact('periods stand on its items', item.current_period_end > item.current_period_start, item);
same('lists in an answer are expanded', item.price.product.name, 'Basic');
same('the first invoice is paid', [subscription.latest_invoice.status, subscription.latest_invoice.total], ['paid', 1000]);

const prorationDate = item.current_period_start + Math.floor((item.current_period_end - item.current_period_start) / 2);
const change = { items: [{ id: item.id, price: proPrice.id }], proration_behavior: 'always_invoice', proration_date: prorationDate };
const preview = await stripe.invoices.createPreview({ customer: customer.id, subscription: subscription.id, subscription_details: change });
fact('a preview is no invoice yet', preview.total > 0 && preview.total < 3000, preview.total);
const changed = await stripe.subscriptions.update(subscription.id, { ...change, expand: ['latest_invoice'] });
same('the plan is changed', changed.items.data[0].price.id, proPrice.id);
same('the change costs what its preview said', changed.latest_invoice.total, preview.total);
same(
  'line by line',
  changed.latest_invoice.lines.data.map((line) => line.amount).sort(),
  preview.lines.data.map((line) => line.amount).sort(),
);

const period_end = changed.items.data[0].current_period_end;
const ending = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true, cancellation_details: { feedback: 'unused' } });
same('a cancellation at the period end has its day', [ending.status, ending.cancel_at], ['active', period_end]);
same('and its reason', ending.cancellation_details.feedback, 'unused');
const kept = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: false });
same('it is undone', [kept.cancel_at, kept.cancel_at_period_end], [null, false]);
const dated = await stripe.subscriptions.update(subscription.id, { cancel_at: 'min_period_end' });
same('a cancellation may name the period end', dated.cancel_at, period_end);
const undated = await stripe.subscriptions.update(subscription.id, { cancel_at: '' });
same('that is undone too', undated.cancel_at, null);
const read = await stripe.subscriptions.retrieve(subscription.id, { expand: ['customer', 'default_payment_method'] });
same('a subscription is read', [read.customer.email, read.default_payment_method], [customer.email, null]);
same('subscriptions are listed', (await stripe.subscriptions.list({ customer: customer.id })).data.map((each) => each.id), [subscription.id]);
const notPaused = await refused('resuming what is not paused', stripe.subscriptions.resume(subscription.id));
same('only a paused subscription is resumed', notPaused.type, 'StripeInvalidRequestError');

// What is not paid, and what was not to be paid.
const poor = await stripe.customers.create({ email: `${run}-poor@example.com` });
const empty = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: poor.id });
const unpaid = await stripe.subscriptions.create({ customer: poor.id, items: [{ price: proPrice.id }], default_payment_method: empty.id, expand: ['latest_invoice'] });
same('a first payment that fails leaves it incomplete', [unpaid.status, unpaid.latest_invoice.status], ['incomplete', 'open']);
const unpayable = await refused('paying with that card', stripe.invoices.pay(unpaid.latest_invoice.id));
same('a payment that is declined is a card error', [unpayable.type, unpayable.code], ['StripeCardError', 'card_declined']);
const good = await stripe.paymentMethods.attach('pm_card_visa', { customer: poor.id });
same('another card pays', (await stripe.invoices.pay(unpaid.latest_invoice.id, { payment_method: good.id })).status, 'paid');
same('and the subscription begins', (await stripe.subscriptions.retrieve(unpaid.id)).status, 'active');

const trying = await stripe.customers.create({ email: `${run}-trying@example.com` });
let trial = await stripe.subscriptions.create({
  customer: trying.id,
  items: [{ price: basicPrice.id }],
  trial_end: Math.floor(Date.now() / 1000) + 2,
  trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
});
same('a trial begins', trial.status, 'trialing');
for (const deadline = Date.now() + 60_000; trial.status === 'trialing' && Date.now() < deadline; ) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  trial = await stripe.subscriptions.retrieve(trial.id);
}
same('a trial that ends without a card is paused', trial.status, 'paused');
const bought = await stripe.paymentMethods.attach('pm_card_visa', { customer: trying.id });
await stripe.customers.update(trying.id, { invoice_settings: { default_payment_method: bought.id } });
same('and resumed', (await stripe.subscriptions.resume(trial.id, { billing_cycle_anchor: 'now' })).status, 'active');

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
fact('a portal configuration is created', /^bpc_/.test(configuration.id) && !configuration.is_default, configuration);
const reworded = await stripe.billingPortal.configurations.update(configuration.id, { business_profile: { headline: 'Changed' } });
same('it is changed', reworded.business_profile.headline, 'Changed');
same('it is read', (await stripe.billingPortal.configurations.retrieve(configuration.id)).business_profile.headline, 'Changed');
const configurations = await stripe.billingPortal.configurations.list({ active: true });
fact('it is listed beside the default one', configurations.data.some((c) => c.id === configuration.id) && configurations.data.some((c) => c.is_default), configurations);

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
  same(`flow ${name}: the session is of it`, session.flow?.type, flow_data?.type);
  const page = await fetch(session.url);
  fact(`flow ${name}: its URL opens a page`, page.status === 200 && page.headers.get('content-type').startsWith('text/html'), page.status);
}

// Lists, events, idempotency.
const invoices = await stripe.invoices.list({ customer: customer.id, status: 'paid' });
fact('invoices are listed, newest first', invoices.data.length === 2 && invoices.data[0].id === changed.latest_invoice.id, invoices);
const invoice = await stripe.invoices.retrieve(invoices.data[0].id);
fact('an invoice has a number and pages', invoice.number && invoice.hosted_invoice_url && invoice.invoice_pdf, invoice);
const lines = await stripe.invoices.listLineItems(invoice.id);
same('its lines are listed', lines.data.map((line) => line.id), invoice.lines.data.map((line) => line.id));
const pdf = await fetch(invoice.invoice_pdf);
same('its PDF is one', (await pdf.text()).slice(0, 5), '%PDF-');

const shared = `${run}-many@example.com`;
const made = [];
for (let index = 0; index < 7; index += 1) made.push((await stripe.customers.create({ email: shared, name: `Customer ${index}` })).id);
const paged = [];
for await (const each of stripe.customers.list({ email: shared, limit: 3 })) paged.push(each.id);
same('pages follow each other by themselves', paged, [...made].reverse());
const backwards = await stripe.customers.list({ email: shared, ending_before: made[0], limit: 2 });
same('pages go backwards', [backwards.data.map((each) => each.id), backwards.has_more], [[made[2], made[1]], true]);

const events = await stripe.events.list({ type: 'customer.subscription.created', limit: 100 });
const event = events.data.find((each) => each.data.object.id === subscription.id);
fact('what happened is an event', event && /^evt_/.test(event.id), events.data.map((each) => each.type));
same('an event is read by its id', (await stripe.events.retrieve(event.id)).type, 'customer.subscription.created');
const updates = await stripe.events.list({ types: ['customer.subscription.updated', 'customer.subscription.deleted'] });
fact('events tell what was before', updates.data.some((each) => each.data.previous_attributes?.cancel_at === null), updates.data);

const idempotencyKey = `key-${run}`;
const first = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
const again = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
same('a key makes one customer', again.id, first.id);
same('the second answer says that it is the first', again.lastResponse.headers['idempotent-replayed'], 'true');
const other = await refused('another customer under the key', stripe.customers.create({ name: 'Twice' }, { idempotencyKey }));
same('a key with other parameters is an idempotency error', [other.type, other.statusCode], ['StripeIdempotencyError', 400]);

// Checkout.
const order = {
  mode: 'subscription',
  line_items: [{ price: 'price_1SandboxDemoStartMonthly1', quantity: 1 }],
  success_url: new URL('/sandbox/faults?session={CHECKOUT_SESSION_ID}', base).href,
  client_reference_id: run,
  subscription_data: { metadata: { run } },
};
const session = await stripe.checkout.sessions.create(order);
same('a checkout session is open', [session.status, session.payment_status, session.amount_total], ['open', 'unpaid', 900]);
const items = await stripe.checkout.sessions.listLineItems(session.id);
same('its items are listed', items.data.map((each) => [each.description, each.quantity]), [['Starter plan', 1]]);
const shown = await (await fetch(session.url)).text();
const hidden = [...shown.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map((found) => [found[1], found[2]]);
const typedCard = { email: `${run}-pays@example.com`, 'card-number': '4242424242424242', 'card-expiry': '12/34', 'card-cvc': '123', 'card-name': 'Node' };
const body = new URLSearchParams([...hidden, ...Object.entries(typedCard)]);
const landed = await fetch(session.url, { method: 'POST', body, redirect: 'manual' });
same('its page pays and leads back', [landed.status, new URL(landed.headers.get('location')).searchParams.get('session')], [303, session.id]);
const paid = await stripe.checkout.sessions.retrieve(session.id, { expand: ['customer', 'subscription', 'invoice'] });
same('it is complete', [paid.status, paid.payment_status, paid.url, paid.client_reference_id], ['complete', 'paid', null, run]);
same('it has made a customer', [paid.customer.email, paid.customer.name], [typedCard.email, 'Node']);
same('who has subscribed and paid', [paid.subscription.status, paid.subscription.metadata.run, paid.invoice.status], ['active', run, 'paid']);
const completed = await stripe.events.list({ type: 'checkout.session.completed', limit: 1 });
same('an event tells it', completed.data[0].data.object.id, session.id);
const open = await stripe.checkout.sessions.create({ ...order, customer: customer.id });
same('an open session is expired', (await stripe.checkout.sessions.expire(open.id)).status, 'expired');
const listedSessions = await stripe.checkout.sessions.list({ customer: customer.id });
same('sessions are listed by customer', listedSessions.data.map((each) => each.id), [open.id]);

// Errors, typed.
const stranger = await refused('a key that is none', new Stripe('sk_live_OfficialNodeClient001', at).customers.list());
same('a live key is an authentication error', [stranger.type, stranger.statusCode], ['StripeAuthenticationError', 401]);
const nobody = await refused('an unknown id', stripe.customers.retrieve('cus_nobody'));
same('an unknown id in the path', [nobody.type, nobody.statusCode, nobody.code, nobody.param], ['StripeInvalidRequestError', 404, 'resource_missing', 'id']);
const nobodys = await refused('an unknown customer', stripe.billingPortal.sessions.create({ customer: 'cus_nobody' }));
same('an unknown id in the body', [nobodys.type, nobodys.statusCode, nobodys.code, nobodys.param], ['StripeInvalidRequestError', 400, 'resource_missing', 'customer']);
fact('errors have their request id and page', /^req_/.test(nobodys.requestId) && /^https:/.test(nobodys.doc_url), nobodys);
const unknown = await refused('an unknown parameter', stripe.customers.create({ nmae: 'x' }));
same('an unknown parameter', [unknown.type, unknown.code, unknown.param], ['StripeInvalidRequestError', 'parameter_unknown', 'nmae']);
const missing = await refused('no items', stripe.subscriptions.create({ customer: customer.id, items: [{ quantity: 1 }] }));
same('a missing parameter', [missing.type, missing.statusCode], ['StripeInvalidRequestError', 400]);
const bracketed = await refused('a bad word', stripe.billingPortal.sessions.create({ customer: customer.id, flow_data: { type: 'nonesuch' } }));
same('a bad word names its parameter with brackets', [bracketed.type, bracketed.param], ['StripeInvalidRequestError', 'flow_data[type]']);
const declined = await refused('a declined card', stripe.paymentMethods.attach('pm_card_visa_chargeDeclined', { customer: customer.id }));
same(
  'a declined card is a card error',
  [declined.type, declined.statusCode, declined.code, declined.decline_code],
  ['StripeCardError', 402, 'card_declined', 'generic_decline'],
);

// A bad day.
const faults = (fault, path, times = 1) =>
  fetch(new URL('/sandbox/faults', base), {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_OfficialNodeClient001' },
    body: new URLSearchParams({ fault, path, times }),
  }).then((answer) => answer.ok || fact(`the fault ${fault} is to come`, false, answer.status));
const troubles = {
  'status=429': ['StripeRateLimitError', 429, 'rate_limit'],
  'status=500': ['StripeAPIError', 500, undefined],
  drop: ['StripeConnectionError', undefined, undefined],
  truncate: ['StripeConnectionError', undefined, undefined],
};
for (const [fault, expected] of Object.entries(troubles)) {
  // A closed connection is tried once more by this client, even where it is to try nothing again.
  await faults(fault, '/v1/customers', fault === 'drop' ? 2 : 1);
  const error = await refused(fault, stripe.customers.list());
  same(`${fault} is a ${expected[0]}`, [error.type, error.statusCode, error.code], expected);
}
const patient = new Stripe('sk_test_OfficialNodeClient001', { ...at, maxNetworkRetries: 2 });
await faults('drop=after', '/v1/customers');
const retried = await patient.customers.create({ email: `${run}-retried@example.com` });
const twins = await stripe.customers.list({ email: `${run}-retried@example.com` });
same('an answer that was lost is asked for again, and nothing is done twice', twins.data.map((each) => each.id), [retried.id]);

// The end.
const detached = await stripe.paymentMethods.detach(card.id);
same('a card is detached', detached.customer, null);
same('and no longer listed', (await stripe.customers.listPaymentMethods(customer.id)).data, []);
const canceled = await stripe.subscriptions.cancel(subscription.id, { cancellation_details: { comment: 'Goodbye' } });
same('a subscription is canceled', [canceled.status, canceled.cancellation_details.comment], ['canceled', 'Goodbye']);
const deleted = await stripe.customers.del(customer.id);
same('a customer is deleted', deleted.deleted, true);
same('and says so when read', (await stripe.customers.retrieve(customer.id)).deleted, true);
const ended = await refused('a session of a deleted customer', stripe.billingPortal.sessions.create({ customer: customer.id }));
same('a deleted customer opens no portal', ended.code, 'resource_missing');

done();
