"""The sandbox phone: plays WhatsApp without a Meta account, over the Cloud API's own webhooks and Graph calls."""
