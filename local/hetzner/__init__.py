"""The Hetzner Cloud API on this machine: stateful, asynchronous and as unpleasant as the real one."""
