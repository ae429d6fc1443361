"""The flow editor, `/flows/[flow_id]`."""
