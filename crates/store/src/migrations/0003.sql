-- What receivers outside have still to be told of: a row for each event and receiver, so that each goes on by itself.
CREATE TABLE notices (
    receiver TEXT NOT NULL,
    request TEXT NOT NULL,
    version INTEGER NOT NULL,
    event TEXT NOT NULL,
    -- When the event happened.
    happened INTEGER NOT NULL,
    -- How often it was tried, and when it is tried next.
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (receiver, request, version, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_due ON notices (receiver, due);

-- When the end of a request's wait or window is near; NULL once that was told, and where nothing is to be told.
ALTER TABLE requests ADD COLUMN remind INTEGER;
CREATE INDEX requests_remind ON requests (remind) WHERE remind IS NOT NULL;
