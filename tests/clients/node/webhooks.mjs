// Webhook deliveries of the sandbox at SANDBOX_URL, received with npm's unmodified `stripe`.

import { createServer } from 'node:http';
import Stripe from 'stripe';
import { done, check, expectError, checkEqual } from '../../checks.mjs';

const base = new URL(process.env.SANDBOX_URL);
const key = 'sk_test_OfficialNodeClient002';
const stripe = new Stripe(key, { host: base.hostname, port: base.port, protocol: 'http', maxNetworkRetries: 0 });

// A receiver that keeps the raw bytes and the signature header.
const received = [];
const answers = [];
const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    received.push({ body: Buffer.concat(chunks), signature: request.headers['stripe-signature'] });
    response.writeHead(answers.shift() ?? 200).end();
  });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/hooks`;

/** Waits for a number of matching deliveries and returns them. */
async function arrived(many, fits) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const found = received.filter((delivery) => fits(JSON.parse(delivery.body)));
    if (found.length >= many) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return check(`${many} deliveries arrive`, false, received.map((delivery) => delivery.body.toString()));
}

const control = (path, form) =>
  fetch(new URL(path, base), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: new URLSearchParams(form),
  }).then((answer) => answer.json());

// The endpoint.
const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ['*'], description: 'Of the tests' });
check('a created endpoint has a secret', /^we_/.test(endpoint.id) && /^whsec_/.test(endpoint.secret), endpoint.id);
const read = await stripe.webhookEndpoints.retrieve(endpoint.id);
checkEqual('the secret is returned only at creation', [read.url, read.status, read.secret], [url, 'enabled', undefined]);
checkEqual('endpoints are listed', (await stripe.webhookEndpoints.list()).data.map((each) => each.id), [endpoint.id]);
const encrypted = await expectError('https', stripe.webhookEndpoints.create({ url: 'https://example.com/', enabled_events: ['*'] }));
checkEqual('an https address is rejected', [encrypted.type, encrypted.code, encrypted.param], ['StripeInvalidRequestError', 'url_invalid', 'url']);

// Signatures.
const customer = await stripe.customers.create({ name: '김민지', metadata: { 'with space': 'a+b' } });
const isMade = (event) => event.type === 'customer.created' && event.data.object.id === customer.id;
const [delivery] = await arrived(1, isMade);
const event = stripe.webhooks.constructEvent(delivery.body, delivery.signature, endpoint.secret);
checkEqual('a delivery verifies', [event.type, event.data.object.name], ['customer.created', '김민지']);
checkEqual('the delivery matches the event in the API', (await stripe.events.retrieve(event.id)).data.object, event.data.object);
check('the signature verifies asynchronously', await stripe.webhooks.constructEventAsync(delivery.body, delivery.signature, endpoint.secret), delivery);
const forged = await expectError('another secret', (async () => stripe.webhooks.constructEvent(delivery.body, delivery.signature, 'whsec_other'))());
checkEqual('another secret does not verify', forged.type, 'StripeSignatureVerificationError');
const changed = Buffer.from(delivery.body.toString().replace('customer.created', 'customer.deleted'));
const tampered = await expectError('another body', (async () => stripe.webhooks.constructEvent(changed, delivery.signature, endpoint.secret))());
checkEqual('another body does not verify', tampered.type, 'StripeSignatureVerificationError');

// Retries and duplicates.
answers.push(500, 302);
const stubborn = await stripe.customers.create({ name: 'Stubborn' });
const tries = await arrived(3, (each) => each.data.object.id === stubborn.id);
check('a rejected delivery is retried', tries.every((each) => stripe.webhooks.constructEvent(each.body, each.signature, endpoint.secret)), tries);
await control('/sandbox/deliveries', { fault: 'double', type: 'customer.updated' });
await stripe.customers.update(customer.id, { name: 'Twice' });
const doubled = await arrived(2, (each) => each.type === 'customer.updated');
checkEqual('a delivery is duplicated on demand', new Set(doubled.map((each) => JSON.parse(each.body).id)).size, 1);
await control('/sandbox/deliveries/resend', { event: event.id });
await arrived(2, isMade);
check('an event is sent again', true);

// The sandbox clock.
const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
const price = await stripe.prices.create({ product_data: { name: 'Plan' }, currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' } });
const subscription = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: card.id });
const period = subscription.items.data[0].current_period_end;
const time = await control('/sandbox/clock', { to: period + 60 });
check('the clock advances', time.now >= period + 60 && time.offset > 0, time);
const isRenewal = (each) => each.type === 'invoice.paid' && each.data.object.billing_reason === 'subscription_cycle' && each.data.object.customer === customer.id;
const [renewal] = await arrived(1, isRenewal);
const paid = stripe.webhooks.constructEvent(renewal.body, renewal.signature, endpoint.secret);
check('a renewal is delivered with the real time in its signature', paid.created >= period && paid.created <= time.now, paid);

// Clean-up.
const off = await stripe.webhookEndpoints.update(endpoint.id, { disabled: true, enabled_events: ['invoice.paid'] });
checkEqual('an endpoint is disabled', [off.status, off.enabled_events], ['disabled', ['invoice.paid']]);
checkEqual('an endpoint is deleted', (await stripe.webhookEndpoints.del(endpoint.id)).deleted, true);
checkEqual('a deleted endpoint returns 404', (await expectError('a deleted endpoint', stripe.webhookEndpoints.retrieve(endpoint.id))).statusCode, 404);
server.close();
server.closeAllConnections();

done();
