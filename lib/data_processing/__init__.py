"""The data bucket, its queue and the function that processes test results."""
