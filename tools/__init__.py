"""What people run beside Terraform: local deployment, checks, benchmarks."""
