"""WhatsApp Cloud API: parsing, rendering, client, simulator."""
