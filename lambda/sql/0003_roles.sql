-- Roles that authenticate with IAM: the data processor inserts runs, readers query them. Roles belong
-- to the server and not to the database, so they may exist already.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tap_processor', 'tap_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
        -- A member of this role of RDS authenticates with an IAM token and with no password.
        EXECUTE format('GRANT rds_iam TO %I', name);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA results TO tap_processor, tap_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA results TO tap_processor, tap_reader;
GRANT INSERT ON results.runs, results.suites, results.cases TO tap_processor;
GRANT UPDATE (
    format, commit, branch, labels, started_at,
    cases, passed, failed, error, skipped, flaky, duration_seconds
) ON results.runs TO tap_processor;
