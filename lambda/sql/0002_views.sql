-- Views for common queries. Conditions on `day`, `commit` and `run_id` use the indexes.

CREATE VIEW results.pass_rate_by_suite_and_day AS
SELECT
    r.day,
    s.suite,
    count(DISTINCT r.id) AS runs,
    sum(s.cases) AS cases,
    sum(s.passed) AS passed,
    sum(s.failed + s.error) AS failed,
    sum(s.skipped) AS skipped,
    -- Skipped cases do not affect the rate.
    round(sum(s.passed)::numeric / nullif(sum(s.passed + s.failed + s.error), 0), 4) AS pass_rate
FROM results.runs r
JOIN results.suites s ON s.run_id = r.id
GROUP BY r.day, s.suite;

CREATE VIEW results.slowest_tests AS
SELECT
    r.day,
    c.suite,
    c.classname,
    c.name,
    count(*) AS times,
    avg(c.duration_seconds) AS mean_seconds,
    max(c.duration_seconds) AS max_seconds
FROM results.runs r
JOIN results.cases c ON c.run_id = r.id
WHERE c.duration_seconds IS NOT NULL AND c.outcome <> 'skipped'
GROUP BY r.day, c.suite, c.classname, c.name;

CREATE VIEW results.flaky_tests AS
SELECT
    r.commit,
    c.suite,
    c.classname,
    c.name,
    count(*) FILTER (WHERE c.outcome = 'passed') AS passed,
    count(*) FILTER (WHERE c.outcome IN ('failed', 'error')) AS failed,
    -- A case that passed after a rerun had both outcomes within one run.
    count(*) FILTER (WHERE c.outcome = 'passed' AND c.reruns > 0) AS passed_after_rerun,
    max(r.day) AS last_day
FROM results.runs r
JOIN results.cases c ON c.run_id = r.id
WHERE r.commit IS NOT NULL
GROUP BY r.commit, c.suite, c.classname, c.name
HAVING
    count(*) FILTER (WHERE c.outcome = 'passed') > 0
    AND count(*) FILTER (
        WHERE c.outcome IN ('failed', 'error') OR (c.outcome = 'passed' AND c.reruns > 0)
    ) > 0;

CREATE VIEW results.new_failures AS
SELECT
    r.id AS run_id,
    r.day,
    r.branch,
    r.commit,
    c.suite,
    c.classname,
    c.name,
    c.outcome,
    c.message,
    last.commit AS last_passed_commit
FROM results.runs r
JOIN results.cases c ON c.run_id = r.id
-- The last earlier run on the same branch in which the test was not skipped.
LEFT JOIN LATERAL (
    SELECT earlier.id, earlier.commit, bool_or(p.outcome IN ('failed', 'error')) AS failing
    FROM results.cases p
    JOIN results.runs earlier ON earlier.id = p.run_id
    WHERE p.test_hash = c.test_hash
        AND (p.suite, p.classname, p.name) = (c.suite, c.classname, c.name)
        AND p.outcome <> 'skipped'
        AND earlier.branch IS NOT DISTINCT FROM r.branch
        AND (earlier.started_at, earlier.id) < (r.started_at, r.id)
    GROUP BY earlier.id
    ORDER BY earlier.started_at DESC, earlier.id DESC
    LIMIT 1
) last ON true
WHERE c.outcome IN ('failed', 'error') AND last.failing IS NOT TRUE;
