-- Your own table, with a version that every change raises.
CREATE TABLE IF NOT EXISTS contact (
    id         TEXT PRIMARY KEY,
    email      TEXT,
    first_name TEXT,
    version    INTEGER NOT NULL
);

-- Versions outlive the rows: a record that is deleted and made again goes on where it was.
CREATE TABLE IF NOT EXISTS version (
    record_type TEXT NOT NULL,
    record_id   TEXT NOT NULL,
    value       INTEGER NOT NULL,
    PRIMARY KEY (record_type, record_id)
);

-- Raised by hand after a restore: added to every version from then on.
CREATE TABLE IF NOT EXISTS epoch (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    floor INTEGER NOT NULL
);
INSERT OR IGNORE INTO epoch VALUES (1, 0);

-- What is to be sent, in the order in which it was committed.
CREATE TABLE IF NOT EXISTS outbox (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    record_type TEXT NOT NULL,
    record_id   TEXT NOT NULL,
    version     INTEGER NOT NULL,
    event       TEXT NOT NULL
);
