"""Kubernetes of the local cloud: a real control plane as processes, nodes that follow the emulated EKS node groups."""
