-- What is stopped until it is lifted. Whoever lifted it is in the ledger: a row that is gone is over.
CREATE TABLE stops (
    entry INTEGER PRIMARY KEY,
    target TEXT NOT NULL UNIQUE,
    -- Of a plain host, its realm: its certificates open every host of it.
    realm TEXT,
    -- Who stopped it, and the person behind.
    user TEXT NOT NULL,
    owner TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    -- When it ends by itself; NULL while only lifting ends it.
    until INTEGER
) STRICT;
-- Who has said that a stop may end, by the entry of the act.
CREATE TABLE lifts (
    stop INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (stop, entry)
) STRICT, WITHOUT ROWID;

-- Certificates that were revoked while they were valid, by the CA that signed them, until an hour after their end.
CREATE TABLE revoked (
    serial INTEGER PRIMARY KEY,
    ca BLOB NOT NULL,
    until INTEGER NOT NULL
) STRICT;

-- How often the list of revoked certificates changed, and the longest that a certificate was ever valid for from its entry on.
ALTER TABLE head ADD COLUMN revocations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN longest INTEGER NOT NULL DEFAULT 0;
-- What earlier versions issued is not known here: nothing is valid for longer than a window can be, 366 days.
UPDATE head SET longest = 31622400;
CREATE INDEX requests_granted ON requests (not_after) WHERE state = 'approved';
