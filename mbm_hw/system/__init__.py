"""Files, processes, packages and the user's code: services that know of no multiplier."""
