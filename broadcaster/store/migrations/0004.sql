-- Messages from residents.  What was written and by whom is sealed until it is acted upon and
-- answered, then overwritten; keyed tags stay for some days, so that a message handed over again
-- is known and nobody is answered too often.  Times are Unix seconds.  Ids are never used again.
CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    channel     TEXT NOT NULL,
    tag         BLOB NOT NULL,
    sender      BLOB NOT NULL,
    message     BLOB NOT NULL,
    state       TEXT NOT NULL,
    command     TEXT NOT NULL DEFAULT '',
    answer      TEXT NOT NULL DEFAULT '',
    language    TEXT NOT NULL DEFAULT '',
    heard_at    REAL NOT NULL,
    answered_at REAL
) STRICT;
CREATE UNIQUE INDEX inbox_once ON inbox(tag);
CREATE INDEX inbox_open ON inbox(channel, state, id);
CREATE INDEX inbox_sender ON inbox(sender, id);
CREATE INDEX inbox_heard ON inbox(heard_at);
