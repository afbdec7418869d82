// The service as its clients see it, and the account behind it as Stripe's API tells it.

import { setTimeout as pause } from 'node:timers/promises';
import { fact } from '../facts.mjs';

const { SERVICE_URL, SANDBOX_URL, ACCESS_TOKEN, NEWCOMER_TOKEN } = process.env;

/** How long a fact may take on a busy machine. */
const PATIENCE_MS = 60_000;

/** The access token of somebody who has bought nothing yet. */
export const newcomer = NEWCOMER_TOKEN;

/** What the service answers to a request with this access token: its status, and its body as JSON. */
export async function ask(method, path, token, body) {
  const answer = await fetch(`${SERVICE_URL}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** Asks again and again until the answer fits, and gives it. */
export async function until(name, probe, fits) {
  let found = await probe();
  for (const deadline = Date.now() + PATIENCE_MS; !fits(found) && Date.now() < deadline; found = await probe()) await pause(20);
  fact(name, fits(found), found);
  return found;
}

/** The URL of a fresh portal session for the demo user. */
export async function portal(body = {}) {
  const answer = await ask('POST', '/api/v1/subscriptions/portal', ACCESS_TOKEN, body);
  if (answer.status !== 200) throw new Error(`no portal session: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body.url;
}

/** Where the portal leads back to. */
export const home = `${SERVICE_URL}/`;

/** A call of Stripe's API: GET without fields, else POST, unless it says otherwise. Fields are named with brackets, as on the wire. */
export async function stripe(path, fields, method = fields ? 'POST' : 'GET') {
  const answer = await fetch(`${SANDBOX_URL}/v1/${path}`, {
    method,
    headers: { authorization: 'Bearer sk_test_BrowserTests0001' },
    body: fields && new URLSearchParams(fields),
  });
  const object = await answer.json();
  if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(object)}`);
  return object;
}

/** A checkout session for the demo's middle plan. */
export const checkout = (fields = {}) =>
  stripe('checkout/sessions', {
    mode: 'subscription',
    'line_items[0][price]': 'price_1SandboxDemoProMonthly01',
    'line_items[0][quantity]': 1,
    success_url: `${home}?session={CHECKOUT_SESSION_ID}`,
    cancel_url: `${home}?canceled`,
    ...fields,
  });

/** The demo user's customer. */
export const customer = process.env.CUSTOMER;

/** What there is now of the demo user's account. */
export const account = {
  customer: () => stripe(`customers/${customer}`),
  cards: async () => (await stripe(`customers/${customer}/payment_methods?limit=100`)).data,
  subscription: async () => (await stripe(`subscriptions?customer=${customer}&limit=1&status=all`)).data[0],
  invoices: async () => (await stripe(`invoices?customer=${customer}&limit=100`)).data,
  invoice: (id) => stripe(`invoices/${id}`),
};
