"""Commands that complement Terraform: local deployment, checks, benchmarks."""
