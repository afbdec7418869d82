// Events signed with npm's `stripe`, unmodified, and posted to the service at SERVICE_URL, which holds SIGNING_SECRET.

import Stripe from 'stripe';
import { done, fact, same } from '../../facts.mjs';

const { SERVICE_URL, SIGNING_SECRET, EVENT } = process.env;
const stripe = new Stripe('sk_test_OfficialNodeClient003');
const now = Math.floor(Date.now() / 1000);

/** The body of an event, spaced as Stripe spaces it: what is signed are its very bytes. */
const body = (id) =>
  JSON.stringify(
    {
      id,
      object: 'event',
      api_version: '2026-05-27.dahlia',
      created: now,
      data: { object: { id: 'cus_SandboxDemo001', object: 'customer', name: '김민지 & Söhne' } },
      livemode: false,
      pending_webhooks: 1,
      request: null,
      type: 'customer.updated',
    },
    null,
    2,
  );

const sign = (payload, { secret = SIGNING_SECRET, timestamp } = {}) => stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });

/** What the service answers: status, and the body as JSON. */
async function deliver(payload, signature) {
  const answer = await fetch(`${SERVICE_URL}/api/v1/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
    body: payload,
  });
  return [answer.status, await answer.json()];
}

const accepted = [200, { received: true }];
const good = body(EVENT);
same('a signature is accepted', await deliver(good, sign(good)), accepted);
same('and again, for the same event', await deliver(good, sign(good)), accepted);
const unhurried = await stripe.webhooks.generateTestHeaderStringAsync({ payload: good, secret: SIGNING_SECRET });
same('so is one that was made without blocking', await deliver(good, unhurried), accepted);
const both = `${sign(good, { secret: 'whsec_rolled', timestamp: now })},${sign(good, { timestamp: now }).split(',')[1]}`;
same('and one of two, as while a secret is rolled', await deliver(good, both), accepted);
same('and one within the tolerance', await deliver(good, sign(good, { timestamp: now - 240 })), accepted);

const bad = body('evt_never_taken');
const refusals = {
  'a wrong secret is refused': sign(bad, { secret: 'whsec_wrong' }),
  'an old time is refused': sign(bad, { timestamp: now - 302 }),
  'a time ahead is refused': sign(bad, { timestamp: now + 600 }),
  'the signature of another body is refused': sign(bad.replace('customer.updated', 'customer.deleted')),
};
for (const [name, signature] of Object.entries(refusals)) {
  const [status, problem] = await deliver(bad, signature);
  same(name, [status, problem.code], [400, 'invalid_signature']);
  let verdict;
  try {
    verdict = stripe.webhooks.constructEvent(bad, signature, SIGNING_SECRET).id;
  } catch (error) {
    verdict = error.type;
  }
  // The package looks back only; we look ahead, too.
  const ahead = name === 'a time ahead is refused';
  fact(`${name}, ${ahead ? 'which is stricter than the package' : 'as by the package'}`, (verdict === 'StripeSignatureVerificationError') !== ahead, verdict);
}

done();
