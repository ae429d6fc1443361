"""WhatsApp numbers: connecting, checking, pausing."""
