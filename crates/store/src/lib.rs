//! Named transactions over SQLite by one writer; the only SQL.
