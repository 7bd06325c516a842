-- What people may set of their account.

ALTER TABLE accounts
    ADD COLUMN locale text NOT NULL DEFAULT 'en',
    ADD COLUMN time_zone text,
    ADD COLUMN week_starts_on smallint NOT NULL DEFAULT 1;
