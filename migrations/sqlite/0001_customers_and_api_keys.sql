-- Moments are milliseconds since the Unix epoch, UTC. Text compares by code point (SQLite's default, BINARY).

-- Which customer a user is at a provider, in one of its modes. Several users may share a customer.
CREATE TABLE billing_customers (
    user_id     TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    mode        TEXT    NOT NULL,
    customer_id TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    CONSTRAINT billing_customers_pkey PRIMARY KEY (user_id, provider, mode),
    CONSTRAINT billing_customers_user_id_length CHECK (length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT billing_customers_provider_length CHECK (length(provider) BETWEEN 1 AND 32),
    CONSTRAINT billing_customers_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT billing_customers_customer_id_length CHECK (length(customer_id) BETWEEN 1 AND 255)
) STRICT, WITHOUT ROWID;

CREATE INDEX billing_customers_by_customer ON billing_customers (provider, mode, customer_id);

-- End users' API keys: what they may do, and what proves them. The keys themselves stand nowhere.
CREATE TABLE api_keys (
    id             TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    -- Separated by one space, as OAuth scopes are (RFC 6749, section 3.3); neither holds a space. Empty for none.
    permissions    TEXT    NOT NULL,
    return_origins TEXT    NOT NULL,
    -- HMAC-SHA-256 of the secret under the pepper, in lower-case hex.
    secret_gate    TEXT    NOT NULL,
    -- The argon2id hash of the secret, as a PHC string.
    secret_hash    TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    revoked_at     INTEGER,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_id_length CHECK (length(id) BETWEEN 12 AND 64),
    CONSTRAINT api_keys_user_id_length CHECK (length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT api_keys_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_secret_gate_length CHECK (length(secret_gate) = 64),
    CONSTRAINT api_keys_secret_hash_form CHECK (secret_hash LIKE '$%')
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at, id);
