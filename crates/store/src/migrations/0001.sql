-- Where the ledger ends, and what is in force: one row.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    frontier BLOB NOT NULL,
    -- The highest time of an entry.
    time INTEGER NOT NULL,
    -- Statements of this time and earlier are no longer remembered, and therefore refused.
    forgotten INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    -- Why issuing stands still; NULL while it goes on.
    halted TEXT,
    halted_at INTEGER,
    bundle BLOB
) STRICT;

-- `content` is the salted hash that the envelope holds; salt and payload can be absent once pruning exists.
CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    time INTEGER NOT NULL,
    content BLOB NOT NULL,
    salt BLOB,
    payload BLOB
) STRICT;

CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;

-- The replay state: hashes of statements, and the entries that each wrote. The time is part of what is hashed, so the
-- pair is as unique as the hash; with the time in front, what is written together lies together, and the oldest first.
CREATE TABLE statements (
    time INTEGER NOT NULL,
    hash BLOB NOT NULL,
    entry INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (time, hash)
) STRICT, WITHOUT ROWID;

-- A bundle's files by digest: what did not change between two bundles is kept once.
CREATE TABLE files (
    digest BLOB PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;
CREATE TABLE bundles (
    digest BLOB PRIMARY KEY,
    entry INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires);

-- Texts and signatures are in the entries; here is what changes, and what is searched for.
CREATE TABLE requests (
    entry INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    requester TEXT NOT NULL,
    owner TEXT NOT NULL,
    expires INTEGER NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    not_before INTEGER,
    not_after INTEGER,
    uses INTEGER NOT NULL
) STRICT;
CREATE INDEX requests_by_requester ON requests (requester, entry);
CREATE INDEX requests_pending ON requests (requester) WHERE state = 'pending';
CREATE INDEX requests_due ON requests (expires) WHERE state = 'pending';

CREATE TABLE decisions (
    request TEXT NOT NULL,
    entry INTEGER NOT NULL,
    approver TEXT NOT NULL,
    owner TEXT NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (request, entry)
) STRICT, WITHOUT ROWID;
