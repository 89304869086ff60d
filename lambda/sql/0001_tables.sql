-- Runs with their suites and cases. A run is the report in one version of an object.

CREATE TYPE results.outcome AS ENUM ('passed', 'failed', 'error', 'skipped');

CREATE TABLE results.runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket text NOT NULL,
    object_key text NOT NULL,
    object_version text NOT NULL,
    format text,
    commit text,
    branch text,
    labels jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    day date NOT NULL GENERATED ALWAYS AS ((started_at AT TIME ZONE 'UTC')::date) STORED,
    stored_at timestamptz NOT NULL DEFAULT now(),
    cases integer NOT NULL DEFAULT 0,
    passed integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    error integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    flaky integer NOT NULL DEFAULT 0,
    duration_seconds double precision NOT NULL DEFAULT 0,
    -- Prevents duplicate rows if an object is processed repeatedly or concurrently.
    CONSTRAINT one_run_a_version UNIQUE (bucket, object_key, object_version)
);

CREATE TABLE results.suites (
    run_id bigint NOT NULL REFERENCES results.runs ON DELETE CASCADE,
    position integer NOT NULL,
    suite text NOT NULL,
    cases integer NOT NULL,
    passed integer NOT NULL,
    failed integer NOT NULL,
    error integer NOT NULL,
    skipped integer NOT NULL,
    flaky integer NOT NULL,
    duration_seconds double precision NOT NULL,
    PRIMARY KEY (run_id, position)
);

CREATE TABLE results.cases (
    -- References results.runs without a constraint, whose check would halve the insert rate. A run
    -- and its cases are inserted in one transaction.
    run_id bigint NOT NULL,
    position integer NOT NULL,
    outcome results.outcome NOT NULL,
    reruns integer NOT NULL,
    duration_seconds double precision,
    -- Names may exceed the maximum size of an index entry, so the index contains a hash. A query
    -- that compares hashes must compare the names, too.
    test_hash bigint NOT NULL GENERATED ALWAYS AS (
        hashtextextended(name, hashtextextended(classname, hashtextextended(suite, 0)))
    ) STORED,
    suite text NOT NULL,
    classname text NOT NULL,
    name text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (run_id, position)
);

CREATE INDEX runs_by_day ON results.runs (day);
CREATE INDEX runs_by_commit ON results.runs (commit) WHERE commit IS NOT NULL;
CREATE INDEX cases_by_test ON results.cases (test_hash, run_id);
CREATE INDEX failures_by_run ON results.cases (run_id) WHERE outcome IN ('failed', 'error');
