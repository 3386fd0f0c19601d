-- Under these ids a far side reports later on what it took: one row per part of a delivery.
-- A row goes with the part's last receipt, or when the alert ended so long ago that none can come.
CREATE TABLE part (
    chunk       INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    of          INTEGER NOT NULL,
    channel     TEXT NOT NULL,
    reference   TEXT NOT NULL,
    state       INTEGER NOT NULL,
    PRIMARY KEY (chunk, position, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX part_reference ON part(channel, reference);

-- Receipts that came before the outcome they belong to was committed.
CREATE TABLE early (
    channel     TEXT NOT NULL,
    reference   TEXT NOT NULL,
    state       INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (channel, reference, state)
) STRICT, WITHOUT ROWID;

-- Receipts that changed nothing: `repeated`, or `unknown` (nothing of ours, or decided long ago).
CREATE TABLE tally (
    channel     TEXT NOT NULL,
    kind        TEXT NOT NULL,
    n           INTEGER NOT NULL,
    PRIMARY KEY (channel, kind)
) STRICT, WITHOUT ROWID;

-- More languages in order, for a warning that has no text in the first, and rest at night.
ALTER TABLE segment ADD COLUMN fallback TEXT NOT NULL DEFAULT '';
ALTER TABLE segment ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0;
DROP INDEX segment_kind;
CREATE INDEX segment_kind ON segment(channel, language, variant, fallback, quiet, size);

-- Subscribers whom a round of an alert left out on purpose; counted, not named.
CREATE TABLE left_out (
    alert       TEXT NOT NULL REFERENCES alert(identifier),
    channel     TEXT NOT NULL,
    round       INTEGER NOT NULL,
    language    TEXT NOT NULL,
    variant     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    people      INTEGER NOT NULL,
    PRIMARY KEY (alert, channel, round, language, variant, reason)
) STRICT, WITHOUT ROWID;
