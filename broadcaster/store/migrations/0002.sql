-- Numbers typed into the sign-up page, until their code is confirmed.  What was typed is erased
-- soon; the keyed tag stays for a day, to count what was sent to one number.  Times are Unix seconds.
CREATE TABLE signup (
    id          BLOB PRIMARY KEY,
    channel     TEXT NOT NULL,
    tag         BLOB NOT NULL,
    address     BLOB NOT NULL,
    code        BLOB NOT NULL,
    wish        TEXT NOT NULL,
    leaves      INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    used        INTEGER NOT NULL,
    sent        INTEGER NOT NULL,
    asked_at    REAL NOT NULL,
    expires_at  REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signup_tag ON signup(tag, asked_at);
CREATE INDEX signup_asked ON signup(asked_at);
CREATE INDEX signup_expires ON signup(expires_at) WHERE code <> x'';
