// Events that come by themselves, received with npm's `stripe`, unmodified, from the sandbox at SANDBOX_URL.

import { createServer } from 'node:http';
import Stripe from 'stripe';
import { done, fact, refused, same } from '../../facts.mjs';

const base = new URL(process.env.SANDBOX_URL);
const key = 'sk_test_OfficialNodeClient002';
const stripe = new Stripe(key, { host: base.hostname, port: base.port, protocol: 'http', maxNetworkRetries: 0 });

// A receiver: the bytes as they came, and the header.
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

/** What has arrived, once enough fits. */
async function arrived(many, fits) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const found = received.filter((letter) => fits(JSON.parse(letter.body)));
    if (found.length >= many) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return fact(`${many} deliveries arrive`, false, received.map((letter) => letter.body.toString()));
}

const control = (path, form) =>
  fetch(new URL(path, base), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: new URLSearchParams(form),
  }).then((answer) => answer.json());

// The endpoint.
const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ['*'], description: 'Of the tests' });
fact('an endpoint is created, with a secret', /^we_/.test(endpoint.id) && /^whsec_/.test(endpoint.secret), endpoint.id);
const read = await stripe.webhookEndpoints.retrieve(endpoint.id);
same('the secret is told once', [read.url, read.status, read.secret], [url, 'enabled', undefined]);
same('endpoints are listed', (await stripe.webhookEndpoints.list()).data.map((each) => each.id), [endpoint.id]);
const encrypted = await refused('https', stripe.webhookEndpoints.create({ url: 'https://example.com/', enabled_events: ['*'] }));
same('an address that needs TLS is refused', [encrypted.type, encrypted.code, encrypted.param], ['StripeInvalidRequestError', 'url_invalid', 'url']);

// Signatures.
const customer = await stripe.customers.create({ name: '김민지', metadata: { 'with space': 'a+b' } });
const isMade = (event) => event.type === 'customer.created' && event.data.object.id === customer.id;
const [letter] = await arrived(1, isMade);
const event = stripe.webhooks.constructEvent(letter.body, letter.signature, endpoint.secret);
same('a delivery verifies', [event.type, event.data.object.name], ['customer.created', '김민지']);
same('it is the event that the API shows', (await stripe.events.retrieve(event.id)).data.object, event.data.object);
fact('it verifies without blocking too', await stripe.webhooks.constructEventAsync(letter.body, letter.signature, endpoint.secret), letter);
const forged = await refused('another secret', (async () => stripe.webhooks.constructEvent(letter.body, letter.signature, 'whsec_other'))());
same('under another secret it does not', forged.type, 'StripeSignatureVerificationError');
const changed = Buffer.from(letter.body.toString().replace('customer.created', 'customer.deleted'));
const tampered = await refused('another body', (async () => stripe.webhooks.constructEvent(changed, letter.signature, endpoint.secret))());
same('nor with another body', tampered.type, 'StripeSignatureVerificationError');

// Again, twice, later.
answers.push(500, 302);
const stubborn = await stripe.customers.create({ name: 'Stubborn' });
const tries = await arrived(3, (each) => each.data.object.id === stubborn.id);
fact('what is not taken comes again', tries.every((each) => stripe.webhooks.constructEvent(each.body, each.signature, endpoint.secret)), tries);
await control('/sandbox/deliveries', { fault: 'double', type: 'customer.updated' });
await stripe.customers.update(customer.id, { name: 'Twice' });
const doubled = await arrived(2, (each) => each.type === 'customer.updated');
same('a delivery comes twice where that is asked for', new Set(doubled.map((each) => JSON.parse(each.body).id)).size, 1);
await control('/sandbox/deliveries/resend', { event: event.id });
await arrived(2, isMade);
fact('an event is sent again', true);

// Time.
const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
const price = await stripe.prices.create({ product_data: { name: 'Plan' }, currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' } });
const subscription = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: card.id });
const period = subscription.items.data[0].current_period_end;
const time = await control('/sandbox/clock', { to: period + 60 });
fact('time moves', time.now >= period + 60 && time.offset > 0, time);
const isRenewal = (each) => each.type === 'invoice.paid' && each.data.object.billing_reason === 'subscription_cycle' && each.data.object.customer === customer.id;
const [renewal] = await arrived(1, isRenewal);
const paid = stripe.webhooks.constructEvent(renewal.body, renewal.signature, endpoint.secret);
fact('a renewal is delivered, signed at the true time', paid.created >= period && paid.created <= time.now, paid);

// The end.
const off = await stripe.webhookEndpoints.update(endpoint.id, { disabled: true, enabled_events: ['invoice.paid'] });
same('an endpoint is disabled', [off.status, off.enabled_events], ['disabled', ['invoice.paid']]);
same('an endpoint is deleted', (await stripe.webhookEndpoints.del(endpoint.id)).deleted, true);
same('and gone', (await refused('a deleted endpoint', stripe.webhookEndpoints.retrieve(endpoint.id))).statusCode, 404);
server.close();
server.closeAllConnections();

done();
