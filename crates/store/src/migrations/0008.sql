-- Break-glass: the group that reviews it, and the entry of the review, NULL while there is none. One is owed from when it was
-- granted on, whatever became of it since, but that its approval was taken back.
ALTER TABLE requests ADD COLUMN reviewed_by TEXT;
ALTER TABLE requests ADD COLUMN review INTEGER;
CREATE INDEX requests_owed ON requests (owner, entry)
    WHERE reviewed_by IS NOT NULL AND review IS NULL AND not_before IS NOT NULL;

-- The certificates that came of break-glass, by their entries: whoever reviews it looks at them.
CREATE TABLE break_glass_certificates (
    request TEXT NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (request, entry)
) STRICT, WITHOUT ROWID;

-- Notices are about a request, or about an act: `entry 4711`.
ALTER TABLE notices RENAME COLUMN request TO subject;
