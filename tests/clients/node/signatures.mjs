// Events signed with npm's unmodified `stripe`, and posted to the service at SERVICE_URL with
// SIGNING_SECRET.

import Stripe from 'stripe';
import { done, check, checkEqual } from '../../checks.mjs';

const { SERVICE_URL, SIGNING_SECRET, EVENT } = process.env;
const stripe = new Stripe('sk_test_OfficialNodeClient003');
const now = Math.floor(Date.now() / 1000);

/** Creates an event's body, formatted like Stripe's. The signature covers the exact bytes. */
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

/** Posts an event. Returns the response's status and JSON body. */
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
checkEqual('a signature is accepted', await deliver(good, sign(good)), accepted);
checkEqual('a repeated delivery is accepted', await deliver(good, sign(good)), accepted);
const signedAsync = await stripe.webhooks.generateTestHeaderStringAsync({ payload: good, secret: SIGNING_SECRET });
checkEqual('an asynchronously created signature is accepted', await deliver(good, signedAsync), accepted);
const both = `${sign(good, { secret: 'whsec_rolled', timestamp: now })},${sign(good, { timestamp: now }).split(',')[1]}`;
checkEqual('one valid signature of two is accepted, as during a rotation', await deliver(good, both), accepted);
checkEqual('a timestamp within the tolerance is accepted', await deliver(good, sign(good, { timestamp: now - 240 })), accepted);

const bad = body('evt_never_taken');
const rejections = {
  'a wrong secret is rejected': sign(bad, { secret: 'whsec_wrong' }),
  'an old timestamp is rejected': sign(bad, { timestamp: now - 302 }),
  'a future timestamp is rejected': sign(bad, { timestamp: now + 600 }),
  'the signature of another body is rejected': sign(bad.replace('customer.updated', 'customer.deleted')),
};
for (const [name, signature] of Object.entries(rejections)) {
  const [status, problem] = await deliver(bad, signature);
  checkEqual(name, [status, problem.code], [400, 'invalid_signature']);
  let verdict;
  try {
    verdict = stripe.webhooks.constructEvent(bad, signature, SIGNING_SECRET).id;
  } catch (error) {
    verdict = error.type;
  }
  // The package rejects old timestamps only. The service also rejects future ones.
  const ahead = name === 'a future timestamp is rejected';
  check(`${name}, ${ahead ? 'stricter than the package' : 'like the package'}`, (verdict === 'StripeSignatureVerificationError') !== ahead, verdict);
}

done();
