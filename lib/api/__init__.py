"""API Gateway REST APIs and their private integration."""
