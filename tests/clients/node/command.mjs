// The unmodified `stripe` command of npm's `@stripe/cli` against the sandbox at SANDBOX_URL.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { done, check, checkEqual } from '../../checks.mjs';

const shim = createRequire(import.meta.url).resolve('@stripe/cli/bin/shim.js');
const key = 'sk_test_OfficialStripeCommand01';

/** Runs the command. Returns its exit code and output. */
function stripe(apiKey, ...args) {
  // HOME is a temporary folder. Requests to other hosts than loopback go to an unreachable proxy.
  const env = {
    HOME: process.env.HOME,
    PATH: process.env.PATH,
    STRIPE_CLI_TELEMETRY_OPTOUT: '1',
    STRIPE_NO_AUTO_UPDATE: '1',
    HTTPS_PROXY: 'http://127.0.0.1:9',
  };
  const base = ['--api-base', process.env.SANDBOX_URL, '--api-key', apiKey, '--color', 'off'];
  const ended = spawnSync(process.execPath, [shim, ...args, ...base], { env, encoding: 'utf8', timeout: 60_000 });
  return { code: ended.status, text: ended.stdout, errors: ended.stderr };
}

/** Returns the object that a successful command prints. The exit code is 0 also for Stripe's errors. */
function object(...args) {
  const ended = stripe(key, ...args);
  try {
    // With --confirm the command first prints the account.
    const printed = JSON.parse(ended.text.slice(ended.text.indexOf('{')));
    if (ended.code === 0 && !printed.error) return printed;
  } catch {
    // Reported below with the text.
  }
  return check(`stripe ${args.join(' ')}`, false, ended);
}

/** Returns the error that a failed command prints. */
function error(apiKey, ...args) {
  const ended = stripe(apiKey, ...args);
  const text = ended.text + ended.errors;
  const json = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
  try {
    return JSON.parse(json).error;
  } catch {
    return check(`stripe ${args.join(' ')} prints an error`, false, ended);
  }
}

const customer = object('customers', 'create', '--name', 'Command Line', '--email', 'command@example.com', '-d', 'metadata[from]=cli & co');
check('customers create', /^cus_/.test(customer.id), customer);
checkEqual('data are stored unchanged', customer.metadata, { from: 'cli & co' });
const card = object('payment_methods', 'attach', 'pm_card_visa', '--customer', customer.id);
checkEqual('payment_methods attach', card.card.last4, '4242');
const chosen = object('customers', 'update', customer.id, '-d', `invoice_settings[default_payment_method]=${card.id}`);
checkEqual('customers update', chosen.invoice_settings.default_payment_method, card.id);
const product = object('products', 'create', '--name', 'Command plan');
const price = object('prices', 'create', '--currency', 'usd', '--unit-amount', '900', '--product', product.id, '--recurring.interval', 'month');
checkEqual('products and prices create', [price.product, price.unit_amount], [product.id, 900]);
const subscription = object('subscriptions', 'create', '--customer', customer.id, '-d', `items[0][price]=${price.id}`);
checkEqual('subscriptions create', subscription.status, 'active');
const invoices = object('invoices', 'list', '--customer', customer.id);
checkEqual('invoices list', invoices.data.map((invoice) => [invoice.status, invoice.total]), [['paid', 900]]);

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
  checkEqual(`billing_portal sessions create, flow ${name}, and its URL opens`, [session.flow?.type, page.status], [name === 'none' ? undefined : name, 200]);
}

const listed = object('get', '/v1/customers', '--limit', '1', '-d', 'email=command@example.com');
checkEqual('get', [listed.object, listed.data[0].id], ['list', customer.id]);
const expanded = object('get', subscription.id, '--expand', 'customer');
checkEqual('get by id, expanded', expanded.customer.email, 'command@example.com');
const events = object('events', 'list', '--type', 'customer.created');
check('events list', events.data.some((event) => event.data.object.id === customer.id), events);
const posted = object('post', `/v1/subscriptions/${subscription.id}`, '-d', 'cancel_at_period_end=true');
checkEqual('post', posted.cancel_at, subscription.items.data[0].current_period_end);
const once = object('post', '/v1/customers', '--idempotency', 'command-line-key', '-d', 'name=Once');
const twice = object('post', '/v1/customers', '--idempotency', 'command-line-key', '-d', 'name=Once');
checkEqual('post with an idempotency key', twice.id, once.id);

const unknown = error(key, 'customers', 'retrieve', 'cus_unknown');
checkEqual('an unknown id', [unknown.type, unknown.code, unknown.param], ['invalid_request_error', 'resource_missing', 'id']);
const declined = error(key, 'payment_methods', 'attach', 'pm_card_visa_chargeDeclined', '--customer', customer.id);
checkEqual('a declined card', [declined.type, declined.code, declined.decline_code], ['card_error', 'card_declined', 'generic_decline']);
const clash = error(key, 'post', '/v1/customers', '--idempotency', 'command-line-key', '-d', 'name=Twice');
checkEqual('a key with other parameters', clash.type, 'idempotency_error');

const fault = { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: new URLSearchParams({ fault: 'status=500' }) };
checkEqual('a fault is scheduled', (await fetch(`${process.env.SANDBOX_URL}/sandbox/faults`, fault)).status, 200);
checkEqual('a fault is an API error', error(key, 'customers', 'retrieve', customer.id).type, 'api_error');

const canceled = object('subscriptions', 'cancel', subscription.id, '--confirm');
checkEqual('subscriptions cancel', canceled.status, 'canceled');
const deleted = object('customers', 'delete', customer.id, '--confirm');
checkEqual('customers delete', deleted.deleted, true);

done();
