"""A Discord on localhost: REST, gateway, voice with DAVE, and a page."""
