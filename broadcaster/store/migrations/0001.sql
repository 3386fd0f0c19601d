-- What Broadcaster remembers.  Times named *_at and due are Unix seconds; sent, release_at and
-- expires of an alert are ISO 8601 text with offset, exactly as published.

CREATE TABLE intake (
    id          INTEGER PRIMARY KEY,
    received    TEXT NOT NULL,
    origin      TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    raw         BLOB NOT NULL,
    outcome     TEXT NOT NULL DEFAULT 'received'
) STRICT;

CREATE TABLE alert (
    number      INTEGER PRIMARY KEY,
    identifier  TEXT NOT NULL UNIQUE,
    thread      TEXT NOT NULL,
    msg_type    TEXT NOT NULL,
    status      TEXT NOT NULL,
    severity    TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    sent        TEXT NOT NULL,
    release_at  TEXT NOT NULL,
    expires     TEXT,
    cap         BLOB NOT NULL,
    digest      TEXT NOT NULL,
    origin      TEXT NOT NULL,
    areas       TEXT NOT NULL,
    hazard      TEXT NOT NULL,
    officer     TEXT NOT NULL,
    held        INTEGER NOT NULL,
    draft       TEXT NOT NULL,
    repeat_every REAL,
    plan        TEXT NOT NULL,
    intake      INTEGER REFERENCES intake(id)
) STRICT;
CREATE INDEX alert_thread ON alert(thread, number);
CREATE UNIQUE INDEX alert_origin ON alert(origin) WHERE origin <> '';

-- Published bytes never change, and nothing that went out is ever forgotten.
CREATE TRIGGER alert_stays BEFORE DELETE ON alert
BEGIN SELECT RAISE(ABORT, 'an alert is never deleted'); END;
CREATE TRIGGER alert_fixed BEFORE UPDATE OF identifier, thread, msg_type, status, sent, cap, digest ON alert
BEGIN SELECT RAISE(ABORT, 'a committed alert never changes'); END;

CREATE TABLE rendition (
    alert       TEXT NOT NULL REFERENCES alert(identifier),
    channel     TEXT NOT NULL,
    language    TEXT NOT NULL,
    variant     TEXT NOT NULL,
    format      TEXT NOT NULL,
    shown       TEXT NOT NULL,
    text        TEXT NOT NULL,
    notes       TEXT NOT NULL,
    PRIMARY KEY (alert, channel, language, variant)
) STRICT, WITHOUT ROWID;

CREATE TABLE gap (
    alert       TEXT NOT NULL REFERENCES alert(identifier),
    channel     TEXT NOT NULL,
    language    TEXT NOT NULL,
    variant     TEXT NOT NULL,
    reason      TEXT NOT NULL
) STRICT;
CREATE INDEX gap_alert ON gap(alert);

-- A segment is up to 500 subscribers of one channel, language and variant.  Fan-out copies
-- segments, not subscribers: 600,000 people are 1,200 rows.
CREATE TABLE segment (
    id          INTEGER PRIMARY KEY,
    channel     TEXT NOT NULL,
    language    TEXT NOT NULL,
    variant     TEXT NOT NULL,
    size        INTEGER NOT NULL
) STRICT;
CREATE INDEX segment_kind ON segment(channel, language, variant, size);

CREATE TABLE subscriber (
    segment     INTEGER NOT NULL REFERENCES segment(id),
    position    INTEGER NOT NULL,
    channel     TEXT NOT NULL,
    tag         BLOB NOT NULL,
    address     BLOB NOT NULL,
    areas       TEXT NOT NULL,
    hazards     TEXT NOT NULL,
    minimum     INTEGER NOT NULL,
    since       TEXT NOT NULL,
    PRIMARY KEY (segment, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX subscriber_tag ON subscriber(channel, tag);

CREATE TABLE chunk (
    id          INTEGER PRIMARY KEY,
    alert       TEXT NOT NULL REFERENCES alert(identifier),
    thread      TEXT NOT NULL,
    channel     TEXT NOT NULL,
    round       INTEGER NOT NULL DEFAULT 0,
    segment     INTEGER REFERENCES segment(id),
    size        INTEGER NOT NULL,
    items       TEXT NOT NULL DEFAULT '',
    follows     INTEGER NOT NULL,
    priority    INTEGER NOT NULL,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    fence       INTEGER NOT NULL DEFAULT 0,
    owner       TEXT,
    lease_until REAL,
    due         REAL NOT NULL,
    expires_at  REAL,
    states      BLOB,
    reason      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX chunk_once ON chunk(alert, channel, round, ifnull(segment, 0));
CREATE INDEX chunk_ready ON chunk(channel, priority, id) WHERE state = 'ready';
CREATE INDEX chunk_leased ON chunk(thread, channel) WHERE state = 'leased';
CREATE INDEX chunk_thread ON chunk(thread, channel, segment);
CREATE INDEX chunk_alert ON chunk(alert);

-- Only what did not simply succeed gets a row of its own.
CREATE TABLE remark (
    chunk       INTEGER NOT NULL REFERENCES chunk(id),
    position    INTEGER NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    reference   TEXT NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (chunk, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    actor       TEXT NOT NULL,
    action      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    detail      TEXT NOT NULL,
    previous    TEXT NOT NULL,
    hash        TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
