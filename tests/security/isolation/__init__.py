"""The isolation matrix: what each kind of caller gets from every route, UI handler and socket event."""
