-- Moments are milliseconds since the Unix epoch, UTC. Text compares by code point (COLLATE "C"), whatever the
-- database's locale: ids are no words, and an index must survive an upgrade of the locale's library.

-- Which customer a user is at a provider, in one of its modes. Several users may share a customer.
CREATE TABLE billing_customers (
    user_id     text COLLATE "C" NOT NULL,
    provider    text COLLATE "C" NOT NULL,
    mode        text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    created_at  bigint           NOT NULL,
    updated_at  bigint           NOT NULL,
    CONSTRAINT billing_customers_pkey PRIMARY KEY (user_id, provider, mode),
    CONSTRAINT billing_customers_user_id_length CHECK (length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT billing_customers_provider_length CHECK (length(provider) BETWEEN 1 AND 32),
    CONSTRAINT billing_customers_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT billing_customers_customer_id_length CHECK (length(customer_id) BETWEEN 1 AND 255)
);

CREATE INDEX billing_customers_by_customer ON billing_customers (provider, mode, customer_id);

-- End users' API keys: what they may do, and what proves them. The keys themselves stand nowhere.
CREATE TABLE api_keys (
    id             text COLLATE "C" NOT NULL,
    user_id        text COLLATE "C" NOT NULL,
    name           text COLLATE "C" NOT NULL,
    -- Separated by one space, as OAuth scopes are (RFC 6749, section 3.3); neither holds a space. Empty for none.
    permissions    text COLLATE "C" NOT NULL,
    return_origins text COLLATE "C" NOT NULL,
    -- HMAC-SHA-256 of the secret under the pepper, in lower-case hex.
    secret_gate    text COLLATE "C" NOT NULL,
    -- The argon2id hash of the secret, as a PHC string.
    secret_hash    text COLLATE "C" NOT NULL,
    created_at     bigint           NOT NULL,
    expires_at     bigint,
    revoked_at     bigint,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_id_length CHECK (length(id) BETWEEN 12 AND 64),
    CONSTRAINT api_keys_user_id_length CHECK (length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT api_keys_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_secret_gate_length CHECK (length(secret_gate) = 64),
    CONSTRAINT api_keys_secret_hash_form CHECK (secret_hash LIKE '$%')
);

CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at, id);
