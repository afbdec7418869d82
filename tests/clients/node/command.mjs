// The `stripe` command of npm's `@stripe/cli`, unmodified, against the sandbox at SANDBOX_URL.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { done, fact, same } from '../../facts.mjs';

const shim = createRequire(import.meta.url).resolve('@stripe/cli/bin/shim.js');
const key = 'sk_test_OfficialStripeCommand01';

/** Runs the command: its exit code, and what it printed. */
function stripe(apiKey, ...words) {
  // HOME is a folder of the test's own. What is not on loopback leads into a proxy that is none.
  const env = {
    HOME: process.env.HOME,
    PATH: process.env.PATH,
    STRIPE_CLI_TELEMETRY_OPTOUT: '1',
    STRIPE_NO_AUTO_UPDATE: '1',
    HTTPS_PROXY: 'http://127.0.0.1:9',
  };
  const base = ['--api-base', process.env.SANDBOX_URL, '--api-key', apiKey, '--color', 'off'];
  const ended = spawnSync(process.execPath, [shim, ...words, ...base], { env, encoding: 'utf8', timeout: 60_000 });
  return { code: ended.status, text: ended.stdout, errors: ended.stderr };
}

/** The object that a command prints that succeeds. The command's exit code is 0 for Stripe's errors too. */
function object(...words) {
  const ended = stripe(key, ...words);
  try {
    // With --confirm it says first on which account it acts.
    const printed = JSON.parse(ended.text.slice(ended.text.indexOf('{')));
    if (ended.code === 0 && !printed.error) return printed;
  } catch {
    // Told below, with the text that is no JSON.
  }
  return fact(`stripe ${words.join(' ')}`, false, ended);
}

/** The error that a command prints that is refused. */
function error(apiKey, ...words) {
  const ended = stripe(apiKey, ...words);
  const text = ended.text + ended.errors;
  const json = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
  try {
    return JSON.parse(json).error;
  } catch {
    return fact(`stripe ${words.join(' ')} prints an error`, false, ended);
  }
}

const customer = object('customers', 'create', '--name', 'Command Line', '--email', 'command@example.com', '-d', 'metadata[from]=cli & co');
fact('customers create', /^cus_/.test(customer.id), customer);
same('data arrive as they were given', customer.metadata, { from: 'cli & co' });
const card = object('payment_methods', 'attach', 'pm_card_visa', '--customer', customer.id);
same('payment_methods attach', card.card.last4, '4242');
const chosen = object('customers', 'update', customer.id, '-d', `invoice_settings[default_payment_method]=${card.id}`);
same('customers update', chosen.invoice_settings.default_payment_method, card.id);
const product = object('products', 'create', '--name', 'Command plan');
const price = object('prices', 'create', '--currency', 'usd', '--unit-amount', '900', '--product', product.id, '--recurring.interval', 'month');
same('products and prices create', [price.product, price.unit_amount], [product.id, 900]);
const subscription = object('subscriptions', 'create', '--customer', customer.id, '-d', `items[0][price]=${price.id}`);
same('subscriptions create', subscription.status, 'active');
const invoices = object('invoices', 'list', '--customer', customer.id);
same('invoices list', invoices.data.map((invoice) => [invoice.status, invoice.total]), [['paid', 900]]);

const flows = {
  none: [],
  payment_method_update: [],
  subscription_cancel: [`flow_data[subscription_cancel][subscription]=${subscription.id}`],
  subscription_update: [`flow_data[subscription_update][subscription]=${subscription.id}`],
  subscription_update_confirm: [
    `flow_data[subscription_update_confirm][subscription]=${subscription.id}`,
    `flow_data[subscription_update_confirm][items][0][id]=${subscription.items.data[0].id}`,
    `flow_data[subscription_update_confirm][items][0][price]=${price.id}`,
    'flow_data[subscription_update_confirm][items][0][quantity]=2',
  ],
};
for (const [name, fields] of Object.entries(flows)) {
  const data = [...(name === 'none' ? [] : [`flow_data[type]=${name}`]), ...fields].flatMap((field) => ['-d', field]);
  const session = object('billing_portal', 'sessions', 'create', '--customer', customer.id, ...data);
  const page = await fetch(session.url);
  same(`billing_portal sessions create, flow ${name}, and its URL opens`, [session.flow?.type, page.status], [name === 'none' ? undefined : name, 200]);
}

const listed = object('get', '/v1/customers', '--limit', '1', '-d', 'email=command@example.com');
same('get', [listed.object, listed.data[0].id], ['list', customer.id]);
const expanded = object('get', subscription.id, '--expand', 'customer');
same('get by id, expanded', expanded.customer.email, 'command@example.com');
const events = object('events', 'list', '--type', 'customer.created');
fact('events list', events.data.some((event) => event.data.object.id === customer.id), events);
const posted = object('post', `/v1/subscriptions/${subscription.id}`, '-d', 'cancel_at_period_end=true');
same('post', posted.cancel_at, subscription.items.data[0].current_period_end);
const once = object('post', '/v1/customers', '--idempotency', 'command-line-key', '-d', 'name=Once');
const twice = object('post', '/v1/customers', '--idempotency', 'command-line-key', '-d', 'name=Once');
same('post with an idempotency key', twice.id, once.id);

const nobody = error(key, 'customers', 'retrieve', 'cus_nobody');
same('an unknown id', [nobody.type, nobody.code, nobody.param], ['invalid_request_error', 'resource_missing', 'id']);
const declined = error(key, 'payment_methods', 'attach', 'pm_card_visa_chargeDeclined', '--customer', customer.id);
same('a declined card', [declined.type, declined.code, declined.decline_code], ['card_error', 'card_declined', 'generic_decline']);
const clash = error(key, 'post', '/v1/customers', '--idempotency', 'command-line-key', '-d', 'name=Twice');
same('a key with other parameters', clash.type, 'idempotency_error');

const fault = { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: new URLSearchParams({ fault: 'status=500' }) };
same('a failure is to come', (await fetch(`${process.env.SANDBOX_URL}/sandbox/faults`, fault)).status, 200);
same('a failure', error(key, 'customers', 'retrieve', customer.id).type, 'api_error');

const canceled = object('subscriptions', 'cancel', subscription.id, '--confirm');
same('subscriptions cancel', canceled.status, 'canceled');
const deleted = object('customers', 'delete', customer.id, '--confirm');
same('customers delete', deleted.deleted, true);

done();
