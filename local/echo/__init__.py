"""The sandbox's pods: kwok says that they run, this package answers for them.

Traefik dials a pod by its address in the cluster's network, which this machine doesn't have. Its connections go through
a SOCKS5 proxy (``HTTP_PROXY``), and the proxy is where the pods are: it looks up which pod has the address and answers
as that pod does. Routes, Services and EndpointSlices stay as they are in any cluster.
"""
