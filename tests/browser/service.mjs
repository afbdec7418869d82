// A client of the service, and the demo user's account in Stripe's API.

import { setTimeout as pause } from 'node:timers/promises';
import { check } from '../checks.mjs';

const { SERVICE_URL, SANDBOX_URL, ACCESS_TOKEN, NEWCOMER_TOKEN } = process.env;

/** Timeout of a condition. It is generous for busy machines. */
const TIMEOUT_MS = 60_000;

/** The access token of a user without a purchase. */
export const newcomer = NEWCOMER_TOKEN;

/** Sends a request with an access token. Returns the response's status and JSON body. */
export async function request(method, path, token, body) {
  const answer = await fetch(`${SERVICE_URL}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** Polls until the result fits, and returns it. */
export async function until(name, probe, fits) {
  let found = await probe();
  for (const deadline = Date.now() + TIMEOUT_MS; !fits(found) && Date.now() < deadline; found = await probe()) await pause(20);
  check(name, fits(found), found);
  return found;
}

/** Creates a portal session for the demo user and returns its URL. */
export async function portal(body = {}) {
  const answer = await request('POST', '/api/v1/subscriptions/portal', ACCESS_TOKEN, body);
  if (answer.status !== 200) throw new Error(`no portal session: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body.url;
}

/** The portal's return URL. */
export const home = `${SERVICE_URL}/`;

/** Calls Stripe's API. Default method: GET without fields, POST with fields. Field names have brackets. */
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

/** Creates a checkout session for the demo's Professional plan. */
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

/** Reads the current state of the demo user's account. */
export const account = {
  customer: () => stripe(`customers/${customer}`),
  cards: async () => (await stripe(`customers/${customer}/payment_methods?limit=100`)).data,
  subscription: async () => (await stripe(`subscriptions?customer=${customer}&limit=1&status=all`)).data[0],
  invoices: async () => (await stripe(`invoices?customer=${customer}&limit=100`)).data,
  invoice: (id) => stripe(`invoices/${id}`),
};
