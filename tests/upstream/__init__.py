"""A stand-in for app_pages, to see the service work and to test it, and an upstream that does everything wrong."""
