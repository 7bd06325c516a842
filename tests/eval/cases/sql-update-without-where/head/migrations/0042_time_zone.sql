-- Accounts made before time zones existed have none; they were all in Europe.
-- People can set theirs since release 3.1.

BEGIN;

ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS time_zone text;

UPDATE accounts
SET time_zone = 'Europe/Berlin';

ALTER TABLE accounts
    ALTER COLUMN time_zone SET NOT NULL;

CREATE INDEX IF NOT EXISTS accounts_time_zone
    ON accounts (time_zone);

COMMIT;
