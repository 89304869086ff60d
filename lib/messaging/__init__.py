"""SQS queues with dead-letter queues."""
