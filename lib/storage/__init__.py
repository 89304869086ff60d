"""S3 buckets with secure defaults."""
