"""Forward authentication and the identity API; README.md beside this file is the contract with the gateway."""
