"""RQ: who is woken for what. Jobs carry no work, only "look at lane 7": every piece of work is a committed row."""
