"""Privacy: what is known of a contact handed out or forgotten, consent, how long things are kept, who sees phones."""
