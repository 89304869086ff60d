"""The encryption key, IAM roles, the Region restriction and the web ACL."""
