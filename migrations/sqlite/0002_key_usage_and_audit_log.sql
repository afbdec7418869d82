-- What judging keys leaves behind. All absent in keys of the release before.
ALTER TABLE api_keys ADD COLUMN description TEXT
    CONSTRAINT api_keys_description_length CHECK (length(description) BETWEEN 1 AND 500);
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
-- Which pepper secret_gate is under, so that a wrong one is noticed at once.
ALTER TABLE api_keys ADD COLUMN pepper_id TEXT
    CONSTRAINT api_keys_pepper_id_length CHECK (length(pepper_id) = 16);

-- Counts changes of keys, for whoever looks whether there were any: SQLite tells nobody. A use changes no key. The release
-- before gets this for nothing. (Postgres notifies, and needs no such table.)
CREATE TABLE _api_key_changes (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    changes INTEGER NOT NULL
) STRICT;

INSERT INTO _api_key_changes (id, changes) VALUES (1, 0);

CREATE TRIGGER api_keys_made AFTER INSERT ON api_keys BEGIN
    UPDATE _api_key_changes SET changes = changes + 1;
END;

CREATE TRIGGER api_keys_gone AFTER DELETE ON api_keys BEGIN
    UPDATE _api_key_changes SET changes = changes + 1;
END;

-- All columns but last_used_at.
CREATE TRIGGER api_keys_edited AFTER UPDATE OF
    id, user_id, name, description, permissions, return_origins, pepper_id, secret_gate, secret_hash, created_at, expires_at,
    revoked_at
ON api_keys BEGIN
    UPDATE _api_key_changes SET changes = changes + 1;
END;

-- What was done, by whom; and, minute by minute, what was denied. Rows are only ever added, until they are old or their
-- user is to be forgotten.
CREATE TABLE audit_log (
    -- AUTOINCREMENT: a number is never used again, even after the newest rows were deleted.
    sequence    INTEGER NOT NULL CONSTRAINT audit_log_pkey PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    -- Of an event: what was done.
    action      TEXT,
    actor       TEXT,
    user_id     TEXT,
    key_id      TEXT,
    provider    TEXT,
    mode        TEXT,
    customer_id TEXT,
    request_id  TEXT,
    source      TEXT,
    -- Of denials: why, and how many.
    cause       TEXT,
    count       INTEGER,
    CONSTRAINT audit_log_kind_known CHECK (kind IN ('event', 'denials')),
    CONSTRAINT audit_log_event_form CHECK ((kind = 'event') = (action IS NOT NULL AND actor IS NOT NULL)),
    CONSTRAINT audit_log_denials_form CHECK ((kind = 'denials') = (cause IS NOT NULL AND count IS NOT NULL)),
    CONSTRAINT audit_log_customer_form CHECK ((customer_id IS NULL) = (provider IS NULL OR mode IS NULL)),
    CONSTRAINT audit_log_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT audit_log_count_not_negative CHECK (count >= 0)
) STRICT;

CREATE INDEX audit_log_by_user ON audit_log (user_id, sequence);
CREATE INDEX audit_log_by_moment ON audit_log (at);
-- For forgetting a user, who may be the one whose attempts with a key were denied.
CREATE INDEX audit_log_denials_by_key ON audit_log (key_id) WHERE kind = 'denials';
