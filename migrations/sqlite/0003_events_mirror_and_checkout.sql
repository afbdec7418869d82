-- Events that a provider sent, until they are applied and for a while after. Of what they say nothing is kept but whom it is
-- about.
CREATE TABLE webhook_events (
    provider      TEXT    NOT NULL,
    mode          TEXT    NOT NULL,
    event_id      TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    subject_kind  TEXT    NOT NULL,
    subject_id    TEXT,
    created_at    INTEGER NOT NULL,
    received_at   INTEGER NOT NULL,
    state         TEXT    NOT NULL,
    -- Of a pending one: when it is due. Of others: since when they are what they are.
    state_at      INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    error         TEXT,
    -- To whom it was handed out last, and until when it is theirs: absent once they gave it back.
    claim_token   TEXT,
    claimed_until INTEGER,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (provider, mode, event_id),
    CONSTRAINT webhook_events_provider_length CHECK (length(provider) BETWEEN 1 AND 32),
    CONSTRAINT webhook_events_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT webhook_events_event_id_length CHECK (length(event_id) BETWEEN 1 AND 255),
    CONSTRAINT webhook_events_kind_length CHECK (length(kind) BETWEEN 1 AND 255),
    CONSTRAINT webhook_events_subject_kind_known CHECK (subject_kind IN ('customer', 'subscription', 'nobody')),
    CONSTRAINT webhook_events_subject_form CHECK ((subject_kind = 'nobody') = (subject_id IS NULL)),
    CONSTRAINT webhook_events_state_known CHECK (state IN ('pending', 'applied', 'ignored', 'dead')),
    CONSTRAINT webhook_events_attempts_not_negative CHECK (attempts >= 0),
    CONSTRAINT webhook_events_error_length CHECK (length(error) <= 500),
    CONSTRAINT webhook_events_claim_form CHECK (claimed_until IS NULL OR (claim_token IS NOT NULL AND state = 'pending'))
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_events_due ON webhook_events (provider, mode, state_at, event_id) WHERE state = 'pending';
CREATE INDEX webhook_events_by_subject ON webhook_events (subject_id, provider, mode, state);
CREATE INDEX webhook_events_by_state ON webhook_events (provider, mode, state, received_at DESC, event_id);
CREATE INDEX webhook_events_by_receipt ON webhook_events (provider, mode, received_at DESC, event_id);
CREATE INDEX webhook_events_done ON webhook_events (state_at) WHERE state IN ('applied', 'ignored');

-- What a provider said last about a customer. One who is gone stays as a tombstone.
CREATE TABLE customer_mirror (
    provider    TEXT    NOT NULL,
    mode        TEXT    NOT NULL,
    customer_id TEXT    NOT NULL,
    -- How often the row was written.
    version     INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    read_at     INTEGER NOT NULL,
    CONSTRAINT customer_mirror_pkey PRIMARY KEY (provider, mode, customer_id),
    CONSTRAINT customer_mirror_provider_length CHECK (length(provider) BETWEEN 1 AND 32),
    CONSTRAINT customer_mirror_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT customer_mirror_customer_id_length CHECK (length(customer_id) BETWEEN 1 AND 255),
    CONSTRAINT customer_mirror_version_positive CHECK (version > 0),
    CONSTRAINT customer_mirror_state_known CHECK (state IN ('present', 'gone'))
) STRICT, WITHOUT ROWID;

-- The subscriptions of customers in the mirror. Written only together with the customer's row, and after it.
CREATE TABLE subscription_mirror (
    provider             TEXT    NOT NULL,
    mode                 TEXT    NOT NULL,
    subscription_id      TEXT    NOT NULL,
    customer_id          TEXT    NOT NULL,
    status               TEXT    NOT NULL,
    -- Separated by one space, which none of them holds. Empty for none.
    prices               TEXT    NOT NULL,
    cycle                TEXT,
    created_at           INTEGER NOT NULL,
    period_start         INTEGER,
    period_end           INTEGER,
    -- 0 or 1.
    cancel_at_period_end INTEGER NOT NULL,
    cancel_at            INTEGER,
    CONSTRAINT subscription_mirror_pkey PRIMARY KEY (provider, mode, subscription_id),
    CONSTRAINT subscription_mirror_provider_length CHECK (length(provider) BETWEEN 1 AND 32),
    CONSTRAINT subscription_mirror_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT subscription_mirror_subscription_id_length CHECK (length(subscription_id) BETWEEN 1 AND 255),
    CONSTRAINT subscription_mirror_customer_id_length CHECK (length(customer_id) BETWEEN 1 AND 255),
    CONSTRAINT subscription_mirror_cycle_known CHECK (cycle IN ('monthly', 'yearly')),
    CONSTRAINT subscription_mirror_cancel_at_period_end_form CHECK (cancel_at_period_end IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX subscription_mirror_by_customer ON subscription_mirror (customer_id, provider, mode);

-- Who asked a provider for a customer under which key. At most one claim for each user, provider and mode, made before the
-- provider is asked: no race makes two customers.
CREATE TABLE customer_claims (
    user_id      TEXT    NOT NULL,
    provider     TEXT    NOT NULL,
    mode         TEXT    NOT NULL,
    provider_key TEXT    NOT NULL,
    customer_id  TEXT,
    claimed_at   INTEGER NOT NULL,
    CONSTRAINT customer_claims_pkey PRIMARY KEY (user_id, provider, mode),
    CONSTRAINT customer_claims_user_id_length CHECK (length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT customer_claims_provider_length CHECK (length(provider) BETWEEN 1 AND 32),
    CONSTRAINT customer_claims_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT customer_claims_provider_key_length CHECK (length(provider_key) BETWEEN 1 AND 255),
    CONSTRAINT customer_claims_customer_id_length CHECK (length(customer_id) BETWEEN 1 AND 255)
) STRICT, WITHOUT ROWID;

CREATE INDEX customer_claims_by_customer ON customer_claims (provider, mode, customer_id) WHERE customer_id IS NOT NULL;

-- Checkout requests that came with an Idempotency-Key. The session's URL stands nowhere.
CREATE TABLE checkout_requests (
    user_id         TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    mode            TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    content         TEXT    NOT NULL,
    provider_key    TEXT    NOT NULL,
    customer_id     TEXT,
    session_id      TEXT,
    created_at      INTEGER NOT NULL,
    CONSTRAINT checkout_requests_pkey PRIMARY KEY (user_id, provider, mode, idempotency_key),
    CONSTRAINT checkout_requests_user_id_length CHECK (length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT checkout_requests_provider_length CHECK (length(provider) BETWEEN 1 AND 32),
    CONSTRAINT checkout_requests_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT checkout_requests_idempotency_key_length CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    CONSTRAINT checkout_requests_provider_key_length CHECK (length(provider_key) BETWEEN 1 AND 255),
    CONSTRAINT checkout_requests_customer_id_length CHECK (length(customer_id) BETWEEN 1 AND 255),
    CONSTRAINT checkout_requests_session_id_length CHECK (length(session_id) BETWEEN 1 AND 255),
    CONSTRAINT checkout_requests_made_form CHECK ((customer_id IS NULL) = (session_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX checkout_requests_by_moment ON checkout_requests (created_at);

-- Which replica does what only one should do, and until when.
CREATE TABLE leaderships (
    duty       TEXT    NOT NULL,
    holder     TEXT    NOT NULL,
    held_until INTEGER NOT NULL,
    CONSTRAINT leaderships_pkey PRIMARY KEY (duty),
    CONSTRAINT leaderships_duty_length CHECK (length(duty) BETWEEN 1 AND 255),
    CONSTRAINT leaderships_holder_length CHECK (length(holder) BETWEEN 1 AND 255)
) STRICT, WITHOUT ROWID;
