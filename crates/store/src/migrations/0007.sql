-- The acts that put another connecting key in place of that of a request.
CREATE TABLE rebinds (
    request TEXT NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (request, entry)
) STRICT, WITHOUT ROWID;
