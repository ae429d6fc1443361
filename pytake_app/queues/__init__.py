"""Service queues, and the business hours by which they are open."""
