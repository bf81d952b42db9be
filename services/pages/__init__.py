"""What the gateway answers with itself: pages for hosts that nobody serves and for suspended tenants."""
