// The service as its clients see it, and the account behind it as Stripe's API tells it.

const { SERVICE_URL, SANDBOX_URL, ACCESS_TOKEN } = process.env;

/** The URL of a fresh portal session for the demo user. */
export async function portal(body = {}) {
  const answer = await fetch(`${SERVICE_URL}/api/v1/subscriptions/portal`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ACCESS_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 200) throw new Error(`no portal session: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).url;
}

/** Where the portal leads back to. */
export const home = `${SERVICE_URL}/`;

/** A call of Stripe's API: GET without fields, else POST. Fields are named with brackets, as on the wire. */
export async function stripe(path, fields) {
  const answer = await fetch(`${SANDBOX_URL}/v1/${path}`, {
    method: fields ? 'POST' : 'GET',
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
