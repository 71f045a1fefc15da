-- Each time that a bundle was put in force, and how.
CREATE TABLE loads (
    entry INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    origin TEXT NOT NULL,
    -- Who pushed it or rolled back to it; NULL for files of the server's own.
    user TEXT
) STRICT;
INSERT INTO loads (entry, digest, origin) SELECT entry, digest, 'files' FROM bundles;

-- What is in force beside the bundle, by the acts that said so.
CREATE TABLE amendments (
    entry INTEGER PRIMARY KEY,
    verb TEXT NOT NULL,
    target TEXT NOT NULL
) STRICT;

-- The entry of the bundle in force, and that of the last change to what is in force: it, or an amendment of it.
ALTER TABLE head ADD COLUMN bundle_entry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN in_force INTEGER NOT NULL DEFAULT 0;
UPDATE head SET bundle_entry = coalesce((SELECT entry FROM bundles WHERE digest = head.bundle), 0);
UPDATE head SET in_force = bundle_entry;
