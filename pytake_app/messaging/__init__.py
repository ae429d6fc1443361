"""The pipeline: ingest, lanes, outbox, delivery statuses, media."""
