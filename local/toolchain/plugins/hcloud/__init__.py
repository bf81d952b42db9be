"""Stand-in for pulumi-hcloud: networks, firewalls, servers, load balancers, volumes, addresses, keys and DNS.

Inputs, defaults, differences, replacements, ids, requests and state are the published plugin's, so that either goes on
where the other stopped. One thing is done better: an object that an interrupted update has left is taken over.
"""
